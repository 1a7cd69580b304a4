"""Models as people have them, opened for explaining: Keras, SavedModels, frozen graphs, checkpoints, functions."""

import os
from typing import Any, Callable, Optional, Sequence, Tuple

from ...arguments import as_names, text_of
from ...errors import ArgumentError, ArgumentTypeError, DeepExplainError, ModelError
from ..compat import keras_of, tf
from .function import open_function
from .graph_file import open_frozen_graph, open_meta_graph
from .keras import open_keras_file, open_keras_model
from .opened import OF_CHECKPOINTS, OpenModel
from .saved_model import open_saved_model

__all__ = ['OpenModel', 'open_model']

#: The longest text of another library's error in a message.
MOST_SAID = 500


def open_model(
    source: Any,
    inputs: Optional[Sequence[Any]] = None,
    outputs: Optional[Sequence[str]] = None,
    signature: Optional[str] = None,
    tags: Optional[Sequence[str]] = None,
    checkpoint: Optional[str] = None,
    allow_ops: Optional[Sequence[str]] = None,
    config: Any = None,
    class_names: Optional[Sequence[str]] = None,
    **load_options: Any,
) -> OpenModel:
    """Open a model for explaining: its graph, with the weights, in a session of its own.

    Where the source can still compute, its outputs for a made-up sample are compared with those of the
    session, and a difference is an error. Eager execution may be on or off; nothing is switched.

    Parameters
    ----------
    source : str or path, Keras model, or function
        - a file ``.keras``, ``.h5`` or ``.hdf5`` (Keras 2 or 3, in whatever version wrote it),
        - the directory of a SavedModel of TensorFlow 1 or 2,
        - a frozen graph ``.pb``, or a ``.meta`` with its checkpoint,
        - a Keras 3 or tf-keras model; one whose layers are in a graph already is explained there, in its session,
        - a Python function of tensors; variables that it uses are frozen.
    inputs : list, optional
        What ``.inputs`` shall be. For a Keras model, a TensorFlow 2 SavedModel and a function, ``tf.TensorSpec``:
        a function needs them, and elsewhere they fix dimensions that the model leaves open. For the other
        sources names of tensors; default: those of the signature, or every placeholder with an axis of samples.
    outputs : list of str, optional
        Names of the tensors that ``.outputs`` shall be. Default: what the model returns; without a signature,
        the float tensors at the ends of the graph.
    signature : str, optional
        Of a SavedModel. Default: 'serving_default', or the only one.
    tags : list of str, optional
        Of a SavedModel that holds several graphs.
    checkpoint : str, optional
        Of a ``.meta``. Default: the path without ``.meta``. In a directory, the latest.
    allow_ops : list of str, optional
        Of a SavedModel, ``.pb`` or ``.meta``: types of ops that may touch files, run Python or talk to other processes,
        such as ``['ReadFile']``. Default: none, and a file with such ops is refused before any of it runs.
    config : tf.compat.v1.ConfigProto, optional
        Options of the session, such as ``tf.compat.v1.ConfigProto(allow_soft_placement=True)``. Not for a Keras model
        that is in a graph already. How many threads an op may take, the first session of a process decides.
    class_names : list of str, optional
        One for each output of a sample, such as ``['cat', 'dog']``: names that ``target`` may be.
    **load_options
        Of a Keras file, for Keras' own ``load_model``: ``custom_objects``, and ``safe_mode``, by
        default True: a file that holds code, or names code or files elsewhere, is refused before it is loaded.

    Returns
    -------
    OpenModel
        With ``.explain``, ``.get_explainer``, ``.predict``, ``.graph``, ``.session``, ``.inputs``, ``.outputs``,
        ``.logits`` and ``.tensor(name)``; leaving its ``with`` block closes the session.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        The source is of no known kind, or lacks something; the message says what.
    ModelError
        The file would run code or touch other files, or is far larger unpacked than it looks. Or the model was read,
        but cannot be opened or does not compute what its source does.

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import open_model
    >>> def network(x):
    ...     return tf.nn.softmax(tf.matmul(x, [[1., -1.], [2., 0.]]))
    >>> with open_model(network, inputs=[tf.TensorSpec([None, 2], tf.float32)]) as m:
    ...     print(m.explain('deeplift', [[1, 2]], target='top').values.tolist())
    [[1.0, 4.0]]
    """
    source = os.fsdecode(source) if isinstance(source, bytes) else source
    opener, options = _opener(source)
    given = {'inputs': inputs, 'outputs': outputs, 'signature': signature, 'tags': tags, 'checkpoint': checkpoint}
    given['config'] = None if config is None else _as_config(config)
    given['allow_ops'] = None if allow_ops is None else as_names(allow_ops, 'allow_ops')
    given = {name: value for name, value in given.items() if value is not None}
    given.update(load_options)
    unknown = sorted(set(given) - set(options)) if options is not None else []
    if options is not None and unknown:
        raise ArgumentTypeError(
            f'open_model: {", ".join(map(repr, unknown))} does not apply to {_described(source)}; '
            f'it takes {", ".join(options)}.'
        )
    names = None if class_names is None else as_names(class_names, 'class_names')
    try:
        opened = opener(source, **given)
        opened._facts.class_names = names
        opened.source = os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else _described(source)
        return opened
    except DeepExplainError:
        raise
    except Exception as error:
        if opener in (open_keras_model, open_function):
            raise  # of the user's own code
        # What reads HDF5, zip files, protobufs and checkpoints has errors of every type for a file that is damaged.
        said = ' '.join(str(error).split())[:MOST_SAID] or 'no reason is given'
        raise ModelError(
            f'{_described(source)} cannot be read as a model, perhaps because it is damaged: '
            f'{type(error).__name__}: {said}'
        ) from error


def _opener(source: Any) -> Tuple[Callable[..., OpenModel], Optional[Tuple[str, ...]]]:
    """The function that opens such a source, and the names of its options (None: any)."""
    if keras_of(source) is not None:
        return open_keras_model, ('inputs', 'outputs', 'config')
    if callable(source):
        return open_function, ('inputs', 'outputs', 'config')
    try:
        path = os.fsdecode(source)
    except Exception:  # whatever the __fspath__ of an object raises
        raise ArgumentTypeError(
            f'source must be a path, a Keras model or a function; got {type(source).__name__}. An object loaded by '
            "tf.saved_model.load: give the path of its directory, or one of its functions with 'inputs'."
        ) from None
    if not os.path.exists(path):
        checkpoint = os.path.exists(path + '.index')
        raise ArgumentError(f"There is no file or directory '{path}'. {OF_CHECKPOINTS if checkpoint else ''}".strip())
    if os.path.isdir(path) or os.path.basename(path) in ('saved_model.pb', 'saved_model.pbtxt'):
        return open_saved_model, ('inputs', 'outputs', 'signature', 'tags', 'allow_ops', 'config')
    if path.lower().endswith(('.keras', '.h5', '.hdf5')):
        return open_keras_file, None
    if path.lower().endswith('.pb'):
        return open_frozen_graph, ('inputs', 'outputs', 'allow_ops', 'config')
    if path.lower().endswith('.meta'):  # the whole name, perhaps: the one of a checkpoint without a prefix
        return open_meta_graph, ('inputs', 'outputs', 'checkpoint', 'allow_ops', 'config')
    raise ArgumentError(
        f"'{path}' is not known as a model: open_model reads .keras, .h5, .hdf5, .pb and .meta files and the "
        f'directories of SavedModels. {OF_CHECKPOINTS}'
    )


def _as_config(config: Any) -> Any:
    if not isinstance(config, tf.ConfigProto):
        raise ArgumentTypeError(f'config must be a tf.compat.v1.ConfigProto; got {text_of(config)}.')
    return config


def _described(source: object) -> str:
    return f"'{source}'" if isinstance(source, (str, os.PathLike)) else f'a {type(source).__name__}'

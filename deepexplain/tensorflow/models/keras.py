"""Keras models, of Keras 2 and 3: live ones, and files."""

import json
import os
import sys
import zipfile
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np

from ...errors import ArgumentError, ArgumentTypeError, ModelError
from ...types import Array
from ..compat import (
    TENSORFLOW_2,
    Tensor,
    eagerly,
    is_graph_tensor,
    keras_backend,
    keras_of,
    keras_session,
    keras_version,
    tf,
    with_keras,
)
from .opened import OpenModel, new_session
from .traced import as_specs, open_traced


def open_keras_model(model: Any, inputs: Any = None, outputs: Any = None, source: Any = None) -> OpenModel:
    """Open a live model. One whose inputs are tensors of a graph is explained there, in Keras' session."""
    source = source or f"The {type(model).__name__} '{model.name}'"
    if _is_in_graph(model):
        return _open_in_graph(model, inputs, outputs, source)
    if not TENSORFLOW_2:
        raise ModelError(f'{source} runs eagerly, which open_model does not support on TensorFlow 1: open its file.')
    _check_backend(keras_of(model))
    _check_that_weights_are_there(model, source)
    _check_that_nothing_is_kept(model, source)
    structure, specs = _signature(model, inputs, source)

    def call(*tensors: Tensor) -> Any:
        return model(tf.nest.pack_sequence_as(structure, tensors), training=False)

    with eagerly():
        return open_traced(call, specs, outputs, source)


def open_keras_file(path: Any, inputs: Any = None, outputs: Any = None, **load_options: Any) -> OpenModel:
    """Open a ``.keras``, ``.h5`` or ``.hdf5`` file with the Keras that wrote it, or one that can read it."""
    path = os.fspath(path)
    version = _version_of_archive(path) if zipfile.is_zipfile(path) else _version_of_h5(path)
    if not TENSORFLOW_2:
        return _open_file_in_graph(path, version, inputs, outputs, load_options)
    try:
        keras = with_keras(int(version.split('.')[0]))
    except ImportError as error:
        raise ModelError(f"Keras {version}, which wrote '{path}', cannot be imported (a backend?): {error}") from error
    if keras is None:
        raise ModelError(
            f"'{path}' was written by Keras {version}, and there is no Keras here that reads it: "
            + ('pip install keras.' if version.startswith('3') else 'pip install tf-keras.')
        )
    _check_backend(keras)
    with eagerly():  # with eager execution disabled, Keras 3 would leave random weights, without a word
        try:
            model = keras.models.load_model(path, compile=False, **load_options)
        except Exception as error:
            raise ModelError(
                f"Keras {keras_version(keras)} cannot load '{path}' (written by Keras {version}): "
                f'{type(error).__name__}: {error} (open_model takes custom_objects and safe_mode, too.)'
                + _of_bytecode(path)
            ) from error
        _check_that_weights_are_from(path, model)
        return open_keras_model(model, inputs, outputs, f"'{path}'")


def _check_backend(keras: Any) -> None:
    if keras_backend(keras) != 'tensorflow':
        raise ModelError(
            f"Keras runs on '{keras_backend(keras)}' here: set the environment variable KERAS_BACKEND=tensorflow "
            'before it is first imported.'
        )


def _is_in_graph(model: Any) -> bool:
    return bool(getattr(model, 'inputs', None)) and all(is_graph_tensor(x) for x in model.inputs)


def _open_in_graph(model: Any, inputs: Any, outputs: Any, source: str) -> OpenModel:
    if inputs is not None:
        raise ArgumentTypeError(f'{source} is in a graph, where its inputs are {model.inputs}: leave inputs out.')
    session = keras_session(model)
    return OpenModel(session, model.inputs, outputs or tf.nest.flatten(model.outputs), _keys(model), owns_session=False)


def _keys(model: Any) -> Dict[str, str]:
    """The names that a model in a graph has for its in- and outputs -> names of tensors."""
    names = getattr(model, 'output_names', []) + getattr(model, 'input_names', [])
    keys = {
        name: tensor.name for name, tensor in zip(names, tf.nest.flatten(model.outputs) + tf.nest.flatten(model.inputs))
    }
    output = getattr(model, 'output', None)
    if isinstance(output, dict):
        keys.update({key: tensor.name for key, tensor in output.items()})
    return keys


def _open_file_in_graph(path: Any, version: str, inputs: Any, outputs: Any, load_options: Dict[str, Any]) -> OpenModel:
    """The same on TensorFlow 1, where Keras builds its layers in a graph."""
    if zipfile.is_zipfile(path):
        raise ModelError(
            f"'{path}' was written by Keras {version}: .keras files need TensorFlow 2 (here: {tf.__version__})."
        )
    if inputs is not None:
        raise ArgumentTypeError('inputs of a Keras file cannot be changed on TensorFlow 1: leave them out.')
    failure = f"Keras {tf.keras.__version__} cannot load '{path}' (written by Keras {version})"
    with new_session(failure, _of_bytecode(path)) as session, session.as_default():
        tf.keras.backend.set_learning_phase(0)  # for this graph
        model = tf.keras.models.load_model(path, compile=False, **load_options)
        return OpenModel(session, model.inputs, outputs or tf.nest.flatten(model.outputs), _keys(model))


def _signature(model: Any, inputs: Any, source: str) -> Tuple[Any, List[Any]]:
    """How the model takes its inputs, as a structure, and a TensorSpec for each of them."""
    own = getattr(model, 'inputs', None)
    if inputs is None and not own:
        raise ArgumentTypeError(
            f'{source} does not say what it takes (a subclassed model): give inputs, such as '
            'inputs=[tf.TensorSpec([None, 28, 28, 1], tf.float32)].'
        )
    if not own:
        specs = as_specs(inputs)
        return (specs[0] if len(specs) == 1 else inputs), specs
    # A dict, a list or one tensor, as the model is called with; Keras 3 keeps that to itself.
    functional = getattr(model, '_functional', None) or model
    structure = getattr(functional, '_inputs_struct', None)
    structure = getattr(model, 'input', own) if structure is None else structure
    own = tf.nest.flatten(structure)
    if inputs is not None:
        return structure, as_specs(inputs, count=len(own))
    return structure, [tf.TensorSpec(tuple(x.shape), x.dtype, x.name.split(':')[0]) for x in own]


def _check_that_weights_are_there(model: Any, source: str) -> None:
    """Raise where a model was built with eager execution disabled, in which Keras 3 leaves random weights."""
    for variable in getattr(model, 'variables', []):
        value = getattr(variable, 'value', None)
        if hasattr(value, 'graph') and not callable(value):
            raise ModelError(
                f'{source} is a Keras 3 model that was built while eager execution was disabled, where its weights are '
                'random whatever was loaded. Give open_model its file, or use tf-keras.'
            )


def _check_that_nothing_is_kept(model: Any, source: str) -> None:
    """Raise where an RNN layer goes on from the state that the last call left in it."""
    for layer in getattr(model, 'layers', []):
        _check_that_nothing_is_kept(layer, source)  # the innermost first: a model says stateful of any layer
        if getattr(layer, 'stateful', False) and hasattr(layer, 'return_sequences'):
            raise ModelError(
                f"{source}: layer '{layer.name}' is stateful, so its output depends on what was run before. Build it "
                'with stateful=False, and take over the weights: new.set_weights(old.get_weights()).'
            )


def _check_that_weights_are_from(path: Any, model: Any) -> None:
    """Raise if none of the model's weights is in the file."""
    weights = [np.asarray(weight) for weight in model.get_weights()]
    # Not those of zeros or ones; nor vocabularies, which Keras 2 counts among the weights but keeps elsewhere in the
    # file, as strings or integers. V: bfloat16.
    weights = [weight for weight in weights if weight.dtype.kind in 'fcV' and weight.size and np.ptp(weight)]
    stored = set()
    with _weights_in(path) as file:
        file.visititems(lambda _, item: stored.add(_content(item[()])) if hasattr(item, 'dtype') else None)
    if weights and not any(_content(weight) in stored for weight in weights):
        raise ModelError(f"Keras loaded '{path}', but none of the model's {len(weights)} weights is from that file.")


def _content(array: Array) -> Tuple[Any, ...]:
    array = np.asarray(array)
    return array.shape, hash(array.tobytes())  # not the dtype: HDF5 has no bfloat16


def _weights_in(path: Any) -> Any:
    import h5py

    if not zipfile.is_zipfile(path):  # a .keras file may be HDF5, too: one of Keras before 2.12
        return h5py.File(path, 'r')
    archive = zipfile.ZipFile(path)
    return h5py.File(archive.open('model.weights.h5'), 'r')


def _of_bytecode(path: Any) -> str:
    """Which layers of a file hold Python bytecode, and what to do where this Python cannot read it; '' if none do."""
    try:
        names = sorted(set(_layers_of_bytecode(json.loads(_config_of(path)))))
    except Exception:  # a file that is broken in another way, too: that says its own error
        return ''
    if not names:
        return ''
    python = '.'.join(map(str, sys.version_info[:2]))
    return (
        f' Its Lambda layers ({", ".join(map(repr, names))}) hold Python bytecode, which only the version of Python '
        f'that wrote them can read (here: {python}): open the file with that version; or '
        f"build the model in code, model.load_weights('{path}'), and give that model to open_model."
    )


def _config_of(path: Any) -> Any:
    """The JSON that describes the layers of a file."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return archive.read('config.json').decode()
    import h5py

    with h5py.File(path, 'r') as file:
        config = file.attrs['model_config']
    return config.decode() if isinstance(config, bytes) else config


def _layers_of_bytecode(config: Any) -> Iterator[str]:
    """Names of the Lambda layers in a configuration whose function is bytecode, and not the name of one."""
    if isinstance(config, list):
        for entry in config:
            yield from _layers_of_bytecode(entry)
    elif isinstance(config, dict):
        own = config.get('config')
        own = own if config.get('class_name') == 'Lambda' and isinstance(own, dict) else {}
        function = own.get('function')
        if isinstance(function, list) or (isinstance(function, dict) and function.get('class_name') == '__lambda__'):
            yield own.get('name', 'lambda')
        for entry in config.values():
            yield from _layers_of_bytecode(entry)


def _version_of_archive(path: Any) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read('metadata.json').decode())['keras_version']
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ArgumentError(f"'{path}' is not a .keras file of Keras: {error}") from None


def _version_of_h5(path: Any) -> str:
    import h5py  # Keras depends on it

    try:
        with h5py.File(path, 'r') as file:
            attributes = dict(file.attrs)
    except OSError as error:
        raise ArgumentError(f"'{path}' is not a file of Keras (neither a .keras archive nor HDF5): {error}") from None
    if 'model_config' not in attributes:
        raise ModelError(
            f"'{path}' holds weights, but not the model they belong to (it was written by save_weights?). Build the "
            f"model, model.load_weights('{path}'), and give that model to open_model."
        )
    version = attributes.get('keras_version', '2')
    return version.decode() if isinstance(version, bytes) else str(version)

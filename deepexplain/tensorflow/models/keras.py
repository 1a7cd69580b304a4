"""Keras models, of Keras 2 and 3: live ones, and files."""

import functools
import os
import sys
import zipfile
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...arguments import as_flag, as_mapping
from ...errors import ArgumentTypeError, ModelError
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
    registered_in,
    tf,
    with_keras,
)
from .effects import FileGraph, check_effects
from .keras_code import BYTE_CODE, check_configuration, programs
from .keras_files import check_sizes, configurations, version_of, weights_in
from .opened import OpenModel, new_session
from .traced import as_specs, open_traced


def open_keras_model(
    model: Any,
    inputs: Any = None,
    outputs: Any = None,
    source: Any = None,
    check: Optional[Callable[[Any], None]] = None,
    config: Any = None,
) -> OpenModel:
    """Open a live model. One whose inputs are tensors of a graph is explained there, in Keras' session.

    ``check`` raises for a GraphDef that must not be run.
    """
    source = source or f"The {type(model).__name__} '{model.name}'"
    if _is_in_graph(model):
        return _open_in_graph(model, inputs, outputs, source, config)
    if not TENSORFLOW_2:
        raise ModelError(f'{source} runs eagerly, which open_model does not support on TensorFlow 1: open its file.')
    _check_backend(keras_of(model))
    _check_that_weights_are_there(model, source)
    _check_that_nothing_is_kept(model, source)
    structure, specs = _signature(model, inputs, source)

    def call(*tensors: Tensor) -> Any:
        return model(tf.nest.pack_sequence_as(structure, tensors), training=False)

    with eagerly():
        return open_traced(call, specs, outputs, source, check=check, config=config)


def open_keras_file(
    path: Any, inputs: Any = None, outputs: Any = None, config: Any = None, **load_options: Any
) -> OpenModel:
    """Open a ``.keras``, ``.h5`` or ``.hdf5`` file with the Keras that wrote it, or one that can read it."""
    path = os.fspath(path)
    check_sizes(path)
    version, configs = version_of(path), configurations(path)
    given = load_options.get('custom_objects')
    custom_objects = {} if given is None else as_mapping(given, 'custom_objects')
    if not TENSORFLOW_2:
        if as_flag(load_options.pop('safe_mode', True), 'safe_mode'):
            for described in configs:
                check_configuration(described, path, custom_objects.__contains__)
        return _open_file_in_graph(path, version, configs, inputs, outputs, load_options, config)
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
    check = None
    if as_flag(load_options.get('safe_mode', True), 'safe_mode'):
        check = functools.partial(_check_graph, path=path)
        known = registered_in(keras, custom_objects)
        for described in configs:
            check_configuration(described, path, known)
    with eagerly():  # with eager execution disabled, Keras 3 would leave random weights, without a word
        try:
            model = keras.models.load_model(path, compile=False, **load_options)
        except Exception as error:
            raise ModelError(
                f"Keras {keras_version(keras)} cannot load '{path}' (written by Keras {version}): "
                f'{type(error).__name__}: {error} (open_model takes custom_objects and safe_mode, too.)'
                + _of_bytecode(path, configs)
            ) from error
        _check_that_weights_are_from(path, model)
        return open_keras_model(model, inputs, outputs, f"'{path}'", check, config)


def _check_graph(graph_def: Any, path: str) -> None:
    """Raise where a graph touches files after all; Python is what custom objects may be made of."""
    check_effects(FileGraph(graph_def), path, ('PyFunc', 'PyFuncStateless', 'EagerPyFunc'), 'safe_mode=False')


def _check_backend(keras: Any) -> None:
    if keras_backend(keras) != 'tensorflow':
        raise ModelError(
            f"Keras runs on '{keras_backend(keras)}' here: set the environment variable KERAS_BACKEND=tensorflow "
            'before it is first imported.'
        )


def _is_in_graph(model: Any) -> bool:
    return bool(getattr(model, 'inputs', None)) and all(is_graph_tensor(x) for x in model.inputs)


def _open_in_graph(model: Any, inputs: Any, outputs: Any, source: str, config: Any) -> OpenModel:
    if config is not None:
        raise ArgumentTypeError(f"{source} is in a graph, and explained in Keras' own session: leave config out.")
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


def _open_file_in_graph(
    path: str,
    version: str,
    configs: Sequence[Any],
    inputs: Any,
    outputs: Any,
    load_options: Dict[str, Any],
    config: Any,
) -> OpenModel:
    """The same on TensorFlow 1, where Keras builds its layers in a graph."""
    if zipfile.is_zipfile(path):
        raise ModelError(
            f"'{path}' was written by Keras {version}: .keras files need TensorFlow 2 (here: {tf.__version__})."
        )
    if inputs is not None:
        raise ArgumentTypeError('inputs of a Keras file cannot be changed on TensorFlow 1: leave them out.')
    failure = f"Keras {tf.keras.__version__} cannot load '{path}' (written by Keras {version})"
    with new_session(failure, _of_bytecode(path, configs), config) as session, session.as_default():
        tf.keras.backend.set_learning_phase(0)  # for this graph
        model = tf.keras.models.load_model(path, compile=False, **load_options)
        if not model.inputs:
            raise ModelError(
                f"'{path}' does not say what its model takes, so Keras {tf.keras.__version__} neither builds it nor "
                'loads its weights. Give its first layer an input_shape, model.load_weights(path), and open that model.'
            )
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
    stored = set()
    with weights_in(path) as file:
        file.visititems(lambda _, item: stored.add(_content(item[()])) if hasattr(item, 'dtype') else None)
    count = 0
    for variable in model.weights:  # one after the other: together they may be large
        weight = np.asarray(variable)
        # Not those of zeros or ones; nor vocabularies, which Keras 2 counts among the weights but keeps elsewhere in
        # the file, as strings or integers. V: bfloat16.
        if weight.dtype.kind in 'fcV' and weight.size and np.ptp(weight):
            if _content(weight) in stored:
                return
            count += 1
    if count:
        raise ModelError(f"Keras loaded '{path}', but none of the model's {count} weights is from that file.")


def _content(array: Array) -> Tuple[Any, ...]:
    array = np.asarray(array)
    return array.shape, hash(array.tobytes())  # not the dtype: HDF5 has no bfloat16


def _of_bytecode(path: str, configs: Sequence[Any]) -> str:
    """Which layers of a file hold byte code, and what to do where this Python cannot read it; '' if none do."""
    found = (program for config in configs for program in programs(config, lambda _: False))
    names = sorted({program.layer for program in found if program.what == BYTE_CODE})
    if not names:
        return ''
    python = '.'.join(map(str, sys.version_info[:2]))
    return (
        f' Its Lambda layers ({", ".join(map(repr, names))}) hold Python bytecode, which only the version of Python '
        f'that wrote them can read (here: {python}): open the file with that version; or '
        f"build the model in code, model.load_weights('{path}'), and give that model to open_model."
    )

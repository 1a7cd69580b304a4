"""Which Keras a model is of: Keras 3, tf_keras or that of TensorFlow. None is imported before it is asked for."""

import importlib
from typing import Any, Callable, Mapping

from .api import tf
from .types import Session


def keras_of(value: object) -> Any:
    """The Keras that value is a model (or layer) of, None where it is none."""
    for cls in type(value).__mro__:
        library = cls.__module__.split('.')[0]
        if cls.__name__ == 'Layer' and library in ('keras', 'tf_keras'):
            return importlib.import_module(library)
        if cls.__name__ == 'Layer' and library in ('tensorflow', 'tensorflow_core'):
            return tf.keras
    return None


def with_keras(major: int) -> Any:
    """The Keras of this major version; for Keras 2, if need be, another that reads its files; None without any."""
    names = ['keras', 'tensorflow.keras'] if major >= 3 else ['tf_keras', 'tensorflow.keras', 'keras']
    found = [keras for keras in map(_imported, names) if keras is not None]
    exact = [keras for keras in found if keras_version(keras).startswith('3' if major >= 3 else '2')]
    return (exact or (found if major < 3 else []) or [None])[0]


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if error.name in (name, name.split('.')[0]) or name.startswith('tensorflow.'):
            return None
        raise  # it is there but broken, or its backend is not


def keras_backend(keras: Any) -> str:
    """What a Keras computes with: 'tensorflow', and for Keras 3 perhaps 'jax' or 'torch'."""
    return getattr(keras.backend, 'backend', lambda: 'tensorflow')()


def keras_version(keras: Any) -> str:
    """The version of a Keras module."""
    return str(getattr(keras, '__version__', '2'))


def keras_session(model: Any) -> Session:
    """The session in which Keras keeps the weights of a model that is in a graph."""
    ours = keras_of(model).__name__ == 'tf_keras'
    backend = importlib.import_module('tf_keras.src.backend') if ours else tf.keras.backend
    with model.inputs[0].graph.as_default():
        return backend.get_session()


def registered_in(keras: Any, custom_objects: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a name is one of the custom objects, of these or of those registered with this Keras: a function."""
    registry = getattr(keras, 'saving', None) or keras.utils
    find = getattr(registry, 'get_registered_object', None) or keras.utils.get_registered_object

    def is_registered(name: Any) -> bool:
        return isinstance(name, str) and (name in custom_objects or find(name) is not None)

    return is_registered

"""TensorFlow itself, and which one it is."""

try:
    import tensorflow.compat.v1 as tf
except ImportError as error:
    if (error.name or '').split('.')[0] != 'tensorflow':
        raise  # TensorFlow is there but broken: its own message says more
    raise ImportError(
        'deepexplain.tensorflow needs TensorFlow 1.15 or 2.x, and found none. Install it with pip install '
        "'deepexplain[tensorflow]', or any other build of TensorFlow."
    ) from error

import tensorflow.compat.v2 as tf2

__all__ = ['TENSORFLOW_2', 'tf', 'tf2']

#: Whether functions can be traced, and Keras 3 and SavedModels of TensorFlow 2 loaded.
TENSORFLOW_2 = not tf.__version__.startswith('1.')

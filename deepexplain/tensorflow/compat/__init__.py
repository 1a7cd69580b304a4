"""The only door to TensorFlow: no module outside this package imports it or asks its version.

Everything here works on TensorFlow 1.15 and on 2.x, with eager execution on or off, and flips no switch.
"""

# Before all others, as it says what to do where TensorFlow is missing:
from .api import TENSORFLOW_2, tf
from .exporting import functional_loop, new_graph_def, saved_model_bytes, strip_hints, without_variables
from .freezing import MANY, as_variables, assign_large, frozen, lookup_table, take_large
from .functions import branches_of, function_body, function_definition, is_function, while_loop
from .gradients import asked_for_gradient, gradient_name, original_gradient, register_gradient
from .keras import keras_backend, keras_of, keras_session, keras_version, registered_in, with_keras
from .ops import copied_op, is_graph_tensor, same_op, text_attr, with_shape
from .saved_models import assets_of, load_saved_model, saved_model_loader
from .sessions import eagerly, fast_run, is_session, mutation_lock, session_config
from .types import Graph, Operation, Session, Tensor

__all__ = [
    'MANY',
    'TENSORFLOW_2',
    'Graph',
    'Operation',
    'Session',
    'Tensor',
    'as_variables',
    'asked_for_gradient',
    'assets_of',
    'assign_large',
    'branches_of',
    'copied_op',
    'eagerly',
    'fast_run',
    'frozen',
    'function_body',
    'function_definition',
    'functional_loop',
    'gradient_name',
    'is_function',
    'is_graph_tensor',
    'is_session',
    'keras_backend',
    'keras_of',
    'keras_session',
    'keras_version',
    'load_saved_model',
    'lookup_table',
    'mutation_lock',
    'new_graph_def',
    'original_gradient',
    'register_gradient',
    'registered_in',
    'same_op',
    'saved_model_bytes',
    'saved_model_loader',
    'session_config',
    'strip_hints',
    'take_large',
    'text_attr',
    'tf',
    'while_loop',
    'with_keras',
    'with_shape',
    'without_variables',
]

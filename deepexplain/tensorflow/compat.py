"""The only door to TensorFlow: no other module imports it or asks its version.

Everything here works on TensorFlow 1.15 and on 2.x, with eager execution on or off, and flips no switch.
"""

from contextlib import contextmanager

try:
    import tensorflow.compat.v1 as tf
except ImportError as error:
    if (error.name or '').split('.')[0] != 'tensorflow':
        raise  # TensorFlow is there but broken: its own message says more
    raise ImportError(
        'deepexplain.tensorflow needs TensorFlow 1.15 or 2.x, and found none. Install it with pip install '
        "'deepexplain[tensorflow]', or any other build of TensorFlow."
    ) from error

from tensorflow.core.protobuf import config_pb2
from tensorflow.python.framework import ops as _ops

__all__ = [
    'asked_for_gradient',
    'fast_run',
    'gradient_name',
    'is_function',
    'is_graph_tensor',
    'original_gradient',
    'register_gradient',
    'same_op',
    'tf',
]


def register_gradient(name, function):
    """Register ``function(op, grad)`` as gradient ``name`` and return the function that is registered.

    TensorFlow's registry lives as long as the process and refuses a second entry, so when this package is
    loaded again (autoreload in a notebook), the function registered first is returned and goes on serving.
    """
    try:
        tf.RegisterGradient(name)(function)
    except KeyError:
        return _ops._gradient_registry.lookup(name)
    return function


@contextmanager
def asked_for_gradient(ops, name):
    """Within this context, ``tf.gradients`` takes gradient ``name`` for these ops.

    It asks the Python object of an op for the attribute that ``gradient_override_map`` sets, and here that object
    answers. The op itself stays as it is: TensorFlow does not forgive a change of an op that a session has run.
    """
    changed = []

    def answer(op):
        own = op.get_attr
        return lambda attribute: name.encode() if attribute == '_gradient_op_type' else own(attribute)

    try:
        for op in ops:
            if gradient_name(op) != name:  # not within another such context
                op.get_attr = answer(op)
                changed.append(op)
        yield
    finally:
        for op in changed:
            del op.get_attr


def gradient_name(op):
    """Name of the gradient that ``op`` asks for instead of its type's, or None."""
    try:
        return op.get_attr('_gradient_op_type').decode()
    except ValueError:
        return None


def original_gradient(op_type):
    """TensorFlow's own gradient function of an op type, or None where the op has no gradient.

    The registry is private but the same in 1.15 and 2.21, and holds what ``tf.gradients`` itself uses.
    """
    try:
        return _ops._gradient_registry.lookup(op_type)
    except LookupError:
        return None


def is_graph_tensor(value):
    """Whether value is a tensor of a graph: not an eager tensor, a variable or a Keras symbol."""
    return isinstance(value, tf.Tensor) and not hasattr(value, 'numpy') and hasattr(value, 'graph')


def is_function(graph, op_type):
    """Whether ops of this type call a function of the graph (TensorFlow 1's Defun names them so)."""
    return graph._is_function(op_type)


def same_op(op, x):
    """The output of another op like ``op`` (one input, one output, the same attributes) with input ``x``."""
    attrs = {name: value for name, value in op.node_def.attr.items() if not name.startswith('_')}
    dtypes = [output.dtype for output in op.outputs]
    return op.graph.create_op(op.type, [x], dtypes, attrs=attrs, op_def=op.op_def).outputs[0]


def fast_run(session, fetches, feeds, in_caller_thread=False):
    """``session.run`` compiled for these tensors, and names of those fed: a function of arrays that returns a list.

    It does without the checks and conversions of ``session.run``: arrays must have the tensors' dtypes, and no
    tensor may be fed and fetched. None where the session is not TensorFlow's own, or its ``run`` was replaced
    (by a debugger, a tracer): then that is to be called.

    ``in_caller_thread`` spares the change of threads, and runs ops one after the other: for simple graphs. Not on
    TensorFlow 1.15, whose executor then calls itself from op to op until the stack is full.
    """
    own = type(session) in (tf.Session, tf.InteractiveSession) and 'run' not in vars(session)
    if not own or not hasattr(session, '_make_callable_from_options'):
        return None
    options = config_pb2.CallableOptions()
    options.feed.extend(feeds)
    options.fetch.extend(tensor.name for tensor in fetches)
    if in_caller_thread and not tf.__version__.startswith('1.'):
        options.run_options.inter_op_thread_pool = -1
    return session._make_callable_from_options(options)

"""Tensors and ops of a graph: telling, reading and copying them."""

from typing import Any, Dict, Optional, Sequence

from tensorflow.core.framework import attr_value_pb2

from .api import tf
from .types import Operation, Tensor


def is_graph_tensor(value: object) -> bool:
    """Whether value is a tensor of a graph: not an eager tensor, a variable or a Keras symbol."""
    return isinstance(value, tf.Tensor) and not hasattr(value, 'numpy') and hasattr(value, 'graph')


def text_attr(op: Operation, name: str) -> Optional[str]:
    """An attribute of an op that is a text, or None where it has none of this name."""
    try:
        return op.get_attr(name).decode()
    except ValueError:
        return None


def same_op(op: Operation, *inputs: Tensor) -> Operation:
    """Another op like ``op`` (with the same attributes) of these inputs, with TensorFlow's own gradient."""
    return copied_op(op, list(inputs), attrs={'_gradient_op_type': None})


def copied_op(
    op: Operation, inputs: Sequence[Tensor], control: Sequence[Operation] = (), attrs: Optional[Dict[str, Any]] = None
) -> Operation:
    """Another op like ``op``, with these inputs, in the default graph, which may be another than its own.

    ``attrs`` are names and texts to set, or None to leave out.
    """
    attrs = dict(attrs or {})
    # Others that TensorFlow keeps for itself name ops of the old graph (_class), or say what holds for it only.
    kept = {name: value for name, value in op.node_def.attr.items() if name[0] != '_' or name == '_gradient_op_type'}
    for name, text in attrs.items():
        kept.pop(name, None)
        if text is not None:
            kept[name] = attr_value_pb2.AttrValue(s=text.encode())
    dtypes = [output.dtype for output in op.outputs]
    graph = tf.get_default_graph()
    # TensorFlow 1.15 gives ops of a function body other names if an output has theirs, which are in lower case.
    name = 'Copy/' + op.name if graph.building_function else op.name
    with graph.device(op.device or None):
        copy = graph.create_op(op.type, inputs, dtypes, name=name, attrs=kept, op_def=op.op_def)
    if control:
        copy._add_control_inputs(control)  # tf.control_dependencies would leave a mark on the ops that it waits for
    return copy


def with_shape(tensor: Tensor, shape: Any) -> Tensor:
    """The tensor with a static shape that it is known to have: itself or, if it knew less, an identity of it."""
    if _knows(tensor, shape):
        return tensor
    tensor = tf.identity(tensor)
    tensor.set_shape(shape)
    return tensor


def _knows(tensor: Tensor, shape: Any) -> bool:
    merged = tensor.shape.merge_with(shape)
    return merged.ndims == tensor.shape.ndims and (not merged.ndims or merged.as_list() == tensor.shape.as_list())

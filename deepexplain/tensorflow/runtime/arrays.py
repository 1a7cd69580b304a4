"""Gradients of the tensor arrays that loops of TensorFlow 1 read and write.

They are TensorFlow's, which itself makes no such array in TensorFlow 2, where it therefore fails at the loops of
a graph that was made by TensorFlow 1.
"""

from typing import List, Tuple

from ..compat import Operation, Tensor, tf

#: Op type -> the op type that undoes it, and what that calls the index. Of reads, then of writes.
UNREAD = {
    'TensorArrayReadV3': ('TensorArrayWriteV3', 'index'),
    'TensorArrayGatherV3': ('TensorArrayScatterV3', 'indices'),
}
UNWRITTEN = {undo: (done, name) for done, (undo, name) in UNREAD.items()}
WITH_GRADIENT = frozenset(UNREAD).union(UNWRITTEN)


def array_gradient(op: Operation, grad: Tensor) -> List[Tensor]:
    """Gradient of an op on an array: in an array of gradients, what was read is written, and the other way round."""
    return _of_read(op, grad) if op.type in UNREAD else _of_write(op, grad)


def _of_read(op: Operation, grad: Tensor) -> List[Tensor]:
    handle, index, flow = op.inputs
    array, flow = _array_of_gradients(handle, flow, grad)
    undo, name = UNREAD[op.type]
    return [None, None, getattr(tf.raw_ops, undo)(handle=array, value=grad, flow_in=flow, **{name: index})]


def _of_write(op: Operation, flow: Tensor) -> List[Tensor]:
    handle, index, value, _ = op.inputs
    flow = _after(tf.identity(op.outputs[0]), flow)
    array, read_flow = _array_of_gradients(handle, flow, flow)
    undo, name = UNWRITTEN[op.type]
    grad = getattr(tf.raw_ops, undo)(handle=array, flow_in=read_flow, dtype=value.dtype, **{name: index})
    grad.set_shape(value.shape)
    return [None, None, grad, flow]


def _array_of_gradients(handle: Tensor, flow: Tensor, grad: Tensor) -> Tuple[Tensor, Tensor]:
    """The array of gradients of an array, one for each call of ``tf.gradients``, and the flow to use it with."""
    scopes = grad.name.split('/')
    last = max(i for i, scope in enumerate(scopes) if scope.startswith('gradients'))
    source = '/'.join(scopes[: last + 1])
    array = tf.raw_ops.TensorArrayGradV3(handle=handle, flow_in=flow, source=source).grad_handle
    return array, _after(array, flow)


def _after(tensor: Tensor, flow: Tensor) -> Tensor:
    """The flow once the tensor is there: one of ours, for TensorFlow 2 marks the op that something waits for."""
    with tf.control_dependencies([tensor]):
        return tf.identity(flow)

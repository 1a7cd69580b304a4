"""Gradients of the tensor arrays that loops of TensorFlow 1 read and write.

They are TensorFlow's, which itself makes no such array in TensorFlow 2, where it therefore fails at the loops of
a graph that was made by TensorFlow 1.
"""

from ..compat import tf


def array_gradient(op, grad):
    """Gradient of an op on an array: in an array of gradients, what was read is written, and the other way round."""
    return GRADIENTS[op.type](op, grad)


def _read(op, grad):
    handle, index, flow = op.inputs
    array, flow = _array_of_gradients(handle, flow, grad)
    return [None, None, tf.raw_ops.TensorArrayWriteV3(handle=array, index=index, value=grad, flow_in=flow)]


def _gather(op, grad):
    handle, indices, flow = op.inputs
    array, flow = _array_of_gradients(handle, flow, grad)
    return [None, None, tf.raw_ops.TensorArrayScatterV3(handle=array, indices=indices, value=grad, flow_in=flow)]


def _write(op, flow):
    handle, index, value, _ = op.inputs
    flow = _after(tf.identity(op.outputs[0]), flow)
    array, read_flow = _array_of_gradients(handle, flow, flow)
    grad = tf.raw_ops.TensorArrayReadV3(handle=array, index=index, flow_in=read_flow, dtype=value.dtype)
    grad.set_shape(value.shape)
    return [None, None, grad, flow]


def _scatter(op, flow):
    handle, indices, value, _ = op.inputs
    flow = _after(tf.identity(op.outputs[0]), flow)
    array, read_flow = _array_of_gradients(handle, flow, flow)
    grad = tf.raw_ops.TensorArrayGatherV3(handle=array, indices=indices, flow_in=read_flow, dtype=value.dtype)
    grad.set_shape(value.shape)
    return [None, None, grad, flow]


#: Op type -> its gradient.
GRADIENTS = {
    'TensorArrayReadV3': _read,
    'TensorArrayGatherV3': _gather,
    'TensorArrayWriteV3': _write,
    'TensorArrayScatterV3': _scatter,
}


def _array_of_gradients(handle, flow, grad):
    """The array of gradients of an array, one for each call of ``tf.gradients``, and the flow to use it with."""
    scopes = grad.name.split('/')
    last = max(i for i, scope in enumerate(scopes) if scope.startswith('gradients'))
    source = '/'.join(scopes[: last + 1])
    array = tf.raw_ops.TensorArrayGradV3(handle=handle, flow_in=flow, source=source).grad_handle
    return array, _after(array, flow)


def _after(tensor, flow):
    """The flow once the tensor is there: one of ours, for TensorFlow 2 marks the op that something waits for."""
    with tf.control_dependencies([tensor]):
        return tf.identity(flow)

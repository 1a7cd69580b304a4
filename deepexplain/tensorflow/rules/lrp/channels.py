"""Numbers that each channel has one of: biases and scales, in whatever shape they were written."""

from typing import Optional

from ...compat import Operation, Tensor, tf


def axis_of_channels(op: Operation) -> int:
    """-1 or 1: where the channels of what an op computes are."""
    try:
        return 1 if op.get_attr('data_format').startswith(b'NC') else -1
    except ValueError:
        return -1


def as_channels(op: Operation, value: Tensor, axis: int) -> bool:
    """Whether a value that ``op`` adds or multiplies by is one number, or one for each channel."""
    if value.shape.ndims is None or op.outputs[0].shape.ndims is None:
        return False
    dims, rank = value.shape.as_list(), op.outputs[0].shape.ndims
    if op.type == 'BiasAdd':
        return True
    at = rank - 1 if axis == -1 else axis
    wide = [i + rank - len(dims) for i, dim in enumerate(dims) if dim != 1]
    return not wide or wide == [at]


def of_channels(value: Tensor) -> Tensor:
    """That value as a vector, or as a scalar."""
    if value.shape.ndims == 0:
        return value
    return tf.reshape(value, [-1])


def in_place(vector: Tensor, rank: Optional[int], axis: int) -> Tensor:
    """A vector (or scalar) of channels in a shape that broadcasts against a tensor of this rank."""
    if vector.shape.ndims == 0 or axis == -1 or rank is None:
        return vector
    return tf.reshape(vector, [1, -1] + [1] * (rank - 2))


def keeps_channels(op: Operation, axis: int) -> bool:
    """Whether an op that changes the shape leaves the channels where they are."""
    z, out = op.inputs[0].shape, op.outputs[0].shape
    if not z.ndims or not out.ndims or (axis == 1 and op.type == 'Reshape'):
        return False
    if op.type == 'Transpose':
        order = tf.get_static_value(op.inputs[1])
        return order is not None and bool(order[axis] == axis % len(order))
    if op.type == 'BatchToSpaceND':
        return axis == -1
    before, after = z.as_list()[axis], out.as_list()[axis if axis == -1 or out.ndims > 1 else 0]
    return before is not None and before == after


def axis_of_weights(op: Operation, data: int) -> Optional[int]:
    """The axis of the weights of an op along which are the channels of what it computes; None where that is not known.

    ``data`` is the index of the input that is no weights.
    """
    if op.type in ('Conv2D', 'Conv3D'):
        return -1
    if op.type in ('Conv2DBackpropInput', 'Conv3DBackpropInputV2', 'DepthwiseConv2dNative'):
        return -2
    if data != 0:
        return None
    if op.type in ('MatMul', 'SparseMatMul'):
        return -2 if op.get_attr('transpose_b') else -1
    if op.type.startswith('BatchMatMul'):
        return -2 if op.get_attr('adj_y') else -1
    if op.type == 'Einsum':
        inputs, output = op.get_attr('equation').decode().split('->')
        weights = inputs.split(',')[1]
        if '.' in weights or not output or output[-1] not in weights or output[-1] in inputs.split(',')[0]:
            return None
        return int(weights.index(output[-1]) - len(weights))
    return None


def scaled(op: Operation, weights: Tensor, scale: Optional[Tensor], data: int) -> Tensor:
    """The weights of an op with which it computes ``scale`` times as much."""
    if scale is None:
        return weights
    if scale.shape.ndims == 0:
        return weights * scale
    if op.type == 'DepthwiseConv2dNative':
        return weights * tf.reshape(scale, tf.shape(weights)[2:])
    axis = axis_of_weights(op, data)
    return weights * (scale if axis == -1 or axis is None else tf.reshape(scale, [-1] + [1] * (-axis - 1)))

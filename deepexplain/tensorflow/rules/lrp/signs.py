"""Signs: what is above 0 of a tensor, what below, and which tensors have nothing below 0: half the work for a rule."""

from ...compat import Tensor, tf

_NEVER_NEGATIVE = frozenset('Abs Exp Relu Relu6 Sigmoid Softmax Softplus Sqrt Square'.split())
#: Never below 0 if their first input is not.
_KEEPING = frozenset(
    """AvgPool BatchToSpaceND ExpandDims Identity MaxPool MaxPoolV2 Max Mean Min Pad Reshape SpaceToBatchND Squeeze
    StridedSlice Slice Sum Tile Transpose ResizeNearestNeighbor ResizeBilinear""".split()
)
_KEEPING_IF_ALL = frozenset(['Add', 'AddN', 'AddV2', 'ConcatV2', 'Mul'])


def is_never_negative(z: Tensor, depth: int = 12) -> bool:
    """Whether it is known of a tensor that no value is below 0."""
    op = z.op
    if op.type in _NEVER_NEGATIVE:
        return True
    if depth == 0 or not op.inputs:
        return False
    if op.type in _KEEPING_IF_ALL:
        return all(is_never_negative(other, depth - 1) for other in op.inputs if other.dtype.is_floating)
    return op.type in _KEEPING and is_never_negative(op.inputs[0], depth - 1)


def away(z: Tensor, stabilizer: float) -> Tensor:
    """``z`` moved away from 0 by a number."""
    by = tf.cast(stabilizer, z.dtype)
    return tf.where(z >= 0, z + by, z - by)


def plus(z: Tensor) -> Tensor:
    """What is above 0 of it."""
    return tf.maximum(z, tf.cast(0, z.dtype))


def minus(z: Tensor) -> Tensor:
    """What is below 0 of it."""
    return tf.minimum(z, tf.cast(0, z.dtype))

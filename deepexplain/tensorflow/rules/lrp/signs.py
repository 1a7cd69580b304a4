"""Which tensors have no values below 0, so that half of the work of a rule is not needed."""

from ...compat import Tensor

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

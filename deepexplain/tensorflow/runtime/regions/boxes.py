"""Boxes of tensors: what a change inside one can change of the next. NumPy only.

A tensor of one sample has the axes that it has beside that of the samples; all are treated alike, channels too. For
many windows at a time, a *reach* says where a tensor can change: ``[low, high)`` along each axis. A *box* holds it and
has one size for all windows, so that what is computed of it has a static shape; it always lies in the tensor.
"""

from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ....types import Array, Shape


class Along(NamedTuple):
    """One axis of what an op computes, and what it is computed of: a line of an axis of the op's input.

    Attributes
    ----------
    size : int
        How long the axis is.
    source : int or None
        The axis of the input, its samples not counted; None where it comes from nowhere, or from all of the input.
    kernel, stride, pad : int
        The value at ``i`` is computed of the ``kernel`` values at ``i * stride - pad`` and after that.
    up : int
        Or: values ``i * up`` to ``i * up + up - 1`` are computed of the value at ``i``.
    """

    size: int
    source: Optional[int] = None
    kernel: int = 1
    stride: int = 1
    pad: int = 0
    up: int = 1


class Reach(NamedTuple):
    """What can change of a tensor: int arrays of shape (windows, axes). It is empty where ``high <= low``."""

    low: Array
    high: Array


class Box(NamedTuple):
    """Where a box of each window starts, shape (windows, axes); the size of all of them; that of their tensor."""

    start: Array
    size: Shape
    shape: Shape

    @property
    def share(self) -> float:
        """How much of the tensor it is."""
        return float(np.prod(self.size, dtype=float) / max(1.0, np.prod(self.shape, dtype=float)))


def reached(alongs: Sequence[Along], reach: Reach) -> Reach:
    """What can change of the output of an op when its input changes there."""
    low, high = (np.empty((len(reach.low), len(alongs)), np.int32) for _ in range(2))
    for axis, along in enumerate(alongs):
        if along.source is None:
            low[:, axis], high[:, axis] = 0, along.size
            continue
        first, end = reach.low[:, along.source], reach.high[:, along.source]
        if along.up > 1:
            low[:, axis], high[:, axis] = first * along.up, end * along.up
        else:
            low[:, axis] = -((along.kernel - 1 - along.pad - first) // along.stride)
            high[:, axis] = (end - 1 + along.pad) // along.stride + 1
        np.clip(low[:, axis], 0, along.size, out=low[:, axis])
        np.clip(high[:, axis], 0, along.size, out=high[:, axis])
    return Reach(low, high)


def united(reaches: Sequence[Reach]) -> Reach:
    """What lies around all of them."""
    return Reach(np.min([reach.low for reach in reaches], axis=0), np.max([reach.high for reach in reaches], axis=0))


def boxed(reach: Reach, shape: Shape, multiples: Sequence[int]) -> Box:
    """Boxes of one size that hold it; along each axis they start, and are as long as, a multiple of a number."""
    size = []
    start = reach.low.copy()
    for axis, (length, by) in enumerate(zip(shape, multiples)):
        start[:, axis] -= start[:, axis] % by
        longest = int((reach.high[:, axis] - start[:, axis]).max(initial=1))
        size.append(max(by, min(-(-longest // by) * by, length)))
        np.clip(start[:, axis], 0, max(0, length - size[axis]), out=start[:, axis])
    return Box(start, tuple(size), shape)


def patch_of(alongs: Sequence[Along], box: Box, shape: Shape) -> Box:
    """What of an input, of this shape, an op reads for a box of its output.

    It may begin before the input, and end behind it.
    """
    start = np.zeros((len(box.start), len(shape)), np.int32)
    size = list(shape)
    for axis, along in enumerate(alongs):
        if along.source is not None:
            start[:, along.source] = box.start[:, axis] // along.up * along.stride - along.pad
            size[along.source] = (box.size[axis] // along.up - 1) * along.stride + along.kernel
    return Box(start, tuple(size), shape)


def is_inside(patch: Box) -> bool:
    """Whether it lies in its tensor, for every window."""
    return bool((patch.start >= 0).all() and (patch.start + patch.size <= patch.shape).all())


def same(one: Box, other: Box) -> bool:
    """Whether both are of the same values."""
    return one.size == other.size and np.array_equal(one.start, other.start)


def trailing(*boxes: Box) -> int:
    """How many of the last axes all of these boxes hold in full: their values lie side by side in memory."""
    count, ndims = 0, len(boxes[0].shape)
    while count < ndims and all(
        box.size[ndims - 1 - count] == box.shape[ndims - 1 - count] and not box.start[:, ndims - 1 - count].any()
        for box in boxes
    ):
        count += 1
    return count


def same_padding(length: int, kernel: int, stride: int) -> Tuple[int, int]:
    """Length of the output, and how much stands before the first value, with the padding that TensorFlow calls SAME."""
    out = -(-length // stride)
    return out, max(0, (out - 1) * stride + kernel - length) // 2


def places_of(start: Array, size: Shape, shape: Shape) -> Array:
    """Where boxes are in a tensor made flat: shape (boxes, values of a box)."""
    found = np.zeros((len(start), 1), np.int64)
    for axis, length in enumerate(shape):
        at = start[:, axis, None] + np.arange(size[axis])
        found = (found[:, :, None] * length + at[:, None, :]).reshape(len(start), -1)
    return found

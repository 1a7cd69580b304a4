"""The parts of :mod:`~.parts`, with tensors: what a method takes away of samples in a graph, and the spread of losses.

What is said there of ``any_of``, ``replace``, ``mask`` and ``spread`` holds here, for one output.
"""

from typing import Any, Tuple

import numpy as np

from ...types import Array
from ..compat import Tensor, tf
from .parts import Windows


def any_of(parts: Any, flags: Tensor) -> Tensor:
    """Whether a part of each sample holds a True value: shape (samples, parts)."""
    if isinstance(parts, Windows):
        shape, window, step, grid = _sizes(parts)
        flags = tf.reshape(flags, (-1, *shape))
        for axis in range(len(shape)):
            if window[axis] > 1 or step[axis] > 1:
                places = step[axis] * np.arange(grid[axis])[:, None] + np.arange(window[axis])
                flags = tf.reduce_any(tf.gather(flags, places, axis=axis + 1), axis=axis + 2)
        return tf.reshape(flags, (-1, parts.count))
    numbers = np.broadcast_to(_numbers(parts)[0], flags.shape.as_list()[1:]).ravel()
    flags = tf.reshape(flags, (-1, numbers.size))
    if np.array_equal(numbers, np.arange(parts.count)):
        return flags
    by_part = tf.math.unsorted_segment_max(tf.cast(tf.transpose(flags), tf.int32), numbers, parts.count)
    return tf.transpose(by_part) > 0


def stays(parts: Any, copies: Tensor, removed: Tensor) -> Tensor:
    """Where copies stay as they are as one part of each goes, none where its number is negative; it broadcasts."""
    ndims = copies.shape.ndims - 1
    if isinstance(parts, Windows):
        shape, window, step, grid = _sizes(parts)
        starts = np.indices(grid).reshape(len(grid), -1) * np.reshape(step, (-1, 1))
        gone = _beside(removed >= 0, ndims)
        for axis in range(ndims):
            start = _beside(tf.gather(starts[axis], tf.maximum(removed, 0)), ndims)
            places = np.arange(shape[axis]).reshape((-1,) + (1,) * (ndims - axis - 1))
            gone &= (places >= start) & (places < start + window[axis])
        return ~gone
    return tf.not_equal(tf.cast(_numbers(parts), removed.dtype), _beside(removed, ndims))


def replaced(parts: Any, x: Tensor, values: Tensor, removed: Tensor, places: Tensor) -> Tensor:
    """What one part of each copy leaves of the places that its bounds hold: ``x`` there, but for its own ``values``.

    ``places`` are those of a sample made flat, shape (copies, places). A window is all that its bounds hold.
    """
    if isinstance(parts, Windows):
        return values
    each = np.broadcast_to(_numbers(parts)[0], parts.shape).ravel()
    return tf.where(tf.equal(tf.gather(tf.constant(each), places), removed[:, None]), values, x)


def mask(parts: Any, of_features: Tensor) -> Tensor:
    """For each value, in a shape that broadcasts, what is so of its feature; of which each copy has a row."""
    numbers = _numbers(parts)
    if not np.array_equal(numbers.ravel(), np.arange(parts.count)):
        of_features = tf.gather(of_features, numbers.ravel(), axis=1)
    return tf.reshape(of_features, (-1, *numbers.shape[1:]))


def spread(parts: Any, losses: Tensor) -> Tensor:
    """Attributions, shape (samples, ...), of a loss of each part."""
    if not isinstance(parts, Windows):
        places = parts.spread(np.arange(parts.count)[None, :, None])[0, ..., 0]
        return tf.reshape(tf.gather(losses, places.ravel(), axis=1), (-1, *places.shape))
    shape, window, step, grid = _sizes(parts)
    covers = [_covers(*sizes) for sizes in zip(shape, window, step, grid)]
    total = _along_axes(tf.reshape(losses, (-1, *grid)), covers)
    times = np.ones(())
    for cover in covers:
        times = times[..., None] * cover.sum(axis=0)
    with np.errstate(divide='ignore'):
        shares = 1 / (times * float(np.prod(window)))
    return tf.reshape(total * shares, (-1, *parts.shape))


def _along_axes(values: Tensor, covers: Any) -> Tensor:
    """Sums over windows, in which what is not finite spoils no value but those that are covered."""
    is_finite = tf.is_finite(values)
    total, broken = tf.where_v2(is_finite, values, 0.0), tf.cast(~is_finite, values.dtype)
    for axis, cover in enumerate(covers, start=1):
        if cover.shape[0] != cover.shape[1] or not np.array_equal(cover, np.eye(len(cover))):
            total, broken = (_product(z, cover, axis) for z in (total, broken))
    return tf.where_v2(broken > 0, tf.constant(np.nan, values.dtype), total)


def _product(values: Tensor, matrix: Array, axis: int) -> Tensor:
    """Values times a matrix along one axis."""
    last = values.shape.ndims - 1
    order = [i for i in range(last + 1) if i != axis] + [axis]
    moved = tf.transpose(values, order)
    rows = tf.matmul(tf.reshape(moved, (-1, matrix.shape[0])), tf.constant(matrix, values.dtype))
    sizes = [values.shape.as_list()[i] for i in order[1:-1]]
    product = tf.reshape(rows, (-1, *sizes, matrix.shape[1]))
    return tf.transpose(product, np.argsort(order).tolist())


def _covers(size: int, window: int, step: int, count: int) -> Array:
    """Which windows (first) cover which values, along one axis."""
    start = step * np.arange(count)[:, None]
    return ((np.arange(size) >= start) & (np.arange(size) < start + window)).astype(float)


def _sizes(windows: Windows) -> Tuple[Any, Any, Any, Any]:
    """For each axis its length, that of a window, the step, and the number of windows."""
    shape, window, step = windows.key
    shape = shape or (1,)
    return shape, window, step, tuple((d - w) // s + 1 for d, w, s in zip(shape, window, step))


def _numbers(parts: Any) -> Array:
    """The part that each value is of, with a first axis of one sample, in a shape that broadcasts."""
    return np.asarray(parts.mask(np.arange(parts.count)[None]))


def _beside(values: Tensor, ndims: int) -> Tensor:
    return tf.reshape(values, (-1,) + (1,) * ndims)

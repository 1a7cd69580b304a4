"""What an op reads around boxes: gathered of the boxes, of the samples as they are, and of what pads them.

Where a patch begins in a tensor made flat, and how far it lies from there in a box, is a number for each window; each
place of the patch is so and so many values behind. Which places lie in the box, and which in nothing, is the same for
most windows: of windows that differ in it, the graph has a table, with a row for each way.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ....types import Array, Shape
from ...compat import Tensor, tf
from .boxes import Box, is_inside, trailing

#: Places that are not in the box: of the samples as they are, or of nothing.
OF_SAMPLE, NOTHING = -1, -2
#: Numbers of a table of places, at most; where windows differ in more ways, the graph computes them.
MOST_PLACES = 1 << 18


class Around(NamedTuple):
    """How a patch lies to its box and its tensor: arrays of shape (windows, axes), or a tensor (rows, 1) an axis."""

    shift: Any  # how far the patch begins behind the box
    below: Any  # how many of its values lie before the tensor
    above: Any  # and how many behind it

    @property
    def all(self) -> Tuple[Any, ...]:
        """The three, without those that are not needed."""
        return tuple(one for one in self if one is not None)


class Gather:
    """Adds gathers to the default graph, of rows that are each a window of a sample.

    Parameters
    ----------
    count : int
        How many windows there are.

    Attributes
    ----------
    sample, starts : tf.Tensor
        Placeholders: the sample of each row, and its row of what :meth:`finish` returns.
    rows : tf.Tensor
        How many.
    """

    def __init__(self, count: int) -> None:
        self.sample = tf.placeholder(tf.int32, (None,), name='sample')
        self.starts = tf.placeholder(tf.int32, (None, None), name='starts')
        self.rows = tf.shape(self.sample)[0]
        self._count = count
        self._columns: List[Array] = []
        self._known: Dict[Any, Tensor] = {}

    def finish(self) -> Array:
        """What rows need to know of their windows: int32, a row for each window. Nothing else of these is kept."""
        table = np.stack([*self._columns, np.zeros(self._count, np.int32)], axis=1)
        self._columns.clear()
        self._known.clear()
        return table

    def of_all(self, constant: Tensor, patch: Box) -> Tensor:
        """A patch of a constant, whose first axis is 1."""
        return self._gathered(constant, None, None, patch, 0.0, is_constant=True)

    def of_samples(self, kept: Tensor, patch: Box) -> Tensor:
        """A patch of the samples as they are."""
        return self._gathered(kept, None, None, patch, 0.0)

    def of_both(self, kept: Tensor, in_box: Tensor, box: Box, patch: Box, fill: float) -> Tensor:
        """A patch of the boxes where these are, of the samples elsewhere, and of ``fill`` where there is nothing."""
        return self._gathered(kept, in_box, box, patch, fill)

    def _once(self, key: Any, make: Any) -> Tensor:
        """A tensor that several gathers need."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def _column(self, values: Array) -> Any:
        """A number of each row's window, shape (rows, 1); the number itself, where all windows have the same."""
        values = np.ascontiguousarray(values, np.int32)
        if (values == values[0]).all():
            return int(values[0])

        def made() -> Tensor:
            self._columns.append(values)
            return tf.slice(self.starts, [0, len(self._columns) - 1], [-1, 1])

        return self._once(('column', values.tobytes()), made)

    def _gathered(
        self,
        kept: Tensor,
        in_box: Optional[Tensor],
        box: Optional[Box],
        patch: Box,
        fill: float,
        is_constant: bool = False,
    ) -> Tensor:
        # Values side by side are moved at once; the axes before them are counted.
        count = len(patch.shape) - (trailing(patch) if box is None else trailing(patch, box))
        shape, size = patch.shape[:count], patch.size[:count]
        unit, of_sample = int(np.prod(patch.shape[count:])), int(np.prod(shape))
        start = patch.start[:, :count]
        tables, last = [tf.reshape(kept, [-1, unit])], None
        index: Any = self._column(start @ steps(shape)) + _offsets(size, steps(shape))[None]
        if is_constant:
            index = index + self._once('zeros', lambda: tf.zeros_like(self.sample)[:, None])
        else:
            index = index + self._once(of_sample, lambda: self.sample[:, None] * of_sample)
        leaves = not is_inside(patch)
        if box is not None or leaves:
            end = 1 if is_constant else tf.shape(kept)[0]
            last = self._once((is_constant, of_sample), lambda: end * of_sample)
            relative = self._relative(start, size, shape, box, leaves)
        if box is not None:
            of_box = int(np.prod(box.size[:count]))
            tables.append(tf.reshape(in_box, [-1, unit]))
            from_box = last + self._once(('rows', of_box), lambda: tf.range(self.rows)[:, None] * of_box)
            index = tf.where_v2(relative >= 0, relative + from_box, index)
            last = last + self._once(('end', of_box), lambda: self.rows * of_box)
        if leaves:
            tables.append(tf.fill([1, unit], tf.constant(fill, kept.dtype)))
            index = tf.where_v2(tf.equal(relative, NOTHING), last, index)
        table = tables[0] if len(tables) == 1 else tf.concat(tables, axis=0)
        found = tf.reshape(tf.gather(table, index), [-1, *patch.size])
        found.set_shape((None, *patch.size))
        return found

    def _relative(self, start: Array, size: Shape, shape: Shape, box: Optional[Box], leaves: bool) -> Tensor:
        """Which value of the box each place of a patch is, OF_SAMPLE or NOTHING: shape (rows or 1, places)."""
        count = len(size)
        around = Around(
            None if box is None else start - box.start[:, :count],
            np.maximum(0, -start) if leaves else None,
            np.maximum(0, start + size - shape) if leaves else None,
        )
        in_box = None if box is None else box.size[:count]
        first, way = ways(np.concatenate(around.all, axis=1))
        if len(first) * int(np.prod(size)) <= MOST_PLACES:
            of_ways = Around(*[None if one is None else one[first] for one in around])
            places = relative_places(of_ways, size, in_box, np.reshape, np.where).astype(np.int32)
            return tf.constant(places) if len(first) == 1 else tf.gather(places, self._column(way)[:, 0])
        columns = [None if one is None else [self._column(one[:, a]) for a in range(count)] for one in around]
        found: Tensor = relative_places(Around(*columns), size, in_box, tf.reshape, tf.where_v2)
        return found


def steps(shape: Shape) -> Array:
    """How many values lie between two neighbours along each axis."""
    return np.array([int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))], np.int32)


def _offsets(size: Shape, by: Array) -> Array:
    """How far each place of a patch lies behind its first, shape (places,)."""
    found = np.zeros(size, np.int32)
    for axis, length in enumerate(size):
        found += (np.arange(length, dtype=np.int32) * by[axis]).reshape(
            [-1 if a == axis else 1 for a in range(len(size))]
        )
    return found.ravel()


def ways(columns: Array) -> Tuple[Array, Array]:
    """The rows of an array of ints that differ: the first of each, and for each row of which it is a copy."""
    key = np.zeros(len(columns), np.int64)
    for column in columns.T:
        low, high = int(column.min()), int(column.max())
        if low < high:
            key = np.unique(key * (high - low + 1) + (column - low), return_inverse=True)[1].reshape(-1)
    _, first, way = np.unique(key, return_index=True, return_inverse=True)
    return first, way.reshape(-1).astype(np.int32)


def relative_places(around: Around, size: Shape, box: Optional[Sequence[int]], reshape: Any, where: Any) -> Any:
    """Which value of the box each place is, OF_SAMPLE or NOTHING: shape (windows, places); of arrays or of tensors."""
    relative: Any = np.zeros((1,) * (len(size) + 1), np.int32)
    inside: Any = relative == 0
    outside: Any = ~inside
    for axis, length in enumerate(size):
        at = np.arange(length, dtype=np.int32)[None]
        along = [1] * len(size)
        along[axis] = length

        def column(values: Any, a: int = axis) -> Any:
            return values[a] if isinstance(values, list) else values[:, a : a + 1]

        if box is not None:
            there = column(around.shift) + at
            within = (there >= 0) & (there < box[axis])
            relative = relative + reshape(there * int(steps(tuple(box))[axis]), [-1, *along])
            inside = inside & reshape(within, [-1, *along])
        if around.below is not None:
            gone = (at < column(around.below)) | (at >= length - column(around.above))
            outside = outside | reshape(gone, [-1, *along])
    sizes = [1 if d is None else d for d in size]
    found = where(inside, relative, OF_SAMPLE) if box is not None else OF_SAMPLE
    if around.below is not None:
        found = where(outside, NOTHING, found)
    return reshape(found, [-1, int(np.prod(sizes))])

"""What an op reads around boxes: gathered of the boxes, of the samples as they are, and of what pads them."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ....types import Array
from ...compat import Tensor, tf
from .boxes import Box, is_inside, trailing


class Gather:
    """Adds gathers to the default graph, of rows that are each a window of a sample.

    Parameters
    ----------
    count : int
        How many windows there are.

    Attributes
    ----------
    sample, starts : tf.Tensor
        Placeholders: the sample of each row, and its row of ``table``.
    rows : tf.Tensor
        How many.
    """

    def __init__(self, count: int) -> None:
        self.sample = tf.placeholder(tf.int32, (None,), name='sample')
        self.starts = tf.placeholder(tf.int32, (None, None), name='starts')
        self.rows = tf.shape(self.sample)[0]
        self._count = count
        self._columns: List[Array] = []
        self._at: Dict[bytes, int] = {}

    @property
    def table(self) -> Array:
        """Where all boxes and patches begin that were asked for: int32, a row for each window."""
        return np.concatenate([*self._columns, np.zeros((self._count, 1), np.int32)], axis=1)

    def of_all(self, constant: Tensor, patch: Box) -> Tensor:
        """A patch of a constant, whose first axis is 1."""
        return self._gathered(constant, tf.zeros_like(self.sample), None, None, patch, 0.0)

    def of_samples(self, kept: Tensor, patch: Box) -> Tensor:
        """A patch of the samples as they are."""
        return self._gathered(kept, self.sample, None, None, patch, 0.0)

    def of_both(self, kept: Tensor, in_box: Tensor, box: Box, patch: Box, fill: float) -> Tensor:
        """A patch of the boxes where these are, of the samples elsewhere, and of ``fill`` where there is nothing."""
        return self._gathered(kept, self.sample, in_box, box, patch, fill)

    def _start(self, box: Box) -> Tensor:
        """Where the box of each row begins, shape (rows, axes)."""
        column = np.ascontiguousarray(box.start, np.int32)
        key = column.tobytes()
        if key not in self._at:
            self._at[key] = sum(one.shape[1] for one in self._columns)
            self._columns.append(column)
        first = self._at[key]
        return self.starts[:, first : first + len(box.size)]

    def _gathered(
        self, kept: Tensor, sample: Tensor, in_box: Optional[Tensor], box: Optional[Box], patch: Box, fill: float
    ) -> Tensor:
        shape = patch.shape
        # Values side by side are moved at once; the axes before them are counted.
        count = len(shape) - (trailing(patch) if box is None else trailing(patch, box))
        unit, of_sample = int(np.prod(shape[count:])), int(np.prod(shape[:count]))
        tables, last = [tf.reshape(kept, [-1, unit])], tf.shape(kept)[0] * of_sample
        from_kept, from_box = sample * of_sample, last
        begin, begin_box = self._start(patch), None
        if box is not None:
            of_box = int(np.prod(box.size[:count]))
            tables.append(tf.reshape(in_box, [-1, unit]))
            from_box, last = last + tf.range(self.rows) * of_box, last + self.rows * of_box
            begin_box = self._start(box)
        within: List[Tuple[int, Tensor]] = []
        outside: List[Tuple[int, Tensor]] = []
        for axis in range(count):
            at = begin[:, axis, None] + np.arange(patch.size[axis], dtype=np.int32)
            from_kept = _added(from_kept, at * int(np.prod(shape[axis + 1 : count])))
            if _leaves(patch, axis):
                outside.append((axis, tf.logical_or(at < 0, at >= shape[axis])))
            if box is not None and begin_box is not None:
                in_it = at - begin_box[:, axis, None]
                from_box = _added(from_box, in_it * int(np.prod(box.size[axis + 1 : count])))
                if not _is_within(patch, box, axis):
                    within.append((axis, tf.logical_and(in_it >= 0, in_it < box.size[axis])))
        full = tf.concat([[self.rows], np.array(patch.size[:count], np.int32)], axis=0)
        index: Any = from_kept if box is None else from_box
        if within:
            index = tf.where(_all_places(within, tf.logical_and, full, count), from_box, from_kept)
        if not is_inside(patch):
            tables.append(tf.fill([1, unit], tf.constant(fill, kept.dtype)))
            index = tf.where(_all_places(outside, tf.logical_or, full, count), tf.fill(full, last), index)
        table = tables[0] if len(tables) == 1 else tf.concat(tables, axis=0)
        found = tf.reshape(tf.gather(table, index), [-1, *patch.size])
        found.set_shape((None, *patch.size))
        return found


def _leaves(patch: Box, axis: int) -> bool:
    """Whether any patch begins before its tensor, or ends behind it."""
    start = patch.start[:, axis]
    return bool((start < 0).any() or (start + patch.size[axis] > patch.shape[axis]).any())


def _is_within(patch: Box, box: Box, axis: int) -> bool:
    """Whether patches never leave the boxes, along an axis."""
    first = patch.start[:, axis] >= box.start[:, axis]
    last = patch.start[:, axis] + patch.size[axis] <= box.start[:, axis] + box.size[axis]
    return bool((first & last).all())


def _added(index: Tensor, along: Tensor) -> Tensor:
    """Numbers for each place so far, plus those of a further axis: shape (rows, ..., axis)."""
    for _ in range(index.shape.ndims - 1):
        along = tf.expand_dims(along, 1)
    return index[..., None] + along


def _all_places(flags: Sequence[Tuple[int, Tensor]], both: Any, shape: Tensor, count: int) -> Tensor:
    """Flags of places along single axes, as flags of all places of a patch."""
    found = tf.fill(shape, both is tf.logical_and)
    for axis, along in flags:
        for a in range(count):
            if a != axis:
                along = tf.expand_dims(along, a + 1)
        found = both(found, along)
    return found

"""The graph that computes T from boxes: of many rows at a time, each a window of a sample.

Of each tensor in a box the graph holds ``B``, what is in the box, shape (rows, box), and reads ``A``, the same tensor of
the samples as they are, shape (samples, ...), which is fed. What an op reads around a box is gathered of the two.
"""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ....types import Array
from ...compat import Tensor, copied_op, tf
from ..graph import OF_SHAPES
from .boxes import Box, is_inside, patch_of, places_of, same, trailing
from .endings import Ending
from .reach import Regions
from .rules import Read

#: Of a row, how much larger the sample's own sum may be than the row's, until that is computed as a whole.
MOST_CANCELLED = 32.0


class Starts:
    """Where boxes and patches begin, in one table: a row for each window."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._columns: List[Array] = []
        self._at: Dict[bytes, int] = {}

    def column(self, start: Array) -> int:
        """The first column of these starts, shape (windows, axes)."""
        key = np.ascontiguousarray(start, np.int32).tobytes()
        if key not in self._at:
            self._at[key] = sum(column.shape[1] for column in self._columns)
            self._columns.append(start.astype(np.int32))
        return self._at[key]

    @property
    def table(self) -> Array:
        """All of them: an int32 array."""
        none = np.zeros((self._count, 1), np.int32)
        return np.concatenate([*self._columns, none], axis=1)


class At:
    """What the rule of an op may ask for: the box of what it computes, and constants there."""

    def __init__(self, build: 'Build', box: Box) -> None:
        self._build, self.box = build, box

    def shaped(self, tensor: Tensor) -> Tensor:
        """The same values in the shape of the box."""
        if int(np.prod(tensor.shape.as_list()[1:])) != int(np.prod(self.box.size)):
            raise ValueError(f'{tensor.shape} does not hold a box of {self.box.size}')
        return tf.reshape(tensor, [-1, *self.box.size])

    def read(self, read: Read) -> Tensor:
        """A constant, where the box is."""
        return self._build.patch(read, patch_of(read.alongs, self.box, read.dims or ()))


class Build:
    """Adds the graph to the default graph.

    Attributes
    ----------
    changed, sample, starts : tf.Tensor
        Placeholders: the box of X of each row, the number of its sample, and its row of ``table``.
    kept : dict
        Name of a tensor -> the placeholder for what it is of the samples.
    slots, places : dict
        Name of a dense layer that is an ending -> placeholders; see :func:`slots_of`.
    target, doubt : tf.Tensor
        T of each row, and whether too many digits of it were lost.
    table : int32 ndarray, shape (windows, columns)
    row_bytes : float
        Of the largest tensor of a row.
    """

    def __init__(self, regions: Regions) -> None:
        self._plan = regions
        x = regions.x
        box = regions.boxes[x.name]
        self._starts = Starts(len(box.start))
        self.changed = tf.placeholder(x.dtype, (None, *box.size), name='changed')
        self.sample = tf.placeholder(tf.int32, (None,), name='sample')
        self.starts = tf.placeholder(tf.int32, (None, None), name='starts')
        self.kept: Dict[str, Tensor] = {}
        self.slots: Dict[str, Tuple[Tensor, Tensor, Tensor]] = {}
        self.checked: List[str] = []
        self.row_bytes = 1.0
        self._rows = tf.shape(self.sample)[0]
        self._in_box: Dict[str, Tensor] = {x.name: self.changed}
        self._whole: Dict[str, Tensor] = {}
        self._patches: Dict[Any, Tensor] = {}
        self._doubts: List[Tensor] = []
        self._between = set(regions.between)
        self._varying = set(regions.steps)
        wanted = {z.name for z in regions.needed}
        for op in regions.order:
            for z in op.outputs:
                if z.name in regions.parts and z.name in wanted:
                    self._in_box[z.name] = self._box(z)
        self.target = self._rest()
        self.doubt = tf.reduce_any(tf.stack(self._doubts), axis=0) if self._doubts else None
        self.table = self._starts.table

    def _box(self, z: Tensor) -> Tensor:
        part = self._plan.parts[z.name]
        inputs = [self.patch(read, patch) for read, patch in zip(part.local.reads, part.patches)]
        found = part.local.make(inputs, At(self, part.box))
        if part.op.outputs[0].name != z.name and found.op.type == part.op.type and len(found.op.outputs) > 1:
            found = found.op.outputs[z.value_index]
        found.set_shape((None, *part.box.size))
        self._note(found)
        return found

    def _note(self, tensor: Tensor) -> None:
        size = float(np.prod(tensor.shape.as_list()[1:], dtype=float)) * tensor.dtype.size
        self.row_bytes = max(self.row_bytes, size)

    def patch(self, read: Read, patch: Box) -> Tensor:
        """What is read, of each row."""
        name = read.tensor.name
        box = self._plan.boxes.get(name)
        if box is not None and same(box, patch):
            return self._in_box[name]
        key = name, patch.size, patch.start.tobytes(), read.fill
        if key not in self._patches:
            if box is None:
                if same(Box(np.zeros_like(patch.start), patch.shape, patch.shape), patch):
                    return read.tensor
                found = self._gathered(tf.reshape(read.tensor, [1, *patch.shape]), None, patch, read.fill)
            else:
                found = self._gathered(self._kept(read.tensor), name, patch, read.fill)
            self._note(found)
            self._patches[key] = found
        return self._patches[key]

    def _kept(self, tensor: Tensor) -> Tensor:
        if tensor.name not in self.kept:
            shape = (None, *self._plan.shapes[tensor.name])
            self.kept[tensor.name] = tf.placeholder(tensor.dtype, shape, name='kept')
        return self.kept[tensor.name]

    def _start(self, box: Box) -> Tensor:
        first = self._starts.column(box.start)
        return self.starts[:, first : first + len(box.size)]

    def _gathered(self, kept: Tensor, name: Optional[str], patch: Box, fill: float) -> Tensor:
        """A patch of each row: of the box where that is, of the samples elsewhere, and of what stands around them."""
        shape, box = patch.shape, None if name is None else self._plan.boxes[name]
        beside = trailing(patch) if box is None else trailing(patch, box)
        count = len(shape) - beside
        unit = int(np.prod(shape[count:]))
        of_sample = int(np.prod(shape[:count]))
        tables = [tf.reshape(kept, [-1, unit])]
        samples = tf.shape(kept)[0] * of_sample
        rows = tf.range(self._rows)
        begin = self._start(patch)
        from_kept: Any = self.sample * of_sample if box is not None else tf.zeros_like(self.sample)
        from_box: Any = None
        if box is not None:
            of_box = int(np.prod(box.size[:count]))
            tables.append(tf.reshape(self._in_box[str(name)], [-1, unit]))
            from_box = samples + rows * of_box
            begin_box = self._start(box)
        in_box: List[Tuple[int, Tensor]] = []
        outside: List[Tuple[int, Tensor]] = []
        is_padded = not is_inside(patch)
        for axis in range(count):
            at = begin[:, axis, None] + np.arange(patch.size[axis], dtype=np.int32)
            from_kept = _added(from_kept, at * int(np.prod(shape[axis + 1 : count])))
            if is_padded and ((patch.start[:, axis] < 0).any() or _ends_behind(patch, axis)):
                outside.append((axis, tf.logical_or(at < 0, at >= shape[axis])))
            if box is not None:
                in_it = at - begin_box[:, axis, None]
                from_box = _added(from_box, in_it * int(np.prod(box.size[axis + 1 : count])))
                if not _is_within(patch, box, axis):
                    in_box.append((axis, tf.logical_and(in_it >= 0, in_it < box.size[axis])))
        full = tf.concat([[self._rows], np.array(patch.size[:count], np.int32)], axis=0)
        index = from_kept
        if box is not None:
            index = from_box
        if in_box:
            index = tf.where(_all_places(in_box, tf.logical_and, full, count), from_box, from_kept)
        if is_padded:
            tables.append(tf.fill([1, unit], tf.constant(fill, kept.dtype)))
            last = samples + (self._rows * of_box if box is not None else 0)
            index = tf.where(_all_places(outside, tf.logical_or, full, count), tf.fill(full, last), index)
        table = tables[0] if len(tables) == 1 else tf.concat(tables, axis=0)
        found = tf.reshape(tf.gather(table, index), [-1, *patch.size])
        found.set_shape((None, *patch.size))
        return found

    def _rest(self) -> Tensor:
        """T of whole rows, of what is pasted where it is read as whole."""
        plan = self._plan
        needed = {z.op for z in plan.needed if z.name not in plan.boxes}
        reads = {z.name for z in plan.needed}
        for op in plan.order:
            if op in needed and op in self._between:
                for z in op.outputs:
                    if z.name in plan.endings and z.name in reads:
                        self._whole[z.name] = self._ended(z, plan.endings[z.name])
        for op in plan.order:
            if op in self._between and all(z.name not in plan.boxes for z in op.outputs):
                if any(z.name in reads for z in op.outputs) and op.outputs[0].name not in self._whole:
                    self._copy(op)
        return self._row(plan.target)

    def _copy(self, op: Any) -> None:
        if op.type == 'Shape' and op.inputs[0].name in self._plan.shapes:
            dims = np.array(self._plan.shapes[op.inputs[0].name], np.int32)
            found = tf.cast(tf.concat([[self._rows], dims], axis=0), op.outputs[0].dtype)
            self._whole[op.outputs[0].name] = found
            return
        copy = copied_op(op, [self._row(z) for z in op.inputs], op.control_inputs)
        for z, other in zip(op.outputs, copy.outputs):
            self._whole[z.name] = other
            if other.shape.ndims:
                self._note_dense(other)

    def _note_dense(self, tensor: Tensor) -> None:
        size = float(np.prod([d or 1 for d in tensor.shape.as_list()[1:]], dtype=float)) * tensor.dtype.size
        self.row_bytes = max(self.row_bytes, size)

    def _row(self, z: Tensor) -> Tensor:
        """A tensor of whole rows."""
        if z.name not in self._whole:
            box = self._plan.boxes.get(z.name)
            if box is None:
                return z  # it does not depend on X
            full = Box(np.zeros_like(box.start), box.shape, box.shape)
            self._whole[z.name] = self.patch(Read(z, ()), full)
        return self._whole[z.name]

    def _ended(self, z: Tensor, ending: Ending) -> Tensor:
        """``y`` of the samples, and what the boxes make of it."""
        name = ending.tensor.name
        box = self._plan.boxes[name]
        differs = self._in_box[name] - self._of_samples(ending.tensor)
        if z.name not in self._plan.shapes:
            self._plan.shapes[z.name] = tuple(z.shape.as_list()[1:])
        before = tf.gather(self._kept(z), self.sample)
        if ending.op.type == 'MatMul':
            more = self._product(z, ending, differs, box)
        else:
            axes = [axis + 1 for axis in ending.axes]
            more = tf.reduce_sum(differs, axes, keepdims=bool(ending.op.get_attr('keep_dims')))
            if ending.op.type == 'Mean':
                more = more / float(np.prod([box.shape[axis] for axis in ending.axes]))
        found = before + more
        found.set_shape((None, *self._plan.shapes[z.name]))
        self.checked.extend([name, z.name])
        axes = list(range(1, found.shape.ndims))
        sizes = [tf.reduce_max(tf.abs(one), axes) if axes else tf.abs(one) for one in (before, found)]
        self._doubts.append(sizes[0] > MOST_CANCELLED * sizes[1])
        return found

    def _of_samples(self, tensor: Tensor) -> Tensor:
        """What the box holds in the samples as they are."""
        box = self._plan.boxes[tensor.name]
        shape = box.shape
        count = len(shape) - trailing(box)
        unit = int(np.prod(shape[count:]))
        index: Any = self.sample * int(np.prod(shape[:count]))
        begin = self._start(box)
        for axis in range(count):
            at = begin[:, axis, None] + np.arange(box.size[axis], dtype=np.int32)
            index = _added(index, at * int(np.prod(shape[axis + 1 : count])))
        found = tf.gather(tf.reshape(self._kept(tensor), [-1, unit]), index)
        return tf.reshape(found, [-1, *box.size])

    def _product(self, z: Tensor, ending: Ending, differs: Tensor, box: Box) -> Tensor:
        """The rows of weights that boxes meet, each multiplied once for all windows that meet it."""
        slots = tf.placeholder(tf.int32, (None, None), name='slots')
        places = tf.placeholder(tf.int32, (None,), name='places')
        back = tf.placeholder(tf.int32, (None, None), name='back')
        self.slots[z.name] = slots, places, back
        weights = ending.op.inputs[1]
        weights = tf.transpose(weights) if ending.op.get_attr('transpose_b') else weights
        outputs = weights.shape.as_list()[1]
        unit = ending.unit
        values = tf.concat([tf.reshape(differs, [-1, unit]), tf.zeros([1, unit], differs.dtype)], axis=0)
        met = tf.gather(tf.reshape(weights, [-1, unit, outputs]), places)
        of_places = tf.reshape(tf.matmul(tf.gather(values, slots), met), [-1, outputs])
        return tf.reduce_sum(tf.gather(of_places, back), axis=1)


def _ends_behind(patch: Box, axis: int) -> bool:
    return bool((patch.start[:, axis] + patch.size[axis] > patch.shape[axis]).any())


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


def slots_of(starts: Array, box: Box, kept: int) -> Tuple[Array, Array, Array]:
    """How the places of boxes are sorted, so that each row of weights is read once.

    Parameters
    ----------
    starts : int ndarray, shape (rows, axes)
    box : Box
    kept : int
        How many of the last axes are a row of weights.

    Returns
    -------
    slots : int32 ndarray, shape (places met, most rows that meet one)
        Which place of which row, counted one after the other; those that are none are the number after the last.
    places : int32 ndarray, shape (places met,)
    back : int32 ndarray, shape (rows, places of a box)
        Where in the slots.
    """
    count = len(box.shape) - kept
    found = places_of(starts, box.size[:count], box.shape[:count])
    all_places = int(np.prod(box.shape[:count]))
    flat = found.ravel()
    flat = flat.astype(np.uint16) if all_places < 1 << 16 else flat  # which NumPy sorts in a fraction of the time
    order = np.argsort(flat, kind='stable')
    counts = np.bincount(flat, minlength=all_places)
    places = np.flatnonzero(counts)
    most = int(counts.max())
    first = np.cumsum(counts) - counts
    number = np.cumsum(counts > 0) - 1
    in_order = flat[order].astype(np.int64)
    at = number[in_order] * most + np.arange(len(flat)) - first[in_order]
    slots = np.full(len(places) * most, len(flat), np.int32)
    slots[at] = order
    back = np.empty(len(flat), np.int32)
    back[order] = at
    return slots.reshape(len(places), most), places.astype(np.int32), back.reshape(found.shape)

"""The graph that computes T from boxes: of many rows at a time, each a window of a sample.

Of each tensor in a box the graph holds what is in the box, shape (rows, box), and is fed the same tensor of the samples
as they are, shape (samples, ...). What an op reads around a box is gathered of the two.
"""

from typing import Any, Dict, List, Tuple

import numpy as np

from ...compat import Tensor, copied_op, tf
from ..graph import ancestors
from .boxes import Box, patch_of, same
from .endings import Ending
from .gathering import Gather
from .reach import Regions
from .rules import Read

#: Of a row, how much larger the sample's own sum may be than the row's, until that is computed as a whole.
MOST_CANCELLED = 32.0


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
        self.changed = tf.placeholder(x.dtype, (None, *box.size), name='changed')
        self._gather = Gather(len(box.start))
        self.sample, self.starts = self._gather.sample, self._gather.starts
        self.kept: Dict[str, Tensor] = {}
        self.slots: Dict[str, Tuple[Tensor, Tensor, Tensor]] = {}
        self.checked: List[str] = []
        self.row_bytes = 1.0
        self._rows = self._gather.rows
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
        self.table = self._gather.finish()
        self._patches.clear()

    def reads(self, x: Tensor) -> bool:
        """Whether the graph cannot do without this tensor."""
        fed = [self.changed, self.sample, self.starts, *self.kept.values()]
        fed += [placeholder for of_one in self.slots.values() for placeholder in of_one]
        return self.target.name == x.name or x.op in ancestors([self.target], fed)

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
                found = self._gather.of_all(tf.reshape(read.tensor, [1, *patch.shape]), patch)
            else:
                found = self._gather.of_both(self._kept(read.tensor), self._in_box[name], box, patch, read.fill)
            self._note(found)
            self._patches[key] = found
        return self._patches[key]

    def _kept(self, tensor: Tensor) -> Tensor:
        if tensor.name not in self.kept:
            shape = (None, *self._plan.shapes[tensor.name])
            self.kept[tensor.name] = tf.placeholder(tensor.dtype, shape, name='kept')
        return self.kept[tensor.name]

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
            names = {z.name for z in op.outputs}
            if op in self._between and names & reads and not names & (set(plan.boxes) | set(self._whole)):
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
        differs = self._in_box[name] - self._gather.of_samples(self._kept(ending.tensor), box)
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

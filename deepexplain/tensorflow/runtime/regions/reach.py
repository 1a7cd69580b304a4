"""How far the changes of some windows reach between X and T: which ops are computed of boxes, and what that costs.

Costs are counted in multiplications; what is moved counts as some, so that they are about as long as these many.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ....types import Shape
from ...compat import Operation, Tensor
from ..bodies import in_order
from ..graph import OF_SHAPES, steps_of
from ..hidden import OF_FRAMES
from .boxes import Box, Reach, boxed, patch_of, reached, same, united
from .endings import Ending, ending_of
from .rules import Local, locals_of

#: What an op takes for each value that it gives, and what one takes that is gathered, in multiplications.
VALUE, GATHERED = 8, 12
#: What an op takes that is added to the graph and to a session; one of boxes, and a gather, are several.
ADDED, OPS_OF_PART, OPS_OF_GATHER = 2.5e7, 4, 32
#: An op is computed of boxes where that takes less than so much of the whole.
MOST = 0.85


class Part(NamedTuple):
    """One output of an op, computed of a box."""

    op: Operation
    local: Local
    box: Any  # None, once it is released
    patches: Tuple[Box, ...]


class Regions:
    """The plan: for each tensor that windows reach in part its box.

    Parameters
    ----------
    target : tf.Tensor
    x : tf.Tensor
    between : list of tf.Operation
        The ops between these.
    shape : tuple of int
        Of one sample of X.
    reach : Reach
        The windows.

    Attributes
    ----------
    boxes : dict
        Name of a tensor -> its Box.
    parts : dict
        Name of a tensor other than X -> its Part.
    endings : dict
        Name of a tensor -> the Ending by which it is computed of what a box differs.
    last : list of str
        Names of the tensors that are whole again, of which the rest is computed as it is in the graph.
    cost, whole, building : float
        Of one window, of one row of the network, and of adding all of it to the graph, in a new session run.
    """

    def __init__(self, target: Tensor, x: Tensor, between: Sequence[Operation], shape: Shape, reach: Reach) -> None:
        self.target, self.x, self.between = target, x, list(between)
        self.shapes: Dict[str, Shape] = {x.name: tuple(shape)}
        reach = Reach(*[bounds.astype(np.int32) for bounds in reach])
        self._reaches = {x.name: reach}
        self.boxes = {x.name: boxed(reach, tuple(shape), [1] * len(shape))}
        self.parts: Dict[str, Part] = {}
        self.endings: Dict[str, Ending] = {}
        self.steps = [step.op for step in steps_of(between, [x])]
        self.order = in_order({op: op.inputs for op in between})
        self._costs: Dict[str, float] = {x.name: 0.0}
        self.whole, self.building = 0.0, 0.0
        self._walk()
        self._reaches.clear()  # there may be a hundred thousand windows
        self.last: List[str] = []
        self.needed: List[Tensor] = []
        self.cost = self._settle()

    def release(self) -> None:
        """Forget where all boxes are that the graph knows, now that there is one: there may be many windows."""
        kept = {self.x.name, *[ending.tensor.name for ending in self.endings.values()]}
        self.boxes = {name: box for name, box in self.boxes.items() if name in kept}
        self.parts = {name: part._replace(box=None, patches=()) for name, part in self.parts.items()}

    @property
    def is_possible(self) -> bool:
        """Whether anything is computed of boxes, and the rest may be copied."""
        varying = set(self.steps)
        waits = any(c in varying for op in self.between for c in op.control_inputs)
        return bool(self.parts) and not waits and not any(op.type in OF_FRAMES for op in self.between)

    @property
    def share(self) -> float:
        """What one window costs, of what a row of the network does."""
        return self.cost / max(1.0, self.whole)

    @property
    def ends(self) -> List[Operation]:
        """The ops up to which boxes go: after the last of them all is whole."""
        names = {*self.last, *[z.name for z in self.needed if z.name in self.endings]}
        return [op for op in self.order if any(z.name in names for z in op.outputs)]

    def _walk(self) -> None:
        steps = set(self.steps)
        for op in self.order:
            if op not in steps:
                continue
            # The middle of a dilated convolution has no shape of samples; what ends it looks through it.
            of_x = [z.name for z in op.inputs if z.op in steps or z.name == self.x.name]
            known = op.type == 'BatchToSpaceND' or all(name in self.shapes for name in of_x)
            found = locals_of(op, self.shapes) if known else [None] * len(op.outputs)
            for z, local in zip(op.outputs, found):
                self._one(op, z, local)

    def _one(self, op: Operation, z: Tensor, local: Optional[Local]) -> None:
        if local is None:
            self._dense(op, z, multiplications_of(op), _values(z))
            return
        self.shapes[z.name] = local.shape
        values = float(np.prod(local.shape, dtype=float))
        whole = local.multiplications + VALUE * values * bool(local.reads)
        of_x = [read for read in local.reads if read.tensor.name in self.shapes]
        if not of_x or any(read.tensor.name not in self.boxes for read in of_x):
            self._dense(op, z, local.multiplications, values)
            return
        reach = united([reached(read.alongs, self._reaches[read.tensor.name]) for read in of_x])
        box = boxed(reach, local.shape, local.multiples)
        patches = tuple(patch_of(read.alongs, box, self._shape(read)) for read in local.reads)
        gathered = sum(
            float(np.prod(patch.size, dtype=float))
            for read, patch in zip(local.reads, patches)
            if not (read.tensor.name in self.boxes and same(self.boxes[read.tensor.name], patch))
        )
        cost = local.multiplications * box.share + VALUE * values * box.share + GATHERED * gathered
        if cost > MOST * whole and box.share > 0.5:
            self._dense(op, z, local.multiplications, values)
            return
        self._reaches[z.name], self.boxes[z.name] = reach, box
        self.parts[z.name] = Part(op, local, box, patches)
        self._costs[z.name] = cost
        self.whole += whole

    def _shape(self, read: Any) -> Shape:
        return self.shapes[read.tensor.name] if read.dims is None else read.dims

    def _dense(self, op: Operation, z: Tensor, multiplications: float, values: float) -> None:
        """An op of rows that are whole."""
        whole = multiplications + VALUE * values
        ending = ending_of(op, z, self.boxes, self.shapes)
        self.whole += whole
        if ending is not None and ending.cost < whole + GATHERED / 2 * ending.pasted:
            self.endings[z.name] = ending
            whole = ending.cost
        self._costs[z.name] = whole

    def _settle(self) -> float:
        """Find out what is needed of the plan, and what that costs; ``last`` and ``needed`` are set."""
        cost, seen, between = 0.0, set(), set(self.between)
        frontier = [(self.target, True)]
        while frontier:
            z, is_whole = frontier.pop()
            if (z.name, is_whole) in seen:
                continue
            seen.add((z.name, is_whole))
            if z.name in self.boxes:
                if is_whole:
                    self.last.append(z.name)
                    self.building += ADDED * OPS_OF_GATHER
                    cost += GATHERED / 2 * float(np.prod(self.shapes[z.name], dtype=float))
                    frontier.append((z, False))
                    continue
                part = self.parts.get(z.name)
                reads = [] if part is None else [read.tensor for read in part.local.reads]
                frontier.extend((tensor, False) for tensor in reads if tensor.name in self.boxes)
                if part is not None:
                    self.building += ADDED * (OPS_OF_PART + OPS_OF_GATHER * self._gathers(part))
            elif z.name in self.endings:
                frontier.append((self.endings[z.name].tensor, False))
            elif z.op in between and z.op.type not in OF_SHAPES:
                frontier.extend((tensor, True) for tensor in z.op.inputs)
            cost += self._costs.get(z.name, 0.0)
            self.building += ADDED
            self.needed.append(z)
        return cost

    def _gathers(self, part: Part) -> int:
        """How many of the things that are read are no boxes as they are."""
        pairs = zip(part.local.reads, part.patches)
        return sum(not (r.tensor.name in self.boxes and same(self.boxes[r.tensor.name], patch)) for r, patch in pairs)


def multiplications_of(op: Operation) -> float:
    """Of one row of an op without a rule, where it is known; else 0, which makes regions look dearer than they are."""
    if op.type == 'MatMul' and op.inputs[1].shape.num_elements():
        return float(op.inputs[1].shape.num_elements())
    return 0.0


def most_multiplications(between: Sequence[Operation]) -> float:
    """Of one row, at most and without a plan; infinite where shapes say too little."""
    total = 0.0
    for op in between:
        for z in op.outputs[:1]:
            if z.shape.ndims is None or None in z.shape.as_list()[1:]:
                return np.inf
            filters = (
                [y.shape.as_list() for y in list(op.inputs)[1:2]]
                if 'Conv' in op.type or op.type.startswith('Depthwise')
                else []
            )
            each = -2 if op.type.startswith('Depthwise') else -1  # of these axes each output has its own
            size = float(np.prod([d or 1 for shape in filters for d in shape[:each]]))
            total += multiplications_of(op) + (size + VALUE) * _values(z)
    return total


def _values(z: Tensor) -> float:
    if z.shape.ndims is None:
        return 0.0
    return float(np.prod([1 if d is None else d for d in z.shape.as_list()[1:]], dtype=float))

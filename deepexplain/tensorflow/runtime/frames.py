"""Reading the loops of TensorFlow 1, which are ops in a circle, as what they were made of: a condition and a body."""

from collections import namedtuple
from typing import Iterable, List, Optional, Set, Tuple

from ..compat import Operation
from .building import consumers

#: A loop: the op that says its name and ``parallel_iterations``, two bodies, static shapes of the variables.
Loop = namedtuple('Loop', 'op cond body shapes')

#: Part of a graph: ``outputs`` computed from ``inputs``.
Body = namedtuple('Body', 'inputs outputs')


class Frame:
    """A while loop of TensorFlow 1.

    For each variable there are an Enter, a Merge of that with the NextIteration, and a Switch, which sends it on into
    the body or, when LoopCond says so, to an Exit. What the loop reads besides comes through an Enter alone.

    Parameters
    ----------
    end : tf.Operation
        An Exit of the loop.

    Attributes
    ----------
    ops : set of tf.Operation
        Those inside, except for exits.
    exits : dict
        Exit -> index of its variable.
    inputs : list of tf.Tensor
        Where the variables begin, and what else the loop reads.
    op, cond, body, shapes
        As in :class:`Loop`. What else the loop reads is an input and an output of the body.
    """

    def __init__(self, end: Operation) -> None:
        switch = end.inputs[0].op
        self._loop_cond = switch.inputs[1].op
        merges, constants = self._read(switch.inputs[0].op)
        switches = [self._switch(merge) for merge in merges]
        enters = [merge.inputs[0].op for merge in merges]
        self.op = enters[0]
        self.exits = {
            op: i
            for i, switch in enumerate(switches)
            for op in (consumers(switch.outputs[0]) if switch else [])
            if op.type == 'Exit'
        }
        self.inputs = [op.inputs[0] for op in enters + constants]
        read = [op.outputs[0] for op in constants]
        self.cond = Body([merge.outputs[0] for merge in merges] + read, [self._loop_cond.inputs[0]])
        # A variable that only the condition reads may have lost its Switch where a graph was cut to what it computes.
        into_body = [switch.outputs[1] if switch else merge.outputs[0] for switch, merge in zip(switches, merges)]
        self.body = Body(into_body + read, [merge.inputs[1].op.inputs[0] for merge in merges] + read)
        self.shapes = [tensor.shape for tensor in self.cond.inputs]

    def _read(self, merge: Operation) -> Tuple[List[Operation], List[Operation]]:
        """Merges of the variables and Enters of what else is read, found backward from the condition and the body."""
        name = merge.inputs[0].op.get_attr('frame_name')
        merges, constants = [], []
        self.ops: Set[Operation] = set()
        frontier = [merge, self._loop_cond]
        while frontier:
            op = frontier.pop()
            if op in self.ops:
                continue
            self.ops.add(op)
            if _enters(op, name):
                if op.get_attr('is_constant'):
                    constants.append(op)
                continue
            if op.type == 'Merge' and _enters(op.inputs[0].op, name):
                merges.append(op)
                self.ops.update([self._switch(op)] if self._switch(op) else [])
            frontier.extend(tensor.op for tensor in op.inputs)
        return sorted(merges, key=lambda op: op._id), sorted(constants, key=lambda op: op._id)

    def _switch(self, merge: Operation) -> Optional[Operation]:
        switches = [op for op in consumers(merge.outputs[0]) if op.type == 'Switch']
        return next((op for op in switches if op.inputs[1].op is self._loop_cond), None)


def _enters(op: Operation, name: str) -> bool:
    return op.type == 'Enter' and op.get_attr('frame_name') == name


def frames_of(ops: Iterable[Operation]) -> List[Frame]:
    """The outermost loops of TensorFlow 1 among these ops."""
    frames: List[Frame] = []
    for op in ops:
        if op.type == 'Exit' and not any(op in frame.exits for frame in frames):
            frames.append(Frame(op))
    return [frame for frame in frames if not any(end in other.ops for other in frames for end in frame.exits)]

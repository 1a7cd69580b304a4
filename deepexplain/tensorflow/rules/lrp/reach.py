"""Where relevance comes to: not to what is held, nor to units that a ReLU switched off."""

from typing import Callable, Dict, List, Sequence, Set

from ...compat import Operation
from ...runtime.graph import Step


def reached(steps: Sequence[Step], takers: Callable[[Step], List[int]]) -> Set[Operation]:
    """The ops to which relevance may come; ``takers`` are the indices of the inputs of an op that it goes on to."""
    known: Dict[Operation, Step] = {step.op: step for step in steps}
    read = {step.op.inputs[i].op for step in steps for i in step.varying}
    # What none of them reads is T; what a function body returns may be read by its caller.
    frontier = [op for op in known if op not in read or _is_returned(op)]
    found = set(frontier)
    while frontier:
        step = known[frontier.pop()]
        for i in takers(step):
            op = step.op.inputs[i].op
            if op in known and op not in found:
                found.add(op)
                frontier.append(op)
    return found


#: Not below 0, and 0 for all that is.
RECTIFIERS = frozenset(['Relu', 'Relu6'])
#: What hands relevance to values as they are, and nothing to a 0 that it did not choose.
MOVES = frozenset(
    """ConcatV2 ExpandDims Identity MaxPool MaxPoolV2 Pad Reshape Slice SpaceToBatchND Squeeze StridedSlice
    Transpose""".split()
)


class Readers:
    """The steps that read an op, and whether all of them give relevance in proportion to what they read.

    ``is_in_proportion`` says it of a step by itself, None where it hands on what comes to it.
    """

    def __init__(self, steps: Sequence[Step], is_in_proportion: Callable[[Step], bool]) -> None:
        self._of: Dict[Operation, List[Step]] = {}
        for step in steps:
            for i in step.varying:
                self._of.setdefault(step.op.inputs[i].op, []).append(step)
        self._is_in_proportion = is_in_proportion

    def rectify(self, op: Operation) -> bool:
        """Whether no relevance comes to what an op computes where that is not above 0."""
        readers = self._of.get(op, [])
        return bool(readers) and not _is_returned(op) and all(self._rectifies(step) for step in readers)

    def _rectifies(self, step: Step) -> bool:
        if step.op.type == 'Identity':
            return self.rectify(step.op)
        return step.op.type in RECTIFIERS and self._is_shared(step.op)

    def _is_shared(self, op: Operation, depth: int = 20) -> bool:
        readers = self._of.get(op, [])
        return (
            bool(readers)
            and depth > 0
            and not _is_returned(op)
            and all(
                self._is_shared(step.op, depth - 1) if step.op.type in MOVES else self._is_in_proportion(step)
                for step in readers
            )
        )


def _is_returned(op: Operation) -> bool:
    return any(z is end for end in getattr(op.graph, 'outputs', []) for z in op.outputs)

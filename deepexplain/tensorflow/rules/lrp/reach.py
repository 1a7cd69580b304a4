"""Which ops relevance comes to: none goes back through what is held, such as the spread that a norm divides by."""

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


def _is_returned(op: Operation) -> bool:
    return any(z is end for end in getattr(op.graph, 'outputs', []) for z in op.outputs)

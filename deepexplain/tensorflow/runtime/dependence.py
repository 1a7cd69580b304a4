"""Which tensors of a body are others at the baseline, or depend on X, where some of its inputs do."""

from typing import TYPE_CHECKING, Any, Iterable, List, Set

from ..compat import Operation
from .bodies import ops_of
from .graph import OF_SHAPES
from .hidden import BRANCHES, LOOPS, is_opened

if TYPE_CHECKING:
    from .bodies import Bodies

#: What is written once: the copy has its own at the baseline.
ARRAYS = frozenset(['TensorArrayV3'])


class Dependence:
    """What depends on what, through the bodies of the functions that are called.

    Parameters
    ----------
    bodies : Bodies
        Those of the graph.
    """

    def __init__(self, bodies: 'Bodies') -> None:
        self._bodies = bodies

    def spread(self, body: Any, start: Iterable[int], variables: Iterable[int]) -> Set[int]:
        """Indices of the variables of a loop that depend on those in ``start``, be it many steps later."""
        found, before = set(start), None
        while found != before:
            before = set(found)
            found.update(i for i in variables if self.differs(body, before, i))
        return found

    def differs(self, body: Any, differ: Iterable[int], i: int) -> bool:
        """Whether output ``i`` of a body is another at the baseline where the inputs in the set ``differ`` are."""
        names = {body.inputs[i].name for i in differ}
        before: Set[str] = set()
        ops = ops_of([body.outputs[i]], body.inputs)
        while names - before:  # once and again, as a loop of TensorFlow 1 goes in a circle
            before = set(names)
            for op in ops:
                names.update(self._differing(op, names))
        return body.outputs[i].name in names

    def _differing(self, op: Operation, names: Any) -> List[str]:
        """Names of the outputs of an op that are others at the baseline where the tensors of these names are."""
        if op.type in ARRAYS:
            return [tensor.name for tensor in op.outputs]
        those = {i for i, tensor in enumerate(op.inputs) if tensor.name in names}
        if not those or op.type in OF_SHAPES:
            return []
        outputs: Iterable[int] = range(len(op.outputs))
        if is_opened(op) and op.type not in LOOPS and op.type not in BRANCHES:
            outputs = [i for i in outputs if self.differs(self._bodies.called(op), those, i)]
        return [op.outputs[i].name for i in outputs]

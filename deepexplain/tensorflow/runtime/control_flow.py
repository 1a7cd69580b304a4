"""Loops and branches made anew of copied ops."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Callable, List, Sequence

from ...errors import GraphError
from ..compat import Operation, Tensor, branches_of, while_loop
from .bodies import handed_on, loop_variables
from .dependence import Dependence
from .taken import branch_of, expected, proven
from .values import Pairs

if TYPE_CHECKING:
    from .bodies import Bodies
    from .values import Value


class ControlFlow:
    """Makes loops and branches of what ``copied``, a function, makes of their bodies.

    It is given a body, a list of :class:`Value` for the body's inputs, and indices of some of its outputs; it adds ops
    to the default graph and returns a list of :class:`Value` for these outputs.

    Parameters
    ----------
    bodies : Bodies
        Those of the graph.

    Raises
    ------
    GraphError
        From its methods: the way through the loop or branch depends on the values of X and may be another at the
        baseline.
    """

    def __init__(self, bodies: 'Bodies') -> None:
        self._bodies, self._dependence = bodies, Dependence(bodies)

    def loop(
        self, loop: Any, inputs: 'Sequence[Value]', wanted: Sequence[int], copied: 'Callable[..., List[Value]]'
    ) -> 'List[Value]':
        """Values of these variables of a loop at its end, given those of all at its start."""
        op, cond, body = loop.op, loop.cond, loop.body
        kept = {i for i in range(len(inputs)) if handed_on(body.outputs[i]) == body.inputs[i].name}
        variables = [i for i in loop_variables(cond, body, wanted) if i not in kept]
        differ = self._dependence.spread(body, {i for i, value in enumerate(inputs) if value.differs}, variables)
        of_x = self._dependence.spread(body, {i for i, value in enumerate(inputs) if value.of_x}, variables)
        pairs = Pairs([i in differ for i in variables], [i in of_x for i in variables])

        def state(tensors: Sequence[Tensor]) -> 'List[Value]':
            now = dict(zip(variables, pairs.values(tensors)))
            return [now.get(i, value) for i, value in enumerate(inputs)]

        def goes_on(*tensors: Tensor) -> Tensor:
            (value,) = copied(cond, state(tensors), [0])
            if value.differs:
                raise GraphError(
                    f"How many steps the loop of op '{op.name}' ({op.type}) makes depends on the values of X, so it "
                    "may make another number at the baseline, and the activations in it have no reference. Use 'elrp' "
                    "or 'intgrad'."
                )
            return value.at_x

        def step(*tensors: Tensor) -> List[Tensor]:
            return pairs.tensors(copied(body, state(tensors), variables))

        starts, shapes = pairs.tensors([inputs[i] for i in variables]), [loop.shapes[i] for i in variables]
        ends = while_loop(goes_on, step, starts, pairs.each(shapes), op)
        at_end = state(ends)
        return [at_end[i] for i in wanted]

    def branches(
        self,
        op: Operation,
        inputs: 'Sequence[Value]',
        wanted: Sequence[int],
        copied: 'Callable[..., List[Value]]',
        unlisted: Callable[[], Any],
    ) -> 'List[Value]':
        """Values of these outputs of an op that runs one of several bodies.

        What is copied within ``unlisted()``, a context, is in a branch that no run takes that feeds no flag.
        """
        bodies = self._bodies.branches(op)
        which, inputs = inputs[0], inputs[1:]
        always = branch_of(op, which.at_x, len(bodies), proven)
        if always is not None:
            return copied(bodies[always], inputs, wanted)
        check_branch(op, which)
        taken = branch_of(op, which.at_x, len(bodies), expected)
        differ = {i for i, value in enumerate(inputs) if value.differs}
        of_x = {i for i, value in enumerate(inputs) if value.of_x}
        differs = self._dependence.differs
        pairs = Pairs(*[[any(differs(body, those, i) for body in bodies) for i in wanted] for those in (differ, of_x)])

        def branch(i: int) -> Callable[[], List[Tensor]]:
            def build() -> List[Tensor]:
                with unlisted() if taken not in (None, i) else ExitStack():
                    return pairs.tensors(copied(bodies[i], inputs, wanted))

            return build

        return pairs.values(branches_of(op, which.at_x, [branch(i) for i in range(len(bodies))]))


def check_branch(op: Operation, which: 'Value') -> None:
    """Raise where the value that chooses a branch differs at the baseline."""
    if which.differs:
        raise GraphError(
            f"Which branch op '{op.name}' ({op.type}) takes depends on the values of X, so it may be another at the "
            "baseline, and the activations in it have no reference. Use 'elrp' or 'intgrad'."
        )

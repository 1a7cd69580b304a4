"""Choices that jump: what comes out where the condition turns, tried on the choice alone.

A choice that depends on one tensor, value by value, is a function of one number. It is evaluated along a line of
numbers; where its condition turns, the place is halved until both sides are one number but for rounding.
"""

from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Sequence

import numpy as np

from ..compat import Operation, Tensor, copied_op, tf
from ..rules.book import Rule
from ..runtime.alike import alike
from ..runtime.graph import OF_SHAPES
from ..runtime.op_types import CHOICES, ELEMENTWISE
from ..runtime.signals import let_through

if TYPE_CHECKING:
    from ..engine.problem import Problem
    from ..runtime.graph import Step


#: Functions of the values in one place.
_BY_PLACE = ELEMENTWISE.union(
    CHOICES,
    """Add AddN AddV2 BiasAdd Cast Div DivNoNan EnsureShape Equal Greater GreaterEqual Identity IsFinite IsInf IsNan
    Less LessEqual LogicalAnd LogicalNot LogicalOr Mul MulNoNan Neg NotEqual RealDiv Square SquaredDifference
    StopGradient Sub""".split(),
)
_LINE = np.unique(np.concatenate([[0.0], *[s * np.logspace(-5, 4, 700) for s in (1, -1)], np.linspace(-20, 20, 801)]))
_HALVINGS = 45
#: Of the value, or of 1: what a choice may differ where it turns.
_CONTINUOUS = 1e-4
_MOST_TURNS, _MOST_OPS, _MOST_CHOICES = 64, 60, 100


def judge(decisions: Any, steps: 'Sequence[Step]', ops: Any, problem: 'Problem', add: Callable[[], Any]) -> None:
    """Enter what is found of choices, and of products with indicators, into the decisions on their steps.

    Parameters
    ----------
    decisions : Decisions
    steps : list of Step
        What leads from X to T.
    ops : dict of tf.Operation to Step
        What computes T, copies perhaps.
    problem : Problem
    add : context manager
        In which ops may be added to the graph.
    """
    found: Dict[int, Any] = {}
    for op, step in list(ops.items()):
        let_through()
        is_choice = step.op.type in CHOICES and 0 in step.varying
        is_product = step.discrete and len(step.discrete) < len(step.varying) and step.op.type in ('Mul', 'MulNoNan')
        if (is_choice or is_product) and decisions.rule(step).exact and len(found) < _MOST_CHOICES:
            jumps = _jumps(op, 0 if is_choice else step.discrete[0], ops, problem, add)
            before = found.get(id(step.op), (step, is_choice, False))[2]
            found[id(step.op)] = step, is_choice, True if before or jumps else jumps
    for step, is_choice, jumps in found.values():
        if is_choice and jumps:
            decisions.amend(step, Rule(decisions.rule(step).name, False))
        if not is_choice and jumps is False:
            decisions.amend(step, Rule('indicator', True))


def _jumps(op: Operation, turning: int, ops: Any, problem: 'Problem', add: Callable[[], Any]) -> Optional[bool]:
    """Whether the output of an op jumps where its input at the index ``turning`` does; None where nobody can tell."""
    root = _root(op, ops)
    if root is None:
        return None
    try:
        with add():
            line = tf.placeholder(root.dtype, None)
            copies = {root.name: line}
            output = _copied(op.outputs[0], copies, ops, problem.graph, root)
            condition = _copied(op.inputs[turning], copies, ops, problem.graph, root)
        rank = root.shape.ndims or 1

        def at(values: Any) -> Any:
            rows = np.asarray(values).reshape((-1,) + (1,) * (rank - 1))
            y, c = problem.session.run([output, condition], {line: rows.astype(root.dtype.as_numpy_dtype)})
            c = np.broadcast_to(c if c.ndim == y.ndim else c.reshape(c.shape + (1,) * (y.ndim - c.ndim)), y.shape)
            return y.reshape(len(rows), -1).astype(np.float64), c.reshape(len(rows), -1)

        return _jumps_on_line(at)
    except (tf.errors.OpError, ValueError, KeyError, TypeError, RuntimeError, LookupError):
        return None  # of shapes or places that are known in a run only, variables without a value, ...


def _jumps_on_line(at: Callable[[Any], Any]) -> Optional[bool]:
    _, conditions = at(_LINE)
    before, places = np.nonzero(conditions[1:] != conditions[:-1])
    if not len(before):
        return None
    some = np.linspace(0, len(before) - 1, min(len(before), _MOST_TURNS)).astype(int)
    before, places = before[some], places[some]
    low, high, each = _LINE[before].copy(), _LINE[before + 1].copy(), np.arange(len(before))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        turned = at(middle)[1][each, places] != at(low)[1][each, places]
        low, high = np.where(turned, low, middle), np.where(turned, middle, high)
    y_low, y_high = (at(side)[0][each, places] for side in (low, high))
    with np.errstate(invalid='ignore'):
        gaps = np.abs(y_high - y_low) / np.maximum(1, np.maximum(np.abs(y_high), np.abs(y_low)))
    return bool((gaps > _CONTINUOUS).any())


def _root(op: Operation, ops: Any) -> Optional[Tensor]:
    """The tensor that an op is a function of, value by value; None where there is no such one."""
    frontier, seen = {op.outputs[0].name: op.outputs[0]}, 0
    while len(frontier) > 1 or op.outputs[0].name in frontier:
        seen += 1
        some = [z for z in frontier.values() if z.op in ops and z.op.type in _BY_PLACE]
        if not some or seen > _MOST_OPS:
            return None
        last = max(some, key=lambda z: z.op._id)
        step = ops[last.op]
        del frontier[last.name]
        for z in (last.op.inputs[i] for i in step.varying):
            if not any(alike(z, other) for other in frontier.values()):
                frontier[z.name] = z
    (root,) = frontier.values()
    return root if root.dtype.is_floating else None


def _copied(z: Tensor, copies: Any, ops: Any, graph: Any, root: Tensor) -> Tensor:
    """The tensor computed anew from the root, of which ``copies`` has the copy by name."""
    if z.name in copies:
        return copies[z.name]
    if z.op in ops and alike(z, root):
        return copies[root.name]
    op = z.op
    if op not in ops and op.type not in OF_SHAPES and op.graph is graph and not _reads(op, copies, ops):
        return z
    if not op.inputs and op.type != 'Const':
        raise LookupError(op.name)
    if op.type in OF_SHAPES and op.inputs[0].name not in copies:
        inputs = [next(iter(copies.values()))]
    else:
        inputs = [_copied(x, copies, ops, graph, root) for x in op.inputs]
    made = copied_op(op, inputs, attrs={'_gradient_op_type': None})
    copies.update((old.name, new) for old, new in zip(op.outputs, made.outputs))
    return copies[z.name]


def _reads(op: Operation, copies: Any, ops: Any, depth: int = 8) -> bool:
    """Whether an op that does not vary reads the shape of what does."""
    return depth > 0 and any(z.name in copies or z.op in ops or _reads(z.op, copies, ops, depth - 1) for z in op.inputs)

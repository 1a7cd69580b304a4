"""Where attributions fail to add up: how much of the gap arises at which op.

With multipliers m of the inputs of an op and g of its outputs, ``sum m (z - z0) - sum g (f - f0)`` is 0 where the
rule of the op is exact. Over all ops between X and T these gaps telescope to the convergence delta.
"""

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from ...errors import ArgumentError
from ...types import Array
from ..compat import Graph, Operation, Tensor, original_gradient, tf
from ..rules.book import Decisions, key_of
from ..runtime.bodies import in_order, is_closure
from ..runtime.clone import BRANCHES, LOOPS, Clone, beside
from ..runtime.frames import frames_of
from ..runtime.graph import Step, ops_between, steps_of
from ..runtime.hidden import hidden_ops
from ..runtime.op_types import is_continuous
from ..runtime.overrides import custom_gradient, gradient_rule
from .adding import adding_to, check_not_finalized, dense, gradients_of
from .request import Request, of_set, set_size

if TYPE_CHECKING:
    from .backward import Backward
    from .gradients import GradientEngine
    from .problem import Problem


class Row(NamedTuple):
    """One op: its name and type; its gap for each sample (float64 array), in the units of T; its share, 0 to 1."""

    op: str
    type: str
    gap: Array
    share: float


#: Rows of less are left to ``.rows`` when a table is printed.
SHOWN_SHARE = 0.005
#: What a precision of so many bytes leaves of a sum, relative to it.
ROUNDING = {2: 1e-2, 4: 1e-5, 8: 1e-5}


class Leaks:
    """What :meth:`~deepexplain.tensorflow.Explainer.leaks` returns. Printed, it is a table.

    Attributes
    ----------
    method : str
    promise : str
        What attributions should add up to.
    delta : float64 ndarray, shape (samples,)
        The sum of each sample's attributions minus that: the sum of all gaps.
    rows : list of Row
        ``(op, type, gap, share)``, the largest share first.
    """

    def __init__(
        self, method: str, promise: Optional[str], names: Sequence[Tuple[str, str]], gaps: Array, rounding: float
    ) -> None:
        self.method, self.promise, self._rounding = method, promise, rounding
        self.delta = gaps.sum(axis=1)
        sizes = np.abs(gaps).sum(axis=0)
        shares = sizes / (sizes.sum() or 1.0)
        order = np.argsort(-sizes, kind='stable')
        self.rows = [Row(names[i][0], names[i][1], gaps[:, i], float(shares[i])) for i in order]

    def __str__(self) -> str:
        size = np.abs(self.delta).mean()
        samples = 'one sample' if len(self.delta) == 1 else f'{len(self.delta)} samples, mean'
        rounding = ', which is rounding' if size <= self._rounding else ''
        lines = [f"'{self.method}': attributions and {self.promise} differ by {size:.4g} ({samples}){rounding}."]
        shown = [row for row in self.rows if row.share >= SHOWN_SHARE]
        widths = [max([len(row[i]) for row in ([one.op, one.type] for one in shown)] + [4]) for i in range(2)]
        lines.append(f'  {"op":<{widths[0]}}  {"type":<{widths[1]}}  share of gaps  mean gap')
        for op, kind, gap, share in shown:
            lines.append(f'  {op:<{widths[0]}}  {kind:<{widths[1]}}  {100 * share:>11.1f} %  {gap.mean():.4g}')
        return '\n'.join(lines)

    __repr__ = __str__


class Gaps:
    """A copy of what lies between X and T, in which each op's gap is a tensor.

    Parameters
    ----------
    plan : Backward
        A fresh one: what it feeds becomes part of this copy.
    problem : Problem
    Y : tf.Tensor
        Weights of the target.

    Attributes
    ----------
    plan : Backward
    names : list of (name, type)
    tensors : list of scalars
        Their gaps; and, last, the sum of all attributions.
    rest : (name, type) or None
        Loops and branches, where nothing can be read: what the others leave of the delta is theirs.
    """

    def __init__(self, plan: 'Backward', problem: 'Problem', Y: Tensor) -> None:
        inputs, between = problem.inputs, problem.between
        self.plan, self._graph, self._of_values = plan, problem.graph, plan.references is None
        self._of_relevance = plan.relevance
        baselines = None
        if plan.references is not None:
            plan.references.in_graph = True
            baselines = plan.references.begin(problem)
        fed = None if plan.fed is None else plan.fed.begin()
        finite = plan.references is not None and plan.references.finite
        clone = Clone(problem.target, inputs, between, baselines, fed, treated=lambda step: True, finite=finite)
        self._in_loops = {op for frame in frames_of(between) for op in frame.ops}
        copied = ops_between(clone.target, inputs)
        copies, top = dict(clone.origins), steps_of(copied, inputs)
        for step in top:
            key = step.op.graph, step.op.name
            copies[key] = Step(copies.get(key, step).op, step.varying, step.discrete)
        self._decisions = Decisions(plan.rules)
        self._decisions.enter([], copies)
        # Found out before the rule is on, which hides the gradients that the user chose.
        self._gradients_of = {key_of(*key): self._gradient_of(key[0], key[1], step) for key, step in copies.items()}
        self._readable = readable(copied)
        self._gaps: Dict[Operation, Tensor] = {}  # by op of the user, in whose function body it may be
        # Behind integers and conditions no gradient is asked for, unless by name.
        behind = {
            op for op, varying, _ in top if not any(is_continuous(op.inputs[i]) for i in varying)
        } & self._readable
        self._readable -= behind
        lost = [z for op in behind for z in op.outputs if is_continuous(z)]
        weights = clone.target * Y if plan.relevance else Y + tf.zeros_like(clone.target)
        with gradient_rule(self._gradients, copied):
            gradients = gradients_of(problem.target, clone.target, inputs, inputs + lost, weights)
        for z, gradient in zip(lost, gradients[len(inputs) :]):
            difference = self._differences(z.op, 'outputs')[z.value_index]
            self._note(z.op, -_products([difference], [gradient], [z]))
        attributed = [x - b for x, b in zip(inputs, baselines)] if baselines else inputs
        if plan.relevance:
            attributed = [tf.ones_like(x) for x in inputs]
        self.names = [(op.name, op.type) for op in self._gaps]
        self.tensors = list(self._gaps.values()) + [_products(attributed, gradients[: len(inputs)], inputs)]
        closed = [op for op in between if op.type in CLOSED and op not in self._in_loops]
        closed += [op for op, types in hidden_ops(between) if op not in closed and types & CLOSED]
        self.rest = (', '.join(op.name for op in closed[:3]), closed[0].type) if closed else None

    def _gradients(self, op: Operation, *grads: Tensor) -> Any:
        """Gradients of the inputs of an op, as the method has them; on the way, the gap is noted."""
        decision = self._decisions.of(op)
        if decision is None:  # it computes something of shapes
            return [None] * len(op.inputs)
        gradient = self._gradients_of[key_of(op.graph, op.name)]
        gradients = [None] * len(op.inputs) if gradient is None else gradient(op, *grads)
        gradients = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]
        if op in self._readable:
            came, went = self._differences(op, 'inputs'), self._differences(op, 'outputs')
            gap = sum(_products([came[i]], [gradients[i]], [op.inputs[i]]) for i in decision.step.varying)
            self._note(op, gap - _products(went, grads, op.outputs))
        return gradients

    def _note(self, op: Operation, gap: Tensor) -> None:
        """Add to the gap of the op that this one is a copy of: the body of a function is there once for each call."""
        decision: Any = self._decisions.of(op)
        source = decision.rule.together or decision.step.op
        self._gaps[source] = self._gaps[source] + gap if source in self._gaps else gap

    def _gradient_of(self, graph: Graph, name: str, step: Step) -> Optional[Callable[..., Any]]:
        """The rule of a step; or the gradient that the user chose, unless ``Clone.dropped`` it, or TensorFlow's own."""
        multiply = self._decisions.rule(step).multiply
        if multiply is not None:
            return multiply
        op = step.op
        is_copy_in_loop = op in self._in_loops and (graph, name) != (op.graph, op.name)
        is_copied_body = op.graph is not self._graph or is_copy_in_loop
        chosen = None if is_copied_body and is_closure(op) else custom_gradient(op)
        return original_gradient(chosen or op.type)

    def _differences(self, op: Operation, which: str) -> List[Tensor]:
        """What the method attributes of each input or output of an op: its value, or what it differs by."""
        if self._of_relevance:
            return [tf.ones_like(z) if is_continuous(z) else z for z in getattr(op, which)]
        if self._of_values:
            return list(getattr(op, which))
        other = beside(op) or op
        return [z - z0 if is_continuous(z) else z for z, z0 in zip(getattr(op, which), getattr(other, which))]


#: Types of ops that hide others from whoever reads gaps, and those by which loops and branches of TensorFlow 1 end.
CLOSED = LOOPS.union(BRANCHES, ['Exit', 'Merge'])


def readable(ops: Iterable[Operation]) -> Set[Operation]:
    """Those of the ops whose inputs and outputs are numbers that a session can evaluate.

    It cannot where they are inside a loop, or in a branch that may not be taken.
    """
    inside = {op for frame in frames_of(ops) for op in frame.ops}
    depth: Dict[Operation, int] = {}
    found = set()
    for op in in_order({op: list(op.inputs) for op in ops}):
        depth[op] = max([depth.get(z.op, 0) for z in op.inputs], default=0)
        if op not in inside:
            depth[op] += (op.type == 'Switch') - (op.type == 'Merge')
        of_array = op.type.startswith(('TensorArray', 'TensorList'))
        numbers = not any(z.dtype in (tf.variant, tf.resource) for z in op.outputs)
        if numbers and depth[op] == 0 and op not in inside and op.type not in CLOSED and not of_array:
            found.add(op)
    return found


def _products(differences: Sequence[Tensor], multipliers: Sequence[Tensor], tensors: Sequence[Tensor]) -> Tensor:
    """The sum of all products of a difference of a tensor and its multiplier, which may be None."""
    total = tf.zeros([], tf.float64)
    for difference, multiplier, tensor in zip(differences, multipliers, tensors):
        if multiplier is not None and (difference.dtype.is_floating or difference.dtype.is_complex):
            product = tf.math.conj(difference) * dense(multiplier, tensor)
            total += tf.reduce_sum(tf.cast(tf.math.real(product), tf.float64))
    return total


def leaks_of(
    engine: 'GradientEngine', fresh_plan: Callable[[], Any], request: 'Request', cut: Callable[[], Any]
) -> Leaks:
    """The :class:`Leaks` of a call; each sample takes a run of its own.

    Parameters
    ----------
    engine : GradientEngine
    fresh_plan : function without arguments
        The plan of the engine's method, anew: asked for once, when the gaps are added to the graph.
    request : Request
    cut : function without arguments
        Raises where a fixed batch cannot be filled.
    """
    if request.outputs is not None:
        raise ArgumentError("leaks() takes one explanation for each sample: ys must be an array, not 'each'.")
    together = _is_together(engine, request, cut)
    promised = engine.plan.promise.value(engine.network, request, request.n if together else 1)
    gaps = engine.oracle.once('gaps', lambda: _built(engine, fresh_plan))
    found = np.array([_gaps_of(engine, request, gaps, i, together) for i in range(request.n)])
    # What is left of the delta takes the place of the sum of all attributions.
    found[:, -1] -= promised + found[:, :-1].sum(axis=1)
    rounding = ROUNDING[engine.problem.target.dtype.size] * np.abs(promised).mean()
    if gaps.rest is None and np.abs(found[:, -1]).mean() <= rounding:
        found = found[:, :-1]
    return Leaks(engine.name, engine.plan.promise.text, [*gaps.names, gaps.rest or ('elsewhere', '')], found, rounding)


def _is_together(engine: 'GradientEngine', request: 'Request', cut: Callable[[], Any]) -> bool:
    """Whether a row of T is not that of its sample alone, so that every run must have all samples."""
    if request.fixed_rows is not None and request.n != request.fixed_rows:
        cut()  # raises where the batch cannot be filled
        return False
    return request.n > 1 and (request.n == request.fixed_rows or not engine.oracle.apart(request))


def _built(engine: 'GradientEngine', fresh_plan: Callable[[], Any]) -> Gaps:
    graph = engine.problem.graph
    check_not_finalized(graph, 'leaks() cannot add to it: call it once before that.')
    with adding_to(graph, locked=True):
        return Gaps(fresh_plan(), engine.problem, engine.network.Y)


def _gaps_of(engine: 'GradientEngine', request: 'Request', gaps: Gaps, i: int, together: bool) -> Any:
    """Gaps of one sample's T, and the sum of its attributions. No other row gets a weight."""
    weights: Any
    _, weights, per_row = request.weights[0] if request.weights else (None, 1.0, False)
    of = np.arange(request.n) if together else np.array([i])
    placeholder = engine.network.Y
    shape = (request.fixed_rows or len(of),) + (engine.network.row_shape(request) or ())
    Y = np.zeros(shape, placeholder.dtype.as_numpy_dtype)
    Y[i if together else 0] = weights[i] if per_row else weights
    one = request.weighted(placeholder, Y, False)
    extras = _fed_by_method(engine.plan, gaps.plan, request, of)
    return np.mean([one.run(gaps.tensors, of, extra=extra, trim=False) for extra in extras], axis=0)


def _fed_by_method(plan: 'Backward', built: Any, request: 'Request', of: Any) -> Any:
    """What the method feeds itself in each of the runs whose mean is taken, one for each baseline of a set."""
    fed = [] if plan.fed is None else [(built.fed.tensor, plan.fed.value)]
    if built.references is None:
        return [fed]
    placeholders = built.references.baselines
    if request.is_set:
        own = of if request.has_own_sets else of[:1]
        sets = (of_set(request, slice(i, i + 1), own) for i in range(set_size(request)))
        return [fed + list(zip(placeholders, one)) for one in sets]
    return [fed + list(zip(placeholders, request.baselines_of(of)))]

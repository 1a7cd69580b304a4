"""The plan of a method that goes back from T to X, and the graph that is built for it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

from ...errors import GraphError, warn
from ..compat import Operation, Tensor, tf
from ..rules.book import Decisions, RuleBook
from ..rules.plain import GRADIENT
from ..runtime.activations import ACTIVATIONS
from ..runtime.arrays import WITH_GRADIENT
from ..runtime.clone import Clone, is_frozen, is_opened
from ..runtime.graph import Step, check_passes_gradient, has_control_flow, ops_between, steps_of
from ..runtime.hidden import hidden_ops
from ..runtime.overrides import gradient_rule, original_grad
from ..runtime.taken import never_run
from .adding import adding_to, check_not_finalized, checked_attributions, dense, gradients_of
from .audit import Audit, named_ops
from .baselines import Baselines
from .network import Network, weighted, weights_of_outputs
from .path import Path
from .promise import NOTHING, Promise
from .references import Fed, References
from .turns import judge

if TYPE_CHECKING:
    from ..rules.book import Decision, Multiply
    from .problem import Problem

#: With ys='each', backward passes that share a forward pass. More take longer to build than they save.
MOST_PASSES = 8


def _gradients(back: 'BackwardPass') -> List[Tensor]:
    return back.gradients()


def _as_they_are(results: List[Any], request: Any) -> List[Any]:
    return results


def _accepts(request: Any) -> None:
    """Refuse nothing."""


def _no_advice(breaks: 'List[Decision]') -> str:
    return "'shapley_sampling' keeps it for every network."


@dataclass(frozen=True, eq=False)
class Backward:
    """The plan of a method that goes back from T to X once, or at many points, whose mean it takes.

    Parameters
    ----------
    attributions : function of a :class:`~deepexplain.tensorflow.engine.backward.BackwardPass`
        What to compute, as tensors: one for each of ``inputs``, in its shape. It has ``gradients()`` of T under the
        rules, ``inputs``, and, with ``references``, ``baselines``. Default: the gradients.
    rules : RuleBook
        What each op gets on the way. Default: its gradient.
    promise : Promise
        What a sample's attributions add up to, if anything.
    baseline : Baselines, optional
        What samples are compared with.
    references : References, optional
        For rules that compare an op with what it is at the baseline.
    path : Path, optional
        Take the mean of the attributions along it, and multiply it by what a sample differs from its baseline.
    fed : Fed, optional
        A number that rules read and each run feeds.
    at_breaks : str
        Of the warning about ops through which the promised sum does not hold: what the method does there (``{}`` stands
        for the ops).
    advice : function of a list of :class:`~deepexplain.tensorflow.rules.book.Decision`
        What mends that, in a sentence, for the ops where it breaks.
    keeps_sums : bool
        Whether attributions are a chain of rules that each keep a sum, so that a gap arises at single ops.
    by_row : bool
        Whether rules and attributions treat each row by itself, so that they are apart where the network keeps them
        apart. Otherwise that is asked of the attributions, with made-up samples.
    relevance : bool
        Whether what goes back from T is a share of its value, not a multiplier.
    check : function of a ``Request``
        Raises where the method has no attributions for such samples.
    at : Problem, optional
        That of a layer (see ``engine/layer.py``): go back to it, and no further, at the values that it has at rows
        of X. Then ``inputs`` are its tensors, and a path leads from the baseline of X to x.
    times : Backward, optional
        Another plan for the same problem: results are the product of both.
    finish : function of a list of results, shape (outputs, samples, ...), and the Request
        Returns what they become.
    finish_in_graph : function of a list of tensors, shape (samples, ...), and the shapes of one sample of each X
        The same in a graph that is exported; needed where there is a ``finish``.
    """

    attributions: Callable[['BackwardPass'], List[Any]] = _gradients
    rules: RuleBook = GRADIENT
    promise: Promise = NOTHING
    baseline: Optional[Baselines] = None
    references: Optional[References] = None
    path: Optional[Path] = None
    fed: Optional[Fed] = None
    at_breaks: str = '{} has no rule'
    advice: Callable[[Any], str] = _no_advice
    keeps_sums: bool = False
    by_row: bool = False
    relevance: bool = False
    check: Callable[[Any], None] = _accepts
    at: 'Optional[Problem]' = None
    times: 'Optional[Backward]' = None
    finish: Callable[[List[Any], Any], List[Any]] = _as_they_are
    finish_in_graph: Optional[Callable[[List[Any], Any], List[Any]]] = None


class BackwardPass:
    """What a plan adds to the graph: what lies between X and T (or a copy), and gradients under its rules.

    Attributes
    ----------
    inputs : list of tf.Tensor
        X.
    Y : tf.Tensor
        Weights of the outputs.
    baselines : list of tf.Tensor
        Placeholders of what the inputs are compared with; where the plan has references.
    decisions : Decisions
        What each op gets.
    """

    def __init__(self, name: str, plan: Backward, problem: 'Problem', strict: bool) -> None:
        self.name, self.plan, self.problem, self.inputs = name, plan, problem, problem.inputs
        self.between = problem.between
        problem.check_floating()
        self.decisions = Decisions(plan.rules)
        for x in self.inputs:
            check_passes_gradient(problem.target, x, self.between, self._treated_before(), problem.what)
        opens = any(is_opened(op) or is_frozen(op) for op in self.between)
        if plan.references is not None and plan.references.choose(problem):
            opens = True
        if plan.rules.changes_gradients:
            _check_activations(name, self.between)
        graph = problem.graph
        check_not_finalized(graph)
        with adding_to(graph, locked=opens):
            fed = None if plan.fed is None else plan.fed.begin()
            beside_x = None if plan.references is None else plan.references.begin(problem)
            if opens:
                self.target = self._copied(fed, beside_x, strict)
            else:
                self.target = problem.target
                self._enter(steps_of(self.between, self.inputs), {}, strict)
            for x in self.inputs if opens or plan.rules.changes_gradients else ():
                check_passes_gradient(self.target, x, self.between, self._rule_of, problem.what)
            self.network = Network(problem)
            # Placeholder of ys and attributions of each backward pass.
            self.passes: List[Tuple[Tensor, List[Tensor]]] = []
            self.add_pass(self.network.Y)
        if plan.path is not None:
            self._judge(strict)

    def _copied(self, fed: Optional[Tensor], beside_x: Optional[List[Tensor]], strict: bool) -> Tensor:
        """A copy of the target in which every op can take its rule."""
        finite = self.plan.references is not None and self.plan.references.finite
        clone = Clone(
            self.problem.target, self.inputs, self.between, beside_x, fed, treated=self.decisions.takes, finite=finite
        )
        copied = ops_between(clone.target, self.inputs)
        left = _left_as_they_are(copied, self.inputs, clone, set(self.between))
        self.target = clone.target
        self._enter(clone.sources + left, clone.origins, strict)
        if clone.dropped:
            warn(
                f'{named_ops(clone.dropped)} has a custom gradient (tf.custom_gradient) in a function body, which can '
                'only be called there: its derivative is taken to be that of the ops which compute its value.'
            )
        self.between = copied
        return clone.target

    def _enter(self, steps: 'Sequence[Step]', copies: Any, strict: bool) -> None:
        self._entered = steps, copies, self.target, never_run(self.problem.between)
        self.decisions.enter(*self._entered)
        if self.plan.path is None:
            self.audit().say(self.plan, strict)

    def _judge(self, strict: bool) -> None:
        """Find out which choices jump: by runs, which wait for the graph to be built."""
        steps, copies = self._entered[:2]
        ops = {graph.get_operation_by_name(name): step for (graph, name), step in copies.items()}
        known = {id(step.op) for step in ops.values()}
        ops.update((step.op, step) for step in steps if id(step.op) not in known)
        judge(self.decisions, steps, ops, self.problem, lambda: adding_to(self.problem.graph))
        self.decisions.enter(*self._entered)
        self.audit().say(self.plan, strict)

    def found_to_jump(self, steps: 'Sequence[Step]') -> None:
        """Let the audit know of steps at which T was seen to jump."""
        for step in steps:
            self.decisions.amend(step, self.decisions.rule(step)._replace(exact=False))
        self.decisions.enter(*self._entered)

    def audit(self) -> Audit:
        """What each op between X and T gets, as an :class:`Audit`."""
        return Audit(self.name, self.plan.promise.text, self.decisions.listed)

    def add_pass(self, Y: Optional[Tensor] = None) -> None:
        """Add one more backward pass to the graph, with weights of its own unless they are given."""
        self.Y = weights_of_outputs(self.problem.target) if Y is None else Y
        self._weighted = None
        arrays = [op for op in self.between if op.type in WITH_GRADIENT]
        with gradient_rule(self._gradient, arrays + [op for op in self.between if self._rule_of(op)]):
            attributions = checked_attributions(self.name, self.plan.attributions(self), self.inputs)
        self.passes.append((self.Y, attributions))

    def build_passes(self, outputs: int) -> int:
        """How many outputs a session run can explain one by one: adds backward passes, up to MOST_PASSES.

        Not to a loop, which may have run: TensorFlow could not take it back.
        """
        graph, wanted = self.problem.graph, min(outputs, MOST_PASSES)
        if len(self.passes) < wanted and not graph.finalized and not has_control_flow(self.between):
            with adding_to(graph):  # which takes a name of the graph, each time
                while len(self.passes) < wanted:
                    self.add_pass()
        return min(outputs, len(self.passes))

    @property
    def T(self) -> Tensor:  # noqa: N802 - symbolic
        """The target or a copy of it, weighted: added where somebody reads it."""
        if self._weighted is None:
            self._weighted = weighted(self.target, self.Y, self.problem.target.shape)
        return self._weighted

    @property
    def baselines(self) -> List[Tensor]:
        """Placeholders of what the inputs are compared with."""
        references: Any = self.plan.references
        baselines: List[Tensor] = references.baselines
        return baselines

    @property
    def placeholders(self) -> List[Tensor]:
        """What runs feed besides xs, ys and the user's feeds."""
        own = [] if self.plan.fed is None else [self.plan.fed.tensor]
        return own + ([] if self.plan.references is None else self.plan.references.placeholders)

    def gradients(self) -> List[Tensor]:
        """Gradients of the weighted target with respect to each input, under the rules of the plan."""
        # Fewer ops than the gradient of T times its weights has, and the same numbers.
        start = self.target if self.plan.relevance else tf.ones_like(self.target)
        weights = weighted(start, self.Y, self.target.shape)
        gradients = gradients_of(self.problem.target, self.target, self.inputs, self.inputs, weights)
        if self.plan.relevance:  # which gates hand on nothing of
            gradients = [tf.zeros_like(x) if g is None else g for x, g in zip(self.inputs, gradients)]
        for x, gradient in zip(self.inputs, gradients):
            if gradient is None:  # the ops between passed the check, but TensorFlow found no way
                raise GraphError(f"No gradient of T '{self.problem.target.name}' arrives at X '{x.name}'.")
        return [dense(gradient, x) for gradient, x in zip(gradients, self.inputs)]

    def _treated_before(self) -> Callable[[Operation], bool]:
        """Whether an op of the user's graph will have a rule, before the rules of all are decided: a function."""
        steps: Dict[Operation, Step] = {}

        def treated(op: Operation) -> bool:
            if self.plan.rules.changes_gradients and not steps:
                steps.update((step.op, step) for step in steps_of(self.between, self.inputs))
            return op in steps and self.decisions.takes(steps[op])

        return treated

    def _rule_of(self, op: Operation) -> 'Optional[Multiply]':
        decision = self.decisions.of(op)
        return None if decision is None else decision.rule.multiply

    def _gradient(self, op: Operation, *grads: Tensor) -> Any:
        return (self._rule_of(op) or original_grad)(op, *grads)


def _left_as_they_are(
    copied: Sequence[Operation], inputs: Sequence[Tensor], clone: Clone, own: Set[Operation]
) -> List[Step]:
    """Steps that the copy does not know to be computed from X: behind a loop of TensorFlow 1 that it keeps."""
    known, found = {step.op for step in clone.sources}, []
    for op, varying, discrete in steps_of(copied, inputs):
        origin = clone.origins.get((op.graph, op.name))
        source = op if origin is None else origin.op
        if source not in known and (source in own or source is not op):  # our choices are no steps of the user's
            found.append(Step(source, varying, discrete))
    return found


def _check_activations(name: str, between: Sequence[Operation]) -> None:
    """Refuse activations that no rule can reach."""
    for op, types in hidden_ops(op for op in between if not is_opened(op)):
        hidden = sorted(types & set(ACTIVATIONS))
        if hidden:
            raise GraphError(
                f"'{name}' cannot treat the activations ({', '.join(hidden)}) in the function body of op "
                f"'{op.name}' ({op.type}). Build that part without the op, or use a method of the true gradient, "
                "such as 'intgrad'."
            )

"""A rule book decides, once, what each op between X and T gets; the audit, the gradient and leaks read its entry."""

from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Union

from ..compat import Operation
from ..runtime.graph import Step
from .indicators import absorbed, is_indicator

#: What computes the multipliers (gradients) of an op's inputs: a function of the op and those of its outputs.
Multiply = Callable[..., Any]


class Rule(NamedTuple):
    """What an op gets.

    Parameters
    ----------
    name : str
        The treatment in words, as :meth:`~deepexplain.tensorflow.Explainer.describe` lists it.
    exact : bool or None
        Whether the sum that a method promises holds through it; None where nobody can tell, or nothing is promised.
    multiply : function, optional
        ``multiply(op, *grads)`` returns the gradients of the op's inputs (None for one that gets nothing), given those
        of its outputs. Default: the gradient that TensorFlow, or the user, has for the op.
    together : tf.Operation, optional
        One for all ops that tell each other more than a gradient does: whether the sum holds is known of all of them.
    """

    name: str
    exact: Optional[bool] = None
    multiply: Optional[Multiply] = None
    together: Optional[Operation] = None


#: A part of a rule book: the rule of a step, or None where it has none for it.
Entry = Callable[[Step], Optional[Rule]]


class RuleBook:
    """An ordered list of entries, of which the first that has a rule for an op decides.

    Parameters
    ----------
    *entries : functions of a :class:`~deepexplain.tensorflow.runtime.graph.Step` that return a Rule or None
        :func:`of_types` makes one; a rule book is one, too. The last must know a rule for every op, as
        :data:`~deepexplain.tensorflow.rules.plain.GRADIENT` does.
    changes_gradients : bool, default True
        Whether any entry has a rule in place of a gradient.

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow.rules.book import Rule, RuleBook, of_types
    >>> from deepexplain.tensorflow.rules.plain import GRADIENT
    >>> book = RuleBook(of_types('Relu', Rule('blocked', multiply=lambda op, grad: 0 * grad)), GRADIENT)
    >>> with tf.Graph().as_default():
    ...     op = tf.nn.relu(tf.placeholder(tf.float32, [None, 2])).op
    >>> book(Step(op, [0])).name
    'blocked'
    """

    def __init__(self, *entries: Entry, changes_gradients: bool = True) -> None:
        self.entries = entries
        self.changes_gradients = changes_gradients

    def __call__(self, step: Step) -> Rule:
        """Return the rule of a step."""
        for entry in self.entries:
            rule = entry(step)
            if rule is not None:
                return rule
        raise LookupError(f"No entry of this rule book has a rule for op '{step.op.name}' ({step.op.type}).")

    def read(self, steps: Sequence[Step], source: 'Callable[[Any], Optional[Step]]') -> 'RuleBook':
        """Return the book that decides once all steps are known: itself, unless rules are those of whole layers.

        ``source`` says of an op in hand of which step it is, or is a copy.
        """
        return self


def of_types(op_types: Union[str, Iterable[str]], rule: Rule) -> Entry:
    """An entry that gives a rule to all ops of these types, a collection or one text of names."""
    names = frozenset(op_types.split() if isinstance(op_types, str) else op_types)
    return lambda step: rule if step.op.type in names else None


class Decision(NamedTuple):
    """A step of the graph, and the rule that it got."""

    step: Step
    rule: Rule


class Decisions:
    """What each op gets from a rule book: decided once for each step, whoever asks.

    Attributes
    ----------
    listed : list of Decision
        One for each step that leads from X to T, in order.
    """

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._made: Dict[Any, Rule] = {}
        self._of_ops: Dict[Any, Decision] = {}
        self.listed: List[Decision] = []

    def rule(self, step: Step) -> Rule:
        """Return the rule of a step."""
        key = self._key(step)
        if key not in self._made:
            self._made[key] = self._book(step)
        return self._made[key]

    @staticmethod
    def _key(step: Step) -> Any:
        return step.op, tuple(step.varying), tuple(step.discrete)

    def takes(self, step: Step) -> bool:
        """Whether the step has a rule in place of its gradient."""
        return self.rule(step).multiply is not None

    def enter(
        self,
        steps: Sequence[Step],
        copies: Optional[Mapping[Any, Step]] = None,
        target: Optional[Any] = None,
        idle: Collection[Any] = (),
    ) -> None:
        """List the steps from X to T; ``copies``: graph and name of a copied op -> the step that it is a copy of.

        Ops in ``idle`` get their rules, but are not listed: they are not expected to run. With the ``target``,
        nothing is lost at numbers made of conditions which only multiply what takes all.
        """
        everything = [*steps, *(copies or {}).values()]
        read = self._book.read(list({id(step.op): step for step in everything}.values()), self._source)
        if read is not self._book:
            self._book, self._made = read, {}
        if target is not None:
            self._forgive(steps, copies or {}, target)
        decisions = [Decision(step, self.rule(step)) for step in steps]
        self.listed = [decision for decision in decisions if decision.step.op not in idle]
        self._of_ops = {key_of(d.step.op.graph, d.step.op.name): d for d in decisions}
        for (graph, name), step in (copies or {}).items():
            self._of_ops[key_of(graph, name)] = Decision(step, self.rule(step))

    def amend(self, step: Step, rule: Rule) -> None:
        """Give a step another rule, before it is listed or again."""
        self._made[self._key(step)] = rule

    def _forgive(self, steps: Sequence[Step], copies: Mapping[Any, Step], target: Any) -> None:
        lost = [step for step in steps if self.rule(step).exact is False and is_indicator(step)]
        if not lost:
            return
        ops = {graph.get_operation_by_name(name): step for (graph, name), step in copies.items()}
        sources = {id(step.op) for step in ops.values()}
        ops.update((step.op, step) for step in steps if id(step.op) not in sources)
        kept = absorbed(ops, self.rule, target)
        for step in lost:
            if all(op in kept for op, other in ops.items() if other.op is step.op):
                key = self._key(step)
                self._made[key] = self._made[key]._replace(exact=True)

    def _source(self, op: Any) -> Optional[Step]:
        decision = self.of(op)
        return None if decision is None else decision.step

    def of(self, op: Any) -> Optional[Decision]:
        """Return the decision for an op, or for what it is a copy of; None where it computes nothing of X."""
        return self._of_ops.get(key_of(op.graph, op.name))


def key_of(graph: Any, name: str) -> Any:
    """What an op is known by: TensorFlow 1.15 makes graphs of bodies anew, with their names, to differentiate them."""
    return getattr(graph, 'name', None), name

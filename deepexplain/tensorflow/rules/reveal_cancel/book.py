"""The rule book: which activations have the RevealCancel rule, and its multipliers."""

from typing import Any, Callable, Collection, List, Optional, Sequence, Tuple

import numpy as np

from ...compat import Operation, Tensor, same_op, tf
from ...runtime.activations import ACTIVATIONS
from ...runtime.clone import beside
from ...runtime.graph import Step
from ...runtime.overrides import original_grad
from ..book import Rule, RuleBook
from ..complete import complete
from ..complete.registry import as_list, rule_of
from ..plain import plain
from .shares import LINEAR_OPS, Shares

#: Name of a family of rules -> the kinds of layers whose positive and negative shares it tells apart.
FAMILIES = {'reveal-cancel': ('convolution', 'dense', 'pool', 'sum'), 'genomics': ('dense',)}

#: Functions of one number that are defined for all, and nowhere infinitely steep; besides those of ACTIVATIONS.
REVEALING = frozenset('Abs Asinh Atan ClipByValue Cos Erf LeakyRelu Maximum Minimum Relu6 Selu Sin Softsign'.split())
#: They have their gradient, as in the authors' code.
MAX_POOLING = frozenset('MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax'.split())

#: Of these, every difference is exact, so that a quotient is the slope of the shortest way.
PIECES = frozenset(['Abs', 'Maximum', 'Minimum', 'Relu', 'Relu6'])

StepOf = Callable[[Operation], Optional[Step]]


class RevealCancelBook(RuleBook):
    """The rule book of ``deeplift`` with ``rules='reveal-cancel'`` or 'genomics'.

    ``kinds`` are those of layers whose shares are told apart. Activations behind others have the Rescale rule, which is
    the same where all shares of a unit have one sign.
    """

    def __init__(self, kinds: Collection[str]) -> None:
        super().__init__(_max_pooling, complete, plain)
        self._kinds = kinds

    def __call__(self, step: Step) -> Rule:
        """Return a stand-in: before all steps are known, any linear op may be part of a layer."""
        rule = super().__call__(step)
        return rule if rule.multiply or step.op.type not in LINEAR_OPS else rule._replace(multiply=original_grad)

    def read(self, steps: Sequence[Step], source: StepOf) -> RuleBook:
        """Return the book of the network that these steps make up."""
        return _Read(steps, source, self._kinds)


def _max_pooling(step: Step) -> Optional[Rule]:
    return plain(step) if step.op.type in MAX_POOLING else None


class _Read(RuleBook):
    """The rule book of one network."""

    def __init__(self, steps: Sequence[Step], source: StepOf, kinds: Collection[str]) -> None:
        super().__init__(_max_pooling, self._of_activation, self._of_layer, complete, plain)
        self._shares = Shares(steps, source, kinds, is_activation)

    def read(self, steps: Sequence[Step], source: StepOf) -> RuleBook:
        """Return itself: it has been read."""
        return self

    def _of_activation(self, step: Step) -> Optional[Rule]:
        if not is_activation(step) or step.op not in self._shares.together:
            return None
        i = step.varying[0]
        return Rule('reveal-cancel', True, lambda op, grad: self._reveal(op, i, grad), self._shares.together[step.op])

    def _of_layer(self, step: Step) -> Optional[Rule]:
        rule = complete(step) if step.op in self._shares.together else None
        if rule is None:
            return None
        own = rule.multiply or original_grad
        return rule._replace(
            multiply=lambda op, *grads: self._shares.added(op, as_list(own(op, *grads))),
            together=self._shares.together[step.op],
        )

    def _reveal(self, op: Operation, i: int, grad: Tensor) -> List[Any]:
        """The mean of both multipliers; the layer gets to know of half their difference."""
        at_baseline = beside(op)
        if at_baseline is None:  # it is the same there
            return as_list(original_grad(op, grad))
        spread = self._shares.spread(op, i)
        of_positive, of_negative = multipliers(op, at_baseline, i, spread, grad)
        self._shares.tell(op, i, 0.5 * (of_positive - of_negative))
        return [0.5 * (of_positive + of_negative) if j == i else None for j in range(len(op.inputs))]


def is_activation(step: Step) -> bool:
    """Whether an op is a function of one number, for which there is the rule."""
    return (
        (step.op.type in REVEALING or step.op.type in ACTIVATIONS)
        and len(step.varying) == 1
        and not step.discrete
        and step.op.inputs[step.varying[0]].dtype.is_floating
    )


def multipliers(op: Operation, op0: Operation, i: int, spread: Tensor, grad: Tensor) -> Tuple[Tensor, Tensor]:
    """``grad * D+ / d+`` and ``grad * D- / d-``: those of the positive and of the negative shares.

    Each is the mean of two slopes: that of the shares where they come first, and where they come last. To all shares
    are added a few roundings, so that where a sign has none, the slope is that of the smallest ones.
    """
    z, z0 = op.inputs[i], op0.inputs[i]
    change = z - z0
    spread = tf.maximum(spread, tf.abs(change))  # but for rounding, it is
    few = tf.cast(4 * _rounding(z), z.dtype) * (tf.abs(z0) + spread) + tf.cast(_smallest(z), z.dtype)
    half_way, half_spread = z0 + 0.5 * change, 0.5 * spread + few

    def at(value: Tensor) -> Operation:
        return same_op(op, *[value if j == i else other for j, other in enumerate(op.inputs)])

    def slope(end: Operation, start: Operation) -> Tensor:
        if op.type in PIECES:
            return (end.outputs[0] - start.outputs[0]) / (end.inputs[i] - start.inputs[i])
        return as_list(rule_of(op.type)[1](end, start, grad))[i]

    positive, negative = at(half_way + half_spread), at(half_way - half_spread)
    half = 0.5 * grad if op.type in PIECES else tf.cast(0.5, z.dtype)
    of_positive = half * (slope(positive, op0) + slope(at(z + few), negative))
    of_negative = half * (slope(negative, op0) + slope(at(z - few), positive))
    return of_positive, of_negative


def _rounding(z: Tensor) -> float:
    return 2.0**-7 if z.dtype.base_dtype == tf.bfloat16 else float(np.finfo(z.dtype.as_numpy_dtype).eps)


def _smallest(z: Tensor) -> float:
    """A number above 0 that is none of those which some processors take for 0."""
    return 1e-4 if z.dtype.base_dtype == tf.float16 else 1e-30

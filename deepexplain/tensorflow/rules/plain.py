"""The true gradient of each op, and what that means for the sum that a method promises."""

from typing import TYPE_CHECKING, Optional

from ..runtime.op_types import (
    JUMPING,
    STEPS,
    WITHOUT_GRADIENT,
    is_continuous,
    is_discrete,
    is_linear,
    keeps_its_gradient,
)
from ..runtime.overrides import custom_gradient, takes_rule
from .book import Rule, RuleBook

if TYPE_CHECKING:
    from ..runtime.graph import Step
    from .book import Entry

LINEAR = Rule('linear', True)


def linear(step: 'Step') -> Optional[Rule]:
    """Entry for linear ops whose gradient is their own."""
    return LINEAR if is_linear(step.op, step.varying) and keeps_its_gradient(step.op) else None


def activations(rule: Rule) -> 'Entry':
    """Entry that gives a rule to the activations of the table, but where the user chose another gradient for one."""
    return lambda step: rule if takes_rule(step.op) else None


def plain(step: 'Step') -> Rule:
    """Entry for all that has no rule: its gradient, through which a sum does not hold unless the op is linear."""
    op, varying = step.op, step.varying
    if is_discrete(op):
        return Rule('no gradient', True)  # nothing is lost as yet: that is where numbers are made of it again
    if op.type == 'StopGradient':
        # Often put where the derivative is zero anyway: means of variances, maxima of softmax.
        return Rule('no gradient', None)
    if not any(is_continuous(op.inputs[i]) for i in varying):
        return Rule('no gradient', False)
    return Rule('custom gradient' if custom_gradient(op) else 'plain gradient', False)


def _promising_nothing(step: 'Step') -> Rule:
    return (linear(step) or plain(step))._replace(exact=None)


def _on_a_path(step: 'Step') -> Rule:
    """What an integral of the gradient gets: exact wherever the op is continuous."""
    rule = plain(step)
    if step.op.type in STEPS:
        return Rule('no gradient', False)
    if step.op.type in JUMPING or any(i in step.varying for i in WITHOUT_GRADIENT.get(step.op.type, ())):
        return Rule('plain gradient', False)
    if rule.name == 'no gradient':
        return rule
    if rule.name == 'custom gradient':
        return rule._replace(exact=None)
    chosen = step.op.type in ('Select', 'SelectV2')  # whether that jumps, engine.turns finds out
    jumps = not chosen and not all(is_continuous(step.op.inputs[i]) for i in step.varying)
    return Rule('linear' if is_linear(step.op, step.varying) else rule.name, not jumps)


#: The gradient, of which nothing is promised.
GRADIENT = RuleBook(_promising_nothing, changes_gradients=False)

#: The gradient, integrated along a path.
INTEGRATED_GRADIENT = RuleBook(_on_a_path, changes_gradients=False)


#: For methods that only run the network forward, and promise nothing; and for those whose sum holds for every network.
EVALUATED = RuleBook(lambda step: Rule('evaluated'), changes_gradients=False)
EVALUATED_EXACTLY = RuleBook(lambda step: Rule('evaluated', True), changes_gradients=False)

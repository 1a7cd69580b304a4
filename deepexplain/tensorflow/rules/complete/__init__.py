"""The rules of ``deeplift`` with ``rules='complete'``: one for each kind of op that is not linear.

A rule gets an op at x, the same op at the baseline, and the multipliers of its outputs (the gradients, in plain
backpropagation); it returns those of its inputs. What unites all rules: multipliers times what each input differs
from its baseline add up to what the outputs differ, times theirs. So attributions sum to T(x) - T(baseline), whatever
the graph is made of.

Adding a rule is one function with :func:`~deepexplain.tensorflow.rules.complete.rule` beside it, in the file of
its kind.
"""

import functools
from typing import TYPE_CHECKING, Any, Callable, Optional

from ...compat import Operation, Tensor
from ...runtime.clone import beside
from ...runtime.op_types import is_linear, keeps_its_gradient
from ...runtime.overrides import original_grad
from ..book import Rule, RuleBook
from ..plain import LINEAR, plain
from . import elementwise, indicators, largest, normalizations, products, softmax
from .registry import RULES, of_finite, rule, rule_of

if TYPE_CHECKING:
    from ...runtime.graph import Step
    from ..book import Multiply

__all__ = [
    'COMPLETE',
    'RULES',
    'complete',
    'elementwise',
    'indicators',
    'largest',
    'normalizations',
    'of_finite',
    'products',
    'rule',
    'softmax',
]

#: Their rule is for the first input only, the others held.
OF_FIRST_INPUT = frozenset('Dilation2D FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel'.split())


def complete(step: 'Step') -> Optional[Rule]:
    """Entry for all ops that keep their share of the sum: linear ones, and those of :data:`~.registry.RULES`."""
    if step.op.type == 'StopGradient':
        return Rule('linear', True, lambda op, grad: grad)
    if is_linear(step.op, step.varying):
        # A gradient that the user chose is not that of the value.
        own = LINEAR if keeps_its_gradient(step.op) else Rule('linear', True, original_grad)
        return Rule('linear', True, products.times_finite) if products.may_have_infinite_slope(step) else own
    which = indicators.factors(step)
    if which is not None:
        return Rule('indicator', True, _with_baseline(functools.partial(indicators.indicator, which=which)))
    if normalizations.is_normalization(step):
        return Rule('normalization', True, _with_baseline(normalizations.normalization))
    name, function = rule_of(step.op.type)
    return Rule(name, True, _with_baseline(function)) if name and _can_be_treated(name, step) else None


def _with_baseline(function: Callable[..., Any]) -> 'Multiply':
    def multiply(op: Operation, *grads: Tensor) -> Any:
        at_baseline = beside(op)  # none where the op is the same there
        return original_grad(op, *grads) if at_baseline is None else function(op, at_baseline, *grads)

    return multiply


def _can_be_treated(name: str, step: 'Step') -> bool:
    """Whether no more varies than the rule is for: two inputs of real numbers; or the condition of a choice, too."""
    numbers = step.numbers
    if name == 'choice':
        return len(numbers) > 0
    if step.op.type in OF_FIRST_INPUT and list(step.varying) != [0]:
        return False
    real = all(step.op.inputs[i].dtype.is_floating for i in numbers) or name in ('product', 'quotient', 'norm')
    return real and 0 < len(numbers) == len(step.varying) <= 2


COMPLETE = RuleBook(complete, plain)

"""Where nothing is lost though nothing passes: numbers made of conditions that only multiply others."""

from typing import TYPE_CHECKING, Any, List, Set

from ..compat import Operation, Tensor
from ..runtime.building import consumers
from ..runtime.op_types import BILINEAR, LINEAR_IN_FIRST, LINEAR_IN_SECOND, carries, is_discrete

if TYPE_CHECKING:
    from ..rules.book import Rule
    from ..runtime.graph import Step


_FACTORS = BILINEAR | LINEAR_IN_FIRST | LINEAR_IN_SECOND


def is_indicator(step: 'Step') -> bool:
    """Whether an op makes numbers through which nothing can be attributed, or computes with these alone."""
    return not is_discrete(step.op) and not carries(step.op, [i for i in step.varying if i not in step.discrete])


def is_factor(step: 'Step', rule: 'Rule') -> bool:
    """Whether an op, with this rule, has indicators as factors, of which the others take all."""
    some_carry = len(set(step.varying) - set(step.discrete)) > 0
    return some_carry and (rule.name == 'indicator' or (rule.name == 'linear' and step.op.type in _FACTORS))


def absorbed(ops: Any, rules: Any, target: Tensor) -> Set[Any]:
    """Ops that make indicators which only multiply what takes all of the product.

    Parameters
    ----------
    ops : dict of tf.Operation to Step
        Those that compute the target from X, in graphs of their own perhaps: an op may be a copy of that of its step.
    rules : function of a Step
    target : tf.Tensor
    """
    known = {}

    def is_absorbed(op: Operation) -> bool:
        if op not in known:
            known[op] = False  # in a circle
            known[op] = all(_takes(z, consumer) for z in op.outputs for consumer in _ways(z))
        return known[op]

    def _ways(z: Tensor) -> List[Any]:
        if (z.name == target.name and z.graph is target.graph) or any(
            z is end for end in getattr(z.graph, 'outputs', [])
        ):
            return [None]
        in_body = z.graph is not target.graph
        return [op for op in consumers(z) if op in ops or in_body]

    def _takes(z: Tensor, consumer: Any) -> bool:
        step = ops.get(consumer)
        if step is None:
            return False
        if is_discrete(step.op):
            return True
        return is_absorbed(consumer) if is_indicator(step) else is_factor(step, rules(step))

    return {op for op, step in ops.items() if is_indicator(step) and is_absorbed(op)}

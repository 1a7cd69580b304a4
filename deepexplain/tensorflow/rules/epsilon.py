"""The epsilon rule, in the form of DeepExplain 0.3: each activation's derivative is the slope from 0."""

from typing import TYPE_CHECKING, Any, Optional

from ..compat import Operation, Tensor, tf
from ..runtime.clone import beside
from ..runtime.op_types import is_continuous, is_homogeneous, is_linear, keeps_its_gradient
from .book import Rule, RuleBook
from .plain import LINEAR, activations, plain

if TYPE_CHECKING:
    from ..runtime.graph import Step


def epsilon_rule(op: Operation, grad: Tensor, epsilon: Tensor) -> Tensor:
    """Replace ``f'(z)`` by ``f(z) / (z + epsilon * s(z))``, the slope from 0 to ``(z, f(z))``.

    ``s(z)`` is 1 for ``z >= 0`` and -1 below, so epsilon always moves the denominator away from zero.
    """
    z, f_z = op.inputs[0], op.outputs[0]
    epsilon = tf.cast(epsilon, z.dtype)
    if op.type == 'Relu':  # which is 0 below, whatever it is divided by: 3 passes over the values, not 5
        # An epsilon that T's numbers hold, but not those of an activation in half precision, would make 0 / 0 there.
        smallest = 6e-8 if z.dtype == tf.float16 else 1.2e-38
        return grad * f_z / (f_z + tf.maximum(epsilon, tf.cast(smallest, z.dtype)))
    return grad * f_z / (z + tf.where_v2(z >= 0, epsilon, -epsilon))


def epsilon_book(epsilon: Any) -> RuleBook:
    """The rule book of ``elrp``; ``epsilon`` is a :class:`~deepexplain.tensorflow.engine.backward.Fed` number."""

    def multiply(op: Operation, grad: Tensor) -> Tensor:
        at_hand = beside(op)  # in the body of a loop, a copy of it
        return epsilon_rule(op, grad, at_hand.outputs[0] if at_hand else epsilon.tensor)

    return RuleBook(activations(Rule('epsilon', True, multiply)), _linear, _homogeneous, plain)


def _linear(step: 'Step') -> Optional[Rule]:
    # A choice is what it is at x, and so is a factor made of one.
    numbers = [i for i in step.varying if i not in step.discrete and is_continuous(step.op.inputs[i])]
    return LINEAR if numbers and is_linear(step.op, numbers) and keeps_its_gradient(step.op) else None


def _homogeneous(step: 'Step') -> Optional[Rule]:
    rule = plain(step)
    return (
        rule._replace(exact=True) if rule.name == 'plain gradient' and is_homogeneous(step.op, step.varying) else None
    )

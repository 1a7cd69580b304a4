"""Indicators as factors: what is multiplied (or divided) by a number made of conditions gets all."""

from typing import TYPE_CHECKING, Any, List, Optional, Tuple

from ...compat import Operation, Tensor, same_op, tf
from ...runtime.op_types import BILINEAR, ELEMENTWISE
from ...runtime.overrides import original_grad
from .registry import as_list, ratio, sum_to

if TYPE_CHECKING:
    from ...runtime.graph import Step


#: Linear in their numerator.
QUOTIENTS = frozenset(['Div', 'DivNoNan', 'RealDiv'])


def factors(step: 'Step') -> Optional[Tuple[int, int]]:
    """Indices of the input that carries and of the one that jumps, of a function of both; None of any other op."""
    numbers = step.numbers
    others = [i for i in numbers if i not in step.discrete]
    if len(numbers) != 2 or len(others) != 1 or len(step.varying) != 2:
        return None
    if step.op.type in BILINEAR or step.op.type in QUOTIENTS or step.op.type in ELEMENTWISE:
        return others[0], step.discrete[0]
    return None


def indicator(op: Operation, op0: Operation, grad: Tensor, which: Any) -> List[Any]:
    """The factor that is no indicator gets all that the product differs, as the value that a choice takes does.

    With ``D`` made of conditions, ``D a - D0 a0`` goes to ``a``, through each value of which it is
    ``((D' g) a - (D0' g) a0) / (a - a0)``. Where ``D`` turned and ``a`` did not change, it is left to ``D``.
    """
    carrying, jumping = which
    a, a0, d = op.inputs[carrying], op0.inputs[carrying], op.inputs[jumping]
    if op.type not in BILINEAR and (op.type not in QUOTIENTS or carrying == 1):
        return _of_function(op, op0, grad, which)
    of_x, of_baseline = (as_list(original_grad(o, grad))[carrying] for o in (op, op0))
    shared = ratio(of_x * a - of_baseline * a0, a - a0)
    gradients = [None] * len(op.inputs)
    gradients[carrying] = tf.where(tf.equal(of_x, of_baseline), of_x, shared)
    unchanged = tf.where(tf.equal(a, a0), a, tf.zeros_like(a))
    if op.type in QUOTIENTS:
        unchanged = -ratio(unchanged, op0.inputs[jumping] + tf.zeros_like(unchanged))
        gradients[jumping] = sum_to(grad * ratio(unchanged, d + tf.zeros_like(unchanged)), d)
    else:
        inputs = [unchanged if i == carrying else z for i, z in enumerate(op.inputs)]
        gradients[jumping] = as_list(original_grad(same_op(op, *inputs), grad))[jumping]
    return gradients


def _of_function(op: Operation, op0: Operation, grad: Tensor, which: Any) -> List[Any]:
    """The same of any function of two values in one place."""
    like = tf.zeros_like(op.outputs[0])
    differences = [z - z0 + like for z, z0 in zip(op.inputs, op0.inputs)]
    change = grad * (op.outputs[0] - op0.outputs[0])
    unchanged = tf.equal(differences[which[0]], like)
    gradients = [None] * len(op.inputs)
    for i, counts in zip(which, (tf.logical_not(unchanged), unchanged)):
        slope = ratio(tf.where(counts, change, like), differences[i])
        gradients[i] = sum_to(slope, op.inputs[i])
    return gradients

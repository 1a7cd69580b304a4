"""Products, quotients and norms: each factor gets its Shapley value."""

from typing import TYPE_CHECKING, Any, List

import numpy as np

from ...compat import Operation, Tensor, same_op, tf
from ...runtime.finite import finite, is_large, may_be_large
from ...runtime.op_types import BILINEAR
from ...runtime.overrides import original_grad
from .registry import as_list, half_way, ratio, rule, sum_to, times

if TYPE_CHECKING:
    from ...runtime.graph import Step


@rule('product', BILINEAR)
@rule('square', 'L2Loss Square SquaredDifference')
def product(op: Operation, op0: Operation, *grads: Tensor) -> Any:
    """The gradient half way between the baseline and x, which is exact for products of two and for squares.

    ``a b - a0 b0 = (a - a0) (b + b0) / 2 + (b - b0) (a + a0) / 2``: each factor gets its Shapley value.
    """
    if op.type == 'Mul' and any(may_be_large(z) for z in op.inputs):
        return _of_large_factors(op, op0, *grads)
    return original_grad(half_way(op, op0), *grads)


def _of_large_factors(op: Operation, op0: Operation, grad: Tensor) -> List[Any]:
    """Of both orders, in which one factor after the other changes, the one that a large factor is not part of."""
    (a, b), (a0, b0) = op.inputs, op0.inputs
    by_b = _not_large(b + 0 * a, b0 + 0 * a0, a0 + 0 * b0, a + 0 * b)
    of_a = times(grad, by_b * b + (1 - by_b) * b0)
    of_b = times(grad, by_b * a0 + (1 - by_b) * a)
    return [sum_to(of_a, a), sum_to(of_b, b)]


def _not_large(b: Tensor, b0: Tensor, a0: Tensor, a: Tensor) -> Tensor:
    """The weight of ``b (a - a0) + a0 (b - b0)``; the rest is that of ``b0 (a - a0) + a (b - b0)``."""
    first, second = is_large(b) | is_large(a0), is_large(b0) | is_large(a)
    half = tf.zeros_like(b) + tf.cast(0.5, b.dtype)
    return tf.where(tf.equal(first, second), half, tf.where(second, 2 * half, 0 * half))


def may_have_infinite_slope(step: 'Step') -> bool:
    """Whether a linear op divides by what may be 0, or multiplies by what is infinite: none by which it was built."""
    if step.op.type not in ('Div', 'Mul', 'RealDiv'):
        return False
    value = tf.get_static_value(step.op.inputs[1 if step.varying[0] == 0 else 0])
    if step.op.type == 'Mul':
        return value is not None and not np.isfinite(value).all()
    return value is None or not np.all(value)


def times_finite(op: Operation, grad: Tensor) -> List[Any]:
    """The gradient of a product or quotient with a constant, which is 0 where that of the output is."""
    nothing = tf.equal(grad, tf.zeros_like(grad))
    inputs = [tf.where(nothing, tf.ones_like(grad), z + tf.zeros_like(grad)) for z in op.inputs]
    gradients = as_list(original_grad(same_op(op, *inputs), grad))
    return [sum_to(gradient, z) for gradient, z in zip(gradients, op.inputs)]


@rule('quotient', 'Div RealDiv')
def quotient(op: Operation, op0: Operation, grad: Tensor) -> List[Tensor]:
    """The Shapley values of numerator and denominator in ``a / b``."""
    (a, b), (a0, b0) = op.inputs, op0.inputs
    of_a = grad * tf.math.conj(0.5 / b + 0.5 / b0)
    of_b = -grad * tf.math.conj(0.5 * (a + a0) / b / b0)
    if grad.dtype.is_floating:
        of_a, of_b = _without_zeros(op, op0, grad, of_a, of_b)
    return [sum_to(of_a, a), sum_to(of_b, b)]


def _without_zeros(op: Operation, op0: Operation, grad: Tensor, of_a: Tensor, of_b: Tensor) -> List[Any]:
    """Where a denominator is 0, the order in which the numerator changes beside the other one."""
    like = tf.zeros_like(grad)
    (a, b), (a0, b0) = ([z + like for z in o.inputs] for o in (op, op0))
    f, f0 = finite(op.outputs[0]), finite(op0.outputs[0])
    for zero, other, change in ((b0, b, ratio(a0, b) - f0), (b, b0, f - ratio(a, b0))):
        alone = tf.equal(zero, like)
        of_a = tf.where(alone, ratio(grad, other), of_a)
        of_b = tf.where(alone, ratio(grad * change, b - b0), of_b)
    nothing = tf.equal(grad, like)
    return [tf.where(nothing, like, multiplier) for multiplier in (of_a, of_b)]


@rule('norm', 'ComplexAbs EuclideanNorm')
def norm(op: Operation, op0: Operation, grad: Tensor) -> List[Tensor]:
    """``|z| - |z0| = (z - z0) (z + z0) / (|z| + |z0|)``, of real or complex numbers or of vectors."""
    z, z0 = op.inputs[0], op0.inputs[0]
    share = ratio(grad, op.outputs[0] + op0.outputs[0])
    if op.type == 'EuclideanNorm':
        share = tf.reshape(share, tf.shape(tf.reduce_sum(z, op.inputs[1], keepdims=True)))
    return [tf.cast(share, z.dtype) * (z + z0)] + [None] * (len(op.inputs) - 1)

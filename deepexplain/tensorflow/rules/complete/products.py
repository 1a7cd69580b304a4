"""Products, quotients and norms: each factor gets its Shapley value."""

from typing import Any, List

from ...compat import Operation, Tensor, tf
from ...runtime.op_types import BILINEAR
from ...runtime.overrides import original_grad
from .registry import half_way, ratio, rule, sum_to


@rule('product', BILINEAR)
@rule('square', 'L2Loss Square SquaredDifference')
def product(op: Operation, op0: Operation, *grads: Tensor) -> Any:
    """The gradient half way between the baseline and x, which is exact for products of two and for squares.

    ``a b - a0 b0 = (a - a0) (b + b0) / 2 + (b - b0) (a + a0) / 2``: each factor gets its Shapley value.
    """
    return original_grad(half_way(op, op0), *grads)


@rule('quotient', 'Div RealDiv')
def quotient(op: Operation, op0: Operation, grad: Tensor) -> List[Tensor]:
    """The Shapley values of numerator and denominator in ``a / b``."""
    (a, b), (a0, b0) = op.inputs, op0.inputs
    of_a = grad * tf.math.conj(0.5 / b + 0.5 / b0)
    of_b = -grad * tf.math.conj(0.5 * (a + a0) / b / b0)
    return [sum_to(of_a, a), sum_to(of_b, b)]


@rule('norm', 'ComplexAbs EuclideanNorm')
def norm(op: Operation, op0: Operation, grad: Tensor) -> List[Tensor]:
    """``|z| - |z0| = (z - z0) (z + z0) / (|z| + |z0|)``, of real or complex numbers or of vectors."""
    z, z0 = op.inputs[0], op0.inputs[0]
    share = ratio(grad, op.outputs[0] + op0.outputs[0])
    if op.type == 'EuclideanNorm':
        share = tf.reshape(share, tf.shape(tf.reduce_sum(z, op.inputs[1], keepdims=True)))
    return [tf.cast(share, z.dtype) * (z + z0)] + [None] * (len(op.inputs) - 1)

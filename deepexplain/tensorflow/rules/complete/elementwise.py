"""Elementwise functions, whose slope is that from the baseline to x, and choices between values."""

from typing import Any, List

import numpy as np

from ...compat import Operation, Tensor, same_op, tf
from ...runtime.finite import finite
from ...runtime.op_types import ELEMENTWISE
from ...runtime.overrides import original_grad
from .registry import RULES, as_list, ratio, rule, sum_to, varying

#: What TensorFlow's own functions are off by, in roundings of their value.
FEW_ROUNDINGS = 4


@rule('rescale', 'Abs Relu Relu6')
def rescale_pieces(op: Operation, op0: Operation, grad: Tensor) -> Tensor:
    """The slope between the baseline and x, of functions that round nothing: no quotient is noise."""
    z, z0 = op.inputs[0], op0.inputs[0]
    return tf.where(tf.equal(z, z0), original_grad(op, grad), ratio(grad * (op.outputs[0] - op0.outputs[0]), z - z0))


@rule('rescale', ELEMENTWISE - RULES.keys())
def rescale(op: Operation, op0: Operation, grad: Tensor) -> List[Tensor]:
    """The slope between the baseline and x, of an elementwise function; of one of two inputs, each gets its share.

    With one input that is ``(f(z) - f(z0)) / (z - z0)``. Two are players whose Shapley values share the difference:
    the first gets the mean of ``f(a, b) - f(a0, b)`` and ``f(a, b0) - f(a0, b0)``.
    """
    differing = varying(op, op0)
    f, f0 = finite(op.outputs[0]), finite(op0.outputs[0])
    # In the shape of the output, so that TensorFlow's gradient half way is one number a value.
    z, z0 = ([_as_wide_as(f, a) if i in differing else a for i, a in enumerate(o.inputs)] for o in (op, op0))
    half_way = same_op(op, *[0.5 * (a + b) if i in differing else a for i, (a, b) in enumerate(zip(z, z0))])
    derivatives = as_list(original_grad(half_way, grad))
    gradients = [None] * len(z)
    for i in differing:
        change = f - f0
        if len(differing) == 2:
            only_this, only_other = (
                same_op(op, *[a if j == i else b for j, (a, b) in enumerate(zip(*both))]).outputs[0]
                for both in ((z, z0), (z0, z))
            )
            change = _mean_of_orders(f - only_other, only_this - f0)
        slope = _slope(change, z[i], z0[i], f, f0, grad, derivatives[i])
        gradients[i] = sum_to(slope, op.inputs[i])
    return gradients


def _mean_of_orders(last: Tensor, first: Tensor) -> Tensor:
    """What a player changes in the mean of two orders; in one of them, where the other is not finite."""
    mean = 0.5 * (last + first)
    return tf.where(tf.is_finite(mean), mean, tf.where(tf.is_finite(last), last, first))


def _as_wide_as(f: Tensor, z: Tensor) -> Tensor:
    same = z.shape.is_fully_defined() and f.shape.is_fully_defined() and z.shape == f.shape
    return z if same or len(f.op.inputs) == 1 else z + tf.zeros_like(f)


def _slope(change: Tensor, z: Tensor, z0: Tensor, f: Tensor, f0: Tensor, grad: Tensor, derivative: Tensor) -> Tensor:
    """``grad * change / (z - z0)``; or the derivative half way, where that explains the change as well.

    Of values that are near, the quotient is noise. Half way is exact up to rounding there, unless a kink lies between.
    """
    derivative = tf.zeros_like(grad) if derivative is None else derivative
    delta_in, change = z - z0, grad * change
    noise = FEW_ROUNDINGS * _rounding(f.dtype) * (tf.abs(grad) * tf.maximum(tf.abs(f), tf.abs(f0)))
    explained = tf.abs(derivative * delta_in - change) <= noise
    # sqrt has no derivative at 0, and needs none where it stays there.
    quotient = tf.where(tf.equal(z, z0), tf.zeros_like(change), change / delta_in)
    slope = tf.where(explained, derivative, quotient)
    return tf.where(tf.equal(grad, tf.zeros_like(grad)), tf.zeros_like(slope), slope)


def _rounding(dtype: Any) -> float:
    if dtype.base_dtype == tf.bfloat16:
        return 2.0**-7
    return float(np.finfo(dtype.as_numpy_dtype).eps)


@rule('choice', 'Select SelectV2')
def choice(op: Operation, op0: Operation, grad: Tensor) -> List[Tensor]:
    """Where the condition is the same, the value that it takes gets all.

    Where it turned, what came out differs also because of the condition, which has no attribution: both values share
    the difference, in proportion to what each of them changed. It is lost where none of them did.
    """
    condition, condition0 = (_as_wide(o.inputs[0], o.outputs[0]) for o in (op, op0))
    like = tf.zeros_like(op.outputs[0])
    a, b = (z - z0 + like for z, z0 in zip(op.inputs[1:], op0.inputs[1:]))
    chosen = tf.cast(condition, grad.dtype)
    turned = tf.not_equal(condition, condition0) & (tf.abs(a) + tf.abs(b) > 0)
    share = ratio(grad * (op.outputs[0] - op0.outputs[0]), tf.abs(a) + tf.abs(b))
    of_a, of_b = (
        tf.where(turned, share * tf.sign(a), grad * chosen),
        tf.where(turned, share * tf.sign(b), grad * (1 - chosen)),
    )
    return [None, sum_to(of_a, op.inputs[1]), sum_to(of_b, op.inputs[2])]


def _as_wide(condition: Tensor, output: Tensor) -> Tensor:
    """A condition in the shape of the output: in Select, it may be one for each row."""
    if condition.shape.ndims == 1 and output.shape.ndims != 1:
        condition = tf.reshape(condition, tf.concat([tf.shape(condition), tf.ones([tf.rank(output) - 1], tf.int32)], 0))
    return tf.logical_and(condition, tf.ones_like(output, tf.bool))

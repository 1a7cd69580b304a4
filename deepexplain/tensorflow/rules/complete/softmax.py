"""Softmax and its logarithm, taken apart into exponentials, a sum and a logarithm."""

from ...compat import Operation, Tensor, tf
from .registry import rule


@rule('softmax', 'LogSoftmax')
def log_softmax(op: Operation, op0: Operation, grad: Tensor) -> Tensor:
    """``z - log(sum(exp(z)))``, whose exponentials and logarithm are rescaled.

    The multiplier of ``z_j`` in the logarithm is ``L(exp z_j, exp z0_j) / L(s, s0)``, with the sums s and the
    logarithmic mean ``L(a, b) = (a - b) / (log a - log b)``.
    """
    z, z0 = op.inputs[0], op0.inputs[0]
    top, top0 = (tf.reduce_max(t, -1, keepdims=True) for t in (z, z0))
    shift = tf.maximum(top, top0)  # of everything, so that no large number is left, which would be rounded
    log_s, log_s0 = (
        m - shift + tf.log(tf.reduce_sum(tf.exp(t - m), -1, keepdims=True)) for t, m in ((z, top), (z0, top0))
    )
    largest_exp = tf.exp(tf.maximum(z, z0) - shift - tf.maximum(log_s, log_s0))
    weights = largest_exp * _mean_slope(z, z0) / _mean_slope(log_s, log_s0)
    return grad - weights * tf.reduce_sum(grad, -1, keepdims=True)


@rule('softmax', 'Softmax')
def softmax(op: Operation, op0: Operation, grad: Tensor) -> Tensor:
    """The exponential of the logarithm of a softmax, each of them rescaled."""
    log_p, log_p0 = (tf.nn.log_softmax(o.inputs[0]) for o in (op, op0))
    slope = tf.exp(tf.maximum(log_p, log_p0)) * _mean_slope(log_p, log_p0)
    return log_softmax(op, op0, grad * slope)


def _mean_slope(a: Tensor, b: Tensor) -> Tensor:
    """``L(exp a, exp b) / exp(max(a, b))`` with the logarithmic mean L: between 0 and 1."""
    equal = tf.equal(a, b)  # also -inf, of what is masked
    d = tf.abs(tf.where(equal, tf.ones_like(a), a - b))
    return tf.where(equal, tf.ones_like(a), -tf.math.expm1(-d) / d)

"""The Rescale rule of DeepLIFT, in the form of DeepExplain 0.3: each activation's slope from the baseline to x."""

from typing import Any

from ..compat import Operation, Tensor, same_op, tf
from ..runtime.overrides import original_grad
from .book import Rule, RuleBook
from .plain import activations, linear, plain

#: Where an activation's input is this near to its reference, the slope is the derivative between both.
SMALLEST_DELTA = 1e-5


def rescale_rule(op: Operation, grad: Tensor, z0: Tensor) -> Tensor:
    """Replace ``f'(z)`` by ``(f(z) - f(z0)) / (z - z0)``, the slope between the reference and the activation.

    Where z hardly differs from its reference z0, that quotient is rounding noise: there the slope is the
    derivative half way between the two.
    """
    z, f_z = op.inputs[0], op.outputs[0]
    delta_in, delta_out = z - z0, f_z - same_op(op, z0).outputs[0]
    for tensor in (delta_in, delta_out):
        tensor.set_shape(z.shape)  # that of z0 is open
    slope = tf.abs(delta_in) > SMALLEST_DELTA
    return tf.where(slope, grad * delta_out / delta_in, _half_way(op, grad, z0))


def _half_way(op: Operation, grad: Tensor, z0: Tensor) -> Tensor:
    """The gradient times the derivative half way between the reference and the activation."""
    z = op.inputs[0]
    if op.type == 'Relu':  # of which only the sign counts: two passes over the values less
        total = z0 + z
        total.set_shape(z.shape)
        return tf.raw_ops.ReluGrad(gradients=grad, features=total)
    half_way = same_op(op, 0.5 * (z0 + z))
    half_way.outputs[0].set_shape(z.shape)
    return original_grad(half_way, grad)


def rescale_book(references: Any) -> RuleBook:
    """The rule book of ``deeplift`` with ``rules='original'``.

    ``references`` is a :class:`~deepexplain.tensorflow.engine.references.References`.
    """
    rescale = Rule('rescale', True, lambda op, grad: rescale_rule(op, grad, references.of(op)))
    return RuleBook(activations(rescale), linear, plain)

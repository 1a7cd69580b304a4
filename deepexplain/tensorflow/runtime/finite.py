"""What stands for numbers that are not finite, where a choice, a maximum or a bounded function makes nothing of them.

``where(x > 0, log(x), 0)`` has a logarithm of 0 at the baseline, of which nothing comes to T; but what log(x) differs
from it is infinite, and 0 times that is nan. So copies of ops that may diverge give large numbers in place of infinite
ones, from which differences can be taken and which are in the same order; and 0 for 0 / 0.
"""

from typing import Any

import numpy as np

from ..compat import Tensor, copied_op, text_attr, tf
from .op_types import CHOICES, ELEMENTWISE, LINEAR
from .overrides import GRADIENT_NAME, PASSES

#: Ops that may give what is not finite, for finite numbers.
DIVERGING = frozenset(
    """Acos Acosh Asin Atanh BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Cosh Digamma Div Erfinv Exp
    Expint Expm1 Inv Lgamma Log Log1p Ndtri Polygamma Pow RealDiv Reciprocal Rsqrt Sinh Sqrt Xdivy Xlog1py Xlogy
    Zeta""".split()
)

#: Of these, what is no number is 0 / 0.
QUOTIENTS = frozenset(['Div', 'RealDiv'])


def large(dtype: Any) -> float:
    """What stands for infinity: its square is a number yet."""
    most = 3.4e38 if dtype.base_dtype == tf.bfloat16 else float(np.finfo(dtype.as_numpy_dtype).max)
    return 0.05 * most**0.5


def is_large(z: Tensor) -> Tensor:
    """Where a number stands for an infinite one, or was made of one by a few steps."""
    if z.dtype.base_dtype == tf.float16:  # there is no room for large numbers
        return tf.zeros_like(z, tf.bool)
    return tf.abs(z) > 1e-6 * large(z.dtype)


def finite(z: Tensor) -> Tensor:
    """The output of an op, with large numbers in place of infinite ones. Gradients pass."""
    if z.op.type not in DIVERGING or not z.dtype.is_floating or z.dtype.base_dtype == tf.float16:
        return z
    most = tf.constant(large(z.dtype), z.dtype)
    undefined = tf.zeros_like(z) if z.op.type in QUOTIENTS else tf.zeros_like(z) + most
    kept, others = tf.is_finite(z), tf.where(tf.is_nan(z), undefined, tf.clip_by_value(z, -most, most))
    choice = tf.where(kept, z, others).op
    return copied_op(choice, list(choice.inputs), attrs={'_gradient_op_type': GRADIENT_NAME, PASSES: 'yes'}).outputs[0]


def may_be_large(z: Tensor, depth: int = 12) -> bool:
    """Whether a number may be made, by a few steps, of one that stands for an infinite one."""
    if z.op.type in DIVERGING or text_attr(z.op, PASSES):
        return True
    through = z.op.type in ELEMENTWISE or z.op.type in CHOICES or z.op.type in LINEAR or z.op.type == 'Mul'
    return depth > 0 and through and any(may_be_large(other, depth - 1) for other in z.op.inputs)

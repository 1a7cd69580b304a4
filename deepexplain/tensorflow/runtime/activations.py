"""The activations whose gradient is overridden, and the nonlinear ops that are not: two tables.

Adding an activation is one row of :data:`ACTIVATIONS`.
"""

from ..compat import tf

#: Op type -> the function that computes it. These ops get the method's own rule.
ACTIVATIONS = {
    'Relu': tf.nn.relu,
    'Elu': tf.nn.elu,
    'Sigmoid': tf.nn.sigmoid,
    'Tanh': tf.nn.tanh,
    'Softplus': tf.nn.softplus,
}

#: Elementwise ops that are not linear and have no rule: they keep their plain gradient, with a warning.
PLAIN_NONLINEAR = frozenset(
    """Abs Acos Acosh Asin Asinh Atan Atanh Bessel BesselI0e BesselI1e Ceil ClipByValue Cos Cosh Digamma Erf Erfc
    Erfinv Exp Expm1 Floor Inv LeakyRelu Lgamma Log Log1p LogSoftmax Mod Ndtri Reciprocal Relu6 Round Rsqrt Selu
    Sign Sin Sinh Softsign Sqrt Square Tan""".split()
)

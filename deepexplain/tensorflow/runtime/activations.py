"""Which activations have their gradient overridden, and which nonlinear ops have not: two tables of op types.

Adding an activation is one row of :data:`ACTIVATIONS`: any op with one input and one output.
"""

#: These ops get the method's own rule. A list, as in 0.3, where projects append to it.
ACTIVATIONS = ['Relu', 'Elu', 'Sigmoid', 'Tanh', 'Softplus']

#: Elementwise ops that are not linear and have no rule: they keep their plain gradient, with a warning.
PLAIN_NONLINEAR = frozenset(
    """Abs Acos Acosh Asin Asinh Atan Atanh Bessel BesselI0e BesselI1e Ceil ClipByValue Cos Cosh Digamma Erf Erfc
    Erfinv Exp Expm1 Floor Inv LeakyRelu Lgamma Log Log1p LogSoftmax Mod Ndtri Reciprocal Relu6 Round Rsqrt Selu
    Sign Sin Sinh Softmax Softsign Sqrt Square Tan""".split()
)

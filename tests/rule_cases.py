"""Op types with the functions that they compute, and contributions under rules='complete'."""

import inspect

import numpy as np
import op_cases
import tensorflow.compat.v1 as tf
from graphs import context
from hypothesis import Phase, settings
from hypothesis import strategies as st
from scipy import special

raw = tf.raw_ops


OLD = tf.__version__.startswith('1.')


SEEDS = st.integers(0, 2**32 - 1)


examples = settings(max_examples=12, phases=[Phase.generate])


#: Op type -> (f, where its argument lies).
UNARY = {
    'Abs': (np.abs, -3, 3),
    'Acos': (np.arccos, -0.99, 0.99),
    'Acosh': (np.arccosh, 1.01, 4),
    'Asin': (np.arcsin, -0.99, 0.99),
    'Asinh': (np.arcsinh, -4, 4),
    'Atan': (np.arctan, -4, 4),
    'Atanh': (np.arctanh, -0.99, 0.99),
    'BesselI0': (special.i0, -3, 3),
    'BesselI0e': (special.i0e, -3, 3),
    'BesselI1': (special.i1, -3, 3),
    'BesselI1e': (special.i1e, -3, 3),
    'BesselJ0': (special.j0, 0.1, 5),
    'BesselJ1': (special.j1, 0.1, 5),
    'BesselK0': (special.k0, 0.1, 4),
    'BesselK0e': (special.k0e, 0.1, 4),
    'BesselK1': (special.k1, 0.1, 4),
    'BesselK1e': (special.k1e, 0.1, 4),
    'BesselY0': (special.y0, 0.1, 4),
    'BesselY1': (special.y1, 0.1, 4),
    'Ceil': (np.ceil, -3, 3),
    'Cos': (np.cos, -6, 6),
    'Cosh': (np.cosh, -3, 3),
    'Dawsn': (special.dawsn, -3, 3),
    'Digamma': (special.digamma, 0.1, 4),
    'Elu': (lambda z: np.where(z > 0, z, np.expm1(z)), -3, 3),
    'Erf': (special.erf, -3, 3),
    'Erfc': (special.erfc, -3, 3),
    'Erfinv': (special.erfinv, -0.95, 0.95),
    'Exp': (np.exp, -3, 3),
    'Expint': (special.expi, 0.1, 4),
    'Expm1': (np.expm1, -3, 3),
    'Floor': (np.floor, -3, 3),
    'FresnelCos': (lambda z: special.fresnel(z)[1], -2, 2),
    'FresnelSin': (lambda z: special.fresnel(z)[0], -2, 2),
    'Inv': (lambda z: 1 / z, 0.1, 4),
    'LeakyRelu': (lambda z: np.where(z > 0, z, np.float64(np.float32(0.2)) * z), -3, 3),
    'Lgamma': (special.gammaln, 0.1, 4),
    'Log': (np.log, 0.01, 4),
    'Log1p': (np.log1p, -0.99, 4),
    'Ndtri': (special.ndtri, 0.01, 0.99),
    'Reciprocal': (lambda z: 1 / z, 0.1, 4),
    'Relu': (lambda z: np.maximum(z, 0), -3, 3),
    'Relu6': (lambda z: np.clip(z, 0, 6), -3, 9),
    'Rint': (np.rint, -3, 3),
    'Round': (np.round, -3, 3),
    'Rsqrt': (lambda z: 1 / np.sqrt(z), 0.1, 4),
    'Selu': (
        lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z)),
        -3,
        3,
    ),
    'Sigmoid': (special.expit, -6, 6),
    'Sign': (np.sign, -3, 3),
    'Sin': (np.sin, -6, 6),
    'Sinh': (np.sinh, -3, 3),
    'Softplus': (lambda z: np.logaddexp(z, 0), -6, 6),
    'Softsign': (lambda z: z / (1 + np.abs(z)), -4, 4),
    'Spence': (special.spence, 0.1, 4),
    'Sqrt': (np.sqrt, 0, 4),
    'Square': (np.square, -3, 3),
    'Tan': (np.tan, -1.4, 1.4),
    'Tanh': (np.tanh, -3, 3),
}


def _relu_grad(g, z):
    return g * (z > 0)


#: Op type -> (f of two arguments, where they lie).
BINARY = {
    'Atan2': (np.arctan2, 0.1, 3),
    'Div': (np.divide, 0.3, 3),
    'DivNoNan': (np.divide, 0.3, 3),
    'EluGrad': (lambda g, f: np.where(f < 0, g * (f + 1), g), -0.9, 3),
    'FloorDiv': (np.floor_divide, 0.5, 4),
    'FloorMod': (np.mod, 0.5, 4),
    'Igamma': (special.gammainc, 0.3, 3),
    'Igammac': (special.gammaincc, 0.3, 3),
    'InvGrad': (lambda y, g: -g * y * y, -3, 3),
    'LeakyReluGrad': (lambda g, z: g * np.where(z > 0, 1, np.float64(np.float32(0.2))), -3, 3),
    'Maximum': (np.maximum, -3, 3),
    'Minimum': (np.minimum, -3, 3),
    'Mod': (np.fmod, 0.5, 4),
    'NextAfter': (np.nextafter, -3, 3),
    'Pow': (np.power, 0.2, 3),
    'RealDiv': (np.divide, 0.3, 3),
    'ReciprocalGrad': (lambda y, g: -g * y * y, -3, 3),
    'Relu6Grad': (lambda g, f: g * ((f > 0) & (f < 6)), -3, 8),
    'ReluGrad': (_relu_grad, -3, 3),
    'RsqrtGrad': (lambda y, g: -0.5 * g * y**3, 0.3, 3),
    'SeluGrad': (
        lambda g, f: g * np.where(f < 0, f + 1.0507009873554805 * 1.6732632423543772, 1.0507009873554805),
        -0.9,
        3,
    ),
    'SigmoidGrad': (lambda y, g: g * y * (1 - y), 0.1, 0.9),
    'SoftplusGrad': (lambda g, z: g * special.expit(z), -3, 3),
    'SoftsignGrad': (lambda g, z: g / (1 + np.abs(z)) ** 2, -3, 3),
    'SqrtGrad': (lambda y, g: 0.5 * g / y, 0.3, 3),
    'SquaredDifference': (lambda a, b: (a - b) ** 2, -3, 3),
    'TanhGrad': (lambda y, g: g * (1 - y * y), -0.9, 0.9),
    'TruncateDiv': (lambda a, b: a / b if OLD else np.trunc(a / b), 0.5, 4),
    'TruncateMod': (np.fmod, 0.5, 4),
    'Xdivy': (np.divide, 0.3, 3),
    'Xlog1py': (special.xlog1py, 0.3, 3),
    'Xlogy': (special.xlogy, 0.3, 3),
    'Zeta': (special.zeta, 1.5, 4),
}


def contributions(build, xs, x0s, weights=None, dtype=tf.float64):
    """What deeplift says that each of the arguments of an op contributed to its outputs, times weights."""
    with context() as de:
        X = [tf.placeholder(dtype, [1, *np.shape(x)]) for x in xs]
        T = tf.reshape(build(*[x[0] for x in X]), [1, -1])
        ys = None if weights is None else np.reshape(weights, [1, -1])
        explainer = de.get_explainer('deeplift', T, X, rules='complete', baseline=list(x0s), strict=True)
        return [a[0] for a in explainer.run([np.asarray(x)[None] for x in xs], ys)]


def built(op_type, *arguments, **attributes):
    """The op of this type with arguments in the order of its definition."""
    names = list(inspect.signature(getattr(raw, op_type)).parameters)
    return getattr(raw, op_type)(**dict(zip(names, arguments)), **attributes)


#: TensorFlow 1.15 has these, but no gradient of them.
WITHOUT_GRADIENT_IN_1 = ['ClipByValue', 'Einsum', 'EuclideanNorm']


def existing(types):
    lacks = WITHOUT_GRADIENT_IN_1 if OLD else []
    return sorted(op_type for op_type in types if op_cases.exists(op_type) and op_type not in lacks)


def pairs(low, high, shape=(4, 6), seed=0):
    """Values and baselines: far apart, near, very near, equal."""
    rng = np.random.RandomState(seed)
    x0, x = rng.uniform(low, high, (2, *shape))
    distance = np.array([1.0, 1e-3, 1e-9, 0.0]).reshape(-1, *[1] * (len(shape) - 1))
    return np.where(distance == 1, x, np.clip(x0 + distance * rng.uniform(-1, 1, shape), low, high)), x0


def weights_like(array, seed=9):
    return np.random.RandomState(seed).uniform(0.5, 2, np.shape(array))

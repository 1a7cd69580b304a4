"""The rules of deeplift with rules='complete', one by one, against the formulas written out in NumPy."""

import inspect
import itertools

import numpy as np
import op_cases
import oracle_rules as oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import context
from hypothesis import Phase, settings
from hypothesis import strategies as st
from scipy import special

from deepexplain.errors import GraphError
from deepexplain.tensorflow.rules import complete
from deepexplain.tensorflow.runtime.activations import ACTIVATIONS
from deepexplain.tensorflow.runtime.op_types import BILINEAR

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


# --- elementwise functions


def test_every_elementwise_op_is_in_the_tables():
    table = {op_type for op_type, (name, _) in complete.RULES.items() if name in ('rescale', 'square', 'quotient')}
    assert table - set(UNARY) - set(BINARY) - set(OF_THREE) == {'L2Loss', 'Polygamma'}


@pytest.mark.parametrize('op_type', existing(UNARY))
def test_rescale_is_the_slope_between_baseline_and_x(op_type):
    f, low, high = UNARY[op_type]
    x, x0 = pairs(low, high)
    # Also x itself, as steps alone pass no gradient.
    (found,) = contributions(lambda z: built(op_type, z) + z, [x], [x0], weights_like(x))
    (expected,) = oracle.elementwise(lambda z: f(z) + z, [x], [x0], weights_like(x))
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-14 * np.abs(f(x)).max())


@pytest.mark.parametrize('op_type', existing(UNARY))
def test_rescale_keeps_the_sum_in_single_precision(op_type):
    _, low, high = UNARY[op_type]
    x, x0 = (z.astype(np.float32) for z in pairs(low, high, (4, 200)))
    (found,) = contributions(lambda z: built(op_type, z) + z, [x], [x0], dtype=tf.float32)
    with context() as de:
        X = tf.placeholder(tf.float32, x.shape)
        values = [de.session.run(built(op_type, X) + X, {X: z}) for z in (x, x0)]
    size = np.maximum(*np.abs(values))
    assert (np.abs(found - (values[0] - values[1])) <= 1e-6 * np.maximum(size, np.abs(x) + np.abs(x0))).all()


SHAPES = [[(4, 6), (4, 6)], [(4, 1), (1, 6)], [(6,), (4, 6)], [(4, 6), ()]]


@pytest.mark.parametrize(
    ('op_type', 'shapes'),
    [(op_type, shapes) for op_type in existing(BINARY) for shapes in (SHAPES[:1] if 'Grad' in op_type else SHAPES)],
)
def test_each_of_two_arguments_gets_its_shapley_value(op_type, shapes):
    f, low, high = BINARY[op_type]
    rng = np.random.RandomState(0)
    xs, x0s = [rng.uniform(low, high, s) for s in shapes], [rng.uniform(low, high, s) for s in shapes]
    for x, x0 in zip(xs, x0s):
        if x.ndim == 2 and len(x) == 4:
            x[1], x[2] = x0[1], x0[2] + 1e-9 * rng.rand(x.shape[1])
    weights = weights_like(f(*xs))
    found = contributions(lambda a, b: built(op_type, a, b) + a + b, xs, x0s, weights)
    expected = oracle.elementwise(lambda a, b: f(a, b) + a + b, xs, x0s, weights)
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize('op_type', existing(BINARY))
@pytest.mark.parametrize('position', [0, 1])
def test_one_of_two_arguments_gets_all_where_the_other_is_constant(op_type, position):
    f, low, high = BINARY[op_type]
    x, x0 = pairs(low, high)
    other = pairs(low, high, seed=1)[0]

    def in_order(z, constant):
        return (z, constant) if position == 0 else (constant, z)

    (found,) = contributions(lambda z: built(op_type, *in_order(z, tf.constant(other))) + z, [x], [x0], weights_like(x))
    expected = weights_like(x) * (f(*in_order(x, other)) - f(*in_order(x0, other)) + x - x0)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12)


#: Op type -> (f, what else it reads, position of X) of those with three arguments.
OF_THREE = {
    'Betainc': (special.betainc, (1.5, 0.7), 2),
    'ClipByValue': (lambda z, low, high: np.clip(z, low, high), (0.3, 0.8), 0),
    'FakeQuantWithMinMaxArgs': (None, (), 0),
    'FakeQuantWithMinMaxVars': (None, (0.2, 0.7), 0),
    'FakeQuantWithMinMaxVarsPerChannel': (None, ([0.2] * 6, [0.7] * 6), 0),
}


@pytest.mark.parametrize('op_type', existing(OF_THREE))
def test_functions_of_three_arguments_of_which_one_varies(op_type):
    f, others, position = OF_THREE[op_type]
    x, x0 = pairs(0.05, 0.95)
    dtype = tf.float64 if f else tf.float32

    def op(z):
        arguments = [tf.constant(other, dtype) for other in others]
        if op_type == 'Betainc':
            arguments = [tf.fill(z.shape, argument) for argument in arguments]
        return built(op_type, *arguments[:position], z, *arguments[position:])

    (found,) = contributions(op, [x], [x0], dtype=dtype)
    with context() as de:
        at_x, at_x0 = (de.session.run(op(tf.constant(z, dtype))) for z in (x, x0))
    np.testing.assert_allclose(found, at_x - at_x0, rtol=1e-6, atol=1e-6 if dtype == tf.float32 else 1e-14)
    if f:
        expected = f(*others[:position], x, *others[position:]) - f(*others[:position], x0, *others[position:])
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-14)


@pytest.mark.skipif(OLD, reason='ClipByValue has no gradient in TensorFlow 1.15')
def test_the_bounds_of_a_clip_may_vary_too():
    x, x0 = pairs(-2, 2)
    low, low0 = pairs(-1, 0.5, seed=1)

    def f(z, bound):
        return np.minimum(np.maximum(z, bound), 0.9)

    found = contributions(
        lambda z, b: raw.ClipByValue(t=z, clip_value_min=b, clip_value_max=0.9 + 0 * x), [x, low], [x0, low0]
    )
    expected = oracle.elementwise(f, [x, low], [x0, low0], 1.0)
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-12)


def test_polygamma():
    x, x0 = pairs(0.5, 3)
    (found,) = contributions(lambda z: raw.Polygamma(a=tf.ones_like(z), x=z), [x], [x0])
    np.testing.assert_allclose(found, special.polygamma(1, x) - special.polygamma(1, x0), rtol=1e-7, atol=1e-12)


def test_l2_loss():
    x, x0 = pairs(-2, 2)
    (found,) = contributions(lambda z: raw.L2Loss(t=z), [x], [x0])
    np.testing.assert_allclose(found, (x**2 - x0**2) / 2, rtol=1e-9, atol=1e-15)


# A kink or an axis of symmetry lies between the baseline and x, where both give nearly the same: the gradient half way
# says nothing of that.
KINKS = {
    'Abs': (0.004, -0.004000001, []),
    'ClipByValue': (6.0000005, 5.999995, [-1.0, 6.0]),
    'Cos': (0.004, -0.00400001, []),
    'LeakyRelu': (1e-8, -4e-8, []),
    'Maximum': (6.0000005, 5.999995, [[6.0]]),
    'Relu': (1e-8, -3e-8, []),
    'Relu6': (6.0000005, 5.9999995, []),
    'Square': (0.005, -0.00500001, []),
}


@pytest.mark.parametrize('dtype', [tf.float32, tf.float64])
@pytest.mark.parametrize('op_type', existing(KINKS))
def test_across_a_kink_the_sum_holds_however_near_both_are(op_type, dtype):
    *zs, bounds = KINKS[op_type]
    x, x0 = (np.array([z], dtype.as_numpy_dtype) for z in zs)

    def op(z):
        return built(op_type, z, *[tf.constant(bound, dtype) for bound in bounds])

    with context() as de:
        at_x, at_x0 = (de.session.run(op(tf.constant(z))) for z in (x, x0))
    (found,) = contributions(op, [x], [x0], dtype=dtype)
    rounding = np.finfo(dtype.as_numpy_dtype).eps
    np.testing.assert_allclose(found, at_x - at_x0, rtol=1e-6, atol=4 * rounding * np.abs(at_x).max())


@pytest.mark.parametrize('op_type', sorted({'Exp', 'Log', 'Rsqrt', 'Sigmoid', 'Softplus', 'Sqrt', 'Tanh', 'Erf'}))
def test_no_multiplier_is_noise(op_type):
    # z moves by little, made of two large steps that go in opposite directions: their contributions are the multiplier.
    f, low, high = UNARY[op_type]
    rng = np.random.RandomState(0)
    z0 = rng.uniform(max(low, -2), min(high, 2), 300).astype(np.float32) + np.float32(0.1)
    delta = (z0 * 10.0 ** rng.uniform(-7, -1, z0.shape)).astype(np.float32)
    plus, _ = contributions(
        lambda a, b: built(op_type, z0 + (a + b)),
        [np.ones_like(z0), delta - 1],
        [np.zeros_like(z0)] * 2,
        dtype=tf.float32,
    )
    z = (z0 + (np.float32(1) + (delta - np.float32(1)))).astype(np.float64)
    moved = z != z0
    expected = (f(z[moved]) - f(z0[moved].astype(np.float64))) / (z - z0)[moved]
    # TensorFlow 1.15 computes some functions with errors that are larger than those that are taken for noise.
    close = np.isclose(plus[moved], expected, rtol=1e-3)
    assert close.all() or (OLD and close.mean() > 0.99)


# --- values that are not ordinary


def test_where_nothing_changes_nothing_is_nan():
    # sqrt and log have no finite derivative at 0; what is masked with -inf stays -inf.
    x, x0 = np.array([[0.0, 1.0, 5.0]]), np.array([[0.0, 1.0, 2.0]])

    def network(z):
        masked = tf.where([[True, True, False]], z, tf.fill([1, 3], tf.constant(-np.inf, z.dtype)))
        parts = [
            tf.sqrt(z[:, :2]),
            tf.exp(masked),
            tf.nn.softplus(masked),
            tf.nn.softmax(masked),
            tf.abs(masked[:, :2]),
        ]
        return tf.concat(parts, 1)

    (found,) = contributions(network, [x], [x0])
    np.testing.assert_array_equal(found, [[0, 0, 0]])


def test_masked_values_get_nothing_and_spoil_nothing():
    rng = np.random.RandomState(0)
    x, x0 = rng.randn(2, 3, 4)
    mask = np.array([True, False, True, True])

    def network(z):
        masked = tf.where(tf.broadcast_to(mask, [3, 4]), z, tf.fill([3, 4], tf.constant(-np.inf, z.dtype)))
        return tf.concat([tf.nn.softmax(masked), tf.reduce_max(masked, 1, keepdims=True), tf.exp(masked)], 1)

    weights = weights_like(np.zeros((3, 9)))
    (found,) = contributions(network, [x], [x0], weights)
    assert (found[:, 1] == 0).all()
    with context() as de:
        change = [de.session.run(network(tf.constant(z))) for z in (x, x0)]
    np.testing.assert_allclose(found.sum(), (weights * (change[0] - change[1])).sum(), rtol=1e-9)


@pytest.mark.parametrize('z', [30.0, 90.0, 1e4])
@pytest.mark.parametrize('op_type', ['Sigmoid', 'Tanh', 'Softplus', 'Softsign', 'Erf', 'Elu'])
def test_saturated_activations(op_type, z):
    f = np.errstate(over='ignore')(UNARY[op_type][0])
    x, x0 = np.array([z, -z, z, -z], np.float32), np.array([-z, z, 0.7 * z, -0.7 * z], np.float32)
    (found,) = contributions(lambda a: built(op_type, a), [x], [x0], dtype=tf.float32)
    np.testing.assert_allclose(found, f(x.astype(float)) - f(x0.astype(float)), rtol=1e-6, atol=2e-7)


def test_sqrt_from_0():
    (found,) = contributions(tf.sqrt, [np.array([0.0, 1e-30, 4.0])], [np.zeros(3)])
    np.testing.assert_allclose(found, [0, 1e-15, 2])


@pytest.mark.parametrize('dtype', [tf.float16, tf.bfloat16])
@pytest.mark.parametrize('op_type', ['Exp', 'LeakyRelu', 'Relu', 'Sigmoid', 'Softplus', 'Tanh'])
def test_half_precision(op_type, dtype):
    f, low, high = UNARY[op_type]
    x, x0 = (z.astype(np.float32) for z in pairs(low, high, (4, 50)))
    (found,) = contributions(
        lambda z: tf.cast(built(op_type, tf.cast(z, dtype)), tf.float32), [x], [x0], dtype=tf.float32
    )
    rounding = {tf.float16: 2.0**-10, tf.bfloat16: 2.0**-7}[dtype]
    scale = np.maximum(np.abs(f(x)), np.abs(f(x0)))
    assert (np.abs(found - (f(x) - f(x0))) <= 16 * rounding * np.maximum(scale, 1)).all()


# --- products, quotients, norms


@pytest.mark.parametrize('op_type', existing(BILINEAR))
def test_each_factor_gets_its_shapley_value(op_type):
    build, shape = op_cases.BILINEAR[op_type]
    rng = np.random.RandomState(0)
    x, x0, y, y0 = rng.randn(4, *shape)
    x[0], y[-1] = x0[0], y0[-1]
    with context() as de:
        X, Y = tf.placeholder(tf.float64, shape), tf.placeholder(tf.float64, shape)
        out = build(X, Y)

        def f(a, b):
            return de.session.run(out, {X: a, Y: b})

        weights = weights_like(f(x, y))
        if op_type == 'TridiagonalMatMul':  # affine, for the constant diagonals
            constant = f(0 * x, y), f(0 * x, y0)
            assert np.abs(constant[0] - constant[1]).max() > 0
            pytest.skip('affine in the diagonal that varies: its sum is tested with all others')
        expected = oracle.bilinear(f, x, x0, y, y0, weights)
    found = contributions(build, [x, y], [x0, y0], weights)
    tolerance = 1e-9 if out.dtype == tf.float64 else 1e-4
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_a_tensor_times_itself():
    x, x0 = pairs(-2, 2)
    for build, f in [
        (lambda z: z * z, np.square),
        (lambda z: tf.matmul(z, z, transpose_b=True), lambda z: z @ z.T),
        (lambda z: z / z, lambda z: z / z),
        (lambda z: tf.maximum(z, z), lambda z: z),
        (lambda z: tf.pow(tf.abs(z), tf.abs(z)), lambda z: np.abs(z) ** np.abs(z)),
    ]:
        (found,) = contributions(build, [x], [x0])
        np.testing.assert_allclose(found.sum(), (f(x) - f(x0)).sum(), rtol=1e-9, atol=1e-12)


def test_complex_products_quotients_and_magnitudes():
    x, x0 = np.random.RandomState(0).randn(2, 5, 2)
    y, y0 = np.random.RandomState(1).randn(2, 5, 2)

    def network(a, b):
        a, b = (tf.complex(z[:, 0], z[:, 1]) for z in (a, b))
        product, quotient = raw.Mul(x=a, y=b), raw.RealDiv(x=a, y=b)
        return tf.concat([tf.math.real(product), tf.math.imag(quotient), tf.abs(a), tf.abs(tf.signal.fft(a * b))], 0)

    weights = weights_like(np.zeros(20))
    found = contributions(network, [x, y], [x0, y0], weights)
    with context() as de:
        at_x, at_x0 = (de.session.run(network(*map(tf.constant, z))) for z in ((x, y), (x0, y0)))
    np.testing.assert_allclose(found[0].sum() + found[1].sum(), (weights * (at_x - at_x0)).sum(), rtol=1e-9)


def test_the_magnitude_of_a_complex_number_and_the_length_of_a_vector():
    x, x0 = np.random.RandomState(0).randn(2, 5, 2)
    x[0], x[1], x0[2] = x0[0], 0, 0
    expected = np.array([oracle.norm(z, z0, 1.0) for z, z0 in zip(x, x0)])
    (found,) = contributions(lambda z: tf.abs(tf.complex(z[:, 0], z[:, 1])), [x], [x0])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    if existing(['EuclideanNorm']):
        (found,) = contributions(lambda z: raw.EuclideanNorm(input=z, axis=[1]), [x], [x0])
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    (found,) = contributions(lambda z: tf.abs(tf.complex(z[:, 0], z[:, 1])), [0 * x], [0 * x])
    np.testing.assert_array_equal(found, 0)


# --- maxima and choices


def image_windows(height, width, size, stride):
    """Places of each window of a pool without padding over an image [1, height, width, 1]."""
    return [
        [(row + i) * width + column + j for i in range(size) for j in range(size)]
        for row in range(0, height - size + 1, stride)
        for column in range(0, width - size + 1, stride)
    ]


def tied(shape, seed=0):
    """Small integers, so that the largest of some is often there twice, and often the same at the baseline."""
    rng = np.random.RandomState(seed)
    return rng.randint(0, 4, (2, *shape)).astype(float)


@pytest.mark.parametrize('make', [lambda shape: np.random.RandomState(0).randn(2, *shape), tied])
@pytest.mark.parametrize('size_and_stride', [(2, 2), (3, 1), (3, 2)])
def test_max_pooling_by_loops(make, size_and_stride):
    size, stride = size_and_stride
    x, x0 = make((1, 6, 5, 1))
    windows = image_windows(6, 5, size, stride)
    weights = weights_like(windows)[:, 0]

    def pool(z):
        return tf.nn.max_pool(z, [1, size, size, 1], [1, stride, stride, 1], 'VALID')

    (found,) = contributions(pool, [x], [x0], weights)
    expected = oracle.largest(windows, x, x0, weights)
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('make', [lambda shape: np.random.RandomState(0).randn(2, *shape), tied])
@pytest.mark.parametrize('stride', [1, 2])
def test_max_pooling_of_volumes_by_loops(make, stride):
    x, x0 = (z.astype(np.float32) for z in make((1, 4, 5, 4, 1)))
    numbers = np.arange(x.size).reshape(4, 5, 4)
    starts = [range(0, n - 1, stride) for n in numbers.shape]
    windows = [list(numbers[i : i + 2, j : j + 2, k : k + 2].ravel()) for i, j, k in itertools.product(*starts)]
    weights = weights_like(windows)[:, 0]

    def pool(z):
        return raw.MaxPool3D(input=z, ksize=[1, 2, 2, 2, 1], strides=[1, stride, stride, stride, 1], padding='VALID')

    (found,) = contributions(pool, [x], [x0], weights, dtype=tf.float32)
    np.testing.assert_allclose(found.sum(), oracle.largest(windows, x, x0, weights).sum(), rtol=1e-5)
    if make is not tied:
        np.testing.assert_allclose(found.ravel(), oracle.largest(windows, x, x0, weights), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('name', ['Max', 'Min'])
def test_maxima_and_minima_of_rows_by_loops(name):
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    x[0], x[1, 2] = x0[0], x0[1, 2]
    windows = [list(range(6 * i, 6 * i + 6)) for i in range(5)]
    weights = weights_like(np.zeros(5))
    (found,) = contributions(lambda z: built(name, z, [1]), [x], [x0], weights)
    expected = oracle.largest(windows, x, x0, weights, np.argmax if name == 'Max' else np.argmin)
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-12)


def test_every_op_of_maxima_is_tested():
    assert set(op_cases.MAXIMA) == {op_type for op_type, (name, _) in complete.RULES.items() if name == 'largest'}


@pytest.mark.parametrize('make', [lambda shape: np.random.RandomState(0).randn(2, *shape), tied])
@pytest.mark.parametrize('op_type', existing(op_cases.MAXIMA))
def test_what_was_gained_and_lost_is_shared(op_type, make):
    build, shape = op_cases.MAXIMA[op_type]
    x, x0 = make(shape)
    with context() as de:
        at_x, at_x0 = (de.session.run(build(tf.constant(z))) for z in (x, x0))
    weights = weights_like(at_x)
    (found,) = contributions(build, [x], [x0], weights)
    tolerance = 1e-9 if at_x.dtype == np.float64 else 1e-5
    np.testing.assert_allclose(found.sum(), (weights * (at_x - at_x0)).sum(), rtol=tolerance, atol=tolerance)
    assert (found[x == x0] == 0).all()


@pytest.mark.parametrize('k', [1, 3, 6])
def test_top_k_by_sums_of_subsets(k):
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    x[0] = x0[0]
    weights = weights_like(np.zeros((5, k)))
    (found,) = contributions(lambda z: tf.nn.top_k(z, k).values, [x], [x0], weights)
    np.testing.assert_allclose(found, oracle.top_k(x, x0, weights), rtol=1e-9, atol=1e-12)


def test_the_largest_of_top_k_is_treated_as_a_maximum():
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    first = contributions(lambda z: tf.nn.top_k(z, 4).values[:, :1], [x], [x0])
    as_maximum = contributions(lambda z: tf.nn.top_k(z, 1).values, [x], [x0])
    np.testing.assert_allclose(first, as_maximum, rtol=1e-9)
    np.testing.assert_allclose(first, contributions(lambda z: tf.reduce_max(z, 1), [x], [x0]), rtol=1e-9)


def test_the_sum_of_all_sorted_values_is_their_sum():
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    (found,) = contributions(lambda z: tf.sort(z), [x], [x0])
    np.testing.assert_allclose(found, x - x0, rtol=1e-9)


def test_top_k_in_single_precision_of_large_values():
    rng = np.random.RandomState(0)
    x, x0 = (1000 + rng.randn(2, 3, 500)).astype(np.float32)
    (found,) = contributions(lambda z: tf.nn.top_k(z, 400).values[:, -1:], [x], [x0], dtype=tf.float32)
    change = np.sort(x)[:, -400] - np.sort(x0)[:, -400]
    np.testing.assert_allclose(found.sum(axis=1), change, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('op_type', existing(['Select', 'SelectV2']))
def test_choices_by_loops(op_type):
    rng = np.random.RandomState(0)
    (c, a, b), (c0, a0, b0) = rng.randn(2, 3, 4, 5)
    weights = weights_like(a)
    of_c, of_a, of_b = contributions(
        lambda *z: built(op_type, z[0] > 0, *z[1:]) + 0 * z[0], [c, a, b], [c0, a0, b0], weights
    )
    expected = oracle.choice(c > 0, c0 > 0, a, a0, b, b0, weights)
    np.testing.assert_allclose(of_a, expected[0], rtol=1e-9)
    np.testing.assert_allclose(of_b, expected[1], rtol=1e-9)
    np.testing.assert_allclose(of_c, 0)


@pytest.mark.skipif(not op_cases.exists('SelectV2'), reason='new in TensorFlow 2')
@pytest.mark.parametrize('shapes', [[(4, 5), (5,), ()], [(4, 1), (1, 5), (4, 5)], [(), (4, 5), (4, 5)]])
def test_choices_broadcast(shapes):
    rng = np.random.RandomState(0)
    (c, a, b), (c0, a0, b0) = ([np.asarray(rng.randn(*s)) for s in shapes] for _ in range(2))
    weights = weights_like(np.zeros((4, 5)))
    found = contributions(
        lambda *z: raw.SelectV2(condition=z[0] > 0, t=z[1], e=z[2]) + 0 * z[0], [c, a, b], [c0, a0, b0], weights
    )
    wide = [np.broadcast_to(z, (4, 5)) for z in (c > 0, c0 > 0, a, a0, b, b0)]
    for one, other, array in zip(found[1:], oracle.choice(*wide, weights), (a, b)):
        np.testing.assert_allclose(one, oracle.summed_to(array.shape, other), rtol=1e-9)


def test_a_condition_for_each_row():
    rng = np.random.RandomState(0)
    (c, a, b), (c0, a0, b0) = ([rng.randn(*s) for s in ((4,), (4, 5), (4, 5))] for _ in range(2))
    found = contributions(
        lambda *z: raw.Select(condition=z[0] > 0, x=z[1], y=z[2]) + 0 * z[0][:, None], [c, a, b], [c0, a0, b0]
    )
    wide = [np.broadcast_to(z[:, None], (4, 5)) for z in (c > 0, c0 > 0)]
    expected = oracle.choice(*wide, a, a0, b, b0, np.ones((4, 5)))
    np.testing.assert_allclose(found[1:], expected, rtol=1e-9)


def test_a_function_in_pieces():
    x, x0 = np.random.RandomState(0).randn(2, 4, 5)
    (found,) = contributions(lambda z: tf.where(z > 0, tf.sin(z), 2 * z * z), [x], [x0])
    f = [np.where(z > 0, np.sin(z), 2 * z * z) for z in (x, x0)]
    np.testing.assert_allclose(found, f[0] - f[1], rtol=1e-9)


# --- softmax


@pytest.mark.parametrize('name', ['Softmax', 'LogSoftmax'])
def test_softmax_by_its_parts(name):
    x, x0 = 2 * np.random.RandomState(0).randn(2, 5, 6)
    x[0], x[1, 2], x[2] = x0[0], x0[1, 2], x0[2] + 1e-9
    weights = weights_like(x)
    (found,) = contributions(lambda z: built(name, z), [x], [x0], weights)
    rule = {'Softmax': oracle.softmax, 'LogSoftmax': oracle.log_softmax}[name]
    expected = [rule(*row) for row in zip(x, x0, weights)]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize('name', ['Softmax', 'LogSoftmax'])
def test_softmax_is_what_its_parts_give_one_by_one(name):
    x, x0 = 2 * np.random.RandomState(0).randn(2, 5, 6)
    weights = weights_like(x)

    def by_hand(z):
        log_p = z - tf.log(tf.reduce_sum(tf.exp(z), -1, keepdims=True))
        return tf.exp(log_p) if name == 'Softmax' else log_p

    found = contributions(lambda z: built(name, z), [x], [x0], weights)
    np.testing.assert_allclose(found, contributions(by_hand, [x], [x0], weights), rtol=1e-9)


@pytest.mark.parametrize('size', [1.0, 30.0, 1e3, 1e5])
@pytest.mark.parametrize('name', ['Softmax', 'LogSoftmax'])
def test_softmax_of_large_logits_in_single_precision(name, size):
    x, x0 = (size * np.random.RandomState(0).randn(2, 50, 6)).astype(np.float32)
    x[:40] = x0[:40] + np.random.RandomState(1).randn(40, 6)  # as far apart as small ones
    x0[:40, 0] = x0[:40, 1] = x[:40, 0] = x[:40, 1] = 3 * size  # and two that compete
    x0[:40, 1] += 1
    x[:40, 0] += 0.5
    weights = np.eye(6)[np.random.RandomState(2).randint(6, size=50)]
    (found,) = contributions(lambda z: built(name, z), [x], [x0], weights, dtype=tf.float32)
    with context() as de:
        at_x, at_x0 = (de.session.run(built(name, tf.constant(z))) for z in (x, x0))
    change = (weights * (at_x.astype(float) - at_x0)).sum(axis=1)
    rounding = 4 * np.finfo(np.float32).eps * np.maximum(np.abs(at_x), np.abs(at_x0)).max(axis=1)  # of the values
    assert (np.abs(found.astype(float).sum(axis=1) - change) <= 1e-5 * np.abs(change) + 2e-6 + rounding).all()


# --- what is not an op's own gradient


def test_gradients_that_stop_go_on():
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    found = contributions(lambda z: tf.stop_gradient(z) * z, [x], [x0])
    np.testing.assert_allclose(found, contributions(lambda z: z * z, [x], [x0]), rtol=1e-9)
    straight_through = contributions(lambda z: z + tf.stop_gradient(tf.round(z) - z), [x], [x0])
    np.testing.assert_allclose(straight_through[0], np.round(x) - np.round(x0), rtol=1e-9, atol=1e-12)


def test_custom_gradients_are_those_of_the_values():
    @tf.custom_gradient
    def f(z):
        return tf.exp(z), lambda grad: 100 * grad

    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    (found,) = contributions(lambda z: f(z), [x], [x0])
    np.testing.assert_allclose(found, np.exp(x) - np.exp(x0), rtol=1e-9)


def test_an_overridden_gradient_is_not_asked():
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)

    def network(z):
        with tf.get_default_graph().gradient_override_map({'Relu': 'Tanh', 'MatMul': 'Sub'}):
            return tf.matmul(tf.nn.relu(z), np.ones((6, 2)))

    (found,) = contributions(network, [x], [x0])
    np.testing.assert_allclose(found, 2 * (np.maximum(x, 0) - np.maximum(x0, 0)), rtol=1e-9)


def test_an_activation_that_a_user_added_is_rescaled(monkeypatch):
    monkeypatch.delitem(complete.RULES, 'Tan')  # as if it was unknown
    x, x0 = np.random.RandomState(0).uniform(-1, 1, (2, 5, 6))
    with pytest.raises(GraphError, match=r'\(Tan\)'):
        contributions(tf.tan, [x], [x0])
    ACTIVATIONS.append('Tan')
    try:
        (found,) = contributions(tf.tan, [x], [x0])
    finally:
        ACTIVATIONS.remove('Tan')
    np.testing.assert_allclose(found, np.tan(x) - np.tan(x0), rtol=1e-9)


@pytest.mark.parametrize(
    ('build', 'op_types'),
    [
        (lambda z: tf.reduce_prod(z, 1), 'Prod'),
        (lambda z: tf.cumprod(z, 1), 'Cumprod'),
        (lambda z: raw.PadV2(input=z, paddings=[[0, 0], [1, 0]], constant_values=z[0, 0]), 'PadV2'),
        (lambda z: raw.DynamicStitch(indices=[[0, 1, 2], [1]], data=[z, 2 * z[:1]]), 'DynamicStitch'),
        (lambda z: tf.linalg.inv(tf.matmul(z, z, transpose_b=True)), 'MatrixInverse'),
        (lambda z: tf.gather(z, tf.argmax(z, 1), axis=1), 'GatherV2'),
        (lambda z: tf.cast(z > 0, z.dtype) * z, 'Cast'),
        (lambda z: tf.where(z > 0, tf.ones_like(z), -tf.ones_like(z)) + z, 'Select|SelectV2'),
        (
            lambda z: raw.TridiagonalMatMul(superdiag=z[:1], maindiag=z[:1], subdiag=z[:1], rhs=tf.transpose(z)),
            'TridiagonalMatMul',
        ),
    ],
)
def test_what_has_no_rule_is_named(build, op_types):
    x = np.random.RandomState(0).randn(3, 3)
    with pytest.raises(GraphError, match=rf"has no rule for '\S+' \(({op_types})\) and uses"):
        contributions(build, [x], [0 * x])

"""Elementwise functions under rules='complete', against the formulas written out in NumPy."""

import numpy as np
import oracle_rules as oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import context
from rule_cases import BINARY, OLD, UNARY, built, contributions, existing, pairs, raw, weights_like
from scipy import special

from deepexplain.tensorflow.rules import complete


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

"""Products, quotients and norms under rules='complete', against the formulas written out in NumPy."""

import numpy as np
import op_cases
import oracle_rules as oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import context
from rule_cases import contributions, existing, pairs, raw, weights_like

from deepexplain.tensorflow.runtime.op_types import BILINEAR


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

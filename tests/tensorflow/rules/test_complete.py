"""rules='complete' where gradients are not an op's own, and where there is no rule."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from rule_cases import contributions, raw

from deepexplain.errors import GraphError
from deepexplain.tensorflow.rules import complete
from deepexplain.tensorflow.runtime.activations import ACTIVATIONS


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
        (lambda z: tf.cast(z > 0, z.dtype) + z, 'Cast'),
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

"""Normalizations: bounded multipliers from a baseline where the norm is 0; and a warning where others explode."""

import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal, weights

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain


def layer(X, seed=1):
    return tf.matmul(X, weights(4, 5, seed=seed))


def total(h):
    return tf.reduce_sum(h, -1, keepdims=True)


def floored(h):
    return h / tf.maximum(tf.sqrt(total(tf.square(h))), 1e-9)


def cosine(a, b):
    return total(tf.nn.l2_normalize(a, -1) * tf.nn.l2_normalize(b, -1))


def cosine_of_sums(a, b):
    return total(a * b) / (tf.norm(a, axis=-1, keepdims=True) * tf.norm(b, axis=-1, keepdims=True) + 1e-8)


#: Of X [samples, 4]: what is divided by its norm, which is 0 at the baseline.
NORMALIZED = {
    'l2_normalize': lambda X: tf.nn.l2_normalize(layer(X), -1),
    'rsqrt of a sum': lambda X: layer(X) * tf.rsqrt(total(tf.square(layer(X))) + 1e-10),
    'powers': lambda X: layer(X) * tf.pow(total(tf.pow(layer(X), 2.0)) + 1e-10, -0.5),
    'root of a sum': lambda X: layer(X) / tf.sqrt(total(layer(X) * layer(X)) + 1e-12),
    'floored': lambda X: floored(layer(X)),
    'mean square': lambda X: layer(X) * tf.rsqrt(tf.reduce_mean(tf.square(layer(X)), -1, keepdims=True) + 1e-8) * 1.5,
    'cosine with a constant': lambda X: cosine(layer(X), weights(1, 5, seed=3)),
    'cosine of two': lambda X: cosine(layer(X), tf.tanh(layer(X, 2))),
    'cosine as a quotient': lambda X: cosine_of_sums(layer(X), tf.tanh(layer(X, 2))),
    'absolute values': lambda X: layer(X) / (total(tf.abs(layer(X))) + 1e-9),
    'shares': lambda X: tf.nn.relu(layer(X)) / (total(tf.nn.relu(layer(X))) + 1e-9),
    'twice': lambda X: tf.nn.l2_normalize(tf.matmul(tf.nn.l2_normalize(layer(X), -1), weights(5, 4)), -1),
}


def explained(session, build, xs, dtype=tf.float32, method='deeplift', **arguments):
    X = tf.placeholder(dtype, [None, xs.shape[1]])
    T = build(X)
    with DeepExplain(session=session) as de, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        explainer = de.get_explainer(method, T, X, **arguments)
        ys = np.arange(1, 1 + T.shape.as_list()[1])
        found, delta = explainer.run(xs, ys, return_convergence_delta=True)
    size = np.abs(session.run(T, {X: xs}) * ys).sum(axis=1)
    said = [str(w.message) for w in caught if issubclass(w.category, DeepExplainWarning)]
    return found, delta, size, said


@pytest.mark.parametrize('baseline', [0, 0.2])
@pytest.mark.parametrize('name', sorted(NORMALIZED))
def test_multipliers_of_a_normalization_are_bounded(session, name, baseline):
    arguments = {'rules': 'complete', 'strict': True, 'baseline': baseline}
    found, delta, size, said = explained(session, NORMALIZED[name], normal(6, 4, seed=2), **arguments)
    assert (np.abs(found).sum(axis=1) < 40 * size.max()).all()
    assert np.abs(delta).max() < 1e-4
    assert not said


def test_a_normalization_is_what_it_is_in_one_dimension(session):
    """x / |x| from 0: the sign of x, and the whole of it goes to x."""
    xs = np.array([[-3.0], [0.5]])
    found, _, _, _ = explained(session, lambda X: tf.nn.l2_normalize(X, -1), xs, rules='complete')
    np.testing.assert_allclose(found, np.sign(xs), rtol=1e-5)


def test_a_normalization_treats_equals_alike(session):
    """Symmetry, and nothing for what does not differ."""
    xs = np.array([[2.0, 2.0, 0.0, 1.0]])
    found, _, _, _ = explained(session, lambda X: total(tf.nn.l2_normalize(X, -1)), xs, rules='complete')
    np.testing.assert_allclose(found[0, 0], found[0, 1])
    np.testing.assert_allclose(found[0, 2], 0)
    np.testing.assert_allclose(found.sum(), 5 / 3, rtol=1e-5)


def test_other_quotients_have_their_shapley_values(session):
    xs = np.abs(normal(3, 2)) + 1
    found, _, _, _ = explained(session, lambda X: X[:, :1] / X[:, 1:], xs, tf.float64, rules='complete', baseline=0.5)
    a, b = xs.T
    np.testing.assert_allclose(found[:, 0], (a - 0.5) * (1 / b + 1 / 0.5) / 2)


def test_multipliers_that_explode_are_said(session):
    def near_zero(X):
        return tf.divide(X[:, :1], tf.square(X[:, 1:2]) + 1e-7, name='steep')

    found, _, size, said = explained(session, near_zero, 1 + np.abs(normal(3, 4)), rules='complete')
    assert np.abs(found).max() > 1e5 * size.max()
    assert len(said) == 1
    assert 'explode' in said[0]
    assert "'steep'" in said[0]
    assert 'baseline' in said[0]


def test_each_output_that_explodes_is_said(session):
    X = tf.placeholder(tf.float32, [None, 2])
    T = tf.concat([X, X[:, :1] / (tf.square(X[:, 1:]) + 1e-7)], 1)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('deeplift', T, X, rules='complete')
        with pytest.warns(DeepExplainWarning, match='explode'):
            explainer.run(1 + np.abs(normal(3, 2)), ys='each')
        with pytest.warns(DeepExplainWarning, match='explode'):
            explainer.run(1 + np.abs(normal(3, 2)), ys=[0, 0, 1])
        explainer.run(1 + np.abs(normal(3, 2)), ys=[1, 1, 0])


@pytest.mark.parametrize(
    'build',
    [
        lambda X: 1e6 * layer(X),
        lambda X: tf.nn.softmax(layer(X)),
        lambda X: layer(X) - layer(X) + 1e-3 * tf.tanh(layer(X)),
        lambda X: total(X) * tf.sigmoid(total(layer(X))),
        lambda X: total(tf.matmul(X, tf.constant([[1.0, 0], [1.0, 0], [0, 1.0], [0, -1.0]])) * [[1.0, 1e-6]]),
    ],
)
def test_ordinary_networks_do_not_explode(session, build):
    xs = normal(200, 4, seed=7)
    xs[0] = [1, -1, 1, 1]  # of which parts add up to 0
    _, _, _, said = explained(session, build, xs, rules='complete')
    assert not said
    _, _, _, said = explained(session, build, xs[:1], rules='complete')
    assert not said

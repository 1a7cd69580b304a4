"""Choices: what is not chosen brings nothing, be it infinite or no number at all."""

import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from scipy import special
from small import normal

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

OLD = tf.__version__.startswith('1.')


def where_positive(function, other=tf.zeros_like):
    return lambda X: tf.where(X > 0, function(X), other(X))


def positive(function, other=lambda x: 0 * x):
    """The same in NumPy, where all of it is defined."""
    return lambda x: np.where(x > 0, function(np.where(x > 0, x, 1)), other(x))


#: Networks of one value each, of which a choice (or what acts as one) makes something finite; and their NumPy.
GUARDED = {
    'logarithm': (where_positive(tf.log), positive(np.log)),
    'of a layer behind it': (where_positive(lambda X: 2 * tf.log(X) + 3), positive(lambda x: 2 * np.log(x) + 3)),
    'reciprocal': (where_positive(lambda X: 1 / X), positive(lambda x: 1 / x)),
    'power': (where_positive(lambda X: tf.pow(X, -1.5)), positive(lambda x: x**-1.5)),
    'root': (where_positive(tf.sqrt), positive(np.sqrt)),
    'entropy': (where_positive(lambda X: X * tf.log(X)), positive(lambda x: x * np.log(x))),
    'other branch': (where_positive(tf.log, tf.tanh), positive(np.log, np.tanh)),
    'xlogy': (
        lambda X: tf.math.xlogy(tf.nn.relu(X), tf.nn.relu(X)),
        lambda x: special.xlogy(np.maximum(x, 0), np.maximum(x, 0)),
    ),
    'sinc': (
        lambda X: tf.where(tf.not_equal(X, 0), tf.sin(X) / X, tf.ones_like(X)),
        lambda x: np.sinc(x / np.pi),
    ),
    'bounded by a minimum': (
        lambda X: tf.minimum(tf.rsqrt(tf.square(X)), 10.0),
        lambda x: np.minimum(1 / np.maximum(np.abs(x), 1e-300), 10.0),
    ),
    'squashed': (
        lambda X: tf.sigmoid(tf.log(tf.nn.relu(X))),
        lambda x: np.maximum(x, 0) / (1 + np.maximum(x, 0)),
    ),
    'overflow': (
        lambda X: tf.where(X > 0.02, 1e3 * X, tf.log1p(tf.exp(1e3 * X))),
        lambda x: np.where(x > 0.02, 1e3 * x, np.logaddexp(0, np.minimum(1e3 * x, 20))),
    ),
}


def explained(session, build, xs, **arguments):
    X = tf.placeholder(tf.float64, [None, xs.shape[1]])
    with DeepExplain(session=session) as de, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        explainer = de.get_explainer('deeplift', build(X), X, rules='complete', strict=True, **arguments)
        attributions, delta = explainer.run(xs, return_convergence_delta=True)
    return attributions, delta, [str(w.message) for w in caught if issubclass(w.category, DeepExplainWarning)]


@pytest.mark.parametrize('baseline', [0, -1.5, 0.7])
@pytest.mark.parametrize('name', sorted(GUARDED))
def test_what_is_not_chosen_brings_nothing(session, name, baseline):
    build, in_numpy = GUARDED[name]
    xs = np.concatenate([normal(5, 4, seed=3), [[0.0, -1.5, 0.7, 1e-3]]])
    found, delta, said = explained(session, build, xs, baseline=baseline)
    expected = in_numpy(xs) - in_numpy(np.full_like(xs, baseline))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert np.abs(delta).max() < 1e-5
    assert not said


def test_what_is_not_chosen_brings_nothing_in_functions_and_loops(session):
    if OLD:
        pytest.skip('TensorFlow 1 has no tf.function that a graph can differentiate so')
    guarded = where_positive(tf.log)

    def loop(X):
        return tf.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, guarded(h) + 0.5), (0, X))[1]

    xs = normal(5, 4, seed=3)
    for build in (tf.function(guarded, autograph=False), loop):
        found, delta, said = explained(session, build, xs)
        assert np.isfinite(found).all()
        assert np.abs(delta).max() < 1e-9
        assert not said


def test_a_sum_of_parts_of_which_one_is_not_defined(session):
    """A quotient by a constant that may be 0, in the part of it that is not chosen."""
    counts = np.array([0.0, 2.0, 0.0, 4.0])

    def mean(X):
        count = tf.placeholder_with_default(counts, [4])
        return tf.where(tf.tile((counts > 0)[None], [tf.shape(X)[0], 1]), X / count, X)

    xs = normal(5, 4, seed=3)
    found, _, said = explained(session, mean, xs)
    np.testing.assert_allclose(found, xs / np.where(counts > 0, counts, 1))
    assert not said


def test_what_is_infinite_in_t_is_said(session):
    """Of the other side: large numbers that stand for infinite ones are none of the user's."""
    for build in (tf.log, lambda X: 1 / X, lambda X: 3 + 2 * tf.log(X), tf.rsqrt):
        found, _, said = explained(session, build, np.abs(normal(2, 3)))
        assert not np.isfinite(found).all()
        assert any('nan or infinite' in message for message in said)


def test_large_numbers_of_the_network_are_kept(session):
    found, _, said = explained(session, lambda X: 1e8 * tf.exp(X), normal(3, 2), baseline=-1.0)
    expected = 1e8 * (np.exp(normal(3, 2)) - np.exp(-1.0))
    np.testing.assert_allclose(found, expected)
    assert not said

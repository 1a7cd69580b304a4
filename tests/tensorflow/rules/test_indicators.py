"""Numbers made of conditions, as factors: what they multiply gets all, and nothing is said to be lost."""

import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal, weights

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain


def ones_where(condition):
    return tf.cast(condition, tf.float64)


def layer(h, units=4, seed=1):
    return tf.matmul(h, weights(4, units, seed=seed, dtype=h.dtype))


def mean_of_positive(X):
    counts = ones_where(X > 0)
    return tf.reduce_sum(X * counts, 1, keepdims=True) / tf.maximum(tf.reduce_sum(counts, 1, keepdims=True), 1.0)


def chosen_rows(X):
    rows = tf.reshape(layer(X, 12), [-1, 3, 4])
    return tf.matmul(tf.one_hot(tf.argmax(rows, 1), 3, dtype=X.dtype), rows)[:, 0]


#: Networks of X [samples, 4] whose indicators multiply or divide, and nothing else.
FACTORS = {
    'masking': lambda X: layer(X * ones_where(tf.not_equal(X, 0.0))),
    'thresholded': lambda X: layer(X * ones_where(X > 0.5)),
    'the other way round': lambda X: ones_where(layer(X) < 0.2) * tf.tanh(layer(X, seed=2)),
    'complement': lambda X: X * (1.0 - ones_where(X > 0.2)),
    'two of them': lambda X: X * ones_where(X > -0.5) * ones_where(layer(X) > 0.1),
    'product of two': lambda X: X * (ones_where(X > -0.5) * ones_where(layer(X) > 0.1)),
    'constants chosen': lambda X: layer(X) * tf.where(X > 0.1, 2 * tf.ones_like(X), -tf.ones_like(X)),
    'one for all': lambda X: X * ones_where(tf.reduce_sum(X, 1, keepdims=True) > 0.0),
    'mean of some': mean_of_positive,
    'rows by one-hot': chosen_rows,
    'sign': lambda X: layer(X) * tf.sign(X),
    'hard gate': lambda X: tf.tanh(X) * tf.round(tf.sigmoid(4 * layer(X))),
}


def explained(session, build, method='deeplift', **arguments):
    """Attributions and delta of samples of one network, the audit, and what was said."""
    X, xs = tf.placeholder(tf.float64, [None, 4]), normal(8, 4, seed=5)
    with DeepExplain(session=session) as de, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        explainer = de.get_explainer(method, build(X), X, **arguments)
        attributions, delta = explainer.run(xs, return_convergence_delta=True)
    said = [str(w.message) for w in caught if issubclass(w.category, DeepExplainWarning)]
    return xs, attributions, delta, explainer.describe(), said


@pytest.mark.parametrize('baseline', [0, normal(4, seed=9)])
@pytest.mark.parametrize('name', sorted(FACTORS))
def test_sum_holds_where_indicators_are_factors(session, name, baseline):
    arguments = {'rules': 'complete', 'baseline': baseline, 'strict': True}
    _, _, delta, audit, said = explained(session, FACTORS[name], **arguments)
    assert np.abs(delta).max() < 1e-9
    assert not audit.breaks
    assert not said


def test_what_the_indicator_multiplies_gets_all(session):
    def gated(X):
        return X[:, :2] * ones_where(X[:, 2:] > 0.3)

    xs, attributions, _, _, _ = explained(session, gated, rules='complete')
    np.testing.assert_allclose(attributions[:, :2], xs[:, :2] * (xs[:, 2:] > 0.3))
    np.testing.assert_allclose(attributions[:, 2:], 0)


def test_product_of_two_that_vary_is_shared_as_ever(session):
    xs, attributions, _, _, _ = explained(session, lambda X: X[:, :2] * tf.sigmoid(X[:, 2:]), rules='complete')
    gate = 1 / (1 + np.exp(-xs[:, 2:]))
    np.testing.assert_allclose(attributions[:, :2], xs[:, :2] * (gate + 0.5) / 2)


def test_an_indicator_that_adds_is_lost_and_said(session):
    for method, arguments in (('deeplift', {'rules': 'complete'}), ('elrp', {})):
        _, _, delta, audit, said = explained(session, lambda X: X + ones_where(X > 0.3), method, **arguments)
        assert np.abs(delta).max() > 0.5
        assert [row.type for row in audit.breaks] == ['Cast']
        assert len(said) == 1
    # One that multiplies and adds, too.
    _, _, _, audit, _ = explained(session, lambda X: X * ones_where(X > 0.3) + ones_where(X > 0.3), rules='complete')
    assert [row.type for row in audit.breaks] == ['Cast']


def test_an_indicator_that_is_the_target_is_lost(session):
    _, _, _, audit, said = explained(session, lambda X: X * 0 + ones_where(X > 0.3), rules='complete')
    assert audit.breaks
    assert said


@pytest.mark.parametrize('name', sorted(set(FACTORS) - {'hard gate'}))
def test_elrp_keeps_its_sum_and_says_nothing(session, name):
    _, _, delta, audit, said = explained(session, FACTORS[name], 'elrp', epsilon=1e-9)
    assert np.abs(delta).max() < 1e-6
    assert not audit.breaks
    assert not said


def test_an_indicator_that_is_x_varies(session):
    """X may be any tensor, also one that was computed as an indicator: as X, it is a number."""
    ids = tf.placeholder(tf.int64, [None])
    X = tf.one_hot(ids, 4, dtype=tf.float64)
    with DeepExplain(session=session) as de:
        found = de.explain('deeplift', X * layer(X), X, normal(3, 4), rules='complete', strict=True)
        shared = de.explain('deeplift', X * tf.identity(X), X, normal(3, 4), rules='complete', strict=True)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(shared, normal(3, 4) ** 2)


def test_indicators_in_functions_and_loops(session):
    if tf.__version__.startswith('1.'):
        pytest.skip('TensorFlow 1 has no tf.function that a graph can differentiate so')
    times = tf.function(lambda a, b: a * b, autograph=False)

    def loop(X):
        return tf.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, layer(h) * ones_where(h > 0.1)), (0, X))[1]

    for build in (lambda X: layer(times(X, ones_where(X > 0.3))), loop):
        _, _, delta, audit, said = explained(session, build, rules='complete')
        assert np.abs(delta).max() < 1e-9
        assert not audit.breaks
        assert not said

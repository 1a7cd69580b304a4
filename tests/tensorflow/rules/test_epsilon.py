"""elrp against the formula, and what its epsilon may be."""

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import FUNCTIONS, NETWORKS, build, explain, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st

from deepexplain.tensorflow import DeepExplain

ACTIVATION_LISTS = st.lists(st.sampled_from(sorted(oracle.ACTIVATIONS)), min_size=1, max_size=4)


SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize('epsilon', [1e-4, 0.5])
@pytest.mark.parametrize('name', NETWORKS)
def test_elrp_matches_the_formula(session, name, epsilon):
    network = NETWORKS[name]
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        explainer = de.get_explainer('elrp', build(network, X), X, epsilon=epsilon)
    for weights, batch_size in ((None, None), (ys, 3)):
        found = explainer.run(xs, weights, batch_size)
        np.testing.assert_allclose(found, oracle.elrp(network, xs, weights, epsilon), rtol=1e-9, atol=1e-12)


def test_elrp_matches_the_formula_in_single_precision():
    network = NETWORKS['all five']
    xs, ys = samples(network)
    found = explain('elrp', network, xs, ys, dtype=tf.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, oracle.elrp(network, xs, ys), rtol=1e-3, atol=1e-4)


def test_an_epsilon_that_half_precision_does_not_hold(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        T = tf.cast(tf.nn.relu(tf.cast(X, tf.float16)), tf.float32)
        found = de.explain('elrp', T, X, [[-1, 2]], ys=[1, 1], epsilon=1e-8)
    np.testing.assert_array_equal(found, [[0, 2]])


@pytest.mark.parametrize('name', oracle.ACTIVATIONS)
def test_elrp_moves_the_denominator_away_from_zero(name):
    # T = f(x - 1) with x = 1 + z: the attribution is x times f(z) / (z + epsilon), or / (z - epsilon) where z < 0.
    z = np.array([[-2.0, -0.25, -0.0, 0.0, 0.25, 2.0]])
    epsilon = 0.125
    denominators = [-2.125, -0.375, 0.125, 0.125, 0.375, 2.125]
    found = explain('elrp', lambda X: FUNCTIONS[name](X - 1), 1 + z, epsilon=epsilon)
    np.testing.assert_allclose(found, (1 + z) * oracle.ACTIVATIONS[name][0](z) / denominators, rtol=1e-12)


def test_epsilon_is_a_ten_thousandth_by_default():
    # A quarter of the default epsilon goes in, and f(z) / (z + epsilon) = z / 5z is left.
    found = explain('elrp', tf.nn.relu, [[0.25e-4]])
    np.testing.assert_allclose(found, [[0.25e-4 / 5]], rtol=1e-12)


@few_examples
@given(seed=SEEDS, activations=st.lists(st.sampled_from(['Relu', 'Elu', 'Tanh']), min_size=1, max_size=3))
def test_elrp_without_biases_is_complete_as_epsilon_goes_to_zero(seed, activations):
    # Every activation of the list has f(0) = 0, so that f(z) / z passes all of f(z) on.
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (3,), [4] * len(activations) + [2], [*activations, None], bias=False)
    xs = rng.randn(3, 3)
    found = explain('elrp', network, xs, epsilon=1e-13)
    np.testing.assert_allclose(found.sum(axis=1), network(xs).sum(axis=1), atol=1e-7)


@pytest.mark.parametrize(
    ('epsilon', 'error', 'message'),
    [
        (0, AssertionError, 'epsilon must be greater than 0 and finite; got 0'),
        (0.0, ValueError, 'epsilon must be greater than 0 and finite; got 0.0'),
        (-1e-4, AssertionError, 'epsilon must be greater than 0 and finite; got -0.0001'),
        (float('nan'), ValueError, 'epsilon must be greater than 0 and finite; got nan'),
        (float('inf'), ValueError, 'epsilon must be .*; got inf'),
        ('a', TypeError, "epsilon must be a number; got 'a'"),
        (None, TypeError, 'epsilon must be a number; got None'),
        ([1, 2], TypeError, r'epsilon must be a number; got \[1, 2\]'),
    ],
)
def test_elrp_refuses_other_epsilons(session, epsilon, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        with pytest.raises(error, match=message) as caught:
            de.get_explainer('elrp', tf.nn.relu(X), X, epsilon=epsilon)
    assert isinstance(caught.value, RuntimeError)

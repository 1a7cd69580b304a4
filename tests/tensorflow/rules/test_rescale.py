"""deeplift with its original rules, against the formula."""

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


@pytest.mark.parametrize('name', NETWORKS)
def test_deeplift_matches_the_formula(session, name):
    network = NETWORKS[name]
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        T = build(network, X)
        for baseline in (None, 0.7, samples(network, n=1, seed=1)[0][0]):
            explainer = de.get_explainer('deeplift', T, X, baseline=baseline)
            for weights, batch_size in ((None, None), (ys, 3)):
                formula = oracle.deeplift(network, xs, weights, 0 if baseline is None else baseline)
                found = explainer.run(xs, weights, batch_size)
                np.testing.assert_allclose(found, formula, rtol=1e-8, atol=1e-11)


def test_deeplift_matches_the_formula_in_single_precision():
    network = NETWORKS['all five']
    xs, ys = samples(network)
    found = explain('deeplift', network, xs, ys, dtype=tf.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, oracle.deeplift(network, xs, ys), rtol=1e-3, atol=1e-4)


@few_examples
@given(seed=SEEDS, activations=ACTIVATION_LISTS, kernel=st.sampled_from([None, (2, 2, 2)]), zero_baseline=st.booleans())
def test_deeplift_is_complete(seed, activations, kernel, zero_baseline):
    rng = np.random.RandomState(seed)
    widths = [4] * (len(activations) - (kernel is not None)) + [2]
    network = oracle.random_network(rng, (3, 3, 1), widths, [*activations, None], kernel)
    xs = rng.randn(3, 3, 3, 1)
    baseline = np.zeros((3, 3, 1)) if zero_baseline else rng.randn(3, 3, 1)
    found = explain('deeplift', network, xs, baseline=baseline)
    gain = network(xs) - network(baseline[None])
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), gain.sum(axis=1), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ('x', 'baseline', 'slope'),
    [
        (4e-6, -2e-6, 1),  # half way is 1e-6: the derivative there, where the quotient would be 2/3
        (2e-6, -4e-6, 0),  # half way is -1e-6, though x itself is positive
        (8e-6, -4e-6, 2 / 3),  # farther apart than 1e-5: the quotient
        (1e-5 - 2.0**-18, -(2.0**-18), 1),  # apart by 1e-5, without rounding: still the derivative
    ],
)
def test_deeplift_takes_the_derivative_half_way_where_the_difference_is_tiny(x, baseline, slope):
    found = explain('deeplift', tf.nn.relu, [[x]], baseline=[baseline])
    np.testing.assert_allclose(found, [[(x - baseline) * slope]], rtol=1e-9)


@pytest.mark.parametrize('name', oracle.ACTIVATIONS)
def test_deeplift_takes_the_derivative_where_an_activation_is_at_its_reference(session, name):
    # The changes of X and Y cancel out in the activation; what each would have done on its own remains.
    f, derivative = FUNCTIONS[name], oracle.ACTIVATIONS[name][1]
    with DeepExplain(session=session) as de:
        X, Y = (tf.placeholder(tf.float64, [None, 2]) for _ in 'xy')
        found = de.explain('deeplift', f(X + Y), [X, Y], [[[4.0, -2.0]], [[-1.0, -1.0]]], baseline=[[3.0, -3.0], 0])
    np.testing.assert_allclose(found, [[derivative(np.array([3.0, -3.0]))], [-derivative(np.array([3.0, -3.0]))]])


def test_deeplift_begins_at_zero_by_default():
    found = explain('deeplift', lambda X: tf.nn.relu(X - 1), [[3.0, -3.0, 0.5]])
    np.testing.assert_allclose(found, [[2, 0, 0]], rtol=1e-12)


def test_deeplift_of_several_inputs_is_that_of_one_concatenated_input(session):
    network = NETWORKS['all five']
    xs, ys = samples(network)
    baseline = [0.5, -1.0, 0.0, 2.0]
    with DeepExplain(session=session) as de:
        parts = [tf.placeholder(tf.float64, [None, 1]), tf.placeholder(tf.float64, [None, 3])]
        T = build(network, tf.concat(parts, axis=1))
        explainer = de.get_explainer('deeplift', T, parts, baseline=[baseline[:1], baseline[1:]])
        found = explainer.run([xs[:, :1], xs[:, 1:]], ys)
    np.testing.assert_allclose(np.hstack(found), oracle.deeplift(network, xs, ys, np.array(baseline)), rtol=1e-8)

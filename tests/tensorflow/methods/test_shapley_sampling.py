"""shapley_sampling against the formula, and the orders that it draws."""

from itertools import permutations
from math import factorial

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, explain, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st

from deepexplain.tensorflow import DeepExplain

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize('name', NETWORKS)
def test_shapley_sampling_matches_the_formula(session, name):
    network = NETWORKS[name]
    xs, ys = samples(network)
    dims = range(1, xs.ndim)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        explainer = de.get_explainer('shapley_sampling', build(network, X), X, samples=3)
    np.random.seed(0)
    found, weighted = explainer.run(xs), explainer.run(xs, ys, batch_size=3)
    np.random.seed(0)
    np.testing.assert_allclose(found, oracle.shapley_sampling(network, xs, 3, dims), rtol=1e-9, atol=1e-12)
    formula = oracle.shapley_sampling(lambda x: ys * network(x), xs, 3, dims)
    np.testing.assert_allclose(weighted, formula, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    'sampling_dims',
    [[1], [2], [3], [1, 2], [2, 1], [2, 3], [3, 1], [1, 3], [1, 2, 3], [3, 1, 2], [2, 3, 1], (2,), np.array([3, 2])],
    ids=str,
)
def test_shapley_sampling_takes_any_axes_in_any_order(sampling_dims):
    network = NETWORKS['convolution']
    xs, _ = samples(network)
    np.random.seed(1)
    found = explain('shapley_sampling', network, xs, samples=2, sampling_dims=sampling_dims)
    np.random.seed(1)
    formula = oracle.shapley_sampling(network, xs, 2, sampling_dims)
    assert found.shape == (len(xs), *(xs.shape[dim] for dim in sampling_dims))
    np.testing.assert_allclose(found, formula, rtol=1e-9, atol=1e-12)


def test_shapley_sampling_of_a_linear_model_sums_what_is_zeroed_together():
    x, weights = np.random.RandomState(2).randn(2, 3, 4, 2), np.random.RandomState(3).randn(3, 4, 2)
    for dims in ([1, 2, 3], [1], [2], [3], [1, 3], [3, 1], [2, 1]):
        found = explain('shapley_sampling', lambda X: X * weights, x, samples=1, sampling_dims=dims)
        kept = 'nhwc'
        axes = 'n' + ''.join(kept[dim] for dim in dims)
        np.testing.assert_allclose(found, np.einsum('nhwc,hwc->' + axes, x, weights), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ('shape', 'kernel', 'sampling_dims'),
    [((4,), None, None), ((2, 2), None, None), ((3, 2, 2), (2, 2, 2), [1]), ((3, 2, 2), (2, 2, 2), [3, 2])],
)
def test_over_all_orders_shapley_sampling_is_the_shapley_value(monkeypatch, shape, kernel, sampling_dims):
    network = oracle.random_network(np.random.RandomState(5), shape, [4, 2], ['Relu', 'Tanh', 'Elu'], kernel)
    xs = np.random.RandomState(6).randn(2, *shape)
    dims = range(1, xs.ndim) if sampling_dims is None else sampling_dims
    count = int(np.prod([xs.shape[dim] for dim in dims]))
    orders = permutations(range(count))
    monkeypatch.setattr(np.random, 'permutation', lambda n: np.array(next(orders)))
    found = explain('shapley_sampling', network, xs, samples=factorial(count), sampling_dims=sampling_dims)
    np.testing.assert_allclose(found, oracle.shapley_exact(network, xs, dims), rtol=1e-9, atol=1e-12)


def test_shapley_sampling_nears_the_shapley_value():
    network = NETWORKS['Relu']
    xs, _ = samples(network, n=3)
    exact = oracle.shapley_exact(network, xs, [1])
    np.random.seed(3)
    few = explain('shapley_sampling', network, xs, samples=5)
    many = explain('shapley_sampling', network, xs, samples=1000)
    assert np.abs(many - exact).max() < 0.05
    assert np.abs(many - exact).max() < np.abs(few - exact).max()


@few_examples
@given(
    seed=SEEDS,
    activations=st.lists(st.sampled_from(sorted(oracle.ACTIVATIONS)), min_size=1, max_size=3),
    orders=st.integers(1, 4),
    sampling_dims=st.sampled_from([None, [1], [2], [2, 1]]),
)
def test_shapley_sampling_is_complete(seed, activations, orders, sampling_dims):
    # The losses of one order telescope: not on average but each time, sums are f(x) - f(0).
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (3, 2), [4] * len(activations) + [2], [*activations, None])
    xs = rng.randn(3, 3, 2)
    np.random.seed(seed)
    found = explain('shapley_sampling', network, xs, samples=orders, sampling_dims=sampling_dims)
    gain = (network(xs) - network(0 * xs)).sum(axis=1)
    np.testing.assert_allclose(found.reshape(3, -1).sum(axis=1), gain, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize('batch_size', [None, 1, 3])
def test_shapley_sampling_draws_one_order_a_sample_for_all_of_xs_and_no_more(batch_size):
    network = NETWORKS['Softplus']
    xs, _ = samples(network)
    np.random.seed(0)
    explain('shapley_sampling', network, xs, None, batch_size, samples=3)
    after = np.random.random()
    np.random.seed(0)
    for _ in range(3):
        np.random.permutation(5)
    assert after == np.random.random()


def test_shapley_sampling_takes_five_orders_of_all_values_by_default():
    network = NETWORKS['convolution']
    xs, _ = samples(network)
    np.random.seed(4)
    found = explain('shapley_sampling', network, xs)
    np.random.seed(4)
    np.testing.assert_allclose(found, oracle.shapley_sampling(network, xs, 5, [1, 2, 3]), rtol=1e-9, atol=1e-12)


def test_shapley_sampling_depends_on_the_seed_only():
    network = NETWORKS['Relu']
    xs, _ = samples(network)
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 5])
        explainer = de.get_explainer('shapley_sampling', build(network, X), X, samples=1)
        found = []
        for seed in (7, 7, 8):
            np.random.seed(seed)
            found.append(explainer.run(xs))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'samples': 0}, ValueError, 'samples must be at least 1; got 0'),
        ({'samples': -2}, ValueError, 'samples must be at least 1; got -2'),
        ({'samples': 1.5}, TypeError, 'samples must be an integer; got 1.5'),
        ({'samples': True}, TypeError, 'samples must be an integer; got True'),
        ({'sampling_dims': [0]}, ValueError, r'Cannot sample batch dimension: .*; got \[0\]'),
        ({'sampling_dims': [1, 0]}, RuntimeError, r'Cannot sample batch dimension: .*; got \[1, 0\]'),
        ({'sampling_dims': [3]}, ValueError, r'Invalid value in sampling_dims: axes go from 1 to 2; got \[3\]'),
        ({'sampling_dims': [-1]}, RuntimeError, r'Invalid value in sampling_dims: axes go from 1 to 2; got \[-1\]'),
        ({'sampling_dims': [1, 1]}, ValueError, r'sampling_dims holds an axis twice: \[1, 1\]'),
        ({'sampling_dims': 1}, TypeError, 'sampling_dims must be a list of axes of X; got 1'),
        ({'sampling_dims': []}, TypeError, r'sampling_dims must be a list of axes of X; got \[\]'),
        ({'sampling_dims': '12'}, TypeError, "sampling_dims must be a list of axes of X; got '12'"),
        ({'sampling_dims': [1.0]}, TypeError, 'Each of sampling_dims must be an integer; got 1.0'),
        ({'sampling_dims': [True]}, TypeError, 'Each of sampling_dims must be an integer; got True'),
    ],
)
def test_shapley_sampling_refuses_other_arguments(session, arguments, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4, 4])
        with pytest.raises(error, match=message) as caught:
            de.get_explainer('shapley_sampling', X, X, **arguments)
    assert isinstance(caught.value, RuntimeError)


def test_sampling_dims_of_an_input_of_unknown_rank_are_checked_with_xs(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32)
        explainer = de.get_explainer('shapley_sampling', tf.reduce_sum(X, axis=1), X, sampling_dims=[2])
    with pytest.raises(ValueError, match=r'sampling_dims \[2\] are not all axes of xs'):
        explainer.run(np.ones((1, 4)))

"""shapley_sampling: seeds, orders in pairs, standard errors, orders until the error is small enough."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, explain, samples
from small import Recorder, mlp, normal

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.engine import changes
from deepexplain.tensorflow.methods import shapley_sampling
from deepexplain.tensorflow.runtime import progress


def test_a_seed_repeats_runs_and_leaves_the_global_generator_alone():
    network = NETWORKS['Relu']
    xs, _ = samples(network)
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 5])
        T = build(network, X)
        np.random.seed(1)
        before = np.random.get_state()[1].copy()
        explainer = de.get_explainer('shapley_sampling', T, X, samples=1, seed=7)
        found = [explainer.run(xs), explainer.run(xs), explainer.with_arguments(samples=1, seed=8).run(xs)]
        np.testing.assert_array_equal(np.random.get_state()[1], before)
        np.random.seed(7)
        found.append(de.explain('shapley_sampling', T, X, xs, samples=1))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[3])
    assert not np.allclose(found[0], found[2])


def test_a_seed_serves_many_threads(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        arguments = {'seed': 0, 'tolerance': 0.5, 'return_standard_error': True}
        explainer = de.get_explainer('shapley_sampling', mlp(X), X, **arguments)
    expected = explainer.run(normal(6, 4))
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(lambda _: explainer.run(normal(6, 4)), range(8)):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_pair_is_exact_where_features_interact_two_by_two():
    matrix, xs = normal(5, 5), normal(3, 5, seed=1)

    def quadratic(X):
        return tf.reduce_sum(tf.matmul(X, tf.constant(matrix)) * X, axis=1)

    exact = oracle.shapley_exact(lambda x: ((x.dot(matrix)) * x).sum(axis=1, keepdims=True), xs, [1])
    found = explain('shapley_sampling', quadratic, xs, samples=2, antithetic=True, seed=0)
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-12)
    alone = explain('shapley_sampling', quadratic, xs, samples=2, seed=0)
    assert np.abs(alone - exact).max() > 0.1


@pytest.fixture(scope='module')
def monotone():
    """Estimates and standard errors of a monotone network, of many seeds: (plain, antithetic)."""
    rng = np.random.RandomState(0)
    layers = [(np.abs(rng.randn(4, 5)), rng.randn(5), 'Softplus'), (np.abs(rng.randn(5, 1)), rng.randn(1), 'Sigmoid')]
    network = oracle.Network([oracle.Layer(*layer) for layer in layers], (4,))
    xs = np.abs(rng.randn(2, 4))
    found = []
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('shapley_sampling', build(network, X), X)
        for antithetic in (False, True):
            runs = []
            for seed in range(300):
                arguments = {'samples': 16, 'antithetic': antithetic, 'return_standard_error': True, 'seed': seed}
                runs.append(explainer.with_arguments(**arguments).run(xs))
            found.append(np.array(runs))
    return found, oracle.shapley_exact(network, xs, [1])


@pytest.mark.parametrize('antithetic', [False, True])
def test_the_standard_error_is_the_spread_of_estimates(monotone, antithetic):
    runs, exact = monotone[0][antithetic], monotone[1]
    estimates, errors = runs[:, 0], runs[:, 1]
    spread = estimates.std(axis=0, ddof=1)
    np.testing.assert_allclose(np.sqrt((errors**2).mean(axis=0)), spread, rtol=0.15)
    assert (np.abs(estimates.mean(axis=0) - exact) < 4 * spread / np.sqrt(len(runs))).all()
    within = np.abs(estimates - exact) < 2 * errors
    assert 0.9 < within.mean() < 0.99


def test_pairs_lower_the_variance_on_a_monotone_network(monotone):
    plain, pairs = (runs[:, 0].var(axis=0) for runs in monotone[0])
    assert (pairs < 0.5 * plain).all()


def test_orders_are_added_until_the_error_is_small_enough():
    network = NETWORKS['Relu']
    xs, _ = samples(network, n=6)
    mask, tolerance = oracle.each_alone((5,)), 0.05
    arguments = {'samples': 10, 'tolerance': tolerance, 'seed': 4, 'return_standard_error': True}
    found, errors = explain('shapley_sampling', network, xs, **arguments)
    assert errors.max() <= tolerance
    # By hand: for each sample the first number of orders, by tens, with which all its errors are small enough.
    orders, taken = oracle.drawn(4, 5, 1000), []
    each = np.array([oracle.contributions(network, xs, list(order), mask) for order in orders[:400]])
    for i in range(6):
        for count in range(10, 401, 10):
            error = each[:count, i].std(axis=0, ddof=1) / np.sqrt(count)
            if (error <= tolerance).all():
                break
        taken.append(count)
        np.testing.assert_allclose(found[i], each[:count, i].mean(axis=0), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(errors[i], error, rtol=1e-7, atol=1e-12)
    assert len(set(taken)) > 2
    without_errors = explain('shapley_sampling', network, xs, samples=10, tolerance=tolerance, seed=4)
    np.testing.assert_array_equal(without_errors, found)


@pytest.mark.parametrize('antithetic', [False, True])
@pytest.mark.parametrize('batch_size', [1, 4, None])
def test_a_sample_takes_the_same_orders_whatever_is_beside_it(monkeypatch, batch_size, antithetic):
    network = NETWORKS['Tanh']
    xs, _ = samples(network, n=5)
    arguments = {
        'samples': 4,
        'tolerance': 0.06,
        'seed': 4,
        'antithetic': antithetic,
        'return_standard_error': True,
        'feature_mask': [0, 1, 1, 2, 3],
    }
    one_by_one = [explain('shapley_sampling', network, xs[i : i + 1], **arguments) for i in range(5)]
    expected = np.concatenate(one_by_one, axis=1)
    for most in (1, 100, 1 << 20):
        monkeypatch.setattr(changes, 'MOST_OUTPUTS', most)
        monkeypatch.setattr(shapley_sampling, 'MOST_CONTRIBUTIONS', most)
        found = explain('shapley_sampling', network, xs, None, batch_size, **arguments)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_orders_of_a_tolerance_come_from_the_global_generator_too():
    network = NETWORKS['Tanh']
    xs, _ = samples(network)
    np.random.seed(4)
    found = explain('shapley_sampling', network, xs, samples=10, tolerance=0.05)
    np.testing.assert_array_equal(found, explain('shapley_sampling', network, xs, samples=10, tolerance=0.05, seed=4))


def test_orders_are_drawn_before_the_network_runs(session, monkeypatch):
    # A target may take numbers from the same generator.
    def noise(x):
        np.random.random()
        return x

    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = tf.numpy_function(noise, [X], tf.float64)
        T.set_shape([None, 4])
        explainer = de.get_explainer('shapley_sampling', tf.reduce_prod(T + 2, axis=1), X, samples=4)
    xs = normal(1, 4)
    explainer.run(xs)  # the first run asks questions of the network
    monkeypatch.setattr(changes, 'MOST_OUTPUTS', 1)
    monkeypatch.setattr(shapley_sampling, 'MOST_CONTRIBUTIONS', 1)  # one order at a time
    np.random.seed(0)
    found = explainer.run(xs)
    formula, _ = oracle.shapley_of_orders(
        lambda x: (x + 2).prod(axis=1, keepdims=True), xs, oracle.drawn(0, 4, 4), oracle.each_alone((4,))
    )
    np.testing.assert_allclose(found, formula, rtol=1e-9, atol=1e-12)


def test_in_networks_that_mix_samples_too_orders_are_added(session):
    xs = normal(4, 3)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 3])
        T = tf.nn.relu(X - tf.reduce_mean(X, axis=0)) * tf.reduce_max(X, axis=1, keepdims=True)
        arguments = {'samples': 10, 'tolerance': 0.05, 'seed': 0, 'return_standard_error': True}
        explainer = de.get_explainer('shapley_sampling', T, X, **arguments)
    found, errors = explainer.run(xs)
    assert errors.max() <= 0.05
    exact = explainer.with_arguments(samples=3000, seed=1).run(xs)
    assert np.abs(found - exact).max() < 0.2


def test_the_limit_of_orders_comes_with_a_warning(session):
    xs = normal(3, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        arguments = {'samples': 5, 'tolerance': 1e-6, 'max_samples': 23, 'seed': 0, 'return_standard_error': True}
        explainer = de.get_explainer('shapley_sampling', mlp(X), X, **arguments)
    message = r'standard error .* up to (\S+) after max_samples=23 orders, above tolerance=1e-06: raise one of them'
    with pytest.warns(DeepExplainWarning, match=message) as caught:
        found, errors = explainer.run(xs)
    assert len(caught) == 1
    assert f'up to {errors.max():.3g} ' in str(caught[0].message)
    expected = explainer.with_arguments(samples=23, seed=0, return_standard_error=True).run(xs)
    np.testing.assert_allclose([found, errors], expected, rtol=1e-9, atol=1e-12)


def test_a_linear_network_needs_no_more_than_two_orders(session):
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    with DeepExplain(session=recorder) as de:
        explainer = de.get_explainer('shapley_sampling', 2 * X, X, samples=1, tolerance=1e-9)
    explainer.run(normal(1, 4))
    recorder.rows = []
    np.testing.assert_allclose(explainer.run(normal(1, 4)), 2 * normal(1, 4))
    assert sum(recorder.rows) == 2 + 2 * 3  # one order tells nothing about an error


def test_samples_that_are_done_cost_no_more_rows(session):
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    with DeepExplain(session=recorder) as de:
        explainer = de.get_explainer(
            'shapley_sampling', tf.reduce_prod(X, axis=1), X, samples=5, tolerance=0.02, seed=0
        )
    xs = np.array([[0.1, 0.1, 0.1, 0.1], [1.0, 1.0, 1.0, 1.0]])
    rows = []
    for some in (xs, xs[:1], xs[1:]):
        explainer.run(some)
        recorder.rows = []
        explainer.run(some)
        rows.append(sum(recorder.rows))
    assert rows[0] == rows[1] + rows[2]
    assert rows[2] > 4 * rows[1]


def test_where_the_target_is_nan_orders_are_not_added_for_ever(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 3])
        explainer = de.get_explainer('shapley_sampling', X * tf.sqrt(X[:, :1]), X, tolerance=0.5, seed=0)
    with np.errstate(invalid='ignore'), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always', DeepExplainWarning)
        found = explainer.run([[-1.0, 1, 2], [1, 1, 2]])
    assert ['is nan or infinite at these samples' in str(warning.message) for warning in caught] == [True]
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


@pytest.mark.parametrize('tolerance', [None, 0.5])
def test_the_bar_knows_of_the_orders_that_are_added(session, monkeypatch, tolerance):
    bars = []

    class Bar(progress.NoProgress):
        def __init__(self, total):
            self.total, self.rows = total, 0
            bars.append(self)

        def update(self, rows):
            self.rows += rows

    monkeypatch.setattr(changes, 'progress_bar', lambda wanted, total, name: Bar(total))
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        de.explain('shapley_sampling', mlp(X), X, normal(6, 4), progress=True, tolerance=tolerance, seed=0)
    assert bars[0].rows == bars[0].total
    assert (bars[0].rows > 6 * (2 + 5 * 3)) == (tolerance is not None)


def test_results_in_single_precision_do_not_warn_of_their_own_rounding(session):
    # The errors of one sample are all the same number; rounded to float32 it is larger than the tolerance.
    def errors(**arguments):
        X = tf.placeholder(tf.float32, [None, 2])
        with DeepExplain(session=session) as de:
            return de.explain('shapley_sampling', X[:, 0] * X[:, 1], X, [[1.0, 1.0]], seed=0, **arguments)

    np.random.seed(0)
    _, found = errors(samples=7, return_standard_error=True)
    orders = oracle.drawn(0, 2, 7)
    exact = np.std([order[0] for order in orders], ddof=1) / np.sqrt(7)
    assert float(found.max()) > exact
    errors(samples=7, tolerance=exact * (1 + 1e-12), max_samples=7)


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'seed': -1}, ValueError, r'seed must be from 0 to 2\*\*32 - 1; got -1'),
        ({'seed': 2**32}, ValueError, r'seed must be from 0 to 2\*\*32 - 1; got 4294967296'),
        ({'seed': 1.0}, TypeError, 'seed must be an integer; got 1.0'),
        ({'seed': True}, TypeError, 'seed must be an integer; got True'),
        ({'antithetic': 1}, TypeError, 'antithetic must be True or False; got 1'),
        ({'antithetic': True}, ValueError, 'antithetic=True orders come in pairs, so samples must be even; got 5'),
        (
            {'antithetic': True, 'samples': 4, 'tolerance': 1, 'max_samples': 21},
            ValueError,
            'orders come in pairs, so max_samples must be even; got 21',
        ),
        ({'return_standard_error': 'yes'}, TypeError, "return_standard_error must be True or False; got 'yes'"),
        (
            {'return_standard_error': True, 'samples': 1},
            ValueError,
            'A standard error needs samples of at least 2; got 1',
        ),
        (
            {'return_standard_error': True, 'samples': 2, 'antithetic': True},
            ValueError,
            r'A standard error needs samples of at least 4 \(two pairs\); got 2',
        ),
        ({'tolerance': 0}, ValueError, 'tolerance must be greater than 0 and finite; got 0'),
        ({'tolerance': -1.5}, ValueError, 'tolerance must be greater than 0 and finite; got -1.5'),
        ({'tolerance': np.nan}, ValueError, 'tolerance must be greater than 0 and finite; got nan'),
        ({'tolerance': np.inf}, ValueError, 'tolerance must be greater than 0 and finite; got inf'),
        ({'tolerance': '0.1'}, TypeError, "tolerance must be a number; got '0.1'"),
        ({'tolerance': [0.1, 0.2]}, TypeError, r'tolerance must be a number; got \[0.1, 0.2\]'),
        ({'tolerance': True}, TypeError, 'tolerance must be a number; got True'),
        ({'max_samples': 0}, ValueError, 'max_samples must be at least 1; got 0'),
        ({'max_samples': 2.5}, TypeError, 'max_samples must be an integer; got 2.5'),
        ({'tolerance': 1, 'max_samples': 4}, ValueError, 'max_samples must be at least samples, 5; got 4'),
        (
            {'tolerance': 1, 'samples': 1, 'max_samples': 1},
            ValueError,
            'A standard error needs max_samples of at least 2; got 1',
        ),
    ],
)
def test_shapley_sampling_refuses_orders_that_do_not_fit(session, arguments, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4, 4])
        with pytest.raises(error, match=message) as caught:
            de.get_explainer('shapley_sampling', X, X, **arguments)
    assert isinstance(caught.value, RuntimeError)


def test_without_a_tolerance_max_samples_limits_nothing(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        np.testing.assert_allclose(de.explain('shapley_sampling', X, X, [[1, 2]], samples=7, max_samples=3), [[1, 2]])

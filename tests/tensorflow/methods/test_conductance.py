"""conductance and internal_influence, against loops over points of the path with plain session runs."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import dense, normal

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.runtime.quadrature import QUADRATURES

METHODS = ['conductance', 'internal_influence']
both_methods = pytest.mark.parametrize('method', METHODS)


def network(X):
    first = tf.nn.relu(dense(X, 5, 1) + 0.3)
    second = tf.nn.tanh(dense(first, 6, 2))
    return first, second, dense(second, 3, 3) ** 2


def by_hand(session, method, T, X, layer, x, b, ys, steps, quadrature):
    """Of one sample, a point at a time."""
    (gradient,) = tf.gradients(T * ys, layer)
    points, weights = QUADRATURES[quadrature](steps, np.arange(steps))
    weights = np.full(steps, 1 / steps) if weights is None else weights
    total, begin = 0, 0.0

    def at(tensor, t):
        return session.run(tensor, {X: (b + (x - b) * t)[None]})[0]

    for point, weight in zip(points, weights):
        change = at(layer, begin + weight) - at(layer, begin) if method == 'conductance' else weight
        total = total + at(gradient, point) * change
        begin += weight
    return total


@pytest.mark.parametrize('quadrature', QUADRATURES)
@both_methods
def test_it_is_the_integral_along_the_path_of_x(session, method, quadrature):
    X = tf.placeholder(tf.float64, [None, 4])
    _, layer, T = network(X)
    xs, baseline, ys = normal(4, 4), normal(4, seed=6), normal(4, 3, seed=5)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, layer=layer, steps=7, baseline=baseline, quadrature=quadrature)
    found = explainer.run(xs, ys)
    expected = [by_hand(session, method, T, X, layer, x, baseline, y, 7, quadrature) for x, y in zip(xs, ys)]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    for batch_size in (1, 3, 10):
        np.testing.assert_allclose(explainer.run(xs, ys, batch_size), found, rtol=1e-9, atol=1e-12)
    each = explainer.run(xs, 'each')
    assert each.shape == (3, 4, 6)
    np.testing.assert_allclose(each[2], explainer.run(xs, [0, 0, 1]), rtol=1e-9, atol=1e-12)


def test_no_run_sees_more_rows_than_batch_size(session, monkeypatch):
    X = tf.placeholder(tf.float64, [None, 4])
    _, layer, T = network(X)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('conductance', T, X, layer=layer, steps=9)
    seen, runner = [], explainer.engine.network._runner
    run = runner.run

    def recorded(fetches, feed):
        feed = list(feed)
        seen.extend(np.shape(value)[0] for tensor, value in feed if tensor is X or tensor is layer)
        return run(fetches, feed)

    monkeypatch.setattr(runner, 'run', recorded)
    explainer.run(normal(5, 4), batch_size=7)
    assert seen
    assert max(seen) <= 7


@pytest.mark.parametrize('quadrature', ['riemann_middle', 'riemann_trapezoid', 'gausslegendre'])
@pytest.mark.parametrize('which', [0, 1])
def test_conductance_sums_to_what_t_differs_by(session, which, quadrature):
    # Dhamdhere et al.: completeness, for every layer that cuts the graph.
    X = tf.placeholder(tf.float64, [None, 4])
    layers = network(X)
    T = layers[2]
    xs, baseline = normal(5, 4), normal(4, seed=6)
    at_x, at_baseline = (session.run(T, {X: rows}).sum(axis=1) for rows in (xs, baseline[None]))
    arguments = {'layer': layers[which], 'baseline': baseline, 'steps': 3000, 'quadrature': quadrature}
    with DeepExplain(session=session) as de:
        found, delta = de.explain('conductance', T, X, xs, return_convergence_delta=True, **arguments)
    np.testing.assert_allclose(found.sum(axis=1), at_x - at_baseline, rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(delta, found.sum(axis=1) - (at_x - at_baseline), atol=1e-10)


def test_of_all_ways_together_it_sums_to_that(session):
    X = tf.placeholder(tf.float64, [None, 4])
    first, second, _ = network(X)
    T = dense(tf.concat([first, tf.tanh(second)], axis=1), 2, 7)
    T2 = T + dense(X, 2, 8)
    xs = normal(5, 4)
    differs = session.run(T, {X: xs}).sum(axis=1) - session.run(T, {X: 0 * xs}).sum(axis=1)
    with DeepExplain(session=session) as de:
        found, delta = de.explain(
            'conductance', T, X, xs, layer=[first, second], steps=2000, return_convergence_delta=True
        )
        np.testing.assert_allclose(sum(a.sum(axis=1) for a in found), differs, atol=2e-3)
        assert np.abs(delta).max() < 2e-3
        single = de.explain('conductance', T2, X, xs, layer=first)
        assert single.shape == (5, 5)
        for layer in (first, [first, second]):
            with pytest.raises(ArgumentError, match=r"T also reads X \('Placeholder:0'\) past the layer"):
                de.explain('conductance', T2, X, xs, layer=layer, return_convergence_delta=True)


@both_methods
def test_x_past_the_layer_is_on_the_path(session, method):
    X = tf.placeholder(tf.float64, [None, 4])
    first, _, T = network(X)
    T = T * dense(X, 3, 8)
    xs = normal(3, 4)
    with DeepExplain(session=session) as de:
        found = de.explain(method, T, X, xs, layer=first, steps=6)
        one_by_one = [de.explain(method, T, X, xs[i : i + 1], layer=first, steps=6)[0] for i in range(3)]
    ones = np.ones(3)
    expected = [by_hand(session, method, T, X, first, x, np.zeros(4), ones, 6, 'riemann_middle') for x in xs]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-9, atol=1e-12)


@both_methods
def test_baselines_for_each_sample_and_sets(session, method):
    A, B = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float32, [None, 2])
    layer = tf.nn.tanh(dense(A, 3, 1)) * tf.cast(dense(B, 3, 2), tf.float64)
    low = tf.cast(layer, tf.float32)
    T = dense(tf.concat([layer, tf.cast(low, tf.float64) ** 2], axis=1), 2, 3)
    xs = [normal(4, 4), normal(4, 2, seed=1)]
    rows = [normal(4, 4, seed=2), normal(4, 2, seed=3)]
    with DeepExplain(session=session) as de:

        def explain(some, **arguments):
            return de.explain(method, T, [A, B], some, layer=[layer, low], steps=5, **arguments)

        each = explain(xs, baseline=rows)
        for i in range(4):
            one = explain([x[i : i + 1] for x in xs], baseline=[b[i] for b in rows])
            for a, b in zip(each, one):
                np.testing.assert_allclose(a[i], b[0], rtol=1e-5, atol=1e-6)
        means = [explain(xs, baseline=[b[i] for b in rows]) for i in range(4)]
        of_set = explain(xs, baselines=rows)
        assert [a.dtype.name for a in of_set] == ['float64', 'float32']
        for found, *ones in zip(of_set, *means):
            np.testing.assert_allclose(found, np.mean(ones, axis=0), rtol=1e-5, atol=1e-6)


@both_methods
def test_wrong_arguments_are_refused(session, method):
    X, ids = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.int32, [None, 4])
    first, _, T = network(X)
    embedded = tf.gather(tf.constant(normal(9, 2)), ids)
    refused = [
        ({}, ArgumentTypeError, f"'{method}' needs layer="),
        ({'layer': first, 'steps': 0}, ArgumentError, 'steps must be at least 1; got 0'),
        ({'layer': first, 'quadrature': 'simpson'}, ArgumentError, 'quadrature must be one of'),
        ({'layer': first, 'steps': 10**12}, ArgumentError, 'steps must be at most'),
        ({'layer': first, 'tolerance': 0.1}, ArgumentTypeError, "does not know the argument 'tolerance'"),
        ({'layer': first, 'baseline': np.zeros(3)}, ArgumentError, 'does not match the shape of one sample'),
        ({'layer': first, 'baseline': 0, 'baselines': np.zeros((1, 4))}, ArgumentError, 'not both'),
    ]
    with DeepExplain(session=session) as de:
        for arguments, error, message in refused:
            with pytest.raises(error, match=message):
                de.explain(method, T, X, normal(2, 4), **arguments)
        with pytest.raises(ArgumentTypeError, match="X 'Placeholder_1:0' must be a float tensor; it is int32"):
            de.explain(method, tf.reduce_sum(embedded, axis=[1, 2]), ids, np.ones((2, 4), int), layer=embedded)


def test_internal_influence_promises_no_sum(session):
    X = tf.placeholder(tf.float64, [None, 4])
    first, _, T = network(X)
    with DeepExplain(session=session) as de, pytest.raises(ArgumentError, match='has no convergence delta'):
        de.explain('internal_influence', T, X, normal(2, 4), layer=first, return_convergence_delta=True)

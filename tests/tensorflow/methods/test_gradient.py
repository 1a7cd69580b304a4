"""Family 1, the true gradient: zero, saliency, grad*input, intgrad."""

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, explain, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

FORMULAS = {
    'zero': oracle.zero,
    'saliency': oracle.saliency,
    'grad*input': oracle.grad_input,
    'intgrad': oracle.intgrad,
}


@pytest.mark.parametrize('name', NETWORKS)
def test_the_oracle_itself_agrees_with_finite_differences(name):
    network = NETWORKS[name]
    xs, ys = samples(network)
    slope = oracle.finite_differences(lambda x: ys * network(x), xs)
    np.testing.assert_allclose(oracle.gradient(network, xs, ys), slope, atol=1e-7)


@pytest.mark.parametrize('method', FORMULAS)
@pytest.mark.parametrize('name', NETWORKS)
def test_matches_the_formula(session, name, method):
    network = NETWORKS[name]
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        explainer = de.get_explainer(method, build(network, X), X)
    for weights, batch_size in ((None, None), (ys, 3)):
        found = explainer.run(xs, weights, batch_size)
        np.testing.assert_allclose(found, FORMULAS[method](network, xs, weights), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('method', FORMULAS)
def test_matches_the_formula_in_single_precision(method):
    network = NETWORKS['all five']
    xs, ys = samples(network)
    found = explain(method, network, xs, ys, dtype=tf.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, FORMULAS[method](network, xs, ys), rtol=1e-4, atol=1e-5)


def test_saliency_is_the_size_of_the_slope(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 3])
        T = X * [2.0, -3.0, 0.0]
        found = de.explain('saliency', T, X, [[1, 1, 1], [-1, -1, -1]])
    np.testing.assert_array_equal(found, [[2, 3, 0], [2, 3, 0]])


def test_zero_keeps_only_what_passes_no_activation(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        T = 5 * X + sum(activation(X) for activation in (tf.nn.relu, tf.nn.elu, tf.sigmoid, tf.tanh, tf.nn.softplus))
        found = de.explain('zero', T, X, [[1, 2]])
    np.testing.assert_array_equal(found, [[5, 5]])


@pytest.mark.parametrize('steps', [1, 2, 7, np.int64(100)])
@pytest.mark.parametrize('name', ['Relu', 'all five', 'convolution'])
def test_intgrad_matches_the_formula_for_any_steps_and_baseline(name, steps):
    network = NETWORKS[name]
    xs, ys = samples(network)
    baseline = samples(network, n=1, seed=1)[0][0]
    found = explain('intgrad', network, xs, ys, steps=steps, baseline=baseline)
    np.testing.assert_allclose(found, oracle.intgrad(network, xs, ys, steps, baseline), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('baseline', [0.0, 0.5])
@pytest.mark.parametrize('steps', [1, 2, 10])
def test_intgrad_is_a_right_riemann_sum(steps, baseline):
    # T = x x has the gradient 2 (b + (x - b) k / n) at step k, with mean 2 b + (x - b) (n + 1) / n over k = 1 .. n.
    x = np.array([[1.0, -2.0, 3.0]])
    found = explain('intgrad', lambda X: X * X, x, steps=steps, baseline=baseline)
    mean = 2 * baseline + (x - baseline) * (steps + 1) / steps
    np.testing.assert_allclose(found, (x - baseline) * mean, rtol=1e-12)


def test_intgrad_begins_at_zero_and_takes_100_steps_by_default():
    x = np.array([[1.0, -2.0]])
    np.testing.assert_allclose(explain('intgrad', lambda X: X * X, x), x * x * 1.01, rtol=1e-12)


@few_examples
@given(seed=st.integers(0, 2**32 - 1), activations=st.lists(st.sampled_from(sorted(oracle.ACTIVATIONS)), max_size=3))
def test_intgrad_is_complete_but_for_the_error_of_a_right_riemann_sum(seed, activations):
    rng, steps = np.random.RandomState(seed), 200
    network = oracle.random_network(rng, (3,), [4] * len(activations) + [2], [*activations, None])
    x, baseline = rng.randn(1, 3), rng.randn(3)
    found = explain('intgrad', network, x, steps=steps, baseline=baseline)
    # The error of such a sum is at most the integrand's total variation, divided by the steps.
    path = baseline + (x - baseline) * np.linspace(0, 1, 20001)[:, None]
    integrand = np.sum((x - baseline) * oracle.gradient(network, path), axis=1)
    error = np.sum(found) - np.sum(network(x) - network(baseline[None]))
    assert abs(error) <= 1.01 * np.abs(np.diff(integrand)).sum() / steps + 1e-9


def test_intgrad_of_several_inputs_follows_one_path_for_all():
    # T = x y: on the path (a x, a y), dT/dx = a y, so the mean over right steps is y (n + 1) / 2n.
    with context() as de:
        X, Y = tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float64, [None, 2])
        x, y = np.array([[1.0, 2.0]]), np.array([[3.0, -5.0]])
        found = de.explain('intgrad', X * Y, [X, Y], [x, y], steps=4)
        moved = de.explain('intgrad', X * Y, [X, Y], [x, y], steps=4, baseline=[np.array([1.0, 1.0]), y[0]])
    np.testing.assert_allclose(found, [x * y * 5 / 8] * 2, rtol=1e-12)
    np.testing.assert_allclose(moved, [(x - 1) * y, 0 * y], rtol=1e-12)


#: On X^2 from 0, three points: x times the mean of 2 a x.
MEANS_OF_THREE = {
    'riemann_right': (1 / 3 + 2 / 3 + 1) / 3,
    'riemann_left': (1 / 3 + 2 / 3) / 3,
    'riemann_middle': 1 / 2,
    'riemann_trapezoid': 1 / 2,
    'gausslegendre': 1 / 2,
}


@pytest.mark.parametrize('batch_size', [None, 2])  # two rows: points in several runs
@pytest.mark.parametrize('rule', sorted(MEANS_OF_THREE))
def test_quadratures(rule, batch_size):
    x = np.array([[1.0, -3.0], [0.5, 2.0]])
    found = explain('intgrad', lambda X: X * X, x, steps=3, quadrature=rule, batch_size=batch_size)
    np.testing.assert_allclose(found, 2 * x * x * MEANS_OF_THREE[rule], rtol=1e-12)


def test_gauss_legendre_needs_few_steps_where_the_network_is_smooth():
    network = NETWORKS['Tanh']
    xs, ys = samples(network)
    exact = explain('intgrad', network, xs, ys, steps=2000, quadrature='riemann_middle')
    few = {rule: explain('intgrad', network, xs, ys, steps=12, quadrature=rule) for rule in MEANS_OF_THREE}
    errors = {rule: np.abs(found - exact).max() for rule, found in few.items()}
    assert errors['gausslegendre'] < errors['riemann_middle'] / 5 < errors['riemann_right'] / 25


def test_another_quadrature_is_refused(session):
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de:
        for wrong in ('simpson', None, 3):
            with pytest.raises(ValueError, match="quadrature must be one of 'riemann_right', .*'gausslegendre'; got "):
                de.get_explainer('intgrad', tf.nn.relu(X), X, quadrature=wrong)


@pytest.mark.parametrize(
    ('steps', 'error', 'message'),
    [
        (0, ValueError, 'steps must be at least 1; got 0'),
        (-1, ValueError, 'steps must be at least 1; got -1'),
        (1.5, TypeError, 'steps must be an integer; got 1.5'),
        (True, TypeError, 'steps must be an integer; got True'),
        ('a', TypeError, "steps must be an integer; got 'a'"),
        (None, TypeError, 'steps must be an integer; got None'),
    ],
)
def test_intgrad_refuses_other_steps(session, steps, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        with pytest.raises(error, match=message) as caught:
            de.get_explainer('intgrad', tf.nn.relu(X), X, steps=steps)
    assert isinstance(caught.value, RuntimeError)


def test_an_intermediate_tensor_is_explained_by_the_layers_above(session):
    network = NETWORKS['all five']
    below, above = oracle.Network(network.layers[:2], (4,)), oracle.Network(network.layers[2:], (6,))
    xs, ys = samples(above)
    with DeepExplain(session=session) as de:
        H = build(below, tf.placeholder(tf.float64, [None, 4]))
        T = build(above, H)
        for method, formula in FORMULAS.items():
            np.testing.assert_allclose(de.explain(method, T, H, xs, ys), formula(above, xs, ys), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('method', ['saliency', 'grad*input', 'intgrad'])
def test_a_gradient_that_is_not_finite_comes_with_a_warning(method):
    message = "Attributions to '.*' contain nan or infinite values: between X and T, '"
    if method == 'intgrad':  # which begins at 0
        message = "T 'Sqrt:0' is nan or infinite at the baseline"
    with pytest.warns(DeepExplainWarning, match=message):
        explain(method, lambda X: tf.sqrt(X - 1), np.array([[1.0, 5.0]]))


@pytest.mark.parametrize('name', NETWORKS)
def test_the_signed_gradient(session, name):
    network = NETWORKS[name]
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        T = build(network, X)
        found = de.explain('saliency', T, X, xs, ys, absolute=False)
        np.testing.assert_allclose(np.abs(found), de.explain('saliency', T, X, xs, ys), rtol=1e-12)
    np.testing.assert_allclose(found, oracle.gradient(network, xs, ys), rtol=1e-9, atol=1e-12)

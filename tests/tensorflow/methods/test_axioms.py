"""The axioms by which attribution methods are judged, and which of our methods keep them."""

import numpy as np
import oracle
import pytest
import small
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st

from deepexplain.tensorflow import DeepExplain

METHODS = dict(small.METHODS)
LINEAR = [method for method in METHODS if method != 'saliency']
ACTIVATION_LISTS = st.lists(st.sampled_from(sorted(oracle.ACTIVATIONS)), min_size=1, max_size=3)
SEEDS = st.integers(0, 2**32 - 1)


def run(explainer, *args, **kwargs):
    """``explainer.run``, with the same random orders each time."""
    np.random.seed(0)
    return explainer.run(*args, **kwargs)


def random_case(seed, activations):
    rng = np.random.RandomState(seed)
    return oracle.random_network(rng, (4,), [3] * len(activations), activations), rng.randn(3, 4)


@few_examples
@given(seed=SEEDS, activations=ACTIVATION_LISTS, a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_linearity(seed, activations, a, b):
    f, xs = random_case(seed, activations)
    g, _ = random_case(seed + 1, activations[::-1])
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 4])
        A, B = (tf.placeholder(tf.float64, []) for _ in 'ab')
        T = A * build(f, X) + B * build(g, X)
        for method in LINEAR:
            explainer = de.get_explainer(method, T, X, **METHODS[method])
            found, of_f, of_g = (run(explainer, xs, feed_dict={A: p, B: q}) for p, q in ((a, b), (1, 0), (0, 1)))
            np.testing.assert_allclose(found, a * of_f + b * of_g, rtol=1e-7, atol=1e-9, err_msg=method)


@few_examples
@given(seed=SEEDS, activations=ACTIVATION_LISTS)
def test_a_feature_that_the_target_ignores_gets_zero(seed, activations):
    network, xs = random_case(seed, activations)
    network.layers[0].weights[1] = 0
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = build(network, X)
        for method in METHODS:
            found = de.explain(method, T, X, xs, **METHODS[method])
            np.testing.assert_allclose(found[:, 1], 0, atol=1e-12, err_msg=method)


@few_examples
@given(seed=SEEDS, activations=ACTIVATION_LISTS)
def test_features_that_enter_alike_get_alike(seed, activations):
    network, xs = random_case(seed, activations)
    network.layers[0].weights[2] = network.layers[0].weights[0]
    xs[:, 2] = xs[:, 0]
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = build(network, X)
        for method in METHODS:
            if method != 'shapley_sampling':  # alike only over all orders, which test_perturbation.py goes through
                found = de.explain(method, T, X, xs, **METHODS[method])
                np.testing.assert_allclose(found[:, 2], found[:, 0], rtol=1e-8, atol=1e-11, err_msg=method)
    exact = oracle.shapley_exact(network, xs, [1])
    np.testing.assert_allclose(exact[:, 2], exact[:, 0], rtol=1e-8, atol=1e-11)


def test_on_a_linear_model_six_methods_agree():
    network = NETWORKS['linear']
    xs, ys = samples(network)
    by_hand = xs * ys.dot(network.layers[1].weights.T).dot(network.layers[0].weights.T)
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 5])
        T = build(network, X)
        for method in ('grad*input', 'intgrad', 'elrp', 'deeplift', 'occlusion', 'shapley_sampling'):
            np.testing.assert_allclose(de.explain(method, T, X, xs, ys), by_hand, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize('method', LINEAR)
def test_several_outputs_are_explained_as_their_weighted_sum(session, method):
    network = NETWORKS['Elu']
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 5])
        explainer = de.get_explainer(method, build(network, X), X, **METHODS[method])
    each = [run(explainer, xs, row) for row in np.eye(3)]
    np.testing.assert_allclose(run(explainer, xs), sum(each), rtol=1e-8, atol=1e-11)  # summed, not averaged
    np.testing.assert_allclose(run(explainer, xs, ys), np.einsum('kni,nk->ni', each, ys), rtol=1e-8, atol=1e-11)

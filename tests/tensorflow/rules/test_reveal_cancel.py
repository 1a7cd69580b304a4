"""RevealCancel against its formula, share by share; and in networks that are no chain of layers."""

import warnings

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, explain, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st

from deepexplain.errors import GraphError
from deepexplain.tensorflow import DeepExplain

RULES = ['reveal-cancel', 'genomics']
SEEDS = st.integers(0, 2**32 - 1)
ACTIVATION_LISTS = st.lists(st.sampled_from(sorted(oracle.ACTIVATIONS)), min_size=1, max_size=4)
OLD = tf.__version__.startswith('1.')


def weights(*shape, seed=0):
    return (np.random.RandomState(seed).randn(*shape) / np.sqrt(np.prod(shape[:-1]))).astype('float32')


def contributions(network, xs, rules='reveal-cancel', dtype=tf.float64, **arguments):
    return explain('deeplift', network, xs, dtype=dtype, rules=rules, **arguments)


@pytest.mark.parametrize('rules', RULES)
@pytest.mark.parametrize('name', NETWORKS)
def test_the_formula(session, name, rules):
    network = NETWORKS[name]
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        T = build(network, X)
        for baseline in (0.0, 0.7, samples(network, n=4, seed=1)[0]):
            explainer = de.get_explainer('deeplift', T, X, baseline=baseline, rules=rules, strict=True)
            for of_outputs, batch_size in ((None, None), (ys, 3)):
                formula = oracle.reveal_cancel(network, xs, of_outputs, baseline, kernels=rules == 'reveal-cancel')
                found = explainer.run(xs, of_outputs, batch_size)
                np.testing.assert_allclose(found, formula, rtol=1e-7, atol=1e-10)


@few_examples
@given(
    seed=SEEDS,
    activations=ACTIVATION_LISTS,
    kernel=st.sampled_from([None, (2, 2, 2)]),
    rules=st.sampled_from(RULES),
    bias=st.booleans(),
)
def test_random_networks(seed, activations, kernel, rules, bias):
    """The formula; the sum; and a batch is its samples one by one, of which some values are those of the baseline."""
    rng = np.random.RandomState(seed)
    widths = [4] * (len(activations) - (kernel is not None)) + [2]
    network = oracle.random_network(rng, (3, 3, 1), widths, [*activations, None], kernel, bias)
    baseline = rng.randn(3, 3, 1)
    xs = np.where(rng.rand(3, 3, 3, 1) < 0.2, baseline, rng.randn(3, 3, 3, 1))
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 3, 3, 1])
        explainer = de.get_explainer('deeplift', build(network, X), X, rules=rules, baseline=baseline)
        found = explainer.run(xs)
        one_by_one = np.concatenate([explainer.run(xs[i : i + 1]) for i in range(3)])
    formula = oracle.reveal_cancel(network, xs, None, baseline, kernels=rules == 'reveal-cancel')
    np.testing.assert_allclose(found, formula, rtol=1e-6, atol=1e-9)
    gain = network(xs) - network(baseline[None])
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), gain.sum(axis=1), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found, one_by_one, rtol=1e-9, atol=1e-12)


def least(X):
    return X[:, 0] - tf.nn.relu(tf.matmul(X, tf.constant([[1.0], [-1.0]], X.dtype)))[:, 0]


def test_the_least_of_two():
    """Section 3.5 of the paper: the smaller one takes all with Rescale, and half of it with RevealCancel."""
    xs = np.array([[3.0, 1.0], [0.5, 2.0]])
    for rules in RULES:
        np.testing.assert_allclose(contributions(least, xs, rules), [[0.5, 0.5], [0.25, 0.25]])
    np.testing.assert_allclose(contributions(least, xs, 'complete'), [[0, 1], [0.5, 0]])


def test_no_shares_of_a_sign():
    """Then its multiplier is that of very few: on their side of a kink."""

    def network(X):  # the hidden unit does not differ from its baseline, but is made of two shares
        unit = tf.nn.relu(tf.matmul(X, tf.constant([[1.0], [-1.0]], X.dtype)))
        return tf.nn.relu(tf.matmul(unit, tf.constant([[-1.0]], X.dtype)))

    def steeper(X):
        return 0.5 * tf.nn.relu(tf.matmul(X, tf.constant([[1.0], [-1.0]], X.dtype)))

    xs = np.array([[1.0, 1.0]])
    # Outer unit: d+ = d- = 0 at 0, so m+ = 1 and m- = 0; inner: D+ = 1/2, D- = -1/2.
    np.testing.assert_allclose(contributions(network, xs), [[-0.25, 0.25]])
    np.testing.assert_allclose(contributions(steeper, xs), [[0.25, -0.25]])


def residual(X):
    z = tf.nn.conv2d(X, weights(3, 3, 2, 4), 1, 'SAME') + weights(4)
    a = tf.nn.relu(z)
    b = tf.nn.bias_add(tf.nn.conv2d(a, weights(3, 3, 4, 4, seed=1), 1, 'SAME'), weights(4, seed=2))
    c = tf.nn.relu(a + b)
    d = tf.nn.relu(
        tf.nn.conv2d(c, weights(3, 3, 4, 4, seed=3), 2, 'SAME') + tf.nn.conv2d(c, weights(1, 1, 4, 4), 2, 'SAME')
    )
    return tf.matmul(tf.reduce_mean(d, [1, 2]), weights(4, 3, seed=4))


def branches(X):
    """Layers that join without a bias between them, with what is no layer; and one that two activations read."""
    flat = tf.reshape(X, [-1, 32])
    z = tf.matmul(flat, weights(32, 3)) + weights(3)
    joined = tf.concat([z, flat[:, :2], tf.matmul(flat, weights(32, 2, seed=1))], 1)
    leaky = tf.nn.relu(joined) - 0.3 * tf.nn.relu(-joined)
    return tf.matmul(tf.tanh(leaky), weights(7, 2, seed=2)) + tf.reduce_sum(z, 1, keepdims=True)


def pooled(X):
    z = tf.nn.elu(tf.nn.avg_pool(tf.nn.conv2d(X, weights(3, 3, 2, 4), 1, 'SAME'), 2, 2, 'VALID'))
    parts = tf.split(tf.transpose(tf.matmul(tf.reshape(z, [-1, 16]), weights(16, 6, seed=1))), 3)
    return tf.transpose(tf.sigmoid(parts[0]) * tf.tanh(parts[1]) + tf.nn.leaky_relu(parts[2]))


@pytest.mark.parametrize('rules', RULES)
@pytest.mark.parametrize('network', [residual, branches, pooled])
def test_the_sum_holds_in_networks_that_are_no_chain(network, rules):
    rng = np.random.RandomState(0)
    xs, baseline = rng.randn(4, 4, 4, 2), rng.randn(4, 4, 2)
    with context() as de:
        X = tf.placeholder(tf.float32, [None, 4, 4, 2])
        T = network(X)
        explainer = de.get_explainer('deeplift', T, X, baseline=baseline, rules=rules, strict=True)
        assert 'reveal-cancel' in {row.treatment for row in explainer.describe().rows} or network is residual
        found, delta = explainer.run(xs, return_convergence_delta=True)
        assert np.abs(delta).max() < 2e-6
        leaks = explainer.leaks(xs)
        assert max(np.abs(row.gap).max() for row in leaks.rows) < 2e-6
        each = explainer.run(xs, 'each')
        np.testing.assert_allclose(np.sum(each, axis=0), found, rtol=1e-4, atol=1e-6)


def test_leaks_are_told_of_all_that_tells_more_than_gradients():
    xs = np.array([[3.0, 1.0], [0.5, 2.0]])
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 2])
        explainer = de.get_explainer('deeplift', least(X), X, rules='reveal-cancel')
        leaks = explainer.leaks(xs)
    assert [row.op for row in leaks.rows if row.type == 'MatMul']
    assert not [row.op for row in leaks.rows if row.type == 'Relu']
    assert all(np.abs(row.gap).max() < 1e-12 for row in leaks.rows)


def written(how):
    """A convolution, a normalization and an activation, in other ops."""

    def network(X):
        kernel, gamma, beta, mean, variance = (
            weights(3, 3, 2, 4),
            weights(4),
            weights(4, seed=1),
            weights(4, seed=2),
            0.7,
        )
        variance = np.full(4, variance, 'float32')
        if how == 'padded':
            z = tf.nn.conv2d(tf.pad(X, [[0, 0], [1, 1], [1, 1], [0, 0]]), kernel, 1, 'VALID')
        else:
            z = tf.nn.conv2d(X, kernel, 1, 'SAME')
        if how == 'long':
            z = (z - mean) / tf.sqrt(tf.constant(variance) + 1e-3) * gamma + beta
        elif how == 'scaled':
            scale = gamma / np.sqrt(variance + 1e-3)
            z = tf.identity(z * scale) + (beta - mean * scale)
        elif how == 'folded':
            z = tf.nn.conv2d(X, kernel * (gamma / np.sqrt(variance + 1e-3)), 1, 'SAME')
            z = z + (beta - mean * gamma / np.sqrt(variance + 1e-3))
        else:
            z = tf.nn.fused_batch_norm(z, gamma, beta, mean, variance, epsilon=1e-3, is_training=False)[0]
        if how == 'moved':
            z = tf.transpose(tf.nn.relu(tf.transpose(z, [0, 3, 1, 2])), [0, 2, 3, 1])
        else:
            z = tf.maximum(z, 0) if how == 'long' else tf.nn.relu(z)
        return tf.matmul(tf.reshape(z, [-1, 64]), weights(64, 2))

    return network


@pytest.mark.parametrize('how', ['padded', 'long', 'scaled', 'folded', 'moved'])
def test_it_does_not_depend_on_the_ops(how):
    xs, baseline = np.random.RandomState(0).randn(2, 3, 4, 4, 2)
    found, fused = (contributions(written(one), xs, dtype=tf.float32, baseline=baseline[0]) for one in (how, 'fused'))
    np.testing.assert_allclose(found, fused, rtol=1e-4, atol=1e-5)


def test_max_pooling_has_its_gradient():
    def network(X):
        z = tf.nn.relu(tf.nn.conv2d(X, weights(3, 3, 2, 4), 1, 'SAME'))
        return tf.reduce_sum(tf.nn.max_pool(z, 2, 2, 'VALID'), [1, 2, 3])

    with context() as de:
        X = tf.placeholder(tf.float32, [None, 4, 4, 2])
        T = network(X)
        with pytest.raises(GraphError, match=r"'deeplift' has no rule for 'MaxPool' \(MaxPool\) and uses the plain"):
            de.get_explainer('deeplift', T, X, rules='genomics', strict=True)


@pytest.mark.parametrize('loop', ['while', 'branch'])
@pytest.mark.parametrize('control_flow_v2', [False, True])
def test_loops_and_branches(loop, control_flow_v2):
    def cell(h):
        return tf.tanh(tf.matmul(h, weights(3, 3)) + weights(3))

    def rolled(X):
        if loop == 'branch':
            return tf.cond(tf.constant(2) > 1, lambda: cell(cell(cell(X))), lambda: X)
        return tf.while_loop(lambda i, h: i < 3, lambda i, h: [i + 1, cell(h)], [0, X])[1]

    xs = np.random.RandomState(0).randn(4, 3)
    (tf.enable_control_flow_v2 if control_flow_v2 else tf.disable_control_flow_v2)()
    try:
        found = contributions(rolled, xs, dtype=tf.float32, baseline=0.3)
    finally:
        (tf.disable_control_flow_v2 if OLD else tf.enable_control_flow_v2)()
    unrolled = contributions(lambda X: cell(cell(cell(X))), xs, dtype=tf.float32, baseline=0.3)
    np.testing.assert_allclose(found, unrolled, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('dtype', [tf.float32, tf.bfloat16])
def test_precisions(dtype):
    def network(X):
        first, second = (tf.cast(weights(*shape), X.dtype) for shape in ((8, 4), (4, 2)))
        return tf.matmul(tf.nn.relu(tf.matmul(X, first)), second)

    xs = np.random.RandomState(0).randn(3, 8)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of rounding
        found = contributions(network, xs, dtype=dtype)
    exact = contributions(network, xs)
    np.testing.assert_allclose(np.asarray(found, 'float64'), exact, atol=0.05 if dtype == tf.bfloat16 else 1e-6)


def test_a_fixed_batch_feeds_and_several_inputs():
    rng = np.random.RandomState(0)
    xs, baselines = [rng.randn(4, 3), rng.randn(4, 2)], [rng.randn(3), rng.randn(2)]
    with context() as de:
        X, Z, keep = (
            tf.placeholder(tf.float32, [2, 3]),
            tf.placeholder(tf.float32, [2, 2]),
            tf.placeholder(tf.float32, []),
        )
        dense = tf.matmul(X, weights(3, 4)) + tf.matmul(Z, weights(2, 4)) + weights(4)
        T = tf.matmul(tf.nn.relu(dense) * keep, weights(4, 2))
        explainer = de.get_explainer('deeplift', T, [X, Z], rules='reveal-cancel', baseline=baselines, strict=True)
        found = explainer.run(xs, feed_dict={keep: 2.0}, batch_size=2)
        first = explainer.run([x[:2] for x in xs], feed_dict={keep: 2.0})
        gain = de.session.run(T, {X: xs[0][:2], Z: xs[1][:2], keep: 2.0})
        gain -= de.session.run(T, {X: [baselines[0]] * 2, Z: [baselines[1]] * 2, keep: 2.0})
    np.testing.assert_allclose(sum(a[:2].sum(axis=1) for a in found), gain.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(found[0][:2], first[0], rtol=1e-5)


def test_long_ways_and_joining_ones():
    """A layer of many products, whose values are split and joined again and again."""

    def network(X):
        z = sum(tf.matmul(X, tf.cast(weights(4, 4, seed=i), X.dtype)) for i in range(200))
        for _ in range(30):
            a, b = tf.split(z, 2, 1)
            z = tf.concat([b, a], 1)
        return tf.nn.relu(z)

    def short(X):
        return tf.nn.relu(sum(tf.matmul(X, tf.cast(weights(4, 4, seed=i), X.dtype)) for i in range(200)))

    xs = np.random.RandomState(0).randn(2, 4)
    np.testing.assert_allclose(contributions(network, xs), contributions(short, xs), rtol=1e-9)

"""Family 2, the chain rule with each activation's derivative replaced by a finite slope: elrp, deeplift."""

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


# --- elrp


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


# --- deeplift


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


def test_deeplift_references_follow_the_weights(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        w = tf.Variable(np.array([[1.0], [2.0]]))
        b = tf.Variable(np.array(1.0))
        T = tf.tanh(tf.matmul(X, w) + b)
        train = [tf.assign(w, [[-1.0], [0.5]]), tf.assign(b, 0.25)]
        explainer = de.get_explainer('deeplift', T, X)
        session.run(tf.global_variables_initializer())
        x = np.array([[1.0, 0.5], [0.0, -1.0]])
        before = explainer.run(x)
        session.run(train)
        after = explainer.run(x)
    np.testing.assert_allclose(before.sum(axis=1), np.tanh(x.dot([1, 2]) + 1) - np.tanh(1), rtol=1e-12)
    np.testing.assert_allclose(after.sum(axis=1), np.tanh(x.dot([-1, 0.5]) + 0.25) - np.tanh(0.25), rtol=1e-12)


def _time_major(X, layer):
    # [samples, 3, 4] -> [3 * samples, 4]: the first axis of the activation is time, then samples.
    return tf.transpose(tf.reshape(layer(tf.reshape(tf.transpose(X, [1, 0, 2]), [-1, 4])), [3, -1, 2]), [1, 0, 2])


def _batch_major(X, layer):
    return tf.reshape(layer(tf.reshape(X, [-1, 4])), [-1, 3, 2])


def _unstacked(X, layer):
    return tf.stack([layer(step) for step in tf.unstack(X, num=3, axis=1)], axis=1)


def _samples_last(X, layer):
    # [2, 3 * samples]: the samples are in the last axis of the activation.
    return _batch_major(X, lambda rows: _transposed(rows, layer))


def _transposed(rows, layer):
    return tf.transpose(layer.on_columns(tf.transpose(rows)))


def _one_long_row(X, layer):
    # [1, 3 * samples, 4], as layers do that treat the whole batch as one sequence.
    return tf.reshape(layer(tf.reshape(X, [1, -1, 4])), [-1, 3, 2])


class _Layer:
    """tanh(v w + b) of vectors v of size 4, in the last axis or, on_columns, in the first."""

    w = np.random.RandomState(3).randn(4, 2)
    b = np.array([0.5, -1.0])

    def __call__(self, V):
        return tf.tanh(tf.tensordot(V, tf.constant(self.w), 1) + self.b)

    def on_columns(self, V):
        return tf.tanh(tf.matmul(self.w.T, V) + self.b[:, None])


@pytest.mark.parametrize('layout', [_batch_major, _time_major, _unstacked, _samples_last, _one_long_row])
def test_deeplift_meets_its_references_wherever_the_samples_axis_is(session, layout):
    # One layer for each of three time steps, then one over all: the same network in any layout of its activations.
    steps = oracle.Layer(np.kron(np.eye(3), _Layer.w), np.tile(_Layer.b, 3), 'Tanh')
    rng = np.random.RandomState(4)
    top = oracle.Layer(rng.randn(6, 2), rng.randn(2), 'Softplus')
    network = oracle.Network([steps, top], (3, 4))
    xs, ys = samples(network, n=5)
    baseline = rng.randn(3, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 3, 4])
        H = layout(X, _Layer())
        T = build(oracle.Network([top], (6,)), tf.reshape(H, [-1, 6]))
        explainer = de.get_explainer('deeplift', T, X, baseline=baseline)
    formula = oracle.deeplift(network, xs, ys, baseline)
    for batch_size in (None, 1, 2, 5):
        np.testing.assert_allclose(explainer.run(xs, ys, batch_size), formula, rtol=1e-8, atol=1e-11)


# --- both


@pytest.mark.parametrize(
    ('method', 'op_type', 'function'),
    [
        ('deeplift', 'LeakyRelu', tf.nn.leaky_relu),
        ('deeplift', 'Selu', tf.nn.selu),
        ('deeplift', 'Relu6', tf.nn.relu6),
        ('deeplift', 'Softsign', tf.nn.softsign),
        ('elrp', 'Selu', tf.nn.selu),
        ('elrp', 'Relu6', tf.nn.relu6),
        ('elrp', 'Softsign', tf.nn.softsign),
    ],
)
def test_an_unsupported_activation_is_named_in_a_warning_and_keeps_its_gradient(session, method, op_type, function):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        T = function(tf.tanh(X), name='odd_one')
        message = rf"unsupported activation: '{method}' has no rule for 'odd_one\S*' \({op_type}\)"
        with pytest.warns(UserWarning, match=message):
            found = de.explain(method, T, X, [[0.5, -2.0]])
        plain = de.explain('grad*input', function(X), X, np.tanh([[0.5, -2.0]]))
    np.testing.assert_allclose(found, plain, rtol=1e-3)


@pytest.mark.parametrize('method', ['saliency', 'grad*input', 'intgrad', 'occlusion', 'shapley_sampling'])
def test_methods_without_a_rule_have_no_unsupported_activations(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        de.explain(method, tf.nn.leaky_relu(X), X, [[0.5, -2.0]])  # a warning would be an error here


def test_unsupported_activations_elsewhere_in_the_graph_do_not_matter(session):
    with DeepExplain(session=session) as de:
        X = tf.nn.leaky_relu(tf.placeholder(tf.float64, [None, 2]))
        T = tf.nn.relu(X)
        tf.nn.selu(T)
        tf.nn.softsign(X)
        np.testing.assert_allclose(de.explain('deeplift', T, X, [[0.5, -2.0]]), [[0.5, 0]])
        np.testing.assert_allclose(de.explain('elrp', T, X, [[0.5, -2.0]]), [[0.5, 0]], rtol=1e-3)

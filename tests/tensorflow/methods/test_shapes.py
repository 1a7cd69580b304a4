"""Shapes: open dimensions besides the batch, inputs of rank one, and baselines."""

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import FUNCTIONS

from deepexplain.tensorflow import DeepExplain

WITH_BASELINE = ['intgrad', 'deeplift']


def occlusion(f, x, window_shape):
    return oracle.occlusion(f, x, [min(window_shape, d) for d in x.shape[1:]], [1] * (x.ndim - 1))


def shapley_sampling(f, x, samples):
    return oracle.shapley_sampling(f, x, samples, range(1, x.ndim))


#: Method -> its formula, and arguments for both.
METHODS = {
    'zero': (oracle.zero, {}),
    'saliency': (oracle.saliency, {}),
    'grad*input': (oracle.grad_input, {}),
    'intgrad': (oracle.intgrad, {'steps': 5}),
    'elrp': (oracle.elrp, {'epsilon': 0.01}),
    'deeplift': (oracle.deeplift, {}),
    'occlusion': (occlusion, {'window_shape': 2}),
    'shapley_sampling': (shapley_sampling, {'samples': 2}),
}

every_method = pytest.mark.parametrize('method', METHODS)


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-11)


def by_formula(method, network, xs, **further):
    formula, arguments = METHODS[method]
    np.random.seed(0)
    return formula(network, xs, **dict(arguments, **further))


def run(explainer, xs, batch_size=None):
    np.random.seed(0)
    return explainer.run(xs, batch_size=batch_size)


# --- open dimensions. The network treats the rows of a sample alike and adds them up, so it takes any number of them.

ROW_LAYERS = oracle.random_network(np.random.RandomState(9), (4,), [3, 2], ['Tanh', 'Softplus']).layers


def row_graph(X):
    """T, shape [samples, 2], of X with shape [samples, time, 4]."""
    A = X
    for weights, bias, activation in ROW_LAYERS:
        A = FUNCTIONS[activation](tf.tensordot(A, tf.constant(weights, X.dtype), 1) + tf.constant(bias, X.dtype))
    return tf.reduce_sum(A, axis=1)


def row_network(time):
    """The same, for the oracle: one block of weights for each row, and a last layer that adds up."""
    blocks = [oracle.Layer(np.kron(np.eye(time), w), np.tile(b, time), activation) for w, b, activation in ROW_LAYERS]
    return oracle.Network([*blocks, oracle.Layer(np.tile(np.eye(2), (time, 1)), np.zeros(2), None)], (time, 4))


@every_method
@pytest.mark.parametrize('dims', [[None, None, 4], [None, None, None], None], ids=str)
def test_dimensions_may_be_open_besides_the_batch(session, method, dims):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, dims)
        T = row_graph(tf.reshape(X, [-1, tf.shape(X)[1], 4]))
        explainer = de.get_explainer(method, T, X, **METHODS[method][1])
    for time in (1, 3, 2):  # one explainer takes samples of one length after another
        xs = np.random.RandomState(time).randn(5, time, 4)
        expected = by_formula(method, row_network(time), xs)
        assert_close(run(explainer, xs), expected)
        assert_close(run(explainer, xs, batch_size=2), expected)


@pytest.mark.parametrize('method', WITH_BASELINE)
@pytest.mark.parametrize('dims', [[None, None, 4], None], ids=str)
def test_open_dimensions_take_a_baseline(session, method, dims):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, dims)
        T = row_graph(tf.reshape(X, [-1, tf.shape(X)[1], 4]))
        for baseline in (np.random.RandomState(0).randn(3, 4), 0.5):
            xs = np.random.RandomState(1).randn(5, 3, 4)
            expected = by_formula(method, row_network(3), xs, baseline=baseline)
            explainer = de.get_explainer(method, T, X, baseline=baseline, **METHODS[method][1])
            assert_close(run(explainer, xs), expected)
            assert_close(run(explainer, xs, batch_size=2), expected)


@pytest.mark.parametrize('method', WITH_BASELINE)
def test_a_baseline_of_another_length_than_the_samples_is_refused(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, None, 4])
        explainer = de.get_explainer(method, row_graph(X), X, baseline=np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r'Baseline shape \(2, 4\) does not match .* one sample of .*, \(3, 4\), nor'):
        explainer.run(np.ones((1, 3, 4)))


@every_method
def test_an_input_of_rank_one(session, method):
    xs = np.array([0.5, -2.0, 3.0])
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None])
        explainer = de.get_explainer(method, tf.tanh(2 * X + 0.5), X, **METHODS[method][1])
    network = oracle.Network([oracle.Layer(np.array([[2.0]]), np.array([0.5]), 'Tanh')], (1,))
    expected = by_formula(method, network, xs[:, None])[:, 0]
    assert_close(run(explainer, xs), expected)
    assert_close(run(explainer, xs, batch_size=2), expected)


# --- baselines


@pytest.mark.parametrize('method', WITH_BASELINE)
def test_a_baseline_may_be_an_array_a_list_or_a_number(session, method):
    xs = np.array([[1.0, -2.0], [0.5, 3.0]])
    given_baseline = [2.0, 2.0]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        T = tf.tanh(X)
        expected = de.explain(method, T, X, xs, baseline=np.array([2.0, 2.0]))
        assert not np.allclose(expected, de.explain(method, T, X, xs))
        for same in (given_baseline, 2, 2.0, np.float32(2), np.array([2, 2], np.int32)):
            assert_close(de.explain(method, T, X, xs, baseline=same), expected)
        for nothing in (None, 0, np.zeros(2), [0, 0]):
            assert_close(de.explain(method, T, X, xs, baseline=nothing), de.explain(method, T, X, xs))
    assert given_baseline == [2.0, 2.0]


@pytest.mark.parametrize('method', WITH_BASELINE)
def test_baselines_of_several_inputs_are_a_list_that_stays_as_it_was(session, method):
    xs = [np.array([[1.0, -2.0]]), np.array([[0.5]])]
    first = np.array([2.0, 0.0])
    baselines = [first, None]
    with DeepExplain(session=session) as de:
        X, Y = tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float64, [None, 1])
        T = tf.tanh(X + 2 * Y)
        for alike in ([baselines, (first, 0.0), [[2, 0], [0]]], [1, [[1, 1], 1], [np.ones(2), np.ones(1)]]):
            found = [de.explain(method, T, [X, Y], xs, baseline=baseline) for baseline in alike]
            for parts in zip(*found):
                assert_close(parts[1], parts[0])
                assert_close(parts[2], parts[0])
    assert len(baselines) == 2
    assert baselines[0] is first
    assert baselines[1] is None
    np.testing.assert_array_equal(first, [2, 0])


@pytest.mark.parametrize('method', WITH_BASELINE)
def test_an_explainer_keeps_its_baseline_when_the_array_changes_later(session, method):
    baseline = np.ones(2)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        explainer = de.get_explainer(method, tf.tanh(X), X, baseline=baseline)
    before = explainer.run([[2.0, 3.0]])
    baseline[:] = 7
    assert_close(explainer.run([[2.0, 3.0]]), before)


@pytest.mark.parametrize('method', WITH_BASELINE)
@pytest.mark.parametrize(
    ('baseline', 'error', 'message'),
    [
        ([1, 2, 3], ValueError, r"Baseline shape \(3,\) does not match the shape of one sample of '.*', \(2,\)"),
        ([[[1, 2]]], ValueError, r"Baseline shape \(1, 1, 2\) does not match the shape of one sample of '.*', \(2,\)"),
        ([1], ValueError, r"Baseline shape \(1,\) does not match the shape of one sample of '.*', \(2,\)"),
        ([1, np.nan], ValueError, 'baseline holds nan'),
        (np.inf, ValueError, 'baseline holds nan or infinite'),
        ('a', TypeError, 'baseline must hold real numbers'),
        (1j, TypeError, 'baseline must hold real numbers; its dtype is complex'),
        ({'a': 1}, TypeError, 'baseline must hold real numbers; its dtype is object'),
    ],
)
def test_a_baseline_that_does_not_fit_is_refused(session, method, baseline, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        with pytest.raises(error, match=message) as caught:
            de.get_explainer(method, tf.nn.relu(X), X, baseline=baseline)
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize('method', WITH_BASELINE)
@pytest.mark.parametrize(
    ('baseline', 'message'),
    [
        ([[0, 0]], 'X is a list of 2 tensors, so baseline must be a list of 2; got 1'),
        ([[0, 0], [0], [0]], 'X is a list of 2 tensors, so baseline must be a list of 2; got 3'),
        ([[0], [0]], r"Baseline shape \(1,\) does not match the shape of one sample of '.*', \(2,\)"),
        ([[0, 0], [0, 0]], r"Baseline shape \(2,\) does not match the shape of one sample of '.*', \(1,\)"),
        (np.zeros(2), r'baseline must be a list with one entry for each, .*; got an array of shape \(2,\)'),
    ],
)
def test_baselines_that_do_not_fit_several_inputs_are_refused(session, method, baseline, message):
    with DeepExplain(session=session) as de:
        X, Y = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float32, [None, 1])
        with pytest.raises(ValueError, match=message) as caught:
            de.get_explainer(method, tf.nn.relu(X + Y), [X, Y], baseline=baseline)
    assert isinstance(caught.value, RuntimeError)

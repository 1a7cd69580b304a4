"""T that is nan or infinite at the baseline: said by every method that has one, and by none without reason."""

import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import Recorder, mlp, normal

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

XS = np.array([[1.0, 2.0, 0.5], [3.0, 1.0, 2.0]], np.float32)
METHODS = [
    ('intgrad', {}),
    ('deeplift', {}),
    ('deeplift', {'rules': 'complete'}),
    ('occlusion', {'window_shape': 3}),
    ('shapley_sampling', {'samples': 2}),
]


def mean_of_what_is_there(X):
    return tf.reduce_sum(X, 1, keepdims=True) / tf.reduce_sum(tf.cast(tf.not_equal(X, 0.0), X.dtype), 1, keepdims=True)


def through_an_activation(X):
    return tf.nn.relu(X) / tf.norm(X, axis=1, keepdims=True)


def logarithm(X):
    return tf.reduce_sum(tf.log(tf.nn.relu(X)), 1)


def said(session, network, method, run, **arguments):
    X = tf.placeholder(tf.float32, [None, 3])
    with warnings.catch_warnings(record=True) as caught, DeepExplain(session=session) as de:
        warnings.simplefilter('always')
        e = de.get_explainer(method, network(X), X, **arguments)
        run(e)
    caught = [str(w.message) for w in caught if issubclass(w.category, DeepExplainWarning)]
    return [text for text in caught if 'unsupported activation' not in text and 'integrates gradients' not in text]


@pytest.mark.parametrize(('method', 'arguments'), METHODS)
@pytest.mark.parametrize('network', [mean_of_what_is_there, through_an_activation, logarithm])
@pytest.mark.parametrize('delta', [False, True])
def test_each_method_says_so_once(session, method, arguments, network, delta):
    found = said(session, network, method, lambda e: e.run(XS, return_convergence_delta=delta), **arguments)
    assert len([text for text in found if 'is nan or infinite at the baseline' in text]) == 1
    assert len(found) == 1
    assert 'Choose another baseline' in found[0]


@pytest.mark.parametrize(('method', 'arguments'), METHODS)
@pytest.mark.parametrize('network', [mean_of_what_is_there, through_an_activation, logarithm])
def test_another_baseline_as_it_says_is_silent(session, method, arguments, network):
    run = lambda e: e.run(XS, return_convergence_delta=True)  # noqa: E731
    assert said(session, network, method, run, baseline=0.25, **arguments) == []


@pytest.mark.parametrize(('method', 'arguments'), METHODS[:3])
@pytest.mark.parametrize('baselines', [np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), lambda xs: 0 * xs[:1]])
def test_one_of_a_set(session, method, arguments, baselines):
    run = lambda e: e.run(XS, return_convergence_delta=True)  # noqa: E731
    found = said(session, mean_of_what_is_there, method, run, baselines=baselines, **arguments)
    assert [text for text in found if 'is nan or infinite at the baseline' in text]


@pytest.mark.parametrize(('method', 'arguments'), METHODS[:2] + METHODS[3:])
def test_an_output_without_a_weight_is_nobodys(session, method, arguments):
    network = lambda X: tf.concat([tf.reduce_sum(X, 1, keepdims=True), mean_of_what_is_there(X)], 1)  # noqa: E731
    for ys in ([1, 0], [[1, 0], [2, 0]]):
        run = lambda e, ys=ys: e.run(XS, ys, return_convergence_delta=True)  # noqa: E731
        assert said(session, network, method, run, **arguments) == []
    assert said(session, network, method, lambda e: e.run(XS, [0, 1]), **arguments)


@pytest.mark.parametrize(('method', 'arguments'), METHODS[3:])
def test_where_t_itself_is_nan_neither_windows_nor_baseline_are_blamed(session, method, arguments):
    xs = np.zeros((1, 3), np.float32)
    found = said(session, mean_of_what_is_there, method, lambda e: e.run(xs), baseline=1.0, **arguments)
    assert len(found) == 1
    assert 'is nan or infinite at these samples' in found[0]


def test_windows_that_leave_values_out_are_still_said(session):
    found = said(session, mlp, 'occlusion', lambda e: e.run(XS), window_shape=2, step=2)
    assert len(found) == 1
    assert 'window_shape and step' in found[0]


def test_the_question_costs_one_row_once(session):
    X = tf.placeholder(tf.float32, [None, 3])
    recorder = Recorder(session)
    with DeepExplain(session=recorder) as de:
        e = de.get_explainer('intgrad', mlp(X), X, steps=10)
    rows = []
    for _ in range(2):
        recorder.rows.clear()
        e.run(normal(1, 3))
        rows.append(sorted(recorder.rows))
    assert 1 in rows[0]
    assert rows[1] == [10]

"""The metrics on real explainers: what they ask of them, and that nothing is left behind."""

import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import METHODS, mlp, normal

from deepexplain import metrics
from deepexplain.errors import ArgumentError, ArgumentTypeError, GraphError
from deepexplain.tensorflow import DeepExplain

XS = normal(4, 5, seed=7)
YS = np.eye(3)[[0, 1, 2, 0]]
CONTRIBUTIONS = [(name, arguments) for name, arguments in METHODS if name not in ('zero', 'saliency')]


def explainer(session, method='intgrad', T=None, X=None, **arguments):
    X = tf.placeholder(tf.float32, [None, 5]) if X is None else X
    T = mlp(X) if T is None else T
    with DeepExplain(session=session) as de:
        return de.get_explainer(method, T, X, **arguments)


def linear(session, method, **arguments):
    X = tf.placeholder(tf.float64, [None, 5])
    return explainer(session, method, tf.matmul(X, tf.constant(normal(5, 3))) + normal(3, seed=1), X, **arguments)


@pytest.mark.parametrize(('method', 'arguments'), CONTRIBUTIONS)
def test_contributions_to_a_linear_network_are_perfect(session, method, arguments):
    judged = linear(session, method, **arguments)
    np.testing.assert_allclose(
        metrics.completeness(judged, XS, judged.run(XS), baseline=0).delta, np.zeros(4), atol=1e-9
    )
    np.testing.assert_allclose(metrics.sensitivity_n(judged, XS, ys=YS, sets=9).correlation, np.ones(4), rtol=1e-9)
    np.testing.assert_allclose(metrics.infidelity(judged, XS, ys=YS, draws=9), np.zeros(4), atol=1e-12)
    steepest = metrics.deletion_insertion(judged, XS, ys=YS)
    assert (np.diff(steepest.deletion, n=2, axis=1) >= -1e-9).all()  # largest first: the steps become smaller
    np.testing.assert_allclose(metrics.max_sensitivity(judged, XS, radius=1e-9), np.zeros(4), atol=1e-7)


@pytest.mark.parametrize('method', ['intgrad', 'deeplift', 'occlusion', 'shapley_sampling'])
def test_completeness_asks_the_method_what_it_promises(session, method):
    judged = linear(session, method, **({'baseline': 0.5} if method in ('intgrad', 'deeplift') else {}))
    found = metrics.completeness(judged, XS, ys=YS)
    np.testing.assert_allclose(found.delta, np.zeros(4), atol=1e-9)
    np.testing.assert_allclose(found.relative, np.zeros(4), atol=1e-7)


def test_completeness_of_a_method_that_promises_no_sum(session):
    judged = explainer(session, 'saliency')
    with pytest.raises(ArgumentError, match="'saliency' has no convergence delta: it promises no sum"):
        metrics.completeness(judged, XS)
    found = metrics.completeness(judged, XS, judged.run(XS), baseline=0)
    difference = judged.outputs(XS) - judged.outputs(0 * XS)
    np.testing.assert_allclose(found.delta, judged.run(XS).sum(axis=1) - difference, rtol=1e-5)


@pytest.mark.parametrize(
    ('metric', 'options'),
    [
        ('completeness', {'baseline': 0.25}),
        ('sensitivity_n', {'n': [2, 3], 'baseline': 0.25}),
        ('infidelity', {'draws': 9}),
        ('deletion_insertion', {}),
    ],
)
@pytest.mark.parametrize('ys', [YS, YS[2]])
def test_an_explainer_and_a_function_of_its_network_agree(session, metric, options, ys):
    judged = explainer(session)
    T = judged.T

    def predict(rows):
        return session.run(T, {judged.X: rows})

    metric = getattr(metrics, metric)
    attributions = judged.run(XS, ys)
    of_explainer = metric(judged, XS, attributions, ys=ys, batch_size=2, **options)
    of_function = metric(predict, XS, attributions, ys=ys, **options)
    for a, b in zip(of_explainer, of_function):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_feeds_with_a_row_for_each_sample_and_a_fixed_batch(session):
    for batch in (None, 4):
        X, factor = tf.placeholder(tf.float32, [batch, 5]), tf.placeholder(tf.float32, [batch, 1])
        judged = explainer(session, 'grad*input', mlp(X)[:, 0] * factor[:, 0], X)
        feed = {factor: [[1.0], [-1.0], [2.0], [0.5]]}
        plain = metrics.infidelity(judged, XS, draws=5, feed_dict={factor: np.ones((4, 1))})
        found = metrics.infidelity(judged, XS, draws=5, feed_dict=feed)
        np.testing.assert_allclose(found, plain * [1, 1, 4, 0.25], rtol=1e-3)


def test_several_inputs(session):
    A, B = tf.placeholder(tf.float64, [None, 3]), tf.placeholder(tf.float64, [None, 2])
    T = tf.matmul(A, tf.constant(normal(3, 2))) - tf.matmul(B, tf.constant(normal(2, 2)))
    judged = explainer(session, 'deeplift', T, [A, B])
    xs = [XS[:, :3], XS[:, 3:]]
    np.testing.assert_allclose(metrics.completeness(judged, xs).delta, np.zeros(4), atol=1e-9)
    np.testing.assert_allclose(metrics.sensitivity_n(judged, xs, ys=[1, 0]).correlation, np.ones(4), rtol=1e-9)
    np.testing.assert_allclose(metrics.infidelity(judged, xs, ys=[1, 0]), np.zeros(4), atol=1e-12)
    assert metrics.max_sensitivity(judged, xs).shape == (4,)
    assert len(metrics.deletion_insertion(judged, xs).fraction) == 6
    assert metrics.randomization(judged, xs).spearman.shape == (2, 4)
    with pytest.raises(ArgumentError, match='dims are axes of one input'):
        metrics.sensitivity_n(judged, xs, dims=[1])


def test_tokens(session):
    ids = tf.placeholder(tf.int32, [None, 3])
    table = tf.constant([[0.0, 0], [1, 2], [3, -1], [2, 2]])
    judged = explainer(session, 'occlusion', tf.reduce_sum(tf.nn.embedding_lookup(table, ids), axis=[1, 2]), ids)
    tokens = np.array([[1, 2, 3], [3, 3, 1]])
    np.testing.assert_allclose(metrics.sensitivity_n(judged, tokens, n=[1, 2]).per_sample[0], [1, 1], rtol=1e-6)
    assert metrics.deletion_insertion(judged, tokens).deletion[:, 0].tolist() == [9, 11]
    with pytest.raises(ArgumentTypeError, match='xs must hold integers'):
        metrics.infidelity(judged, tokens)


def variables(session):
    w = [tf.Variable(normal(5, 6, seed=1), dtype=tf.float32), tf.Variable(normal(6, 3, seed=2), dtype=tf.float32)]
    X = tf.placeholder(tf.float32, [None, 5])
    T = tf.matmul(tf.nn.relu(tf.matmul(X, w[0])), w[1])
    session.run(tf.global_variables_initializer())
    return w, X, T


@pytest.mark.parametrize('method', ['saliency', 'intgrad', 'deeplift', 'occlusion'])
def test_randomization_is_what_assignment_would_give_and_leaves_nothing_behind(session, method):
    w, X, T = variables(session)
    judged = explainer(session, method, T, X)
    before, values = judged.run(XS, YS), session.run(w)
    size = len(session.graph.get_operations())
    found = metrics.randomization(judged, XS, ys=YS)
    np.testing.assert_array_equal(judged.run(XS, YS), before)
    for now, value in zip(session.run(w), values):
        np.testing.assert_array_equal(now, value)
    assert len(session.graph.get_operations()) == size
    assert found.names == [w[1].op.name, w[0].op.name]
    random = np.random.RandomState(0)
    for step, variable in enumerate(w[::-1]):
        value = session.run(variable)
        variable.load(random.permutation(value.ravel()).reshape(value.shape), session)
        after = judged.run(XS, YS)
        by_hand = [np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1] for a, b in zip(before, after)]
        if method != 'saliency' or len({len(set(row)) for row in after.tolist()} | {5}) == 1:  # no ties
            np.testing.assert_allclose(found.spearman[step], by_hand, atol=1e-9)


def test_an_error_in_the_middle_leaves_nothing_behind(session, monkeypatch):
    w, X, T = variables(session)
    judged = explainer(session, 'grad*input', T, X)
    values, run = session.run(w), judged.run
    calls = []

    def failing(*args, **arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise MemoryError
        return run(*args, **arguments)

    monkeypatch.setattr(judged, 'run', failing)
    with pytest.raises(MemoryError):
        metrics.randomization(judged, XS, ys=YS)
    assert len(calls[2]['feed_dict']) == 2
    for now, value in zip(session.run(w), values):
        np.testing.assert_array_equal(now, value)


def test_threads_randomize_the_same_explainer(session):
    _, X, T = variables(session)
    judged = explainer(session, 'intgrad', T, X, steps=5)
    expected = [metrics.randomization(judged, XS, ys=YS, seed=seed).spearman for seed in range(3)]
    found = [None] * 3

    def run(seed):
        found[seed] = metrics.randomization(judged, XS, ys=YS, seed=seed).spearman

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_network_without_weights_cannot_be_randomized(session):
    X = tf.placeholder(tf.float32, [None, 5])
    with pytest.raises(GraphError, match='There are no weights between X and T'):
        metrics.randomization(explainer(session, 'saliency', tf.reduce_sum(X**2, axis=1), X), XS)


@pytest.mark.parametrize(
    ('metric', 'options'),
    [
        ('completeness', {}),
        ('infidelity', {'draws': 5}),
        ('sensitivity_n', {'sets': 5}),
        ('deletion_insertion', {}),
        ('max_sensitivity', {'draws': 3}),
        ('randomization', {}),
    ],
)
def test_a_target_is_ys_that_stay_while_samples_are_changed(session, metric, options):
    judged, judge = explainer(session), getattr(metrics, metric)
    largest = np.argmax(judged.outputs(XS, ys='each'), axis=0)
    assert len(set(largest)) > 1

    def numbers(**chosen):
        found = judge(judged, XS, **options, **chosen)
        found = found if isinstance(found, tuple) else (found,)
        return [one for one in found if one is not None and np.asarray(one).dtype.kind in 'fi']

    for target, ys in [(1, [0, 1, 0]), ('top', np.eye(3)[largest]), ([0, 1, 2, 0], YS)]:
        for found, expected in zip(numbers(target=target), numbers(ys=ys)):
            np.testing.assert_array_equal(found, expected)
    with pytest.raises(ArgumentError, match='Give target or ys, not both.'):
        judge(judged, XS, ys=YS, target=1)
    if metric != 'randomization':
        with pytest.raises(ArgumentError, match='takes no target: give ys.'):
            judge(lambda rows: rows, XS, target=1)

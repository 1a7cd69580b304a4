"""What is explained, said by target; and tables (pandas) as samples, weights and baselines."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import dense, every_method, every_method_but_zero, mlp, normal

from deepexplain.errors import ArgumentError, DeepExplainWarning
from deepexplain.tensorflow import DeepExplain, NoiseTunnel


@pytest.fixture
def network(session):
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    return X, mlp(X)


@every_method
def test_a_target_is_explained_as_one_hot_ys_are(session, network, method, kwargs):
    X, T = network
    xs, labels = normal(5, 4), [0, 2, 1, 1, 0]
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, **kwargs)
        top = session.run(T, {X: xs}).argmax(axis=1)
        assert len(set(top)) > 1
        for target, ys in [(1, [0, 1, 0]), (labels, np.eye(3)[labels]), ('top', np.eye(3)[top]), ((2,), [0, 0, 1])]:
            for batch_size in (None, 2):
                np.random.seed(0)
                expected = explainer.run(xs, ys, batch_size)
                np.random.seed(0)
                np.testing.assert_array_equal(explainer.run(xs, batch_size=batch_size, target=target), expected)
            np.testing.assert_array_equal(explainer.outputs(xs, target=target), explainer.outputs(xs, ys))
            np.random.seed(0)
            found = de.explain(method, T, X, xs, target=target, **kwargs)
            np.random.seed(0)
            np.testing.assert_array_equal(found, de.explain(method, T, X, xs, ys, **kwargs))


def test_a_target_of_several_axes_of_a_fixed_batch_and_of_no_axis(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [3, 4])
        T = tf.reshape(dense(tf.nn.elu(X), 6), [-1, 2, 3])
        xs = normal(2, 4)
        found = de.explain('grad*input', T, X, xs, target=(1, 2))
        ys = np.zeros((2, 3))
        ys[1, 2] = 1
        np.testing.assert_array_equal(found, de.explain('grad*input', T, X, xs, ys))
        values = session.run(T, {X: np.concatenate([xs, xs[:1]])})[:2].reshape(2, -1)
        expected = de.explain('grad*input', T, X, xs, np.eye(6)[values.argmax(axis=1)].reshape(2, 2, 3))
        np.testing.assert_allclose(de.explain('grad*input', T, X, xs, target='top'), expected)
        X = tf.placeholder(tf.float64, [None, 4])
        T = dense(X, 1)[:, 0]
        expected = de.explain('grad*input', T, X, xs)
        for target in (0, 'top', [0, 0]):
            np.testing.assert_array_equal(de.explain('grad*input', T, X, xs, target=target), expected)
        with pytest.raises(ArgumentError, match='T is a scalar, so there is no target to choose'):
            de.explain('grad*input', tf.reduce_sum(T), X, xs, target=0)


def test_leaks_deltas_and_noise_take_a_target(session, network):
    X, T = network
    xs, ys = normal(3, 4), np.eye(3)[[2, 0, 1]]
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('deeplift', T, X)
    _, delta = explainer.run(xs, target=[2, 0, 1], return_convergence_delta=True)
    np.testing.assert_array_equal(delta, explainer.run(xs, ys, return_convergence_delta=True)[1])
    np.testing.assert_array_equal(explainer.leaks(xs, target=[2, 0, 1]).delta, explainer.leaks(xs, ys).delta)
    tunnel = NoiseTunnel(explainer, stdev=3.0, seed=0)
    top = np.eye(3)[session.run(T, {X: xs}).argmax(axis=1)]
    np.testing.assert_array_equal(tunnel.run(xs, target='top'), tunnel.run(xs, top))  # not that of the noisy copies


def test_target_and_ys_together_are_refused(session, network):
    X, T = network
    with DeepExplain(session=session) as de:
        for ys in ([1, 0, 0], 'each'):
            with pytest.raises(ArgumentError, match='Give target .* or ys .*, not both'):
                de.explain('saliency', T, X, normal(2, 4), ys, target=0)


def test_code_that_chooses_nothing_is_told_nothing_in_a_context_of_its_own(session, network):
    X, T = network
    labels = np.eye(3)[[0, 1]]
    with DeepExplain(session=session) as de:
        for target in (T, T * labels, tf.nn.softmax(T), tf.nn.softmax(T) * labels):
            de.explain('saliency', target, X, normal(2, 4))  # warnings are errors here


# labels passed as ys


def test_labels_passed_as_ys_are_refused_and_weights_are_not(session, network):
    X, T = network
    xs = normal(3, 4)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('saliency', T, X)
        for labels in ([0, 1, 2], np.array([2, 2, 0]), [0, 0, 0], np.zeros(3, bool)):
            with pytest.raises(ArgumentError, match='looks like a class label for each.*For labels pass target=labels'):
                explainer.run(xs, labels)
        for weights in ([0, 1, 0], [1, 1, 0], [1, 1, 1], [0.0, 1.0, 2.0], [-1, 0, 1], [0, 5, 3], np.zeros(3)):
            explainer.run(xs, weights)
        for labels in ([0, 1, 2, 0, 1], [[0], [1], [2], [0], [1]]):
            with pytest.raises(ArgumentError, match=r'got \(5.*\). For a class label for each sample: target=labels.'):
                explainer.run(normal(5, 4), labels)
        with pytest.raises(ArgumentError, match=r'got \(5,\).$'):
            explainer.run(normal(5, 4), np.ones(5))


def test_weights_of_the_only_output_may_lack_its_axis(session):
    X = tf.placeholder(tf.float64, [None, 4])
    xs, ys = normal(3, 4), [1.0, 0.0, -2.0]
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('grad*input', dense(X, 1), X)
        np.testing.assert_array_equal(explainer.run(xs, ys), explainer.run(xs, np.reshape(ys, (3, 1))))
        np.testing.assert_array_equal(explainer.run(xs, [1, 1, 1]), explainer.run(xs))
        with pytest.raises(
            ArgumentError, match='looks like a label.*those of weight 0 would get no attr.*Leave ys out'
        ):
            explainer.run(xs, [0, 1, 1])


# tables


pandas = pytest.importorskip('pandas')
COLUMNS = ['age', 'fare', 'class', 'deck']


def table(xs, columns=COLUMNS, **more):
    return pandas.DataFrame(xs, columns=columns, **more)


@every_method_but_zero
def test_tables_are_what_their_numbers_are(session, network, method, kwargs):
    X, T = network
    xs, ys = normal(3, 4), np.eye(3)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, **kwargs)
        np.random.seed(0)
        expected = explainer.run(xs, ys)
        np.random.seed(0)
        found = explainer.run(table(xs), pandas.DataFrame(ys))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('method', ['intgrad', 'deeplift', 'occlusion', 'shapley_sampling'])
def test_a_row_and_a_table_as_baselines(session, network, method):
    X, T = network
    xs, row, rows = normal(3, 4), normal(4, seed=1), normal(3, 4, seed=2)
    arguments = {'seed': 0} if method == 'shapley_sampling' else {}
    with DeepExplain(session=session) as de:
        for plain, given in [(row, pandas.Series(row, COLUMNS)), (rows, table(rows))]:
            expected = de.explain(method, T, X, xs, baseline=plain, **arguments)
            np.testing.assert_array_equal(de.explain(method, T, X, table(xs), baseline=given, **arguments), expected)
        if method in ('intgrad', 'deeplift'):
            expected = de.explain(method, T, X, xs, baselines=rows)
            np.testing.assert_array_equal(de.explain(method, T, X, table(xs), baselines=table(rows)), expected)
        shuffled = ['fare', 'age', 'class', 'deck']
        for given in (pandas.Series(row, COLUMNS)[shuffled], table(rows)[shuffled]):
            with pytest.raises(ArgumentError, match="baseline has its columns in another order.*'X:0'.*'fare' is col"):
                de.explain(method, T, X, table(xs), baseline=given, **arguments)


def test_columns_in_another_order_than_before_are_refused(session, network):
    X, T = network
    xs = table(normal(3, 4))
    with DeepExplain(session=session) as de:
        de.explain('saliency', T, X, xs)
        with pytest.raises(
            ArgumentError, match=r"xs has its columns in another order.*'deck' is column 0, and was col"
        ):
            de.explain('grad*input', T, X, xs[COLUMNS[::-1]])
        with pytest.raises(ArgumentError, match="'class' is column 1, and was column 2"):  # some of them
            de.explain('saliency', T, X, table(normal(3, 4), ['age', 'class', 'x', 'y']))
        for same in (xs, table(normal(3, 4), ['a', 'b', 'c', 'd']), table(normal(3, 4), ['x', 'fare', 'y', 'y'])):
            de.explain('saliency', T, X, same)
        de.explain('saliency', T, X, xs.to_numpy())
    with DeepExplain(session=session) as de:  # of another context, nothing is known
        de.explain('saliency', T, X, xs[COLUMNS[::-1]])


def test_columns_of_what_was_refused_are_not_remembered(session, network):
    X, T = network
    with DeepExplain(session=session) as de:
        with pytest.raises(ArgumentError, match='xs must have the shape'):
            de.explain('saliency', T, X, table(normal(3, 5), [*COLUMNS[::-1], 'x']))
        de.explain('saliency', T, X, table(normal(3, 4)))


def test_columns_of_several_inputs(session):
    A, B = tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float64, [None, 2])
    a, b = table(normal(3, 2), ['a', 'b']), table(normal(3, 2), ['b', 'a'])
    with DeepExplain(session=session) as de:
        T = mlp(tf.concat([A, B], axis=1))
        de.explain('saliency', T, [A, B], [a, b])
        with pytest.raises(ArgumentError, match=r'xs\[0\] has its columns in another order'):
            de.explain('saliency', T, [A, B], [b, a])


def test_rows_of_ys_in_another_order_than_those_of_xs_are_refused(session):
    X = tf.placeholder(tf.float64, [None, 4])
    xs, ys = table(normal(3, 4), index=['i', 'j', 'k']), pandas.Series([1.0, 2.0, 3.0], ['i', 'j', 'k'])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('grad*input', dense(X, 1), X)
        expected = explainer.run(xs, ys)
        with pytest.raises(ArgumentError, match=r"ys and xs have the same rows in another order: row 0 of ys is 'k'"):
            explainer.run(xs, ys[::-1])
        np.testing.assert_array_equal(explainer.run(xs, ys.reset_index(drop=True)), expected)


def test_a_set_that_a_function_makes_of_a_table(session, network):
    X, T = network
    with DeepExplain(session=session) as de, pytest.warns(DeepExplainWarning, match='6 rows for 3 samples'):
        de.explain('intgrad', T, X, table(normal(3, 4)), baselines=lambda xs: np.repeat(xs, 2, axis=0) + 1, steps=2)

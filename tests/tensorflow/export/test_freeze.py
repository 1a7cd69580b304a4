"""The explained graph without its variables: made anew elsewhere, it computes the same."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.errors import GraphError
from deepexplain.tensorflow.export import freeze
from deepexplain.tensorflow.export.freeze import Frozen

XS = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]], np.float32)


def copied(frozen, X, targets, **feeds):
    """Values of tensors in a graph of their own."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        found = frozen.at(graph, {X.name: tf.constant(XS)}).get(targets)
        return graph, session.run(found)


def variables(session, dtype=tf.float32):
    made = [tf.Variable(tf.constant([[1.0, 2.0], [0.5, -1.0], [3.0, 1.0]]), use_resource=r) for r in (False, True)]
    session.run(tf.global_variables_initializer())
    return made


def test_variables_are_constants_and_nothing_is_added_to_the_graph(session):
    X = tf.placeholder(tf.float32, [None, 3])
    old, new = variables(session)
    rows = tf.gather(new, tf.constant([2, 0]))
    T = tf.matmul(X, old) * tf.matmul(X, new) + tf.reduce_sum(rows)
    operations = len(session.graph.get_operations())
    frozen = Frozen(session, [T], [X], {})
    assert len(session.graph.get_operations()) == operations
    expected = session.run(T, {X: XS})
    session.run(new.assign(new * 2))  # the copy has the values of before
    graph, (found,) = copied(frozen, X, [T])
    np.testing.assert_array_equal(found, expected)
    assert not [op for op in graph.get_operations() if 'Var' in op.type or op.type.startswith('Placeholder')]


def test_what_is_computed_before_X_is_left_out(session):
    before = tf.placeholder(tf.float32, [None, 3], name='before')
    X = before * 2
    T = tf.square(X)
    graph, (found,) = copied(Frozen(session, [T], [X], {}), X, [T])
    np.testing.assert_array_equal(found, XS**2)
    assert 'before' not in [op.name.split('/')[-1] for op in graph.get_operations()]


def test_defaults_and_constants_stand_for_placeholders(session):
    X = tf.placeholder(tf.float32, [None, 3])
    rate, factor = tf.placeholder_with_default(2.0, []), tf.placeholder(tf.float32, [])
    T = X * rate + factor
    _, (found,) = copied(Frozen(session, [T], [X], {factor.name: np.float32(5)}), X, [T])
    np.testing.assert_array_equal(found, XS * 2 + 5)


def test_what_is_made_later_shares_what_was_made_before(session):
    X = tf.placeholder(tf.float32, [None, 3])
    hidden = tf.exp(X)
    T, Y = tf.reduce_sum(hidden, axis=1), tf.placeholder(tf.float32, [None, 3])
    U = hidden * Y
    frozen = Frozen(session, [T, U], [X, Y], {})
    with tf.Graph().as_default() as graph, tf.Session() as other:
        copy = frozen.at(graph, {X.name: tf.constant(XS)})
        (t,) = copy.get([T])
        (u,) = copy.give({Y.name: t[:, None] * tf.ones([1, 3])}).get([U])
        assert len([op for op in graph.get_operations() if op.type == 'Exp']) == 1
        np.testing.assert_allclose(other.run(u), np.exp(XS) * np.exp(XS).sum(axis=1)[:, None], rtol=1e-6)


def test_large_constants_are_in_the_graph_once_whatever_copies_it_has(session):
    X = tf.placeholder(tf.float32, [None, 3])
    large = tf.Variable(np.ones((3, freeze.SHARED // 4), np.float32))
    session.run(tf.global_variables_initializer())
    T = tf.matmul(X, large)
    frozen = Frozen(session, [T], [X], {})
    with tf.Graph().as_default() as graph:
        for _ in range(3):
            frozen.at(graph, {X.name: tf.constant(XS)}).get([T])
        assert len([op for op in graph.get_operations() if op.type == 'Const' and op.outputs[0].shape.ndims == 2]) == 4
        assert len([op for op in graph.get_operations() if 'weights' in op.name]) == 1


@pytest.mark.parametrize('use_resource', [True, False])
def test_two_copies_of_a_loop_do_not_meet(session, use_resource):
    X = tf.placeholder(tf.float32, [None, 3])
    W = tf.Variable(np.eye(3, dtype=np.float32) * 0.5, use_resource=use_resource)
    session.run(tf.global_variables_initializer())
    _, T = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.matmul(h, W) + 1), [0, X])
    (gradient,) = tf.gradients(T, X)
    frozen = Frozen(session, [T, gradient], [X], {})
    expected = session.run([T, gradient], {X: XS})
    with tf.Graph().as_default() as graph, tf.Session() as other:
        first = frozen.at(graph, {X.name: tf.constant(XS)}).get([T, gradient])
        second = frozen.at(graph, {X.name: tf.constant(2 * XS)}).get([T])
        found = other.run([*first, *second])
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)
    np.testing.assert_allclose(found[2], session.run(T, {X: 2 * XS}), rtol=1e-6)


def test_a_lookup_table_is_refused(session):
    X = tf.placeholder(tf.float32, [None, 3])
    handle = tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.float32)
    looked_up = tf.raw_ops.LookupTableFindV2(table_handle=handle, keys=tf.cast(X, tf.int64), default_value=0.0)
    with pytest.raises(GraphError, match=r"there is a lookup table, '.*' \(LookupTableFindV2|MutableHashTableV2"):
        Frozen(session, [X + looked_up], [X], {})


def test_a_variable_without_a_value_is_an_error_that_says_so(session):
    X = tf.placeholder(tf.float32, [None, 3])
    T = X * tf.Variable(1.0)
    with pytest.raises(GraphError, match='A variable has no value yet'):
        Frozen(session, [T], [X], {})


def test_weights_beyond_2_gb_are_refused_before_they_are_read(session):
    X = tf.placeholder(tf.float32, [None, 3])
    W = tf.get_variable('W', [1 << 15, 1 << 15], initializer=tf.zeros_initializer())  # 4 GB, never made
    T = X + W[0, 0]
    with pytest.raises(GraphError, match=r'The weights take 4\.0 GiB'):
        Frozen(session, [T], [X], {})


def test_a_piece_that_is_made_later_stays_in_the_loop_of_an_earlier_one(session):
    """TensorFlow 1 counts turns, for the way back, in the loop of the way there: by ops that wait for others in it."""
    X = tf.placeholder(tf.float32, [None, 3])
    _, T = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.square(h[:, ::-1]) * X), [0, X])
    (gradient,) = tf.gradients(T, X)
    frozen = Frozen(session, [T, gradient], [X], {})
    with tf.Graph().as_default() as graph, tf.Session() as other:
        copy = frozen.at(graph, {X.name: tf.constant(XS)})
        (t,) = copy.get([T])
        (found,) = copy.get([gradient])
        np.testing.assert_allclose(other.run([t, found])[1], session.run(gradient, {X: XS}), rtol=1e-5)

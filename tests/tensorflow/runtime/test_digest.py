"""A hash of what a network computes: equal for equal networks, another for any other weight, op or input."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import dense, normal
from sources import TENSORFLOW_2, trained_graph

from deepexplain.tensorflow.runtime.digest import network_digest


def digest_of(build, change=None, unrelated=0):
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default():
        for _ in range(unrelated):  # so that names count from elsewhere
            dense(tf.nn.relu(tf.zeros([1, 4])), 2)
        X = tf.placeholder(tf.float32, [None, 4])
        T = build(X)
        session.run(tf.global_variables_initializer())
        if change is not None:
            change(session)
        return network_digest(T, [X], session)


def constants(weight=0.5, last=tf.nn.relu):
    return lambda x: last(tf.matmul(x, tf.constant([[weight], [1.0], [2.0], [3.0]])))


def test_it_is_of_what_is_computed_not_of_names():
    assert digest_of(constants()) == digest_of(constants(), unrelated=3)
    others = [
        constants(np.nextafter(np.float32(0.5), np.float32(1))),
        constants(last=tf.nn.elu),
        lambda x: x,
        tf.nn.relu,
    ]
    assert len({digest_of(constants()), *map(digest_of, others)}) == 5


def test_it_is_of_how_ops_are_connected():
    def difference(first, second):
        return lambda x: tf.nn.relu(x[:, first]) - tf.nn.relu(x[:, second])

    assert digest_of(difference(0, 1)) != digest_of(difference(1, 0))
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default():
        A, B = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [None])
        assert network_digest(A - B, [A, B], session) != network_digest(A - B, [B, A], session)


@pytest.mark.parametrize('resource', [True, False])
def test_it_is_of_what_variables_hold_and_adds_nothing(resource):
    def build(x):
        with tf.variable_scope('net', use_resource=resource):
            return tf.matmul(x, tf.get_variable('w', initializer=np.float32(normal(4, 2))))

    def change(session):
        variable = session.graph.get_collection('variables')[0]
        value = session.run(variable)
        value[2, 1] = np.nextafter(value[2, 1], np.float32(9))
        variable.load(value, session)

    assert digest_of(build) == digest_of(build)
    assert digest_of(build) != digest_of(build, change)
    with tf.Session(graph=tf.Graph()) as session:
        X, T = trained_graph(session)
        count = len(session.graph.get_operations())
        network_digest(T, [X], session)
        assert len(session.graph.get_operations()) == count


def test_variables_that_are_read_in_functions_only(session):
    if not TENSORFLOW_2:
        pytest.skip('functions of TensorFlow 2')
    X = tf.placeholder(tf.float32, [None, 4])
    weights = tf.get_variable('w', initializer=np.float32(normal(4, 2)), use_resource=True)
    import tensorflow as tf2

    def of(scale):
        return tf2.function(lambda x: tf.matmul(x, weights) * scale)(X)

    first, same, other = of(2.0), of(2.0), of(3.0)
    session.run(tf.global_variables_initializer())
    before = network_digest(first, [X], session)
    assert network_digest(same, [X], session) == before  # though the function has another name
    assert network_digest(other, [X], session) != before
    weights.load(session.run(weights) + 1, session)
    assert network_digest(first, [X], session) != before


def test_loops_have_one_too(session):
    def looped(last):
        X = tf.placeholder(tf.float32, [None, 4])
        return X, tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, last(h)), [tf.constant(0), X])[1]

    digests = [network_digest(T, [X], session) for X, T in map(looped, (tf.nn.relu, tf.nn.relu, tf.nn.elu))]
    assert digests[0] == digests[1] != digests[2]

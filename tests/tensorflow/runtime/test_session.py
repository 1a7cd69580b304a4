"""The session that runs, and what users feed into it."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import Recorder, normal

from deepexplain.errors import ArgumentError
from deepexplain.tensorflow.runtime.session import Feeds, Runner


def test_a_feed_of_another_shape_is_refused(session):
    mask = tf.placeholder(tf.float32, [None, 3], name='mask')
    with pytest.raises(ArgumentError, match=r"value of 'mask:0' must have shape \((\?|None), 3\); got \(5, 2\)"):
        Feeds(mask.graph, {mask: np.ones((5, 2))}, 5, [])
    assert Feeds(mask.graph, {mask: np.ones((5, 3))}, 5, []).per_row


@pytest.mark.parametrize('one_thread', [False, True])
@pytest.mark.parametrize('rows', [1, 100_000])  # a small run, which may stay in its thread, and a large one
def test_the_runner_gives_what_the_session_gives(session, one_thread, rows):
    X = tf.placeholder(tf.float32, [None, 4])
    fetches = [X + 1, tf.reduce_sum(X)]
    xs = normal(rows, 4).astype('float32')
    runner = Runner(session, one_thread)
    for _ in range(2):  # compiled, and kept
        for found, expected in zip(runner.run(fetches, [(X, xs)]), session.run(fetches, {X: xs})):
            np.testing.assert_array_equal(found, expected)
    assert len(runner._compiled) == 1


def test_the_runner_sees_new_weights_and_later_ops(session):
    X = tf.placeholder(tf.float32, [None])
    weight = tf.Variable(2.0)
    product = X * weight
    session.run(weight.initializer)
    runner = Runner(session)
    one = np.ones(1, 'float32')
    assert runner.run([product], [(X, one)])[0] == [2]
    session.run(weight.assign(3.0))
    assert runner.run([product], [(X, one)])[0] == [3]
    assert runner.run([product + weight], [(X, one)])[0] == [6]


def test_a_session_of_another_kind_is_run_as_it_is(session):
    X = tf.placeholder(tf.float32, [None])
    recorder = Recorder(session, X.name)
    np.testing.assert_array_equal(Runner(recorder).run([X * 2], [(X, np.ones(3, 'float32'))])[0], [2, 2, 2])
    assert recorder.rows == [3]


def test_errors_of_a_run_are_those_of_the_session(session):
    X = tf.placeholder(tf.float32, [None], name='X')
    four = tf.reshape(X, [4], name='four')
    with pytest.raises(tf.errors.InvalidArgumentError, match='3 values, but the requested shape has 4') as caught:
        Runner(session).run([four], [(X, np.ones(3, 'float32'))])
    assert caught.value.op is four.op
    session.close()
    with pytest.raises(RuntimeError, match='closed Session'):
        Runner(session).run([four], [(X, np.ones(4, 'float32'))])


def test_what_is_fed_is_not_asked_for(session):
    X = tf.placeholder(tf.float32, [None])
    one = np.ones(1, 'float32')
    runner = Runner(session)
    assert runner.run([X], [(X, one)])[0] is one
    doubled, x = runner.run([X * 2, X], [(X, one)])
    assert (doubled, x) == ([2], [1])


def test_a_replaced_run_is_called_once(session, monkeypatch):
    calls, run = [], session.run

    def traced(fetches, feed_dict):
        calls.append(fetches)
        return run(fetches, feed_dict)

    monkeypatch.setattr(session, 'run', traced)
    X = tf.placeholder(tf.float32, [None])
    with pytest.raises(tf.errors.InvalidArgumentError):
        Runner(session).run([tf.reshape(X, [4])], [(X, np.ones(3, 'float32'))])
    assert len(calls) == 1


def test_a_long_graph_does_not_fill_the_stack(session):
    # On TensorFlow 1.15 a run in the caller's thread would call itself from op to op.
    h = X = tf.placeholder(tf.float32, [None, 2])
    sides = []
    for _ in range(1500):
        h = tf.matmul(h, np.eye(2, dtype='float32'))
        sides.append(tf.matmul(h, np.ones((2, 1), 'float32')))
    found = Runner(session, one_thread=True).run([tf.add_n(sides)], [(X, np.ones((1, 2), 'float32'))])[0]
    assert found == [[3000]]

"""Reading graphs: paths, placeholders, function bodies, sizes."""

import pytest
import tensorflow.compat.v1 as tf
from small import mlp

from deepexplain.tensorflow.runtime.graph import ancestors, data_sources, ops_between, row_bytes
from deepexplain.tensorflow.runtime.hidden import hidden_ops


def names(ops):
    return [op.name for op in ops]


def test_ops_between_are_on_a_path_from_X_to_T(session):
    X = tf.placeholder(tf.float32, [None, 2], name='X')
    a = tf.tanh(X, name='a')
    beside = tf.placeholder(tf.float32, [None, 2], name='beside')
    b = tf.add(a, tf.tanh(beside, name='other'), name='b')
    tf.tanh(b, name='downstream')
    tf.tanh(X, name='dead_end')
    assert names(ops_between(b, [X])) == ['a', 'b']
    assert names(ops_between(b, [X, beside])) == ['a', 'other', 'b']
    assert names(ops_between(b, [a])) == ['b']
    assert ops_between(a, [beside]) == []
    assert ops_between(X, [X]) == []


def test_ancestors_stop_at_tensors_that_are_fed(session):
    X = tf.placeholder(tf.float32, [2], name='X')
    halves = tf.split(X, 2, name='split')
    T = tf.add(halves[0], halves[1], name='T')
    assert {op.name for op in ancestors([T], [])} == {'T', 'split', 'split/split_dim', 'X'}
    assert {op.name for op in ancestors([T], halves)} == {'T'}
    # One of two outputs of an op is fed: the op runs for the other.
    assert 'X' in {op.name for op in ancestors([T], halves[:1])}


def test_placeholders_of_a_run_include_those_behind_control_dependencies(session):
    X, checked = tf.placeholder(tf.float32, [2], name='X'), tf.placeholder(tf.float32, [], name='checked')
    tf.placeholder(tf.float32, [], name='unused')
    with tf.control_dependencies([tf.identity(checked)]):
        T = tf.identity(X) + tf.placeholder_with_default(0.0, [], name='default')
    assert names(data_sources([T], [])) == ['X', 'checked', 'default']
    assert names(data_sources([T], [X])) == ['checked', 'default']


def test_hidden_ops_follow_functions_that_call_functions(session):
    X = tf.placeholder(tf.float32, [None, 2])

    @tf.function
    def inner(x):
        return tf.tanh(x)

    @tf.function
    def outer(x):
        return tf.exp(inner(x))

    T = tf.nn.relu(outer(X))
    ((op, types),) = hidden_ops(ops_between(T, [X]))
    assert op.type == 'PartitionedCall'
    assert {'Tanh', 'Exp'} <= types
    assert 'Relu' not in types
    assert list(hidden_ops(ops_between(mlp(X), [X]))) == []


@pytest.mark.parametrize(
    ('shape', 'sample', 'expected'),
    [
        ([None, 4], (4,), 8 * 4),  # the first layer has 8 values of 4 bytes
        ([None, 100], (100,), 100 * 4),  # X itself is the widest
    ],
)
def test_row_bytes_is_the_largest_tensor_of_one_sample(session, shape, sample, expected):
    X = tf.placeholder(tf.float32, shape)
    assert row_bytes(ops_between(mlp(X), [X]), [X], [sample]) == expected


def test_row_bytes_takes_open_dimensions_from_the_samples(session):
    X = tf.placeholder(tf.float32, [None, None, 4])
    T = tf.nn.conv1d(X, tf.zeros([3, 4, 32]), 1, 'SAME')
    assert row_bytes(ops_between(T, [X]), [X], [(1000, 4)]) == 1000 * 32 * 4

"""One call's rows: cut, repeated, padded."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal

from deepexplain.tensorflow.runtime.session import Call, Feeds, bounded_rows, chunks


class Echo:
    """A session that returns what it is fed."""

    def run(self, fetches, feed_dict):
        return [feed_dict[tensor.name] for tensor in fetches]


@pytest.fixture
def tensors(session):
    X = tf.placeholder(tf.float64, [None, 2], name='X')
    Y = tf.placeholder_with_default(np.ones((), 'float64'), None, name='Y')
    side = tf.placeholder(tf.float64, [None], name='side')
    return X, Y, side


def call(tensors, n=5, fixed_rows=None, ys=None, side=None):
    X, Y, side_tensor = tensors
    feeds = Feeds(X.graph, {} if side is None else {side_tensor: side}, n, [X, Y])
    return Call(Echo(), [X], Y, [normal(n, 2)], ys, feeds, fixed_rows)


def test_parts_cover_the_samples(tensors):
    assert call(tensors).parts(2) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert call(tensors).parts(9) == [slice(0, 5)]


def test_copies_take_ys_and_feeds_with_them(tensors):
    X, Y, side = tensors
    ys = np.arange(10.0).reshape(5, 2)
    one = call(tensors, ys=(ys, True), side=np.arange(5.0))
    rows = [np.tile(normal(5, 2)[2:4], (3, 1))]
    found_x, found_y, found_side = one.run([X, Y, side], slice(2, 4), rows)
    np.testing.assert_array_equal(found_x, rows[0])
    np.testing.assert_array_equal(found_y, np.tile(ys[2:4], (3, 1)))
    np.testing.assert_array_equal(found_side, [2, 3, 2, 3, 2, 3])


def test_padding_repeats_the_last_row_and_is_trimmed(tensors):
    X, Y, side = tensors
    one = call(tensors, fixed_rows=4, ys=(np.arange(5.0), True), side=np.arange(5.0))
    found = one.run([X, Y, side], slice(3, 5), trim=False)
    np.testing.assert_array_equal(found[0], normal(5, 2)[[3, 4, 4, 4]])
    np.testing.assert_array_equal(found[1:], [[3, 4, 4, 4]] * 2)
    np.testing.assert_array_equal(one.run([side], slice(3, 5))[0], [3, 4])


def test_values_without_a_row_a_sample_are_fed_whole(tensors):
    side = tensors[2]
    assert not call(tensors, side=np.arange(3.0)).feeds.per_row
    np.testing.assert_array_equal(call(tensors, side=np.arange(3.0)).run([side], slice(0, 2))[0], [0, 1, 2])
    assert call(tensors, side=np.arange(5.0)).feeds.per_row


def test_a_probe_repeats_samples_and_what_belongs_to_them(tensors):
    X, _, side = tensors
    probe = call(tensors, ys=(np.arange(5.0), True), side=np.arange(5.0)).probe([4, 0, 4])
    assert (probe.n, probe.weights) == (3, None)
    np.testing.assert_array_equal(probe.run([X], slice(0, 3))[0], normal(5, 2)[[4, 0, 4]])
    np.testing.assert_array_equal(probe.run([side], slice(0, 3))[0], [4, 0, 4])


def test_chunks():
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(chunks([], 2)) == []


def test_bounded_rows():
    assert [bounded_rows(size) for size in (4, 1 << 20, 1 << 30)] == [512, 32, 1]

"""Loops in a graph, next to those of Python."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from deepexplain.tensorflow.export.loops import collected, pieces, repeat_each, repeat_rows, repeated


@settings(max_examples=20)
@given(st.lists(st.integers(0, 4), max_size=5))
def test_pieces_of_any_length_are_put_together_in_order(lengths):
    rows = np.arange(sum(lengths) * 2, dtype=np.float32).reshape(-1, 2)
    ends = np.cumsum([0, *lengths]).astype(np.int32)
    with tf.Graph().as_default(), tf.Session() as session:
        x, borders = tf.constant(rows), tf.constant(ends)
        together, firsts = collected(
            tf.constant(len(lengths)),
            lambda i: [x[borders[i] : borders[i + 1]], x[borders[i] : borders[i + 1], 0] * 2],
            [(tf.float32, [None, 2]), (tf.float32, [None])],
        )
        assert together.shape.as_list() == [None, 2]
        found = session.run([together, firsts])
    np.testing.assert_array_equal(found[0], rows)
    np.testing.assert_array_equal(found[1], rows[:, 0] * 2)


def test_a_loop_in_a_loop_hands_on_its_state():
    with tf.Graph().as_default(), tf.Session() as session:
        start = tf.constant([1.0, 2.0])

        def turn(i, total):
            (inner,) = repeated(i, lambda j, z: [z + tf.cast(j, tf.float32)], [start], [start.shape])
            return [total + inner]

        (found,) = repeated(tf.constant(4), turn, [tf.zeros([2])], [start.shape])
        # Four times the start, and 0, 0, 0 + 1, 0 + 1 + 2.
        np.testing.assert_array_equal(session.run(found), [4 + 4, 8 + 4])


@pytest.mark.parametrize(('total', 'size', 'count'), [(0, 3, 0), (1, 3, 1), (3, 3, 1), (4, 3, 2)])
def test_how_many_pieces(total, size, count):
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(pieces(tf.constant(total), tf.constant(size))) == count


def test_rows_again_and_again_and_each_so_many_times():
    rows = np.arange(6).reshape(2, 3)
    with tf.Graph().as_default(), tf.Session() as session:
        again, each = session.run([repeat_rows(tf.constant(rows), 3), repeat_each(tf.constant(rows), 3)])
    np.testing.assert_array_equal(again, np.tile(rows, (3, 1)))
    np.testing.assert_array_equal(each, np.repeat(rows, 3, axis=0))

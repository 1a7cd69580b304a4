"""Attributions of tokens."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal, weights

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.tensorflow import embedding_outputs, per_token


def test_outputs_of_two_embeddings(session):
    ids = tf.placeholder(tf.float32, [None, 3], name='ids')
    words = tf.gather(weights(9, 4), tf.cast(ids, tf.int32))
    places = tf.one_hot(tf.cast(ids, tf.int32), 9)
    T = tf.reduce_sum(tf.nn.relu(tf.concat([words, places], axis=-1)), axis=[1, 2])
    found = embedding_outputs(T, ids)
    assert len(found) == 2
    assert found[0] is words
    assert found[1] is places


def test_the_embedding_before_a_loop(session):
    ids = tf.placeholder(tf.int32, [None, 3], name='ids')
    words = tf.gather(weights(9, 4), ids)
    T = tf.reduce_sum(tf.map_fn(tf.nn.relu, words), axis=[1, 2])
    assert embedding_outputs(T, ids) == [words] or embedding_outputs(T, ids)[0] is words


def test_masks_are_not_embeddings(session):
    ids = tf.placeholder(tf.int32, [None, 3], name='ids')
    words = tf.gather(weights(9, 4), ids)
    mask = tf.cast(tf.not_equal(ids, 0), tf.float32)
    found = embedding_outputs(tf.reduce_sum(words * mask[:, :, None], axis=[1, 2]), ids)
    assert len(found) == 1
    assert found[0] is words


def test_no_embedding(session):
    ids = tf.placeholder(tf.int32, [None, 3], name='ids')
    T = tf.constant(1.0, name='T')
    with pytest.raises(ArgumentError, match="No embedding was found on the way from 'ids:0' to 'T:0'"):
        embedding_outputs(T, ids)


def test_the_last_axis_is_summed():
    attributions = normal(2, 3, 4)
    found = per_token(attributions)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[1, 2], sum(attributions[1, 2]))


def test_a_list_of_several_inputs():
    found = per_token([normal(2, 3, 4), normal(2, 5, 1)])
    assert [one.shape for one in found] == [(2, 3), (2, 5)]


def test_one_axis_is_too_few():
    with pytest.raises(
        ArgumentError, match=r'must have the axes tokens and embedding dimensions last; got shape \(3,\)'
    ):
        per_token(normal(3))


def test_names_are_of_the_default_graph(session):
    ids = tf.placeholder(tf.int32, [None, 3], name='ids')
    words = tf.gather(weights(9, 4), ids)
    tf.reduce_sum(words, axis=[1, 2], name='T')
    assert embedding_outputs('T:0', 'ids')[0] is words


def test_what_has_a_gradient_is_explained_itself(session):
    X = tf.placeholder(tf.float32, [None, 3], name='X')
    T = tf.reduce_sum(tf.nn.relu(X), axis=1, name='T')
    assert embedding_outputs('T:0', 'X:0')[0] is X
    with pytest.raises(ArgumentError, match="No embedding was found on the way from 'X:0' to 'Round:0'"):
        embedding_outputs(tf.round(T), X)


@pytest.mark.parametrize('attributions', [[[1, 2], [1]], 'words', np.ones((2, 2)) + 1j, None])
def test_attributions_are_numbers(attributions):
    with pytest.raises((ArgumentError, ArgumentTypeError), match='^attributions must'):
        per_token(attributions)

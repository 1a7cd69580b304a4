"""Hypothetical contributions: the formula, and that the letters that are there add up to what a network says."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.sequences import dinucleotide_shuffles, hypothetical_contributions, to_one_hot
from deepexplain.tensorflow import DeepExplain


def normal(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def slow(m, r):
    """One sequence, one reference, letter by letter."""
    result = np.empty(m.shape)
    for i in range(len(m)):
        for c in range(m.shape[1]):
            placed = np.eye(m.shape[1])[c]
            result[i, c] = sum(m[i, a] * (placed[a] - r[i, a]) for a in range(m.shape[1]))
    return result


def test_one_sequence():
    m, r = normal(7, 4), normal(7, 4, seed=1)
    np.testing.assert_allclose(hypothetical_contributions(m, r), slow(m, r))


def test_several_sequences_and_references():
    m, r = normal(3, 5, 7, 4), normal(3, 5, 7, 4, seed=1)
    every = np.array([[slow(*pair) for pair in zip(*of_sample)] for of_sample in zip(m, r)])
    np.testing.assert_allclose(hypothetical_contributions(m, r), every.mean(axis=1))
    np.testing.assert_allclose(
        hypothetical_contributions(m, r[0]), hypothetical_contributions(m, np.broadcast_to(r[0], r.shape))
    )
    np.testing.assert_allclose(hypothetical_contributions(m[:, 0], r[:, 0]), every[:, 0])
    np.testing.assert_allclose(hypothetical_contributions(m[:, 0], r[0, 0])[2], slow(m[2, 0], r[0, 0]))
    np.testing.assert_array_equal(hypothetical_contributions(m[0, 0], 0), m[0, 0])


@pytest.mark.parametrize('method', [('deeplift', {'rules': 'complete'}), ('intgrad', {'steps': 500})])
def test_the_letters_that_are_there_add_up_to_the_difference(method):
    name, arguments = method
    xs = to_one_hot(['ACGTTGCAGG', 'GGATATTACC', 'TTTACGCGTA'])
    shuffles = dinucleotide_shuffles(xs, 6, seed=0)
    flat = shuffles.reshape(-1, 10, 4)
    with tf.Session(graph=tf.Graph()) as session:
        X = tf.placeholder(tf.float32, [None, 10, 4])
        hidden = tf.nn.relu(tf.tensordot(X, tf.constant(normal(10, 4, 8), tf.float32), 2))
        T = tf.tensordot(hidden, tf.constant(normal(8, seed=1), tf.float32), 1)
        with DeepExplain(session=session) as de:
            multipliers = de.explain(
                name, T, X, np.repeat(xs, 6, axis=0), baseline=flat, multiply_by_inputs=False, **arguments
            )
            contributions = de.explain(name, T, X, np.repeat(xs, 6, axis=0), baseline=flat, **arguments)
        at_xs, at_shuffles = session.run(T, {X: xs}), session.run(T, {X: flat}).reshape(3, 6)
    hypothetical = hypothetical_contributions(multipliers.reshape(shuffles.shape), shuffles)
    there = (hypothetical * xs).sum(axis=-1)
    mean = contributions.reshape(shuffles.shape).sum(axis=-1).mean(axis=1)
    np.testing.assert_allclose(there, mean, atol=1e-5)
    np.testing.assert_allclose(there.sum(axis=1), at_xs - at_shuffles.mean(axis=1), atol=0.02)


@pytest.mark.parametrize(
    ('m', 'r', 'error', 'message'),
    [
        (np.ones(4), 0, ArgumentError, r'multipliers must have the axes \(length, alphabet\), .* got shape \(4,\)'),
        (np.ones((0, 4)), 0, ArgumentError, r'multipliers must have the axes .* got shape \(0, 4\)'),
        (
            np.ones((2, 7, 4)),
            np.ones((2, 5, 7, 4)),
            ArgumentError,
            r'got \(2, 5, 7, 4\)\. With several references, gi',
        ),
        (np.ones((2, 7, 4)), np.ones((7, 3)), ArgumentError, r'or that without samples, \(7, 4\); got \(7, 3\)\.$'),
        (np.ones((7, 4)), np.ones(4), ArgumentError, r'have the shape of multipliers, \(7, 4\); got \(4,\)\.$'),
        (np.ones((7, 4)), 1, ArgumentError, 'references must be 0 or an array with a row for each position; got 1.0'),
        (np.ones((7, 4)), None, ArgumentTypeError, 'references must be an array; got None'),
        (np.full((7, 4), np.inf), 0, ArgumentError, 'multipliers must be finite'),
        (np.ones((7, 4)), np.full((7, 4), np.nan), ArgumentError, 'references must be finite'),
    ],
)
def test_arguments(m, r, error, message):
    with pytest.raises(error, match=message):
        hypothetical_contributions(m, r)

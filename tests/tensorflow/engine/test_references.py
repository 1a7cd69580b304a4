"""What ops are at the baseline: where references come from, and that they meet their samples."""

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import (
    Layer,
    batch_major,
    build,
    one_long_row,
    samples,
    samples_last,
    time_major,
    unstacked,
)

from deepexplain.tensorflow import DeepExplain


def test_deeplift_references_follow_the_weights(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        w = tf.Variable(np.array([[1.0], [2.0]]))
        b = tf.Variable(np.array(1.0))
        T = tf.tanh(tf.matmul(X, w) + b)
        train = [tf.assign(w, [[-1.0], [0.5]]), tf.assign(b, 0.25)]
        explainer = de.get_explainer('deeplift', T, X)
        session.run(tf.global_variables_initializer())
        x = np.array([[1.0, 0.5], [0.0, -1.0]])
        before = explainer.run(x)
        session.run(train)
        after = explainer.run(x)
    np.testing.assert_allclose(before.sum(axis=1), np.tanh(x.dot([1, 2]) + 1) - np.tanh(1), rtol=1e-12)
    np.testing.assert_allclose(after.sum(axis=1), np.tanh(x.dot([-1, 0.5]) + 0.25) - np.tanh(0.25), rtol=1e-12)


@pytest.mark.parametrize('layout', [batch_major, time_major, unstacked, samples_last, one_long_row])
def test_deeplift_meets_its_references_wherever_the_samples_axis_is(session, layout):
    # One layer for each of three time steps, then one over all: the same network in any layout of its activations.
    steps = oracle.Layer(np.kron(np.eye(3), Layer.w), np.tile(Layer.b, 3), 'Tanh')
    rng = np.random.RandomState(4)
    top = oracle.Layer(rng.randn(6, 2), rng.randn(2), 'Softplus')
    network = oracle.Network([steps, top], (3, 4))
    xs, ys = samples(network, n=5)
    baseline = rng.randn(3, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 3, 4])
        H = layout(X, Layer())
        T = build(oracle.Network([top], (6,)), tf.reshape(H, [-1, 6]))
        explainer = de.get_explainer('deeplift', T, X, baseline=baseline)
    formula = oracle.deeplift(network, xs, ys, baseline)
    for batch_size in (None, 1, 2, 5):
        np.testing.assert_allclose(explainer.run(xs, ys, batch_size), formula, rtol=1e-8, atol=1e-11)

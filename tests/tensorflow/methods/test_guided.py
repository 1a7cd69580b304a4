"""guided_backprop and deconvnet, against the chain rule written out in NumPy."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

METHODS = ['guided_backprop', 'deconvnet']
W = [normal(4, 7, seed=1), normal(7, 6, seed=2), normal(6, 3, seed=3)]


def network(X, dtype=tf.float64):
    h = tf.nn.relu(tf.matmul(X, tf.constant(W[0], dtype)) + 0.2)
    h = tf.nn.relu(tf.matmul(h, tf.constant(W[1], dtype)) - 0.1)
    return tf.matmul(h, tf.constant(W[2], dtype))


def by_hand(method, x, ys):
    """Of one sample, a unit at a time."""
    z1 = [sum(x[i] * W[0][i, j] for i in range(4)) + 0.2 for j in range(7)]
    a1 = [max(z, 0) for z in z1]
    z2 = [sum(a1[i] * W[1][i, j] for i in range(7)) - 0.1 for j in range(6)]

    def back(g, z):
        return g if g > 0 and (z > 0 or method == 'deconvnet') else 0.0

    g2 = [back(sum(W[2][j, k] * ys[k] for k in range(3)), z2[j]) for j in range(6)]
    g1 = [back(sum(W[1][j, k] * g2[k] for k in range(6)), z1[j]) for j in range(7)]
    return [sum(W[0][j, k] * g1[k] for k in range(7)) for j in range(4)]


@pytest.mark.parametrize('method', METHODS)
def test_it_is_the_chain_rule_with_another_relu(session, method):
    X = tf.placeholder(tf.float64, [None, 4])
    T = network(X)
    xs, ys = normal(9, 4), normal(9, 3, seed=5)
    expected = [by_hand(method, x, y) for x, y in zip(xs, ys)]
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X)
    np.testing.assert_allclose(explainer.run(xs, ys), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(explainer.run(xs, ys, batch_size=2), expected, rtol=1e-12, atol=1e-12)
    each = explainer.run(xs, 'each')
    for k in range(3):
        one_hot = np.eye(3)[k]
        np.testing.assert_allclose(each[k], [by_hand(method, x, one_hot) for x in xs], rtol=1e-12, atol=1e-12)
    assert {row.treatment for row in explainer.describe().rows if row.type == 'Relu'} == {method.split('_')[0]}


@pytest.mark.parametrize('method', METHODS)
def test_other_activations_have_their_gradient(session, method):
    X = tf.placeholder(tf.float64, [None, 4])
    h = tf.tanh(tf.matmul(X, tf.constant(W[0])))
    T = tf.matmul(tf.nn.relu6(h), tf.constant(W[1]))
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        with pytest.warns(DeepExplainWarning, match='no op of type Relu between X and T, .*it is the gradient'):
            found = de.explain(method, T, X, xs)
        np.testing.assert_allclose(found, de.explain('saliency', T, X, xs, absolute=False))


@pytest.mark.parametrize('method', METHODS)
def test_relu_in_a_loop_has_the_rule_too(session, method):
    X = tf.placeholder(tf.float64, [None, 4])
    w = tf.constant(normal(4, 4, seed=4))

    def step(h):
        return tf.nn.relu(tf.matmul(h, w) + 0.1)

    looped = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, step(h)), [0, X])[1]
    unrolled = step(step(step(X)))
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        expected = de.explain(method, tf.matmul(unrolled, w), X, xs)
        np.testing.assert_allclose(de.explain(method, tf.matmul(looped, w), X, xs), expected, rtol=1e-12)

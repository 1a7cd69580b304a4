"""Every method, small networks and a session that keeps a record, for tests of behaviour rather than of numbers."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain

#: Every method, with arguments that make it quick.
METHODS = [
    ('zero', {}),
    ('saliency', {}),
    ('grad*input', {}),
    ('intgrad', {'steps': 7}),
    ('elrp', {'epsilon': 0.01}),
    ('deeplift', {}),
    ('occlusion', {}),
    ('shapley_sampling', {'samples': 2}),
]
NAMES = [name for name, _ in METHODS]
ARGUMENTS = dict(METHODS)
GRADIENT = METHODS[:6]
PERTURBATION = METHODS[6:]
SEVERAL_INPUTS = GRADIENT

every_name = pytest.mark.parametrize('method', NAMES)
every_method = pytest.mark.parametrize(('method', 'kwargs'), METHODS, ids=[name for name, _ in METHODS])
# zero is zero in every row, so rows cannot differ
every_method_but_zero = pytest.mark.parametrize(
    ('method', 'kwargs'), METHODS[1:], ids=[name for name, _ in METHODS[1:]]
)
gradient_methods = pytest.mark.parametrize(('method', 'kwargs'), GRADIENT, ids=[name for name, _ in GRADIENT])
perturbation_methods = pytest.mark.parametrize(
    ('method', 'kwargs'), PERTURBATION, ids=[name for name, _ in PERTURBATION]
)


def normal(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def weights(*shape, seed=1, dtype=tf.float32):
    return tf.constant(normal(*shape, seed=seed), dtype)


def dense(h, units, seed=1):
    return tf.matmul(h, weights(h.shape.as_list()[-1], units, seed=seed, dtype=h.dtype))


def mlp(X, outputs=3, activation=tf.nn.relu):
    """X [samples, features] -> 8 -> 6 -> outputs, with biases."""
    h = activation(dense(X, 8, 1) + 0.1)
    h = tf.nn.tanh(dense(h, 6, 2) - 0.1)
    return dense(h, outputs, 3) + 0.2


def convolutional(X):
    """T, shape [samples, 3], of X [samples, 6, 5, 1]: convolution, overlapping max pooling, softmax at the end."""
    kernel = tf.constant(normal(3, 2, 1, 4, seed=1), X.dtype)
    h = tf.nn.relu(tf.nn.conv2d(X, kernel, [1, 1, 1, 1], 'SAME') - 0.1)
    h = tf.nn.max_pool(h, [1, 2, 2, 1], [1, 1, 1, 1], 'VALID')
    return tf.nn.softmax(dense(tf.reshape(h, [-1, 5 * 4 * 4]), 3))


def recurrent(X):
    """T, shape [samples, 3], of X [samples, 6, 5, 1]: a small recurrence over the rows, written out."""
    h = tf.zeros_like(X[:, 0, :, 0])
    for t in range(6):
        h = tf.nn.tanh(X[:, t, :, 0] + dense(h, 5, seed=2) * 0.5)
    return dense(h, 3)


def products(X):
    """T, shape [samples, 2, 3], of X [samples, 6, 5, 1]: products of parts of X, several axes of outputs."""
    h = X[..., 0]
    h = tf.matmul(h, h, transpose_a=True)[:, :2, :3]
    return tf.nn.sigmoid(h) * h


#: Of an input of shape [samples, 6, 5, 1].
ARCHITECTURES = {f.__name__: f for f in (convolutional, recurrent, products)}


class Recorder:
    """A session that records the rows of X in each run, and passes everything on."""

    def __init__(self, session, x_name='Placeholder:0'):
        self.session, self.graph, self.x_name = session, session.graph, x_name
        self.rows = []

    def run(self, fetches, feed_dict=None):
        self.rows.append(len(feed_dict[self.x_name]))
        return self.session.run(fetches, feed_dict)


def explain(session, method, build, xs, X=None, **kwargs):
    """Attributions of build(X), the same random orders each time."""
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4]) if X is None else X
        np.random.seed(0)
        return de.explain(method, build(X), X, xs, **kwargs)


def run(explainer, *args, **kwargs):
    """``explainer.run``, with the same random orders each time."""
    np.random.seed(0)
    return explainer.run(*args, **kwargs)


def sparse(rng, *shape):
    """Random numbers of which about half are zero."""
    return rng.randn(*shape) * rng.randint(0, 2, shape)

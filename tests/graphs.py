"""Networks of the oracle, the same as TensorFlow graphs, and the shortest way to an attribution."""

from contextlib import contextmanager

import numpy as np
import tensorflow.compat.v1 as tf
from hypothesis import Phase, settings
from oracle import random_network

from deepexplain.tensorflow import DeepExplain

#: Op type -> TensorFlow's function; not the library's own table, so that this one checks it.
FUNCTIONS = {
    'Relu': tf.nn.relu,
    'Elu': tf.nn.elu,
    'Sigmoid': tf.nn.sigmoid,
    'Tanh': tf.nn.tanh,
    'Softplus': tf.nn.softplus,
}

_rng = np.random.RandomState(20)

NETWORKS = {name: random_network(_rng, (5,), [6, 4, 3], [name, name, None]) for name in FUNCTIONS}
NETWORKS['linear'] = random_network(_rng, (5,), [4, 3], [None, None])
NETWORKS['all five'] = random_network(_rng, (4,), [6, 6, 5, 5, 4, 3], [*FUNCTIONS, None])
NETWORKS['no last layer'] = random_network(_rng, (4,), [5, 2], ['Softplus', 'Sigmoid'])
NETWORKS['convolution'] = random_network(_rng, (4, 3, 2), [5, 3], ['Relu', 'Tanh', None], kernel=(2, 2, 3))


def samples(network, n=4, seed=0):
    """Random samples, the same in every call, and weights of the outputs for them."""
    rng = np.random.RandomState(seed)
    return rng.randn(n, *network.shape), rng.randn(n, network(np.zeros((1, *network.shape))).shape[1])


def build(network, X):
    """T, shape [samples, outputs], of an oracle.Network on the tensor X."""
    A = X
    for weights, bias, activation in network.layers:
        weights = tf.constant(weights, X.dtype)
        if weights.shape.ndims == 4:
            A = tf.nn.conv2d(A, weights, strides=[1, 1, 1, 1], padding='VALID')
        else:
            A = tf.matmul(tf.reshape(A, [-1, weights.shape.as_list()[0]]), weights)
        A = A + tf.constant(bias, X.dtype)
        A = A if activation is None else FUNCTIONS[activation](A)
    return A


#: For properties of random networks: every example builds a graph, and a seed has nothing simpler to shrink to.
few_examples = settings(max_examples=8, phases=[Phase.generate])


@contextmanager
def context():
    """A DeepExplain context on a fresh graph; for property tests, whose examples cannot share a fixture."""
    graph = tf.Graph()
    with graph.as_default(), tf.Session(graph=graph) as session, DeepExplain(session=session) as de:
        yield de


def explain(method, network, xs, ys=None, batch_size=None, dtype=tf.float64, **arguments):
    """Attributions by the library. ``network`` is an oracle.Network or any function of X that gives T."""
    build_target = network if not hasattr(network, 'layers') else lambda X: build(network, X)
    with context() as de:
        X = tf.placeholder(dtype, [None, *np.shape(xs)[1:]])
        return de.explain(method, build_target(X), X, xs, ys, batch_size, **arguments)


def time_major(X, layer):
    # [samples, 3, 4] -> [3 * samples, 4]: the first axis of the activation is time, then samples.
    return tf.transpose(tf.reshape(layer(tf.reshape(tf.transpose(X, [1, 0, 2]), [-1, 4])), [3, -1, 2]), [1, 0, 2])


def batch_major(X, layer):
    return tf.reshape(layer(tf.reshape(X, [-1, 4])), [-1, 3, 2])


def unstacked(X, layer):
    return tf.stack([layer(step) for step in tf.unstack(X, num=3, axis=1)], axis=1)


def samples_last(X, layer):
    # [2, 3 * samples]: the samples are in the last axis of the activation.
    return batch_major(X, lambda rows: transposed(rows, layer))


def transposed(rows, layer):
    return tf.transpose(layer.on_columns(tf.transpose(rows)))


def one_long_row(X, layer):
    # [1, 3 * samples, 4], as layers do that treat the whole batch as one sequence.
    return tf.reshape(layer(tf.reshape(X, [1, -1, 4])), [-1, 3, 2])


class Layer:
    """tanh(v w + b) of vectors v of size 4, in the last axis or, on_columns, in the first."""

    w = np.random.RandomState(3).randn(4, 2)
    b = np.array([0.5, -1.0])

    def __call__(self, V):
        return tf.tanh(tf.tensordot(V, tf.constant(self.w), 1) + self.b)

    def on_columns(self, V):
        return tf.tanh(tf.matmul(self.w.T, V) + self.b[:, None])

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

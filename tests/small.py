"""Small networks and a session that keeps a record, for tests of behaviour rather than of numbers."""

import numpy as np
import tensorflow.compat.v1 as tf

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
GRADIENT = METHODS[:6]
PERTURBATION = METHODS[6:]
SEVERAL_INPUTS = GRADIENT


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


class Recorder:
    """A session that records the rows of X in each run, and passes everything on."""

    def __init__(self, session, x_name='Placeholder:0'):
        self.session, self.graph, self.x_name = session, session.graph, x_name
        self.rows = []

    def run(self, fetches, feed_dict=None):
        self.rows.append(len(feed_dict[self.x_name]))
        return self.session.run(fetches, feed_dict)

"""One small classifier in all the ways in which people have models, and what its attributions are."""

import importlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal

from deepexplain.tensorflow import DeepExplain

TENSORFLOW_2 = not tf.__version__.startswith('1.')
#: Whether Keras 3 goes with this TensorFlow, and tf-keras beside it; before 2.16 there is tf.keras alone, a Keras 2.
KERAS_3 = tuple(map(int, tf.__version__.split('.')[:2])) >= (2, 16)
needs_keras_3 = pytest.mark.skipif(not KERAS_3, reason='needs Keras 3, which came with TensorFlow 2.16')

W1, B1, W2, B2 = (w.astype(np.float32) for w in (normal(4, 6), normal(6, seed=1), normal(6, 3, seed=2), normal(3)))
XS = normal(5, 4, seed=7)
YS = np.eye(3)[[0, 1, 2, 0, 1]]


def network(x, w1=W1, b1=B1, w2=W2, b2=B2):
    """Probabilities [samples, 3] of x [samples, 4], of named ops."""
    hidden = tf.nn.relu(tf.matmul(x, w1) + b1, name='hidden')
    return tf.nn.softmax(tf.add(tf.matmul(hidden, w2), b2, name='logits'), name='probabilities')


def probabilities(xs):
    logits = np.maximum(xs @ W1 + B1, 0) @ W2 + B2
    e = np.exp(logits)
    return e / e.sum(axis=1, keepdims=True)


def attributions():
    """Of XS by deeplift, YS selecting the logit: from a graph that is built by hand."""
    with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        return de.explain('deeplift', network(X).op.inputs[0], X, XS, ys=YS)


def assert_explained(model, logits=None):
    """That an open model computes, and is explained as, the network."""
    with DeepExplain(session=model.session) as de:
        found = model.session.run(model.outputs[0], {model.inputs[0]: XS})
        np.testing.assert_allclose(found, probabilities(XS), rtol=1e-4)
        found = de.explain('deeplift', model.logits if logits is None else logits, model.inputs[0], XS, ys=YS)
    np.testing.assert_allclose(found, attributions(), rtol=1e-3, atol=1e-5)


def keras_2():
    """The Keras 2 that goes with this TensorFlow."""
    return importlib.import_module('tf_keras' if KERAS_3 else 'tensorflow.keras')


def keras_network(keras, **options):
    """A Keras model with these weights; ``keras`` is any Keras."""
    first, last = {'activation': 'relu', 'name': 'hidden'}, {'activation': 'softmax', 'name': 'probabilities'}
    x = keras.layers.Input((4,), name='x')
    h = keras.layers.Dense(6, **first)(x)
    h = keras.layers.Dropout(0.5)(h)
    model = keras.Model(x, keras.layers.Dense(3, **last)(h), **options)
    model.set_weights([W1, B1, W2, B2] + model.get_weights()[4:])  # Keras 3 counts dropout's seed among them
    return model


def trained_graph(session):
    """X and T of the network in the session's graph, its weights in initialized variables."""
    with session.graph.as_default():
        X = tf.placeholder(tf.float32, [None, 4], name='x')
        T = network(X, *[tf.Variable(w, name=f'w{i}') for i, w in enumerate((W1, B1, W2, B2))])
        session.run(tf.global_variables_initializer())
    return X, T

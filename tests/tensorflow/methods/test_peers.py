"""deeplift's rules='complete' and the numbers of SHAP 0.51 and Captum 0.9, where their definitions agree with ours.

All agree on the Rescale rule. SHAP's max pooling and products are ours, too. Captum's max pooling does not add up on
this network: it reports deltas of 2.97, 1.82, 5.07 and -0.32 itself, where SHAP's attributions and ours have none; so
it is not compared.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain

PEERS = Path(__file__).parents[2] / 'peers'
_spec = importlib.util.spec_from_file_location('make_peers', str(PEERS / 'make.py'))
_make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_make)
P = _make.parameters()


def dense(X):
    hidden = tf.tanh(tf.matmul(X, P['w1']) + P['b1'])
    return tf.matmul(tf.nn.relu(tf.matmul(hidden, P['w2']) + P['b2']), P['w3'])


def pooled(X):
    hidden = tf.nn.relu(tf.nn.conv2d(X, P['kernel'], [1, 1, 1, 1], 'VALID') + P['b4'])
    return tf.matmul(tf.reshape(tf.nn.max_pool2d(hidden, 2, 2, 'VALID'), [-1, 36]), P['w5'])


def gated(X):
    return tf.matmul(tf.tanh(tf.matmul(X, P['w1']) + P['b1']) * tf.sigmoid(tf.matmul(X, P['w6'])), P['w7'][:, :1])


@pytest.mark.parametrize(
    ('peer', 'network', 'build', 'xs', 'baseline'),
    [
        ('captum', 'dense', dense, P['rows'], P['row'][0]),
        ('shap', 'dense', dense, P['rows'], P['row'][0]),
        ('shap', 'pooled', pooled, P['images'], P['image'][0]),
        ('shap', 'gated', gated, P['rows'], P['row'][0]),
    ],
    ids=['Captum, Rescale', 'SHAP, Rescale', 'SHAP, max pooling', 'SHAP, products'],
)
def test_complete_rules_agree_with_a_peer(session, peer, network, build, xs, baseline):
    expected = np.load(str(PEERS / (peer + '.npz')))[network]
    X = tf.placeholder(tf.float32, [None, *xs.shape[1:]])
    with DeepExplain(session=session) as de:
        found = de.explain('deeplift', build(X), X, xs, rules='complete', baseline=baseline)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-5 * np.abs(expected).max())


def probability(x):
    z = np.maximum(x @ P['w1'] + P['b1'], 0) @ P['w7']
    exp = np.exp(z - z.max(axis=1, keepdims=True))
    return (exp / exp.sum(axis=1, keepdims=True))[:, 0]


def test_softmax_is_each_library_s_own(session):
    # Captum multiplies by the change of each probability over that of its own logit, and takes the mean off: that does
    # not add up. SHAP rescales exponentials of the logits less the largest one, at x and at the baseline, and shares
    # the quotient: that adds up, but which logit is the largest changes it. Ours rescales the logarithm of the sum of
    # exponentials, which nothing has to be taken off, and then the exponential of the difference.
    X = tf.placeholder(tf.float32, [None, 6])
    T = tf.nn.softmax(tf.matmul(tf.nn.relu(tf.matmul(X, P['w1']) + P['b1']), P['w7']))
    with DeepExplain(session=session) as de:
        ours = de.explain('deeplift', T, X, P['rows'], [1, 0, 0], rules='complete', baseline=P['row'][0])
    captum, shap = (np.load(str(PEERS / (peer + '.npz')))['softmax'] for peer in ('captum', 'shap'))
    change = probability(P['rows']) - probability(P['row'])
    np.testing.assert_allclose(ours.sum(axis=1), change, atol=1e-6)
    np.testing.assert_allclose(shap.sum(axis=1), change, atol=1e-6)
    assert np.abs(captum.sum(axis=1) - change).max() > 0.01
    assert np.abs(shap - ours).max() > 0.01

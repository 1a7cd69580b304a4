"""deeplift's rules='complete' and the numbers of SHAP 0.51 and Captum 0.9, where their definitions agree with ours.

All agree on the Rescale rule. SHAP's max pooling is ours, too. Captum's does not add up on this network: it reports
deltas of 2.97, 1.82, 5.07 and -0.32 itself, where SHAP's attributions and ours have none; so it is not compared.
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


@pytest.mark.parametrize(
    ('peer', 'network', 'build', 'xs', 'baseline'),
    [
        ('captum', 'dense', dense, P['rows'], P['row'][0]),
        ('shap', 'dense', dense, P['rows'], P['row'][0]),
        ('shap', 'pooled', pooled, P['images'], P['image'][0]),
    ],
    ids=['Captum, Rescale', 'SHAP, Rescale', 'SHAP, max pooling'],
)
def test_complete_rules_agree_with_a_peer(session, peer, network, build, xs, baseline):
    expected = np.load(str(PEERS / (peer + '.npz')))[network]
    X = tf.placeholder(tf.float32, [None, *xs.shape[1:]])
    with DeepExplain(session=session) as de:
        found = de.explain('deeplift', build(X), X, xs, rules='complete', baseline=baseline)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-5 * np.abs(expected).max())

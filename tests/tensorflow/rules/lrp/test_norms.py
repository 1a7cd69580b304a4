"""Normalizations of the sample: fused ops and what is written out are the same layer, and that is a formula."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal

from deepexplain.tensorflow import DeepExplain

EPS = 1e-3
#: Keras of TensorFlow 1.15 has no fused layer norm either.
NO_KERNEL = 'the CPU kernel of TensorFlow 1.15 takes no channels first'
GAMMA, BETA = normal(6, seed=1), normal(6, seed=2)
XS = normal(3, 4, 6, seed=3)


def as_numbers(*values):
    return [tf.constant(value, tf.float32) for value in values]


def written_out(X, gamma, beta):
    mean = tf.reduce_mean(X, -1, keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(X, tf.stop_gradient(mean)), -1, keepdims=True)
    return (X - mean) * tf.math.rsqrt(variance + EPS) * gamma + beta


def fused(X, gamma, beta):
    """As Keras 2 has it: samples and places are channels."""
    if tf.__version__.startswith('1.'):
        pytest.skip(NO_KERNEL)
    places = tf.shape(X)[0] * 4
    image = tf.reshape(X, tf.stack([1, places, 6, 1]))
    z, _, _ = tf.nn.fused_batch_norm(
        image, tf.ones([places]), tf.zeros([places]), epsilon=EPS, data_format='NCHW', is_training=True
    )
    return tf.reshape(z, tf.shape(X)) * gamma + beta


def by_hand(x, R, gamma, beta, eps):
    """The epsilon rule, with the spread held: of the product, of the difference, and of the mean."""
    mean = x.mean(axis=-1, keepdims=True)
    d = x - mean
    shares = d * gamma / np.sqrt((d**2).mean(axis=-1, keepdims=True) + EPS)
    z = shares + beta
    of_d = shares * R / (z + eps * np.where(z >= 0, 1, -1))
    c = of_d / (d + eps * np.where(d >= 0, 1, -1))
    of_mean = (-mean * c).sum(axis=-1, keepdims=True)
    return x * c + x / 6 * of_mean / (mean + eps * np.where(mean >= 0, 1, -1))


def explained(norm, gamma=GAMMA, beta=BETA, **arguments):
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default(), DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4, 6])
        T = norm(X, *as_numbers(gamma, beta))
        explainer = de.get_explainer('lrp', T, X, strict=True, **arguments)
        found, delta = explainer.run(XS, ys=np.ones((4, 6)), return_convergence_delta=True)
        return found, delta, session.run(T, {X: XS}), explainer


@pytest.mark.parametrize('norm', [written_out, fused])
@pytest.mark.parametrize('epsilon', [1e-6, 0.05])
def test_epsilon_rule_of_a_normalization(norm, epsilon):
    found, _, outputs, _ = explained(norm, epsilon=epsilon, stabilizer=epsilon)
    want = by_hand(XS, outputs, GAMMA, BETA, epsilon)
    np.testing.assert_allclose(found, want, rtol=2e-3, atol=2e-4 * np.abs(want).max())


@pytest.mark.parametrize('rule', ['epsilon', 'gamma', 'zplus', 'alphabeta', 'wsquare', 'flat'])
def test_fused_or_not_does_not_matter(rule):
    want, _, _, _ = explained(written_out, rules=[('norm', rule)], epsilon=0.1, stabilizer=0.01)
    found, _, _, explainer = explained(fused, rules=[('norm', rule)], epsilon=0.1, stabilizer=0.01)
    np.testing.assert_allclose(found, want, rtol=2e-3, atol=2e-4 * np.abs(want).max())
    treatments = {row.type: row.treatment for row in explainer.describe().rows}
    assert treatments['FusedBatchNormV3'] == f'{rule} (norm)'
    assert treatments['AddV2'].startswith(f"{rule} (norm) with 'FusedBatchNorm")


def test_relevance_is_kept_where_there_is_no_term():
    found, delta, outputs, _ = explained(fused, beta=np.zeros(6), epsilon=1e-9)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), outputs.sum(axis=(1, 2)), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(delta, 0, atol=1e-3)


def test_norms_of_more_axes_have_their_weights_with_them(session):
    X = tf.placeholder(tf.float64, [None, 4, 6])
    gamma, beta = normal(4, 6, seed=5), normal(4, 6, seed=6)
    mean, variance = tf.nn.moments(X, [1, 2], keepdims=True)
    T = tf.add((X - mean) * tf.math.rsqrt(variance + EPS) * gamma, beta, name='shifted')
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('lrp', T, X)
        assert {r.op: r.treatment for r in explainer.describe().rows}['shifted'].startswith('epsilon (norm) with')
        found = explainer.run(XS)
    d = XS - XS.mean(axis=(1, 2), keepdims=True)
    spread = np.sqrt((d**2).mean(axis=(1, 2), keepdims=True) + EPS)
    c = gamma / spread  # R over what it is a share of: T itself
    want = XS * (c - c.mean(axis=(1, 2), keepdims=True))
    np.testing.assert_allclose(found, want, rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(tf.__version__.startswith('1.'), reason=NO_KERNEL)
def test_instances_whose_scale_and_term_are_in_the_fused_op(session):
    X = tf.placeholder(tf.float32, [None, 3, 3, 2])
    image = tf.reshape(tf.transpose(X, [0, 3, 1, 2]), [1, -1, 3, 3])
    gamma, beta = (tf.tile(tf.constant(v, tf.float32), [tf.shape(X)[0]]) for v in ([2.0, -1.0], [0.3, 0.7]))
    z, _, _ = tf.nn.fused_batch_norm(image, gamma, beta, epsilon=EPS, data_format='NCHW', is_training=True)
    T = tf.reshape(z, [-1, 18])
    xs = normal(2, 3, 3, 2)
    with DeepExplain(session=session) as de:
        found = de.explain('lrp', T, X, xs, strict=True)
        outputs = session.run(T, {X: xs}).reshape(2, 2, 3, 3)
    x = xs.transpose(0, 3, 1, 2)
    d = x - x.mean(axis=(2, 3), keepdims=True)
    share = np.array([2.0, -1.0])[:, None, None] / np.sqrt((d**2).mean(axis=(2, 3), keepdims=True) + EPS)
    np.testing.assert_allclose(d * share + np.array([0.3, 0.7])[:, None, None], outputs, rtol=1e-4, atol=1e-5)
    c = share * np.ones_like(d)
    want = x * (c - c.mean(axis=(2, 3), keepdims=True))
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), want, rtol=2e-3, atol=2e-3)

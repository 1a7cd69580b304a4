"""Which ops make up a layer: attributions do not depend on how a network was written down."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal

from deepexplain.tensorflow import DeepExplain

#: All options are given to all rules.
pytestmark = pytest.mark.filterwarnings('ignore:.*(is|are) not used')

GAMMA, BETA, MEAN, VARIANCE = normal(4, seed=1), normal(4, seed=2), normal(4, seed=3), normal(4, seed=4) ** 2
EPS = 1e-3


def fused(z):
    statistics = [tf.constant(v, tf.float32) for v in (GAMMA, BETA, MEAN, VARIANCE)]
    z = tf.cast(z, tf.float32)
    return tf.cast(tf.nn.fused_batch_norm(z, *statistics, epsilon=EPS, is_training=False)[0], tf.float64)


def raw(z):
    return tf.nn.batch_normalization(z, MEAN, VARIANCE, BETA, GAMMA, EPS)


def long(z):
    return (z - MEAN) / tf.sqrt(tf.constant(VARIANCE) + EPS) * GAMMA + BETA


def folded(X):
    scale = GAMMA / np.sqrt(VARIANCE + EPS)
    return tf.nn.bias_add(tf.nn.conv2d(X, KERNEL * scale, 1, 'SAME'), BETA + (BIAS - MEAN) * scale)


KERNEL, BIAS = normal(3, 3, 2, 4, seed=5), normal(4, seed=6)
WAYS = {
    'raw': lambda X: raw(tf.nn.conv2d(X, KERNEL, 1, 'SAME') + BIAS),
    'long': lambda X: long(tf.nn.bias_add(tf.nn.conv2d(X, KERNEL, 1, 'SAME'), BIAS)),
    'padded before': lambda X: raw(
        tf.nn.conv2d(tf.pad(X, [[0, 0], [1, 1], [1, 1], [0, 0]]), KERNEL, 1, 'VALID') + BIAS
    ),
    'bias of four axes': lambda X: raw(tf.nn.conv2d(X, KERNEL, 1, 'SAME') + BIAS.reshape(1, 1, 1, 4)),
    'with identities': lambda X: tf.identity(raw(tf.identity(tf.nn.conv2d(X, KERNEL, 1, 'SAME')) + BIAS)),
}
COMPOSITES = {
    'epsilon': {'epsilon': 0.3},
    'zplus': {},
    'alphabeta': {},
    'gamma': {},
    'wsquare': {},
    'flat': {},
    'zbox': {'low': -9, 'high': 9},
}


def explained(layer, composite, **options):
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default(), DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 5, 5, 2])
        T = tf.matmul(tf.reshape(tf.nn.relu(layer(X)), [-1, 100]), tf.constant(normal(100, 3)))
        return de.explain('lrp', T, X, normal(3, 5, 5, 2, seed=9), composite=composite, **options)


@pytest.mark.parametrize('composite', COMPOSITES)
@pytest.mark.parametrize('way', WAYS)
def test_ops_do_not_matter(way, composite):
    want = explained(folded, composite, **COMPOSITES[composite])
    found = explained(WAYS[way], composite, **COMPOSITES[composite])
    np.testing.assert_allclose(found, want, rtol=1e-7, atol=1e-9)


def described(T, X, session, **options):
    with DeepExplain(session=session) as de:
        return {row.op: row.treatment for row in de.get_explainer('lrp', T, X, **options).describe().rows}


def test_shortcuts_close_a_layer_and_norms_before_pass(session):
    X = tf.placeholder(tf.float64, [None, 5, 5, 4], name='x')
    z = tf.nn.conv2d(X, normal(3, 3, 4, 4), 1, 'SAME', name='conv')
    T = tf.add(tf.add(z, 1.5, name='bias'), X, name='shortcut')
    found = described(T, X, session)
    assert found['bias'] == "zplus (convolution) with 'conv'"
    assert found['shortcut'] == 'epsilon (sum)'
    before = tf.nn.conv2d(tf.multiply(X, GAMMA, name='norm'), normal(3, 3, 4, 4), 1, 'SAME')
    assert described(before, X, session)['norm'] == 'passes relevance'


def test_two_readers_end_a_layer(session):
    X = tf.placeholder(tf.float64, [None, 4], name='x')
    z = tf.matmul(X, tf.constant(normal(4, 4)), name='dense')
    T = tf.add(tf.nn.relu(tf.add(z, BIAS, name='one')), tf.nn.tanh(z), name='T')
    found = described(T, X, session)
    assert found['one'] == 'passes relevance'
    assert found['T'] == 'epsilon (sum)'


def test_products_without_biases_that_are_summed_are_one_layer(session):
    X = tf.placeholder(tf.float64, [None, 4], name='x')
    H = tf.placeholder(tf.float64, [None, 3], name='h')
    z = tf.matmul(X, tf.constant(normal(4, 5)), name='wx') + tf.matmul(H, tf.constant(normal(3, 5)), name='wh') + 0.25
    xs, hs = normal(3, 4), normal(3, 3)
    with DeepExplain(session=session) as de:
        T = tf.nn.relu(z)
        for composite in ('epsilon', 'gamma', 'alphabeta', 'wsquare', 'flat'):
            found = de.explain('lrp', T, [X, H], [xs, hs], composite=composite)
            both = tf.placeholder(tf.float64, [None, 7])
            joined = tf.matmul(both, tf.constant(np.concatenate([normal(4, 5), normal(3, 5)]))) + 0.25
            want = de.explain('lrp', tf.nn.relu(joined), both, np.concatenate([xs, hs], axis=1), composite=composite)
            np.testing.assert_allclose(np.concatenate(found, axis=1), want, rtol=1e-9)


KERNELS = {
    'depthwise': (lambda X, w: tf.nn.depthwise_conv2d(X, w, [1, 2, 2, 1], 'SAME'), (3, 3, 2, 3)),
    'strided': (lambda X, w: tf.nn.conv2d(X, w, 2, 'VALID'), (2, 2, 2, 3)),
    'dilated by batches': (
        lambda X, w: tf.raw_ops.BatchToSpaceND(
            input=tf.nn.conv2d(tf.space_to_batch_nd(X, [2, 2], [[2, 4], [2, 4]]), w, 1, 'VALID'),
            block_shape=[2, 2],
            crops=[[0, 2], [0, 2]],
        ),
        (3, 3, 2, 3),
    ),
    'transposed': (
        lambda X, w: tf.nn.conv2d_transpose(X, w, [tf.shape(X)[0], 12, 12, 3], 2, 'SAME'),
        (3, 3, 3, 2),
    ),
    'of one axis': (lambda X, w: tf.nn.conv1d(tf.reshape(X, [-1, 36, 2]), w, 1, 'SAME'), (5, 2, 3)),
    'of three axes': (lambda X, w: tf.nn.conv3d(tf.expand_dims(X, 1), w, [1] * 5, 'SAME'), (1, 3, 3, 2, 3)),
    'einsum': (lambda X, w: tf.einsum('nhwc,cd->nhwd', X, w), (2, 3)),
    'dense of a sequence': (lambda X, w: tf.tensordot(X, w, 1), (2, 3)),
    'batches of matrices': (lambda X, w: tf.matmul(X, tf.tile(w[None, None], [tf.shape(X)[0], 6, 1, 1])), (2, 3)),
}


@pytest.mark.parametrize('composite', ['epsilon', 'zplus', 'gamma', 'wsquare', 'flat', 'zbox'])
@pytest.mark.parametrize('kind', KERNELS)
def test_every_kind_of_product_with_weights(session, kind, composite):
    # Against the formulas, with the matrix of the op read off unit inputs.
    from test_formulas import one_layer

    build, shape = KERNELS[kind]
    w, X = normal(*shape, seed=3), tf.placeholder(tf.float64, [None, 6, 6, 2])
    xs = normal(2, 6, 6, 2, seed=4)
    with DeepExplain(session=session) as de:
        z = build(X, tf.constant(w))
        channels = z.shape.as_list()[-1]
        T = tf.reshape(tf.add(z, normal(channels, seed=5)), [tf.shape(X)[0], -1])
        options = {'low': -9, 'high': 9, 'epsilon': 0.1, 'gamma': 0.5, 'stabilizer': 1e-6}
        found = de.explain('lrp', T, X, xs, composite=composite, **options)
        unit = np.eye(72).reshape(72, 6, 6, 2)
        matrix = session.run(z, {X: unit}).reshape(72, -1)
        ones = session.run(build(X, tf.constant(np.ones(shape))), {X: unit}).reshape(72, -1)
        biases = np.tile(normal(channels, seed=5), matrix.shape[1] // channels)
        outputs = session.run(T, {X: xs})
    for x, T_of_x, a in zip(xs.reshape(2, -1), outputs, found):
        want = one_layer(composite, x, matrix, biases, ones, T_of_x, **{**options, 'bias': True})
        np.testing.assert_allclose(a.ravel(), want, rtol=1e-6, atol=1e-6 * np.abs(want).max())

"""The networks that the peers explain too: their weights, by NumPy, and their graphs."""

import numpy as np
import tensorflow.compat.v1 as tf

MLP_SHAPES = [(327, 256), (256, 256), (256, 111)]
CNN_SHAPES = [(3, 3, 1, 32), (3, 3, 32, 64), (12 * 12 * 64, 128), (128, 10)]
GENOMIC_SHAPES = [(19, 4, 64), (11, 64, 64), (62 * 64, 64), (64, 2)]


def parameters(shapes, seed):
    """A list of (weights, biases), one pair a layer."""
    rng = np.random.RandomState(seed)
    return [
        (
            (rng.randn(*shape) * np.sqrt(2 / np.prod(shape[:-1]))).astype(np.float32),
            (rng.randn(shape[-1]) * 0.1).astype(np.float32),
        )
        for shape in shapes
    ]


def dense(h, layer):
    """A fully connected layer."""
    weights, biases = layer
    return tf.matmul(h, tf.Variable(weights)) + tf.Variable(biases)


def conv(h, layer, stride=1):
    """A convolution without padding."""
    weights, biases = layer
    return tf.nn.conv2d(h, tf.Variable(weights), [1, stride, stride, 1], 'VALID') + tf.Variable(biases)


def mlp(X, layers):
    """327 features -> 256 relu -> 256 relu -> 111 logits."""
    h = X
    for layer in layers[:-1]:
        h = tf.nn.relu(dense(h, layer))
    return dense(h, layers[-1])


def cnn(X, layers):
    """28x28x1 -> conv 32 relu -> conv 64 relu -> max pooling -> dense 128 relu -> 10 logits."""
    h = tf.nn.relu(conv(X, layers[0]))
    h = tf.nn.relu(conv(h, layers[1]))
    h = tf.nn.max_pool2d(h, 2, 2, 'VALID')
    h = tf.nn.relu(dense(tf.reshape(h, [-1, 12 * 12 * 64]), layers[2]))
    return dense(h, layers[3])


def genomic(X, layers):
    """1000x4 -> twice: conv of 19 or 11 bases, 64 relu, max pooling of 4 -> dense 64 relu -> 2 logits."""
    h = X
    for weights, biases in layers[:2]:
        h = tf.nn.relu(tf.nn.conv1d(h, tf.Variable(weights), 1, 'SAME') + tf.Variable(biases))
        h = tf.squeeze(tf.nn.max_pool2d(h[:, None], [1, 4], [1, 4], 'VALID'), [1])
    return dense(tf.nn.relu(dense(tf.reshape(h, [-1, 62 * 64]), layers[2])), layers[3])


#: Name -> (shape of a sample, graph, weights): what peers are given.
SHARED = {
    'MLP': ((327,), mlp, parameters(MLP_SHAPES, seed=1)),
    'CNN': ((28, 28, 1), cnn, parameters(CNN_SHAPES, seed=2)),
    'genomic': ((1000, 4), genomic, parameters(GENOMIC_SHAPES, seed=11)),
}

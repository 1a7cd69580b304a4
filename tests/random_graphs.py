"""Random graphs of ops of all kinds: steps from [samples, WIDTH] to [samples, WIDTH], and networks of them."""

import numpy as np
import tensorflow.compat.v1 as tf
from rule_cases import BINARY, UNARY, built, existing

WIDTH = 6


def into(h, low, high):
    """Values squeezed into a range, so that any function may follow on any other."""
    return low + (high - low) * tf.sigmoid(h)


def dense(h, units, rng):
    return tf.matmul(h, tf.constant(rng.randn(h.shape.as_list()[1], units) / np.sqrt(units), h.dtype)) + rng.randn(
        units
    )


def unary(op_type):
    _, low, high = UNARY[op_type]
    return lambda h, g, rng: built(op_type, into(h, low, high))


def binary(op_type):
    _, low, high = BINARY[op_type]
    return lambda h, g, rng: built(op_type, into(h, low, high), into(g, low, high))


def pool(h, g, rng):
    image = tf.reshape(tf.concat([h, g], 1), [-1, 4, 3, 1])
    return tf.reshape(tf.nn.max_pool(image, [1, 2, 2, 1], [1, 1, 1, 1], 'VALID'), [-1, WIDTH])


def pool_and_convolve(h, g, rng):
    image = tf.nn.conv2d(tf.reshape(tf.concat([h, g], 1), [-1, 4, 3, 1]), rng.randn(2, 2, 1, 2), [1, 1, 1, 1], 'SAME')
    return tf.reshape(tf.nn.max_pool(image, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME'), [-1, 8])[:, :WIDTH]


def largest(h, g, rng):
    return h - tf.reduce_max(g, 1, keepdims=True) + tf.reduce_min(h, 1, keepdims=True)


def attention(h, g, rng):
    q, k, v = (tf.reshape(z, [-1, 3, 2]) for z in (dense(h, 6, rng), dense(g, 6, rng), h))
    return tf.reshape(tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True)), v), [-1, WIDTH])


def layer_norm(h, g, rng):
    mean, variance = tf.nn.moments(h, [1], keepdims=True)
    return (h - mean) / tf.sqrt(variance + 1e-2) * g


def gates(h, g, rng):
    return tf.sigmoid(dense(h, WIDTH, rng)) * tf.tanh(g) + (1 - tf.sigmoid(h)) * g


def spectrum(h, g, rng):
    return tf.abs(tf.signal.fft(tf.complex(h, g)))


STEPS = {
    **{op_type: unary(op_type) for op_type in existing(UNARY)},
    **{op_type: binary(op_type) for op_type in existing(BINARY)},
    'MaxPool': pool,
    'convolution': pool_and_convolve,
    'Max and Min': largest,
    'TopKV2': lambda h, g, rng: tf.nn.top_k(h, WIDTH).values + tf.nn.top_k(g, 1).values,
    'Select': lambda h, g, rng: tf.where(h > g, h * h, tf.sin(g)),
    'Softmax': lambda h, g, rng: tf.nn.softmax(h) * g,
    'LogSoftmax': lambda h, g, rng: tf.nn.log_softmax(h + g),
    'logsumexp': lambda h, g, rng: h - tf.reduce_logsumexp(g, 1, keepdims=True),
    'BatchMatMul': attention,
    'layer norm': layer_norm,
    'gates': gates,
    'ComplexAbs': spectrum,
    'dense': lambda h, g, rng: tf.nn.relu(dense(tf.concat([h, g], 1), WIDTH, rng)),
    'stop_gradient': lambda h, g, rng: h * tf.stop_gradient(g),
    'l2_normalize': lambda h, g, rng: tf.nn.l2_normalize(h, 1),
    'cumsum and reverse': lambda h, g, rng: tf.cumsum(tf.reverse(h, [1]), 1) - g,
}


def network(steps, seed, outputs=2, table=STEPS):
    """A function of X [samples, 6]: each step is applied to the last value and another one of before."""

    def build(X):
        rng = np.random.RandomState(seed)
        values = [X, dense(X, WIDTH, rng)]
        for name, other in steps:
            h, g = values[-1], values[other % len(values)]
            h = table[name](h, g, rng)
            h.set_shape([None, WIDTH])
            values.append(0.5 * (h + values[-1]))  # so that no step is without a gradient
        return dense(tf.concat(values[-2:], 1), outputs, rng)

    return build


def samples(seed, n=3):
    """Samples and a baseline, some values of which are the same."""
    rng = np.random.RandomState(seed)
    xs, baseline = 1.5 * rng.randn(n, WIDTH), 1.5 * rng.randn(WIDTH)
    xs[:, 1] = baseline[1]
    return xs, baseline

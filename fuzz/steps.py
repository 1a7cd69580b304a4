"""Steps of random graphs, [samples, WIDTH] to [samples, WIDTH]: those of the tests, and layers and control flow."""

import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'tests'))

from random_graphs import STEPS, WIDTH, dense, into, network, samples

__all__ = ['EVERY', 'WIDTH', 'network', 'samples']


def _image(h, g):
    return tf.reshape(tf.concat([h, g], 1), [-1, 4, 3, 1])


def _flat(image):
    return tf.reshape(image, [-1, int(np.prod(image.shape.as_list()[1:]))])


def strided(h, g, rng):
    kernel = tf.constant(rng.randn(3, 2, 1, 3), h.dtype)
    return dense(_flat(tf.nn.conv2d(_image(h, g), kernel, [1, 2, 1, 1], 'SAME')), WIDTH, rng)


def depthwise(h, g, rng):
    kernel = tf.constant(rng.randn(2, 2, 1, 2), h.dtype)
    return dense(_flat(tf.nn.depthwise_conv2d(_image(h, g), kernel, [1, 1, 1, 1], 'VALID')), WIDTH, rng)


def transposed(h, g, rng):
    kernel, image = tf.constant(rng.randn(2, 2, 1, 1), h.dtype), _image(h, g)
    return dense(_flat(tf.nn.conv2d_transpose(image, kernel, [tf.shape(image)[0], 8, 6, 1], [1, 2, 2, 1])), WIDTH, rng)


def average(h, g, rng):
    return tf.reshape(tf.nn.avg_pool2d(_image(h, g), [1, 2, 1, 1], [1, 2, 1, 1], 'VALID'), [-1, WIDTH])


def batch_norm(h, g, rng):
    mean, variance, offset, scale = (tf.constant(rng.uniform(0.5, 2, WIDTH), h.dtype) for _ in range(4))
    return tf.nn.batch_normalization(h, mean, variance, offset, scale, 1e-3)


def fused_batch_norm(h, g, rng):
    mean, variance, offset, scale = (tf.constant(rng.uniform(0.5, 2, 1), tf.float32) for _ in range(4))
    image = tf.cast(_image(h, g), tf.float32)
    found = tf.nn.fused_batch_norm(image, scale, offset, mean, variance, is_training=False)[0]
    return tf.cast(tf.reshape(found, [-1, 12])[:, ::2], h.dtype)


def bottleneck(h, g, rng):
    return dense(tf.nn.elu(dense(h, 2, rng)), WIDTH, rng)


def recurrence(h, g, rng):
    w, state = tf.constant(rng.randn(2, 2) / 2, h.dtype), g[:, :2]
    for step in tf.unstack(tf.reshape(h, [-1, 3, 2]), axis=1):
        state = tf.tanh(step + tf.matmul(state, w))
    return tf.concat([state, h[:, 2:]], 1)


def loop(h, g, rng):
    w = tf.constant(rng.randn(WIDTH, WIDTH) / 3, h.dtype)
    return tf.while_loop(lambda i, _: i < 3, lambda i, z: (i + 1, tf.tanh(tf.matmul(z, w)) + g), [0, h])[1]


def branch(h, g, rng):
    return tf.cond(tf.constant(bool(rng.randint(2))), lambda: tf.nn.softplus(h) * g, lambda: h - tf.square(g))


def gathered(h, g, rng):
    return tf.gather(h, rng.randint(0, WIDTH, WIDTH), axis=1) + tf.reverse(g, [1])


def sliced(h, g, rng):
    k = rng.randint(1, WIDTH)
    return tf.concat([h[:, k:], g[:, :k]], 1)


def padded(h, g, rng):
    return tf.pad(h[:, 1:-1], [[0, 0], [1, 1]]) + tf.pad(g, [[0, 0], [1, 1]], 'REFLECT')[:, :WIDTH]


def shuffled(h, g, rng):
    return tf.reshape(tf.transpose(tf.reshape(h, [-1, 2, 3]), [0, 2, 1]), [-1, WIDTH])


def einsum(h, g, rng):
    return tf.reshape(tf.einsum('nij,nkj->nik', tf.reshape(h, [-1, 2, 3]), tf.reshape(g, [-1, 2, 3])), [-1, 4])[
        :, :1
    ] + tf.zeros_like(h)


def squeeze_and_excite(h, g, rng):
    return h * tf.sigmoid(tf.reduce_mean(g, 1, keepdims=True) * rng.randn())


def split_and_swap(h, g, rng):
    a, b = tf.split(h, 2, 1)
    return tf.concat([b, tf.tanh(a)], 1)


def response_norm(h, g, rng):
    image = tf.cast(tf.reshape(tf.concat([h, g], 1), [-1, 2, 2, 3]), tf.float32)
    return tf.cast(tf.reshape(tf.nn.lrn(image, 1, 1.0, 0.5, 0.75), [-1, 12])[:, :WIDTH], h.dtype)


def clipped(h, g, rng):
    return tf.clip_by_value(h, -0.7, 0.9) + tf.minimum(g, h)


def norms(h, g, rng):
    return h / (1 + tf.norm(into(g, 0.5, 2), axis=1, keepdims=True)) + tf.reduce_prod(into(h, 0.5, 1), 1, keepdims=True)


def sorted_values(h, g, rng):
    return tf.sort(h, axis=1) - g


_OWN = [
    strided, depthwise, transposed, average, batch_norm, fused_batch_norm, bottleneck, recurrence, loop, branch,
    gathered, sliced, padded, shuffled, einsum, squeeze_and_excite, split_and_swap, response_norm, clipped, norms,
    sorted_values,
]  # fmt: skip

#: Name -> step. The layers that networks are made of come more often than each single function.
EVERY = {**STEPS, **{step.__name__: step for step in _OWN}}

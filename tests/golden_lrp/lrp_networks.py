"""The networks behind golden.json, as plain TensorFlow-1 graphs with fixed weights, and the comparison.

    X, T, tensors = build(golden, arrays, 'cnn')           # in the default graph
    failures = compare(golden, arrays, explain)            # explain(case, network, xs, ys) -> array, or None to skip

TensorFlow 1.15 and 2.x. The weights are constants: nothing needs to be initialized.
"""

import json
import os

import numpy as np

try:
    import tensorflow.compat.v1 as tf
except ImportError:  # TensorFlow 1.x
    import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))


def load(folder=HERE):
    with open(os.path.join(folder, 'golden.json')) as file:
        golden = json.load(file)
    return golden, dict(np.load(os.path.join(folder, 'arrays.npz')))


def _activation(op, z):
    if op == 'leaky_relu':
        return tf.nn.leaky_relu(z, 0.2)
    return {'relu': tf.nn.relu, 'tanh': tf.tanh, 'sigmoid': tf.sigmoid, 'softplus': tf.nn.softplus, 'elu': tf.nn.elu}[
        op
    ](z)


def _batchnorm(a, z, eps, how):
    gamma, beta, mean, var = (tf.constant(a[key]) for key in ('gamma', 'beta', 'mean', 'var'))
    if how == 'fused' and z.shape.ndims == 4:
        return tf.nn.fused_batch_norm(z, gamma, beta, mean, var, epsilon=eps, is_training=False)[0]
    scale = tf.math.rsqrt(var + eps) * gamma  # as tf.nn.batch_normalization and Keras do
    if how == 'raw':
        return z * scale + (beta - mean * scale)
    return (z - mean) / tf.sqrt(var + eps) * gamma + beta  # how == 'long'


def build(golden, arrays, network, batchnorm='fused', pads='inside', rows=None):
    """Return X, T and a dict of each layer's tensor. Attributions must be the same whatever the options.

    batchnorm : 'fused' (FusedBatchNormV3 where there is height and width), 'raw' (Mul, Add, Sub, Rsqrt), 'long'
    pads : 'inside' the convolution, or a Pad 'op' before it
    rows : fixed batch size, or None
    """
    spec = golden['networks'][network]
    X = tf.placeholder(tf.float32, [rows] + spec['input'], name='x')
    if 'kind' in spec:
        weights = {
            key.split('/', 1)[1]: tf.constant(a)
            for key, a in arrays.items()
            if key.startswith(network + '/') and a.dtype == np.float32
        }
        T, tensors = {'bilstm': _bilstm, 'transformer': _transformer}[spec['kind']](spec, weights, X)
        return X, T, dict(tensors, x=X)
    tensors = {'x': X}
    for layer in spec['layers']:
        op, name, z = layer['op'], layer['name'], [tensors[i] for i in layer['inputs']]
        a = {key: arrays[f'{network}/{name}/{key}'] for key in layer['arrays']}
        with tf.name_scope(name):
            if op in ('dense', 'conv1d', 'conv2d', 'depthwise'):
                y = _linear(layer, a, z[0], pads)
                y = (
                    y + tf.constant(a['b'])
                    if 'b' in a and op == 'dense'
                    else tf.nn.bias_add(y, a['b'])
                    if 'b' in a
                    else y
                )
            elif op == 'batchnorm':
                y = _batchnorm(a, z[0], layer['eps'], batchnorm)
            elif op in ('maxpool', 'avgpool'):
                size = [1] + layer['size'] + [1]
                y = (tf.nn.max_pool if op == 'maxpool' else tf.nn.avg_pool)(z[0], size, size, 'VALID')
            elif op == 'maxpool1d':
                size = [1, 1] + layer['size'] + [1]
                y = tf.squeeze(tf.nn.max_pool(tf.expand_dims(z[0], 1), size, size, 'VALID'), 1)
            elif op == 'global_average':
                y = tf.reduce_mean(z[0], [1, 2])
            elif op == 'flatten':
                y = tf.reshape(z[0], [-1, spec['shapes'][name][0]])
            elif op == 'add':
                y = z[0] + z[1]
            else:
                y = _activation(op, z[0])
            tensors[name] = y
    return X, tensors[spec['output']], tensors


def _linear(layer, a, z, pads):
    op, w = layer['op'], tf.constant(a['w'])
    if op == 'dense':
        return tf.matmul(z, w)
    padding = layer['padding']
    if pads == 'op' and np.any(layer['pads']):
        z, padding = tf.pad(z, [[0, 0]] + layer['pads'] + [[0, 0]]), 'VALID'
    if op == 'conv1d':
        return tf.nn.conv1d(z, w, layer['strides'][0], padding)
    strides = [1] + layer['strides'] + [1]
    if op == 'conv2d':
        return tf.nn.conv2d(z, w, strides, padding)
    return tf.nn.depthwise_conv2d(z, w, strides, padding)


def _bilstm(spec, w, X):
    """Unrolled. Gates i, g, f, o; logits are the sum of what both directions end with, times a matrix."""
    length, units = spec['input'][0], spec['units']
    out, tensors = 0.0, {}
    for side, steps in (('left', range(length)), ('right', range(length - 1, -1, -1))):
        h = c = tf.zeros([tf.shape(X)[0], units])
        for t in steps:
            z = tf.matmul(X[:, t], w[side + '/wx']) + tf.matmul(h, w[side + '/wh']) + w[side + '/b']
            i, g, f, o = tf.split(z, 4, 1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
        tensors[side] = h
        out = tf.matmul(h, w[side + '/out']) + out
    return out, tensors


def _transformer(spec, w, X):
    (length, d), heads = spec['input'], spec['heads']

    def norm(z, name):
        mean = tf.reduce_mean(z, -1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(z, tf.stop_gradient(mean)), -1, keepdims=True)
        return (z - mean) * tf.math.rsqrt(variance + spec['norm_eps']) * w[name + '/gamma'] + w[name + '/beta']

    def linear(z, name):
        return tf.tensordot(z, w[name + '/w'], 1) + w[name + '/b']

    def split(z):
        return tf.transpose(tf.reshape(z, [-1, length, heads, d // heads]), [0, 2, 1, 3])

    z = norm(X, 'norm1')
    q, k, v = (split(linear(z, name)) for name in 'qkv')
    attention = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * (1.0 / np.sqrt(d // heads)))
    mixed = tf.reshape(tf.transpose(tf.matmul(attention, v), [0, 2, 1, 3]), [-1, length, d])
    x1 = X + linear(mixed, 'o')
    z = linear(norm(x1, 'norm2'), 'ffn1')
    z = 0.5 * z * (1.0 + tf.math.erf(z / np.sqrt(2.0)))  # gelu
    x2 = x1 + linear(z, 'ffn2')
    return linear(tf.expand_dims(tf.reduce_mean(x2, 1), 1), 'head')[:, 0], {'attention': attention}


def compare(golden, arrays, explain, cases=None):
    """Failures, a list of texts. explain(case, network name, xs, ys) returns attributions, or None to skip."""
    failures = []
    for case in golden['cases'] if cases is None else cases:
        network = case['network']
        ys = arrays[f'{network}/ys_{case["ys"]}']
        found = explain(case, network, arrays[network + '/xs'], ys)
        if found is None:
            continue
        want = arrays[case['case']]
        if np.shape(found) != want.shape:
            failures.append(f'{case["case"]}: shape {np.shape(found)}, expected {want.shape}')
            continue
        a, b = (np.reshape(v, (len(want), -1)).astype('float64') for v in (found, want))
        worst = (np.abs(a - b).max(1) / (np.abs(b).max(1) + 1e-12)).max()
        if not worst <= case['tolerance']:
            failures.append(f'{case["case"]}: off by {worst:.1e}, allowed {case["tolerance"]:.1e}')
    return failures

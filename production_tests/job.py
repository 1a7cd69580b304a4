"""A run of a small CNN on made-up digits, as a process of its own: ``main(settings)``.

It appends to the file ``log`` a line for each chunk that it computes, and kills itself where the settings say so.
"""

import os
import signal
import time

import numpy as np
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.streaming import journal, outputs

ROWS, CHUNK = 600, 20


def digits(rows=ROWS):
    """Made-up pictures of 28x28."""
    random = np.random.RandomState(0)
    return (random.uniform(size=(rows, 28, 28, 1)) * random.binomial(1, 0.9, (rows, 28, 28, 1))).astype(np.float32)


def cnn(X):
    """Ten outputs: a convolution, max pooling, a dense layer."""
    random = np.random.RandomState(1)
    h = tf.nn.conv2d(X, tf.constant(random.normal(size=(3, 3, 1, 4)), tf.float32), [1, 1, 1, 1], 'SAME')
    h = tf.nn.max_pool(tf.nn.relu(h), [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')
    return tf.matmul(tf.reshape(h, [-1, 14 * 14 * 4]), tf.constant(random.normal(size=(784, 10)) / 28, tf.float32))


def explainer_in(session):
    """An explainer of the CNN."""
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 28, 28, 1], name='x')
        return de.get_explainer('deeplift', cnn(X), X, rules='complete')


def die():
    """End as if the machine had: nothing is written, closed or cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def hook(settings):
    """Log what is computed, and die or wait at a place: 'write' (between data and journal), 'inside' a write."""
    place, count = settings.get('place'), settings.get('count', 1)
    calls = {'write': 0, 'inside': 0}

    def at(which):
        calls[which] += 1
        if place == which and calls[which] == count:
            die()

    for kind in (outputs.NpyOutput, outputs.ZarrOutput):
        original = kind.write

        def write(self, start, rows, original=original):
            if place == 'inside' and calls['inside'] + 1 == count:
                original(self, start, rows[: len(rows) // 2])
            at('inside')
            original(self, start, rows)
            with open(settings['log'], 'a') as file:
                file.write(f'{start}\n')
            at('write')

        kind.write = write
    noted = journal.Journal.note_chunk

    def note_chunk(self, start, stop, sums):
        noted(self, start, stop, sums)
        time.sleep(settings.get('sleep', 0))

    journal.Journal.note_chunk = note_chunk


def main(settings):
    """Run, after a line in the file ``log`` + '.said' that says that the run begins; errors go there, too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, shells let it be ignored
    said = os.open(settings['log'] + '.said', os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    hook(settings)
    with tf.Session(graph=tf.Graph()) as session:
        explainer = explainer_in(session)
        print('begins', flush=True)
        explainer.run_to(settings['path'], digits(), chunk=CHUNK, progress=False)
        print('ended', flush=True)

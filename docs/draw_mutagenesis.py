"""Draw the logo of docs/sequences.md: ``python docs/draw_mutagenesis.py [folder]``.

A small network is trained to tell random sequences with two motifs from those with one or none; then each letter of one
sequence becomes every other.
"""

import os
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours

import matplotlib
import numpy as np
import tensorflow.compat.v1 as tf
from matplotlib import pyplot as plt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from draw_pictures import write  # noqa: E402

from deepexplain import plotting  # noqa: E402
from deepexplain.sequences import DNA, to_letters, to_one_hot  # noqa: E402
from deepexplain.tensorflow import DeepExplain  # noqa: E402

LENGTH, MOTIFS = 60, ('TGACTCA', 'GATAAG')


def sequences(rng, count):
    """Random sequences with each motif in half of them, and whether there are both."""
    letters = rng.choice(list(DNA), (count, LENGTH))
    has = rng.rand(count, len(MOTIFS)) < 0.6
    for row, there in zip(letters, has):
        for i, motif in enumerate(MOTIFS):
            if there[i]:
                start = rng.randint(0, LENGTH // 2 - len(motif)) + i * LENGTH // 2
                row[start : start + len(motif)] = list(motif)
    return to_one_hot([''.join(row) for row in letters]), has.all(axis=1).astype(np.float32)


def network(X):
    """A convolution of nine bases, the largest of each filter in each half, two dense layers: a logit."""
    rng = np.random.RandomState(0)

    def dense(h, out):
        size = h.shape.as_list()[1]
        weights = tf.Variable(rng.randn(size, out).astype(np.float32) * np.float32(np.sqrt(2 / size)))
        return tf.matmul(h, weights) + tf.Variable(np.zeros(out, np.float32))

    kernel = tf.Variable(rng.randn(9, 4, 24).astype(np.float32) * np.float32(0.2))
    h = tf.nn.relu(tf.nn.conv1d(X, kernel, 1, 'SAME') - 0.5)
    h = tf.reduce_max(tf.reshape(h, [-1, 2, LENGTH // 2, 24]), axis=2)
    return dense(tf.nn.relu(dense(tf.reshape(h, [-1, 48]), 16)), 1)[:, 0]


def losses():
    """A sequence with both motifs, one-hot; and what the logit loses by each letter at each of its positions."""
    rng = np.random.RandomState(1)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        X, Y = tf.placeholder(tf.float32, [None, LENGTH, 4]), tf.placeholder(tf.float32, [None])
        T = network(X)
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=Y, logits=T))
        step = tf.train.AdamOptimizer(3e-3).minimize(loss)
        session.run(tf.global_variables_initializer())
        for _ in range(1500):
            xs, ys = sequences(rng, 64)
            session.run(step, {X: xs, Y: ys})
        xs, ys = sequences(rng, 500)
        print('right:', np.mean((session.run(T, {X: xs}) > 0) == ys))
        one = xs[ys == 1][:1]
        with DeepExplain(session=session) as de:
            found = de.explain('occlusion', T, X, one, window_shape=(1, 4), replacements=np.eye(4))
    return one[0], found[0, :, :, 0].T


def draw(folder):
    """The mean loss by other letters as a logo, and all losses as a map."""
    one_hot, found = losses()
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 3.2), gridspec_kw={'height_ratios': [3, 2]})
    plotting.sequence(found.sum(axis=1) / 3, to_letters(one_hot), ax=above)
    above.set_ylabel('mean loss')
    limit = np.abs(found).max()
    image = below.imshow(found.T, 'RdBu_r', vmin=-limit, vmax=limit, aspect='auto', interpolation='nearest')
    below.plot(*np.nonzero(one_hot), 'k.', markersize=3)
    below.set(yticks=range(4), yticklabels=list(DNA), ylabel='becomes')
    figure.colorbar(image, ax=[above, below], label='what T loses', fraction=0.03, pad=0.02)
    write(figure, os.path.join(folder, 'mutagenesis.png'))
    plt.close(figure)


if __name__ == '__main__':
    matplotlib.use('Agg')
    draw(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, 'pictures'))

"""Draw the boxes of docs/performance.md: ``python docs/draw_regions.py``.

What a window of 3x3 reaches in the convolutional network of the benchmark, computed by the library itself.
"""

import os

import numpy as np
import tensorflow.compat.v1 as tf
from draw_pictures import write
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from deepexplain.tensorflow.runtime.graph import ops_between
from deepexplain.tensorflow.runtime.parts import Windows
from deepexplain.tensorflow.runtime.regions.boxes import Reach
from deepexplain.tensorflow.runtime.regions.reach import Regions

HERE = os.path.dirname(os.path.abspath(__file__))
#: Row and column of the window.
WINDOW = 12, 9


def network(X):
    """28x28x1 -> conv 32 relu -> conv 64 relu -> max pooling -> dense 128 relu -> 10 logits."""
    h = tf.nn.relu(tf.nn.conv2d(X, tf.zeros([3, 3, 1, 32]), [1, 1, 1, 1], 'VALID', name='conv_1'))
    h = tf.nn.relu(tf.nn.conv2d(h, tf.zeros([3, 3, 32, 64]), [1, 1, 1, 1], 'VALID', name='conv_2'))
    h = tf.nn.max_pool2d(h, 2, 2, 'VALID', name='pooling')
    h = tf.nn.relu(tf.matmul(tf.reshape(h, [-1, 9216]), tf.zeros([9216, 128]), name='dense_1'))
    return tf.matmul(h, tf.zeros([128, 10]))


def boxes():
    """Name, box, and what the next op reads, of one window in each tensor."""
    with tf.Graph().as_default():
        X = tf.placeholder(tf.float32, [None, 28, 28, 1], name='X')
        T = network(X)
        windows = Windows((28, 28, 1), (3, 3, 1), (1, 1, 1))
        regions = Regions(T, X, ops_between(T, [X]), windows.shape, Reach(*windows.bounds()))
        window = WINDOW[0] * 26 + WINDOW[1]
        reads = {
            part.local.reads[0].tensor.name: part.patches[0]
            for part in regions.parts.values()
            if part.op.type != 'Reshape'
        }
        for name in ('X:0', 'conv_1:0', 'conv_2:0', 'pooling:0'):
            box = regions.boxes[name]
            patch = reads.get({'conv_1:0': 'Relu:0', 'conv_2:0': 'Relu_1:0'}.get(name, name))
            yield name[:-2], box, patch, window


def draw():
    """The picture: a square for each tensor, its box dark, and what is read around it light."""
    figure, axes = plt.subplots(1, 4, figsize=(8, 2.4))
    for axis, (name, box, patch, window) in zip(axes, boxes()):
        rows, columns, channels = box.shape
        for one, colour in [(patch, '#bcd3ea'), (box, '#1f5a96')]:
            if one is not None:
                row, column, _ = one.start[window]
                axis.add_patch(Rectangle((column, row), one.size[1], one.size[0], color=colour, linewidth=0))
        axis.set(xlim=(0, columns), ylim=(rows, 0), aspect='equal', xticks=[], yticks=[])
        share = 100 * np.prod(box.size) / np.prod(box.shape)
        axis.set_title(f'{name.replace("_", " ")}, {rows}x{columns}x{channels}', fontsize=9)
        axis.set_xlabel(f'{box.size[0]}x{box.size[1]}: {share:.1f} %', fontsize=9)
    figure.tight_layout()
    write(figure, os.path.join(HERE, 'pictures', 'regions.png'))
    plt.close(figure)


if __name__ == '__main__':
    draw()

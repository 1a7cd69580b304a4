"""PAIR saliency on TensorFlow: `python -m benchmarks.peers_pair FOLDER`. It takes one sample at a time."""

import sys

import numpy as np
import saliency.tf1 as saliency
import tensorflow.compat.v1 as tf

from .layers import SHARED
from .peer_job import work


def prepare(job, layers, xs, ys):
    """See `peer_job.work`."""
    if job['method'] not in METHODS or (job['method'] == 'occlusion' and xs.ndim != 4):
        return None  # its windows are squares of an image
    method, settings, convert = METHODS[job['method']]
    sample_shape, build, _ = SHARED[job['network']]
    with tf.Graph().as_default() as graph:
        session = tf.Session(graph=graph)
        X = tf.placeholder(tf.float32, (None,) + sample_shape)
        Y = tf.placeholder(tf.float32, (None, ys.shape[1]))
        selected = tf.reduce_sum(build(X, layers) * Y, axis=1)
        session.run(tf.global_variables_initializer())
    mask = method(graph, session, selected, X, **job['arguments'])

    def explain(setting):
        return np.stack([mask(x, {Y: y[None]}, setting) for x, y in zip(xs, ys)])

    return explain, settings, convert


def gradient(graph, session, selected, X):
    attribution = saliency.GradientSaliency(graph, session, selected, X)
    return lambda x, feed, _: attribution.GetMask(x, feed)


def intgrad(graph, session, selected, X, steps):
    attribution = saliency.IntegratedGradients(graph, session, selected, X)
    return lambda x, feed, batch_size: attribution.GetMask(x, feed, x_steps=steps, batch_size=batch_size)


def occlusion(graph, session, selected, X, window_shape):
    attribution = saliency.Occlusion(graph, session, selected, X)
    return lambda x, feed, _: attribution.GetMask(x, feed, size=window_shape[0])


def mean_over_windows(found, size=3):
    """PAIR adds up the windows over a pixel; we take their mean, spread over the pixels of a window."""
    ends = np.arange(found.shape[1])
    windows = np.minimum(np.minimum(ends + 1, ends[::-1] + 1), size)
    return found / (windows[:, None, None] * windows[:, None] * size**2)


#: method -> (what makes a mask of one sample, settings to try, what makes our attributions of the masks)
METHODS = {
    'saliency': (gradient, [None], np.abs),
    'intgrad': (intgrad, [50, 25, 10], np.asarray),
    'occlusion': (occlusion, [None], mean_over_windows),
}

if __name__ == '__main__':
    tf.disable_eager_execution()  # PAIR's feeds are keyed by tensors
    work(sys.argv[1], 'pair', prepare)

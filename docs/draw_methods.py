"""Draw the pictures of docs/methods: ``python docs/draw_methods.py [folder]``. The network is that of the demo."""

import os
import sys
import warnings

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours

import matplotlib
import numpy as np
import tensorflow.compat.v1 as tf
from matplotlib import pyplot as plt

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from draw_pictures import write  # noqa: E402

from deepexplain import plotting  # noqa: E402
from deepexplain.tensorflow import DeepExplain  # noqa: E402
from demo.mnist import SEED, load_digits, network, train  # noqa: E402

DIGITS = (2, 4, 7)
FIRST, LAST = 'Relu:0', 'Relu_1:0'  # what the activations behind the two convolutions give

#: Page -> method, and the arguments of each column under its title.
PICTURES = {
    'saliency': ('saliency', {'absolute': {}, 'signed': {'absolute': False}}),
    'grad_times_input': ('grad*input', {'grad*input': {}}),
    'intgrad': (
        'intgrad',
        {'from black': {}, 'from white': {'baseline': 1}, 'mean gradient': {'multiply_by_inputs': False}},
    ),
    'elrp': ('elrp', {'epsilon 1e-4': {}, 'epsilon 1': {'epsilon': 1}}),
    'deeplift': ('deeplift', {rules: {'rules': rules} for rules in ('original', 'complete', 'reveal-cancel')}),
    'occlusion': ('occlusion', {f'{n} x {n}': {'window_shape': (n, n, 1)} for n in (1, 3, 7)}),
    'shapley_sampling': (
        'shapley_sampling',
        {'5 orders': {'seed': SEED}, '50 orders': {'samples': 50, 'antithetic': True, 'seed': SEED}},
    ),
    'lrp': (
        'lrp',
        {
            'epsilon-plus': {},
            'epsilon': {'composite': 'epsilon'},
            'gamma-box': {'composite': 'epsilon-gamma-box', 'low': 0, 'high': 1},
        },
    ),
    'guided_backprop': ('guided_backprop', {'guided': {}}),
    'deconvnet': ('deconvnet', {'deconvnet': {}}),
    'grad_cam': ('grad_cam', {'relu=True': {'layer': LAST}, 'relu=False': {'layer': LAST, 'relu': False}}),
    'grad_cam_plus_plus': ('grad_cam++', {'grad_cam++': {'layer': LAST}}),
    'guided_grad_cam': ('guided_grad_cam', {'guided': {'layer': LAST}}),
    'conductance': ('conductance', {'1st layer': {'layer': FIRST}, '2nd layer': {'layer': LAST}}),
    'internal_influence': ('internal_influence', {'1st layer': {'layer': FIRST}, '2nd layer': {'layer': LAST}}),
}


def as_images(maps):
    """The sum over channels, each place as large as it is in the image."""
    maps = maps.sum(axis=-1)
    size = 28 // maps.shape[1]
    return np.kron(maps, np.ones([1, size, size]))


def draw(folder):
    """Train the network, explain three digits by every method; return the names of the files."""
    rng = np.random.RandomState(SEED)
    images, labels = load_digits(rng)
    names = []
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.set_random_seed(SEED)
        X = tf.placeholder(tf.float32, [None, 28, 28, 1])
        logits = network(X)
        train(session, X, logits, images[:4000], labels[:4000], rng)
        tests = np.arange(4000, 5000)
        right = tests[session.run(logits, {X: images[tests]}).argmax(axis=1) == labels[tests]]
        xs = images[[right[labels[right] == digit][0] for digit in DIGITS]]
        with DeepExplain(session=session) as de, warnings.catch_warnings():
            warnings.simplefilter('ignore')  # that max pooling breaks sums is said on the pages
            for page, (method, columns) in PICTURES.items():
                maps = {
                    title: as_images(de.explain(method, logits, X, xs, ys=np.eye(10)[list(DIGITS)], **arguments))
                    for title, arguments in columns.items()
                }
                axes = plotting.grid(xs[..., 0], maps, colorbar=False)
                names.append(f'{page}.png')
                write(axes[0, 0].figure, os.path.join(folder, names[-1]))
                plt.close()
    return names


if __name__ == '__main__':
    matplotlib.use('Agg')
    draw(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, 'methods', 'pictures'))

"""`python -m benchmarks.sweep`: occlusion as it is, next to `regions=False`, on many networks: where does it lose?

Both take turns, on the same explainer, so that ratios hold on a machine that others use, too. "first" is the first call
with these windows, which adds to the graph, next to a later one without regions. The models of `make test-models` are
among the networks, where they are installed.
"""

import argparse
import functools
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours

import numpy as np
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain, open_model

from . import networks
from .networks import NotInstalledError
from .table import machine, machine_line, table
from .timing import stopwatch

MODELS = Path(sys.prefix, 'models')
COLUMNS = [
    ('network', 'network', False),
    ('windows', 'windows', False),
    ('samples', 'samples', True),
    ('ours (ms)', 'ours_ms', True),
    ('without (ms)', 'without_ms', True),
    ('ours / without', 'ratio', True),
    ('first / without', 'first', True),
    ('counted', 'counted', True),
    ('differs by', 'difference', True),
]


def known(name):
    """A network of the other table: its context, T, X, samples and feeds."""
    network = networks.get(name)
    return network.de, network.T, network.X, network.xs, {}


def application(name, size):
    """A network of Keras' applications with random weights."""
    network = networks.application(name, size)
    return network.de, network.T, network.X, network.xs, {}


def opened(path, find):
    """A model of `make test-models`; ``find`` says what of it is explained."""
    if not (MODELS / path).exists():
        raise NotInstalledError(f'{path} needs `make test-models`')
    model = open_model(str(MODELS / path))
    T, X, xs, feeds = find(model)
    return DeepExplain(session=model.session), T, X, xs, feeds


def of_basic_pitch(model):
    """The notes of two seconds of noise."""
    sound = np.random.RandomState(0).uniform(-1, 1, (1, 43844, 1))
    return model.tensor('note').op.inputs[0], model.inputs[0], sound, {}


def of_its_spectrogram(model):
    """The same, by the spectrogram."""
    T, X, sound, _ = of_basic_pitch(model)
    Z = next(op for op in model.graph.get_operations() if op.type == 'FusedBatchNormV3').outputs[0]
    return T, Z, model.session.run(Z, {X: sound}), {}


def of_musicnn(model):
    """The tags of a spectrogram."""
    X, T = model.tensor('model/Placeholder'), model.tensor('model/dense_1/BiasAdd')
    return T, X, np.random.RandomState(0).rand(1, 187, 96), {model.tensor('model/Placeholder_2'): False}


def of_spliceai(model):
    """The scores of 20 bases, with 5,000 on each side."""
    return model.logits, model.inputs[0], networks.one_hot_dna(0, 1, 10020), {}


def made(graph, sample_shape):
    """A network that is made here."""
    network = networks.Network(
        networks.plain(lambda X, _: graph(X), sample_shape, None), networks.dense_samples(1, 8, sample_shape)
    )
    return network.de, network.T, network.X, network.xs, {}


def _weights(*shape):
    return tf.constant(np.random.RandomState(sum(shape)).randn(*shape) / np.sqrt(np.prod(shape[:-1])), tf.float32)


def u_net(X):
    """Down twice, up twice, with what was on the way down beside; a number for each channel."""
    down, h = [], X
    for channels in (16, 32):
        h = tf.nn.relu(tf.nn.conv2d(h, _weights(3, 3, h.shape.as_list()[-1], channels), 1, 'SAME'))
        down.append(h)
        h = tf.nn.max_pool2d(h, 2, 2, 'SAME')
    h = tf.nn.relu(tf.nn.conv2d(h, _weights(3, 3, 32, 64), 1, 'SAME'))
    for channels, beside in ((32, down[1]), (16, down[0])):
        h = tf.concat([tf.image.resize_nearest_neighbor(h, beside.shape.as_list()[1:3]), beside], axis=-1)
        h = tf.nn.relu(tf.nn.conv2d(h, _weights(3, 3, h.shape.as_list()[-1], channels), 1, 'SAME'))
    return tf.reduce_mean(tf.nn.conv2d(h, _weights(1, 1, 16, 3), 1, 'SAME'), axis=[1, 2])


def three_d(X):
    """Three 3-D convolutions, pooling, a mean."""
    h = X
    for channels in (8, 16, 16):
        h = tf.nn.relu(tf.nn.conv3d(h, _weights(3, 3, 3, h.shape.as_list()[-1], channels), [1] * 5, 'SAME'))
    return tf.reduce_mean(tf.nn.max_pool3d(h, 2, 2, 'VALID'), axis=[1, 2, 3])


def wave_net(X):
    """Eight dilated convolutions with shortcuts."""
    h = tf.nn.conv1d(X, _weights(1, 4, 32), 1, 'SAME')
    for i in range(8):
        h = h + tf.nn.relu(tf.nn.convolution(h, _weights(3, 32, 32), 'SAME', dilation_rate=[2**i]))
    return tf.reduce_max(tf.nn.conv1d(h, _weights(1, 32, 2), 1, 'SAME'), axis=1)


def small(X):
    """Two convolutions of few channels on a small image: runs take less than what is around them."""
    h = tf.nn.relu(tf.nn.conv2d(X, _weights(3, 3, 1, 4), 1, 'SAME'))
    h = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(h, _weights(3, 3, 4, 8), 1, 'SAME')), 2, 2, 'SAME')
    return tf.matmul(tf.reshape(h, [-1, 8 * 64]), _weights(8 * 64, 3))


def images(*sizes, channels=3):
    """Windows of squares, with steps as large."""
    return [((size, size, channels), (step, step, channels)) for size, step in sizes]


#: Name -> what makes the network, samples, and the windows and steps.
CASES = {
    'MLP': (functools.partial(known, 'MLP'), (1, 70), [((1,), (1,)), ((16,), (16,))]),
    'CNN': (
        functools.partial(known, 'CNN'),
        (1, 8),
        images((1, 1), (3, 1), (7, 7), (14, 14), (24, 4), (28, 1), channels=1),
    ),
    'small': (functools.partial(made, small, (16, 16, 1)), (1, 8), images((1, 1), (4, 4), (12, 4), channels=1)),
    'DNA': (functools.partial(known, 'DNA'), (1, 32), [((1, 1), (1, 1)), ((20, 4), (20, 4)), ((100, 4), (50, 4))]),
    'genomic': (
        functools.partial(known, 'genomic'),
        (1, 8),
        [((1, 4), (7, 4)), ((50, 4), (50, 4)), ((250, 4), (50, 4)), ((600, 4), (40, 4))],
    ),
    '299x299x3': (functools.partial(known, '299x299x3'), (1,), images((1, 9), (32, 32), (128, 32), (256, 8))),
    'U-Net': (functools.partial(made, u_net, (64, 64, 3)), (1, 4), images((2, 4), (8, 8), (32, 8), (56, 4))),
    '3-D': (
        functools.partial(made, three_d, (24, 24, 24, 1)),
        (1,),
        [((2, 2, 2, 1), (6, 6, 6, 1)), ((8, 8, 8, 1), (8, 8, 8, 1)), ((16, 16, 16, 1), (4, 4, 4, 1))],
    ),
    'dilated': (functools.partial(made, wave_net, (2000, 4)), (1, 4), [((1, 4), (40, 4)), ((400, 4), (40, 4))]),
    'fer': (functools.partial(known, 'fer'), (1, 4), images((2, 4), (8, 8), (16, 8), (32, 8), (48, 4), channels=1)),
    'VGG-16': (functools.partial(known, 'VGG-16'), (1,), images((2, 16), (8, 16), (32, 16), (64, 16))),
    'ResNet-50': (functools.partial(known, 'ResNet-50'), (1,), images((2, 16), (8, 16), (32, 16), (64, 16))),
    'DenseNet-121': (functools.partial(application, 'DenseNet121', 96), (1,), images((8, 16), (32, 16))),
    'Inception': (functools.partial(application, 'InceptionV3', 96), (1,), images((8, 16), (32, 16))),
    'MobileNet': (functools.partial(application, 'MobileNetV2', 96), (1,), images((8, 16), (32, 16), (64, 16))),
    'SpliceAI': (
        functools.partial(opened, 'spliceai/models/spliceai1.h5', of_spliceai),
        (1,),
        [((60, 4), (400, 4)), ((2000, 4), (400, 4))],
    ),
    'basic-pitch': (
        functools.partial(opened, 'basic_pitch/saved_models/icassp_2022/nmp', of_basic_pitch),
        (1,),
        [((1024, 1), (4096, 1)), ((8192, 1), (4096, 1))],
    ),
    'its spectrogram': (
        functools.partial(opened, 'basic_pitch/saved_models/icassp_2022/nmp', of_its_spectrogram),
        (1,),
        [((8, 32, 1), (24, 66, 1)), ((40, 264, 1), (20, 264, 1))],
    ),
    'musicnn': (
        functools.partial(opened, 'musicnn/MTT_musicnn/.meta', of_musicnn),
        (1,),
        [((11, 96), (11, 96)), ((8, 8), (16, 16)), ((93, 96), (10, 96))],
    ),
}


def figures(name, samples, windows, repeats, seconds):
    """A row of the table."""
    de, T, X, xs, feeds = network(name)
    arguments = dict(zip(('window_shape', 'step'), windows))
    xs = xs[:samples]
    with de:
        explainer = de.get_explainer('occlusion', T, X, **arguments)
    without = explainer.with_arguments(**arguments, regions=False)  # which shares all but what regions add
    runs = [functools.partial(one.run, xs, feed_dict=feeds) for one in (explainer, without)]
    expected = runs[1]()
    plans = explainer.engine._partial
    first = stopwatch(runs[0])
    plan = list(plans._plans.values())[-1] if plans._plans else None
    difference = np.nanmax(np.abs(runs[0]() - expected)) * np.prod(windows[0])
    largest = max(float(np.abs(explainer.outputs(xs, feed_dict=feeds)).max()), np.nanmax(np.abs(expected)))
    times, deadline = ([], []), time.perf_counter() + seconds
    while len(times[0]) < repeats or (time.perf_counter() < deadline and len(times[0]) < 9):
        for run, measured in zip(runs, times):
            measured.append(stopwatch(run))
        if time.perf_counter() > deadline and len(times[0]) >= 2:
            break
    ours, bare = (statistics.median(measured) for measured in times)
    return {
        'network': name,
        'windows': f'{"x".join(map(str, windows[0]))}, step {"x".join(map(str, windows[1]))}',
        'samples': samples,
        'ours_ms': 1e3 * ours,
        'without_ms': 1e3 * bare,
        'ratio': ours / bare,
        'first': first / bare,
        'counted': None if plan is None or plan.build is None else plan.regions.share,
        'difference': f'{difference / largest:.0e}',
    }


@functools.lru_cache(maxsize=1)
def network(name):
    """The network of a case, one at a time."""
    return CASES[name][0]()


def main():
    parser = argparse.ArgumentParser(prog='python -m benchmarks.sweep', description=__doc__.partition('\n')[0])
    parser.add_argument('--only', default='', metavar='SUBSTRING', help='networks with this in their names')
    parser.add_argument('--repeats', type=int, default=3, metavar='N', help='timed runs of a row (default 3)')
    parser.add_argument('--seconds', type=float, default=6.0, help='how long a row may take, about')
    options = parser.parse_args()
    tf.logging.set_verbosity(tf.logging.ERROR)
    warnings.filterwarnings('ignore', 'Attributions generated by Occlusion')
    warnings.filterwarnings('ignore', '.*outputs for each sample, and their sum')
    rows = []
    for name, (_, counts, every) in CASES.items():
        if options.only not in name:
            continue
        try:
            for samples in counts:
                for windows in every:
                    rows.append(figures(name, samples, windows, options.repeats, options.seconds))
                    print(table(COLUMNS, rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
        except NotInstalledError as error:
            print(f'{name}: {error}', file=sys.stderr)
    print(machine_line(machine()), '\n\n' + table(COLUMNS, rows))


if __name__ == '__main__':
    main()

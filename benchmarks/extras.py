"""What does not fit the table: all outputs at once, building an explainer, the fixed cost of a run, exports."""

import functools
import itertools
import os
import tempfile
from collections import namedtuple

import tensorflow.compat.v1 as tf

from deepexplain.errors import DeepExplainError

from . import networks
from .timing import interleaved, loop_seconds

#: `measure(repeats)` returns our milliseconds and those of what we are compared with; ours None where we cannot.
Extra = namedtuple('Extra', 'what network samples compared_with measure')

#: They fit an input of any shape.
ARGUMENTS = {
    'saliency': {},
    'grad*input': {},
    'elrp': {},
    'deeplift': {},
    'intgrad': {'steps': 50},
    'occlusion': {'window_shape': 1},
    'shapley_sampling': {'samples': 5},
}
EXPORTED = {
    'deeplift': {'rules': 'complete'},
    'intgrad': {'steps': 50},
    'occlusion': {'window_shape': (3, 3, 1), 'step': (3, 3, 1)},
}


def extras():
    """All rows of the second table, in order."""
    yield Extra('run, saliency', 'MLP', 1, 'session.run of tf.gradients', fixed_cost)
    for method in ARGUMENTS:
        measure = functools.partial(each_output, method)
        yield Extra(f"run, {method}, ys='each'", 'MLP', 70, '111 runs, ys one-hot', measure)
    yield Extra('run_to .npy, intgrad', 'CNN', 32, 'run', functools.partial(written, '.npy'))
    yield Extra('run_to .zarr, intgrad', 'CNN', 32, 'run', functools.partial(written, '.zarr'))
    for network in ['CNN', 'fer']:
        for method in ARGUMENTS:
            measure = functools.partial(building, method, network)
            yield Extra(f'get_explainer, {method}', network, '', 'tf.gradients', measure)
    for method in EXPORTED:
        for samples in [1, 32]:
            measure = functools.partial(exported, method, samples)
            yield Extra(f'exported, {method}', 'CNN', samples, 'run', measure)


def extra_label(extra):
    """What --only looks in."""
    return f'{extra.what} {extra.network} {extra.samples}'.strip()


def figures(extra, repeats):
    """The figures of a row of the second table, a dict."""
    ours, other = extra.measure(repeats)
    return {
        'label': extra_label(extra),
        'what': extra.what,
        'network': extra.network,
        'samples': extra.samples,
        'ours_ms': ours and 1e3 * ours,
        'compared_with': extra.compared_with,
        'compared_ms': 1e3 * other,
        'ratio': ours and ours / other,
    }


def fixed_cost(repeats):
    """What a run costs that has next to nothing to compute."""
    network = networks.get('MLP')
    xs, ys = network.samples(1)
    explainer = network.explainer('saliency', {})
    return interleaved([lambda: explainer.run(xs, ys), lambda: network.run(network.gradient, xs)], 20 * repeats)


def each_output(method, repeats):
    """All outputs of the MLP at once, and one after the other."""
    network = networks.get('MLP')
    xs, ys = network.samples(70)
    explainer = network.explainer(method, ARGUMENTS[method])
    outputs = ys.shape[1]

    def one_after_the_other():
        for output in range(outputs):
            explainer.run(xs, one_hot(output, outputs))
            yield

    other = loop_seconds(one_after_the_other, outputs)
    try:
        (ours,) = interleaved([lambda: explainer.run(xs, ys='each')], repeats)
    except DeepExplainError:  # a version that does not know it
        ours = None
    return ours, other


def one_hot(index, size):
    """The ys that select one output for all samples."""
    return [float(i == index) for i in range(size)]


def written(kind, repeats):
    """Integrated gradients into a file, in chunks of 8 samples, and in memory."""
    network = networks.get('CNN')
    xs, _ = network.samples(32)
    explainer = network.explainer('intgrad', ARGUMENTS['intgrad'])
    with tempfile.TemporaryDirectory() as folder:
        paths = (os.path.join(folder, f'{i}{kind}') for i in itertools.count())
        return interleaved(
            [
                lambda: explainer.run_to(next(paths), xs, chunk=8, progress=False),
                lambda: explainer.run(xs),
            ],
            repeats,
        )


def building(method, name, repeats):
    """An explainer, in a graph of its own that grows with each."""
    network = networks.NETWORKS[name]()

    def gradients():
        with network.session.graph.as_default():
            tf.gradients(network.T, network.X)

    return interleaved([lambda: network.explainer(method, ARGUMENTS[method]), gradients], repeats)


def exported(method, samples, repeats):
    """The signature 'serving_default' of an export in a session that loaded it, and run."""
    network = networks.get('CNN')
    xs, ys = network.samples(samples)
    explainer = network.explainer(method, EXPORTED[method])
    loaded = in_session(method)
    return interleaved([lambda: loaded(xs, ys), lambda: explainer.run(xs, ys)], 3 * repeats)


@functools.lru_cache(maxsize=None)
def in_session(method):
    """What was exported, as a function of (xs, ys): compiled, as a server has it."""
    from deepexplain.tensorflow import export

    explainer = networks.get('CNN').explainer(method, EXPORTED[method])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'exported')
        export(explainer, path, signatures='xs_ys')
        session = tf.Session(graph=tf.Graph())
        signature = tf.saved_model.load(session, ['serve'], path).signature_def['serving_default']
    (x,) = [info.name for key, info in signature.inputs.items() if key != 'ys']
    return session.make_callable(signature.outputs['attributions'].name, [x, signature.inputs['ys'].name])

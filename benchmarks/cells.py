"""What is measured: the rows of the table, and how many rows a network sees for each of them."""

from collections import namedtuple

import numpy as np

#: `memory`: measured in a process of its own, with the growth of its memory.
Cell = namedtuple('Cell', 'method network samples arguments memory')

BATCHES = [('MLP', 1), ('MLP', 70), ('CNN', 1), ('CNN', 32), ('fer', 4)]
WINDOWS = {
    'MLP': {'window_shape': 1},
    'CNN': {'window_shape': (3, 3, 1)},
    'fer': {'window_shape': (8, 8, 1), 'step': (4, 4, 1)},
}
LETTERS = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
ORDERS = {'MLP': {'samples': 5}, 'CNN': {'samples': 1}}


def label(cell):
    """What --only looks in: method, arguments, network, samples."""
    return f'{method_text(cell)} {cell.network} {cell.samples}'


def method_text(cell):
    """The method with its arguments."""
    arguments = ', '.join(
        f'{name}={"letters" if value is LETTERS else value}' for name, value in cell.arguments.items()
    )
    return f'{cell.method} {arguments}'.strip()


def cells():
    """All rows of the table, in order."""
    for method in ['saliency', 'grad*input', 'elrp', 'deeplift']:
        yield from (Cell(method, network, samples, {}, False) for network, samples in BATCHES)
    yield from (Cell('deeplift', network, samples, {'rules': 'complete'}, False) for network, samples in BATCHES)
    for composite in ['epsilon', 'zplus', 'gamma', 'alphabeta']:
        yield from (Cell('lrp', network, samples, {'composite': composite}, False) for network, samples in BATCHES[2:])
    for method, arguments in [('saliency', {}), ('intgrad', {'steps': 50})]:  # at the layer before the dense ones
        yield Cell(method, 'CNN', 32, {**arguments, 'layer': 'MaxPool2d:0'}, False)
    yield from (Cell('intgrad', network, samples, {'steps': 50}, False) for network, samples in BATCHES)
    yield from (Cell('occlusion', network, samples, WINDOWS[network], False) for network, samples in BATCHES)
    yield Cell('occlusion', 'SpliceAI', 1, {'window_shape': (50, 4), 'step': (50, 4)}, False)
    yield from (Cell('occlusion', 'genomic', samples, {'window_shape': (1, 4)}, False) for samples in (1, 32))
    every_letter = {'window_shape': (1, 4), 'replacements': LETTERS}
    yield from (Cell('occlusion', 'genomic', samples, every_letter, False) for samples in (1, 32))
    for network in ('VGG-16', 'ResNet-50'):
        yield Cell('occlusion', network, 1, {'window_shape': (8, 8, 3), 'step': (4, 4, 3)}, False)
    for network, samples in BATCHES:
        if network in ORDERS:
            yield Cell('shapley_sampling', network, samples, ORDERS[network], False)
    yield Cell('occlusion', 'CNN, digits', 32, {'window_shape': 1}, False)
    yield Cell('shapley_sampling', 'CNN, digits', 32, {'samples': 1}, False)
    yield Cell('occlusion', 'DNA', 32, {'window_shape': (1, 1)}, False)
    yield Cell('occlusion', '299x299x3', 1, {'window_shape': (1, 1, 3)}, True)
    yield Cell('intgrad', '299x299x3', 1, {'steps': 2000}, True)


def evaluations(cell, sample_shape):
    """How many evaluations one sample takes."""
    if cell.method == 'intgrad':
        return cell.arguments['steps']
    if cell.method == 'shapley_sampling':
        return int(np.prod(sample_shape)) * cell.arguments['samples'] + 1
    if cell.method == 'occlusion':
        changes = len(LETTERS) - 1 if 'replacements' in cell.arguments else 1  # one of the letters is there already
        return window_count(sample_shape, cell.arguments) * changes + 1
    return 1


def window_count(sample_shape, arguments):
    """How many places a window has in a sample."""
    window = np.broadcast_to(arguments['window_shape'], len(sample_shape))
    step = np.broadcast_to(arguments.get('step', 1), len(sample_shape))
    return int(np.prod((np.array(sample_shape) - window) // step + 1))

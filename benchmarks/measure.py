"""One row of the table: ours, the limit, the plain loop, the memory."""

import functools
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from . import networks
from .cells import evaluations, label, method_text
from .plain import LOOPS
from .timing import Limit, interleaved, loop_seconds, stopwatch


def measure(cell, repeats):
    """The figures of a cell, a dict."""
    if not cell.memory:
        return _measure(cell, repeats)
    # A process of its own: memory that an earlier row had and gave back would hide the growth.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('spawn')) as pool:
        return pool.submit(_measure, cell, repeats).result()


def _measure(cell, repeats):
    network = networks.get(cell.network)
    xs, ys = network.samples(cell.samples)
    explainer = network.explainer(cell.method, cell.arguments)
    run = functools.partial(explainer.run, xs, ys)
    figures = {
        'label': label(cell),
        'method': method_text(cell),
        'network': cell.network,
        'samples': cell.samples,
        'rows': cell.samples * evaluations(cell, xs.shape[1:]),
    }
    if cell.memory:
        network.run(network.selected_gradient, xs, ys)  # what TensorFlow allocates once is not ours
        (ours,), figures['memory_mb'] = memory_growth(lambda: [stopwatch(run)])
        limit = bare(cell, network, xs)
        (bare_seconds,) = interleaved([limit], repeats)
    else:
        limit = bare(cell, network, xs)
        ours, bare_seconds = interleaved([run, limit], repeats)
    figures['ours_ms'] = 1e3 * ours
    figures['limit_ms'] = 1e3 * bare_seconds * limit.scale
    figures['limit_batch_size'] = limit.batch_size
    figures['ratio'] = figures['ours_ms'] / figures['limit_ms']
    if cell.method in LOOPS and not {'layer', 'replacements'} & set(cell.arguments):
        loop = functools.partial(LOOPS[cell.method], network, xs, ys, **cell.arguments)
        figures['plain_ms'] = 1e3 * loop_seconds(loop, evaluations(cell, xs.shape[1:]))
    return figures


def bare(cell, network, xs):
    """The limit: as many rows through a bare session.run."""
    fetch = network.T if cell.method in ('occlusion', 'shapley_sampling') else network.gradient
    rows = len(xs) * evaluations(cell, xs.shape[1:])
    evaluate = functools.partial(network.run, fetch)
    if rows == len(xs):
        return OneBatch(evaluate, xs)
    block = xs[np.arange(min(rows, 512)) % len(xs)]
    return Limit(evaluate, block, rows)


class OneBatch:
    """The limit of a method that is one pass over all samples: one bare session.run."""

    scale = 1

    def __init__(self, evaluate, xs):
        self._evaluate, self._xs, self.batch_size = evaluate, xs, len(xs)

    def __call__(self):
        self._evaluate(self._xs)


def memory_growth(function):
    """What the function returns, and by how many MB the peak of resident memory rose; None where that is not told."""
    try:
        Path('/proc/self/clear_refs').write_text('5')  # the peak is now what is resident
        before = _peak_kb()
    except OSError:
        return function(), None
    result = function()
    return result, (_peak_kb() - before) * 1024 / 1e6


def _peak_kb():
    # Not ru_maxrss: a process inherits that from the one that started it.
    return int(re.search(r'VmHWM:\s+(\d+) kB', Path('/proc/self/status').read_text()).group(1))

"""The files between the benchmark and a peer, and how a peer is timed. Knows NumPy only.

In the folder of a job: `job.json` is a list of cells, `<network>.npz` has arrays; a peer writes `<peer>.json`, label ->
figures, and `<peer>.npz`, label -> attributions.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

#: Arguments for which no peer has anything that would compare.
OURS = {'rules', 'layer', 'composite'}
BUDGET = 10.0  # seconds for a cell, about


def write_job(folder, jobs, arrays):
    """The side of the benchmark: cells, and for each network its layers, samples and ys."""
    Path(folder, 'job.json').write_text(json.dumps(jobs))
    for name, network in arrays.items():
        layers = {f'layer{i}_{j}': array for i, layer in enumerate(network['layers']) for j, array in enumerate(layer)}
        np.savez(Path(folder, name + '.npz'), xs=network['xs'], ys=network['ys'], **layers)


def load_figures(folder, peer):
    """What a peer measured: label -> dict."""
    return json.loads(Path(folder, peer + '.json').read_text())


def load_attributions(folder, peer):
    """What a peer computed: label -> array."""
    with np.load(Path(folder, peer + '.npz')) as arrays:
        return dict(arrays)


def load_network(folder, name):
    """The side of a peer: layers, samples and ys of a network."""
    with np.load(Path(folder, name + '.npz')) as arrays:
        arrays = dict(arrays)
    count = sum(key.startswith('layer') for key in arrays) // 2
    return [(arrays[f'layer{i}_0'], arrays[f'layer{i}_1']) for i in range(count)], arrays['xs'], arrays['ys']


def work(folder, peer, prepare):
    """Time a peer on every cell it knows.

    `prepare(job, layers, xs, ys)` returns None for a cell that it does not know, or else a function of a setting, the
    settings to try, the best guess first, and what makes attributions in our scale and layout of its result.
    """
    figures, attributions = {}, {}
    for job in json.loads(Path(folder, 'job.json').read_text()):
        if OURS & set(job['arguments']):
            continue
        layers, xs, ys = load_network(folder, job['network'])
        prepared = prepare(job, layers, xs[: job['samples']], ys[: job['samples']])
        if prepared is None:
            continue
        explain, settings, convert = prepared
        setting, seconds, result = fastest(explain, settings)
        figures[job['label']] = {'ms': 1e3 * seconds, 'setting': setting}
        attributions[job['label']] = convert(result)
        print(f'  {job["label"]} ... {1e3 * seconds:.3f} ms', file=sys.stderr, flush=True)
    Path(folder, peer + '.json').write_text(json.dumps(figures))
    np.savez(Path(folder, peer + '.npz'), **attributions)


def fastest(explain, settings, repeats=7):
    """The best of the settings, the median of its seconds, and its result. Where one is slow, fewer are tried."""
    start = time.perf_counter()
    tried, results = {}, {}

    def timed(setting):
        begin = time.perf_counter()
        results[setting] = explain(setting)
        return time.perf_counter() - begin

    for setting in settings:
        tried[setting] = timed(setting)
        if tried[setting] < 1:  # that was to warm up
            tried[setting] = timed(setting)
        if time.perf_counter() > start + BUDGET:
            break
    best = min(tried, key=tried.get)
    measured = [tried[best]]
    while len(measured) < repeats and time.perf_counter() < start + BUDGET:
        measured.append(timed(best))
    return best, statistics.median(measured), results[best]

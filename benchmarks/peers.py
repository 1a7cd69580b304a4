"""The same rows by Captum, PAIR saliency and fastISM, which run in environments of their own.

They get the weights, the samples and the outputs to explain in files, and leave their figures and attributions there;
`peer_job.py` is what both sides know. Times are those of the fastest batch size that was tried. Attributions are
compared with ours where the definitions agree, see `DIFFERENT`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import networks
from .cells import cells, label
from .layers import SHARED
from .peer_job import load_attributions, load_figures, write_job

MODULES = {'captum': 'benchmarks.peers_captum', 'pair': 'benchmarks.peers_pair', 'fastism': 'benchmarks.peers_fastism'}

#: (peer, method, network) -> why its attributions are not ours: printed below the table, where they have a star.
DIFFERENT = {
    ('captum', 'deeplift', 'CNN'): 'Captum has a rule of its own for max pooling',
    ('pair', 'intgrad', 'MLP'): 'PAIR takes 50 points from 0 to 1, both ends included',
    ('pair', 'intgrad', 'CNN'): 'PAIR takes 50 points from 0 to 1, both ends included',
}


def add(pythons, rows):
    """Add to the rows the figures of the peers, and return the notes on what cannot agree.

    Parameters
    ----------
    pythons : dict
        Peer -> the interpreter of the environment that has it.
    rows : list of dict
        The figures of ours.
    """
    by_label = {row['label']: row for row in rows}
    shared = [cell for cell in cells() if label(cell) in by_label and cell.network in SHARED]
    if not shared:
        return []
    notes = []
    with tempfile.TemporaryDirectory() as folder:
        write_job(folder, [job(cell) for cell in shared], {name: network(name) for name in SHARED})
        for peer, python in pythons.items():
            run_module(python, MODULES[peer], folder)
            found, attributions = load_figures(folder, peer), load_attributions(folder, peer)
            for cell in shared:
                if label(cell) in found:
                    row = by_label[label(cell)]
                    row[f'{peer}_ms'] = found[label(cell)]['ms']
                    row[f'{peer}_setting'] = found[label(cell)]['setting']
                    reason = DIFFERENT.get((peer, cell.method, cell.network))
                    row[f'{peer}_differs'] = '*' if reason else agreement(cell, attributions[label(cell)])
                    notes += [reason] if reason else []
    return sorted(set(notes))


def job(cell):
    """What a peer is told of a cell."""
    fields = cell._asdict()
    return {'label': label(cell), **{name: fields[name] for name in ['method', 'network', 'samples', 'arguments']}}


def network(name):
    """The arrays of a network: layers, samples, ys."""
    xs, ys = networks.get(name).samples(None)
    return {'layers': SHARED[name][2], 'xs': xs, 'ys': ys}


def run_module(python, module, folder):
    """Run a peer in its environment; its errors come as they are."""
    print(f'{module} ...', file=sys.stderr, flush=True)
    subprocess.run([python, '-m', module, folder], check=True, cwd=Path(__file__).parent.parent)


def agreement(cell, theirs):
    """The largest difference from ours, as a part of our largest value; of the sums where orders are random."""
    own = networks.get(cell.network)
    xs, ys = own.samples(cell.samples)
    ours = own.explainer(cell.method, cell.arguments).run(xs, ys)
    if cell.method == 'shapley_sampling':
        ours, theirs = (values.reshape(len(xs), -1).sum(axis=1) for values in (ours, theirs))
    difference = f'{np.abs(theirs - ours).max() / np.abs(ours).max():.0e}'
    return f'{difference} (sums)' if cell.method == 'shapley_sampling' else difference

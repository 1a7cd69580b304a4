"""The results as text: tables in Markdown that read well as plain text, too."""

import datetime
import os
import platform
import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from deepexplain import __version__

#: heading, key, whether it is a number
ROWS = [
    ('method', 'method', False),
    ('network', 'network', False),
    ('samples', 'samples', True),
    ('ours (ms)', 'ours_ms', True),
    ('limit (ms)', 'limit_ms', True),
    ('ours / limit', 'ratio', True),
    ('plain loop (ms)', 'plain_ms', True),
    ('memory (MB)', 'memory_mb', True),
]
PEER_ROWS = {
    peer: [(f'{name} (ms)', f'{peer}_ms', True), ('agrees to', f'{peer}_differs', False)]
    for peer, name in [('captum', 'Captum'), ('pair', 'PAIR'), ('fastism', 'fastISM')]
}
EXTRA_ROWS = [
    ('what', 'what', False),
    ('network', 'network', False),
    ('samples', 'samples', True),
    ('ours (ms)', 'ours_ms', True),
    ('compared with', 'compared_with', False),
    ('(ms)', 'compared_ms', True),
    ('ratio', 'ratio', True),
]


def machine():
    """What the figures depend on besides this code."""
    return {
        'cores': len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count(),
        'processor': processor(),
        'python': platform.python_version(),
        'tensorflow': tf.__version__,
        'numpy': np.__version__,
        'deepexplain': __version__,
        'date': datetime.date.today().isoformat(),
    }


def processor():
    """The model of the CPU, as far as the system tells."""
    try:
        models = re.findall(r'model name\s*: (.*)', Path('/proc/cpuinfo').read_text())
    except OSError:
        models = []
    return models[0] if models else platform.processor() or platform.machine()


def machine_line(facts):
    """One line for above the tables."""
    return (
        f'{facts["cores"]} cores of {facts["processor"]}; Python {facts["python"]}, TensorFlow {facts["tensorflow"]}, '
        f'NumPy {facts["numpy"]}, DeepExplain {facts["deepexplain"]}; {facts["date"]}.'
    )


def table(columns, rows):
    """Dicts as a Markdown table with aligned columns."""
    cells = [[heading for heading, _, _ in columns]]
    cells += [[text(row.get(key)) for _, key, _ in columns] for row in rows]
    widths = [max(3, *(len(line[i]) for line in cells)) for i in range(len(columns))]
    rule = ['-' * (w - 1) + ':' if number else '-' * w for w, (_, _, number) in zip(widths, columns)]
    lines = [
        [cell.rjust(w) if number else cell.ljust(w) for cell, w, (_, _, number) in zip(line, widths, columns)]
        for line in cells
    ]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in [lines[0], rule, *lines[1:]])


def text(value):
    """A value of the table: numbers with three digits or so, nothing as a dash."""
    if value is None:
        return '-'
    if not isinstance(value, float):
        return str(value)
    if value >= 100:
        return f'{value:,.0f}'
    return f'{value:.1f}' if value >= 10 else f'{value:.2f}' if value >= 1 else f'{value:.3f}'

"""Pictures to files."""

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Sequence

import click
import numpy as np

from ..explanation import Explanation

#: Places of a sequence that a picture has room for.
MOST_LETTERS = 100
#: Charts beside each other.
COLUMNS = 4
#: What is better: '+' more, '-' less.
BETTER = {
    'completeness': '-',
    'infidelity': '-',
    'sensitivity_n': '+',
    'deletion': '-',
    'insertion': '+',
    'max_sensitivity': '-',
    'seconds': '-',
}


def draw_explanation(explanation: Explanation, titles: Sequence[str], path: str) -> None:
    """Write the picture that goes with the data."""
    from ..plotting.explained import is_one_hot

    options: Dict[str, Any] = {}
    if is_one_hot(explanation) and explanation.values.shape[1] > MOST_LETTERS:
        options['window'] = MOST_LETTERS
    named = replace(explanation, sample_names=list(titles))
    axes = named.plot(**options)
    first = np.ravel(axes)[0]
    if len(named) == 1 and not first.get_title():
        first.set_title(titles[0], parse_math=False)
    write(first.figure, path)


def draw_comparison(rows: Mapping[str, Mapping[str, float]], path: str) -> None:
    """Write a chart for each measure, with a bar for each method."""
    from matplotlib import pyplot as plt

    names: List[str] = list(rows)
    measures = list(next(iter(rows.values())))
    count = min(len(measures), COLUMNS)
    lines = -(-len(measures) // count)
    size = (2.4 * count + 1.5, (0.32 * len(names) + 1.1) * lines)
    figure, axes = plt.subplots(lines, count, figsize=size, sharey=True, squeeze=False, layout='constrained')
    for ax in axes.ravel()[len(measures) :]:
        ax.set_axis_off()
    for ax, measure in zip(axes.ravel(), measures):
        values = [rows[name][measure] for name in names]
        known = np.nan_to_num(values)
        ax.barh(range(len(names)), known, color='#4477aa')
        room = max(np.ptp([0, *known]), 1e-12)
        ax.set_xlim(min(0, *known) - 0.02 * room, max(0, *known) + 0.4 * room)
        for place, value in enumerate(values):
            text = 'none' if np.isnan(value) else f'{value:.3g}'
            ax.text(max(0, known[place]) + 0.03 * room, place, text, va='center', fontsize='small')
        ax.set_title(measure.replace('_', ' '), fontsize='medium')
        ax.set_xlabel('more is better' if BETTER.get(measure) == '+' else 'less is better', fontsize='small')
        ax.tick_params(labelsize='small')
        ax.locator_params(axis='x', nbins=3)
        for side in ('top', 'right'):
            ax.spines[side].set_visible(False)
    axes[0, 0].set_yticks(range(len(names)))
    axes[0, 0].set_yticklabels(names)
    axes[0, 0].invert_yaxis()
    write(figure, path)


def write(figure: Any, path: str) -> None:
    """Write a figure, and close it."""
    from matplotlib import pyplot as plt

    try:
        figure.savefig(path, dpi=150)
    except ValueError as error:  # of an ending that matplotlib does not know
        raise click.BadParameter(f'{error}', param_hint='--plot') from None
    finally:
        plt.close(figure)

"""Tables as bars that are not of 0: one sample step by step, and what counts over many samples."""

import math
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

import numpy as np

from ..arguments import as_number, text_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .axes import axes_for, check_axes, ink_of, note, page_of
from .colours import NEGATIVE, POSITIVE
from .explained import base_in, data_in, names_in, output_in, takes_explanation
from .features import ONE_COLOUR, as_top, largest, name_rows, note_left_out, with_values
from .values import LARGEST, as_labels, as_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@takes_explanation(True, names=names_in, values=data_in, base=base_in, output=output_in)
def waterfall(
    attributions: ArrayLike,
    names: Sequence[str],
    values: ArrayLike = None,
    top: int = 10,
    ax: 'Optional[Axes]' = None,
    *,
    base: Optional[float] = None,
    output: Optional[float] = None,
) -> 'Axes':
    """Draw how the attributions of one sample lead from T(baseline) to T(x), step by step, the largest first.

    Each bar begins where that above it ends. Positive ones go to the right, negative ones are hatched and go to the
    left. It is for methods whose attributions add up to T(x) - T(baseline).

    Parameters
    ----------
    attributions : array of real numbers, shape (features,)
        Those that are nan or infinite are left out, and a note says which.
    names : list of str
        One for each feature.
    values : list of numbers or str, optional
        One for each feature, to be shown beside its name.
    top : int, default 10
        How many features have their own bar; the others have one together.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.
    base : float, optional
        T(baseline), where the first bar begins. Default: at 0, and the axis says that it has differences.
    output : float, optional
        T(x), which needs ``base``: what the attributions lack of it, if that can be seen, is a last step, 'not
        attributed'. Without it the end is called what it is, a sum.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument has a wrong shape, length, kind or value.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from deepexplain.plotting import waterfall
    >>> ax = waterfall([0.5, -2.0], ['a', 'b'], base=1.0, output=-0.5, ax=Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['T(baseline)', 'b', 'a', 'T(x)']
    >>> [(float(bar.get_x()), float(bar.get_width())) for bar in ax.patches]
    [(1.0, -2.0), (-1.0, 0.5)]
    """
    check_axes(ax)
    attributions = as_values(attributions, 'attributions', 'features')
    names = as_labels(names, 'names', len(attributions), 'features')
    labels = names if values is None else with_values(names, values)
    top = as_top(top)
    if output is not None and base is None:
        raise ArgumentError('output is T(x), and needs base, T(baseline), to be compared with.')
    first = 0.0 if base is None else _as_output(base, 'base')
    shown, others = largest(np.abs(attributions), top)
    steps, labels = list(attributions[shown]), [labels[i] for i in shown]
    if others:
        steps, labels = [*steps, attributions[others].sum()], [*labels, f'{len(others)} others']
    missing = 0.0 if output is None else _as_output(output, 'output') - first - sum(steps)
    # What float32 rounds, and what is too little to be seen, is no step.
    if abs(missing) > 1e-5 * (abs(first) + abs(first + missing)) + 1e-3 * np.abs(steps).sum():
        steps, labels = [*steps, missing], [*labels, 'not attributed']
    else:
        missing = 0.0
    ends = first + np.cumsum([0.0, *steps])
    if output is not None:
        ends[-1] = output  # and not the sum, which may be too near to have a step of its own
    ax = axes_for(ax, (6, 1.5 + 0.3 * max(2, len(steps))))
    _draw_steps(ax, ends, bool(missing))
    last = 'T(baseline) + attributions' if output is None else 'T(x)'
    name_rows(ax, ['baseline' if base is None else 'T(baseline)', *labels, 'sum' if base is None else last])
    ax.set_xlabel('T(x) - T(baseline)' if base is None else 'T')
    note_left_out(ax, names, np.isfinite(attributions))
    return ax


@takes_explanation(False, names=names_in)
def bar(attributions: ArrayLike, names: Sequence[str], top: int = 10, ax: 'Optional[Axes]' = None) -> 'Axes':
    """Draw how much each feature counts over many samples: the mean of its absolute attributions.

    The largest come first, and the last bar is the sum of the means of all others.

    Parameters
    ----------
    attributions : array of real numbers, shape (samples, features)
        Those that are nan or infinite are left out of the means, and counted in a note.
    names : list of str
        One for each feature.
    top : int, default 10
        How many features have their own bar. One more has, if it were the only other.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument has a wrong shape, length, kind or value.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from deepexplain.plotting import bar
    >>> ax = bar([[0.5, -2.0], [0.25, 1.0]], ['a', 'b'], ax=Figure().add_subplot())
    >>> [(label.get_text(), float(one.get_width())) for label, one in zip(ax.get_yticklabels(), ax.patches)]
    [('b', 1.5), ('a', 0.375)]
    >>> ax.get_xlabel()
    'mean |attribution| of 2 samples'
    """
    check_axes(ax)
    attributions = as_values(attributions, 'attributions', 'samples, features')
    names, top = as_labels(names, 'names', attributions.shape[1], 'features'), as_top(top)
    finite = np.isfinite(attributions)
    counts = finite.sum(axis=0)
    means = np.where(counts, np.abs(np.where(finite, attributions, 0)).sum(axis=0) / np.maximum(counts, 1), np.nan)
    shown, others = largest(means, top)
    widths, labels = means[shown], [names[i] for i in shown]
    if others:
        widths, labels = np.append(widths, means[others].sum()), [*labels, f'{len(others)} others, summed']
    ax = axes_for(ax, (6, 0.9 + 0.3 * max(2, len(widths))))
    ax.barh(np.arange(len(widths)), widths, color=ONE_COLOUR)
    for row, width in enumerate(widths):
        _number(ax, f'{width:.3g}', width, row)
    ax.set_xlim(0, 1.16 * widths.max(initial=0) or 1.0)  # with room for the numbers
    name_rows(ax, labels)
    count = len(attributions)
    ax.set_xlabel(f'mean |attribution| of {count} sample{"s" * (count > 1)}')
    if not finite.all():
        note(ax, f'{int((~finite).sum())} not finite, left out')
    return ax


def _as_output(value: Any, name: str) -> float:
    number = as_number(value, name)
    if abs(number) > LARGEST:
        raise ArgumentError(f'{name} must be from {-LARGEST:g} to {LARGEST:g}; got {text_of(value)}.')
    return number


def _draw_steps(ax: 'Axes', ends: Array, has_missing: bool) -> None:
    """A bar from each end to the next, and both outputs as lines of their rows."""
    ink, page = ink_of(ax), page_of(ax)
    steps = np.diff(ends)
    rows = np.arange(1, len(ends))
    colours: List[Any] = [NEGATIVE if step < 0 else POSITIVE for step in steps]
    if has_missing:
        colours[-1] = '0.5'
    bars = ax.barh(rows, steps, left=ends[:-1], color=colours, edgecolor=page, linewidth=0)
    for row, (step, start, one) in enumerate(zip(steps, ends, bars), start=1):
        if step < 0:
            one.set_hatch('////')
        _number(ax, f'{step + 0.0:+.3g}', max(start, start + step), row)
    for row, end in enumerate(ends):  # where one bar ends, the next begins
        ax.plot([end, end], [row - 0.4, row + 1.4], color=ink, linewidth=0.6, alpha=0.6)
    low, high = ends.min(), ends.max()
    span = (high - low) or abs(high) or 1.0
    digits = 3 + min(
        max(1, math.ceil(math.log10(max(abs(low), abs(high), span) / span))), 12
    )  # of both, to be told apart
    for row, end in [(0, ends[0]), (len(ends), ends[-1])]:
        ax.plot([end, end], [row - 0.4, row + 0.4], color=ink, linewidth=2.0)
        _number(ax, f'{end + 0.0:.{digits}g}', end, row)
    ax.set_xlim(low - 0.05 * span, high + 0.2 * span)  # with room for the numbers


def _number(ax: 'Axes', text: str, place: float, row: int) -> None:
    options: Dict[str, Any] = {'va': 'center', 'color': ink_of(ax), 'fontsize': 'small'}
    ax.annotate(text, (place, row), (4, 0), 'data', 'offset points', **options)

"""Tables: the features that count most, of one sample as bars, of many samples as points or violins."""

import inspect
import numbers
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes

from ..arguments import as_count, as_flag, is_list, one_of, text_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .axes import add_colorbar, axes_for, check_axes, ink_of, note, page_of, shortened, verbatim
from .colours import NEGATIVE, POSITIVE, colormap
from .explained import data_in, names_in, takes_explanation
from .values import as_labels, as_values, same_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = ('points', 'violin')
#: The most rows of a picture.
MOST_ROWS = 1000
ONE_COLOUR = '#7a6fd0'


@takes_explanation(True, names=names_in, values=data_in)
def tabular(
    attributions: ArrayLike, names: Sequence[str], values: ArrayLike = None, top: int = 10, ax: Optional[Axes] = None
) -> Axes:
    """Draw the attributions of one sample as bars, the largest first, and the sum of the others as the last.

    Positive bars go to the right, negative ones are hatched and go to the left, and each has its number at its right.

    Parameters
    ----------
    attributions : array of real numbers, shape (features,)
        Those that are nan or infinite are left out, and a note says which.
    names : list of str
        One for each feature.
    values : list of numbers or str, optional
        One for each feature, to be shown beside its name.
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
    >>> from deepexplain.plotting import tabular
    >>> ax = tabular([0.5, -2.0, 0.25, 0.125], ['a', 'b', 'c', 'd'], top=2, ax=Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['b', 'a', '2 others']
    """
    check_axes(ax)
    attributions = as_values(attributions, 'attributions', 'features')
    names = as_labels(names, 'names', len(attributions), 'features')
    labels = names if values is None else with_values(names, values)
    top = as_top(top)
    finite = np.isfinite(attributions)
    shown, others = largest(np.abs(attributions), top)
    widths, labels = attributions[shown], [labels[i] for i in shown]
    if len(others):
        widths, labels = np.append(widths, attributions[others].sum()), [*labels, f'{len(others)} others']
    ax = axes_for(ax, (6, 0.9 + 0.3 * max(2, len(widths))))
    _draw_bars(ax, widths)
    name_rows(ax, labels)
    ax.set_xlabel('attribution')
    note_left_out(ax, names, finite)
    return ax


def note_left_out(ax: Axes, names: Sequence[str], finite: Array) -> None:
    """Say which features have no bar, if any."""
    left_out = [shortened(name, 24) for name, drawn in zip(names, finite) if not drawn]
    if left_out:
        more = '' if len(left_out) <= 3 else f' and {len(left_out) - 3} more'
        note(ax, f'not finite, left out: {", ".join(left_out[:3])}{more}')
        verbatim([ax.xaxis.label])


def as_top(top: Any) -> int:
    """``top`` as a number of rows that can be read."""
    count = as_count(top, 'top')
    if count > MOST_ROWS:
        raise ArgumentError(
            f'top must be at most {MOST_ROWS}, which is as many rows as can be read; got {text_of(top)}.'
        )
    return count


def with_values(names: Sequence[str], values: Any) -> List[str]:
    """Names with the values beside them: numbers with four digits, what else there is as it is written."""
    if is_list(values):
        values = ['None' if value is None else value for value in values]  # one that is missing
    texts = as_labels(values, 'values', len(names), 'features')
    # An iterator is at its end by now; NumPy's numbers are Real, a Decimal is not.
    given = values if hasattr(values, '__len__') else texts
    return [
        f'{name} = {float(value):.4g}' if _is_float(value) else f'{name} = {text}'
        for name, value, text in zip(names, given, texts)
    ]


def _is_float(value: Any) -> bool:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        float(value)
        return True
    except Exception:  # an int or a Fraction that is too large
        return False


def largest(sizes: Array, top: int) -> Tuple[List[int], List[int]]:
    """The finite sizes in order: indices of the largest, and of the others. There is never one other alone."""
    order = [i for i in np.argsort(-sizes, kind='stable') if np.isfinite(sizes[i])]
    top = top + 1 if len(order) == top + 1 else top
    return order[:top], order[top:]


def _draw_bars(ax: Axes, widths: Array) -> None:
    rows = np.arange(len(widths))
    bars = ax.barh(rows, widths, color=np.where(widths < 0, NEGATIVE, POSITIVE), edgecolor=page_of(ax), linewidth=0)
    for row, width, bar in zip(rows, widths, bars):
        if width < 0:
            bar.set_hatch('////')
        # To the right of negative bars, too: at their left are the names.
        options: Dict[str, Any] = {'va': 'center', 'color': ink_of(ax), 'fontsize': 'small'}
        ax.annotate(f'{width + 0.0:+.3g}', (max(width, 0), row), (4, 0), 'data', 'offset points', **options)
    low, high = widths.min(initial=0), widths.max(initial=0)
    ax.set_xlim(low - 0.03 * (high - low), high + (0.18 * (high - low) or 1.0))  # with room for the numbers
    ax.axvline(0, color=ink_of(ax), linewidth=0.8)


def name_rows(ax: Axes, labels: Sequence[str]) -> None:
    """The first row is at the top."""
    ax.set_yticks(np.arange(len(labels)))
    ax.set_yticklabels(map(shortened, labels), parse_math=False)
    ax.set_ylim(max(1, len(labels)) - 0.5, -0.5)
    ax.tick_params(axis='y', length=0)
    for side in ('top', 'right', 'left'):
        ax.spines[side].set_visible(False)


@takes_explanation(False, names=names_in, values=data_in)
def distribution(
    attributions: ArrayLike,
    names: Sequence[str],
    values: ArrayLike = None,
    top: int = 10,
    ax: Optional[Axes] = None,
    *,
    style: str = 'points',
    cmap: Any = 'cividis',
    colorbar: bool = True,
) -> Axes:
    """Draw the attributions of many samples: a row of points for each feature, coloured by the feature's value.

    Features come in the order of their mean absolute attribution. Points that would cover each other lie one above the
    other, so that a row is thick where there are many. The lightness of the colours grows with the value, from the 5th
    to the 95th percentile of the feature, and can be read in grey.

    Parameters
    ----------
    attributions : array of real numbers, shape (samples, features)
        Those that are nan or infinite are left out, and counted in a note.
    names : list of str
        One for each feature.
    values : array of real numbers, shape (samples, features), optional
        The feature values; nan is grey. Without them, points have one colour.
    top : int, default 10
        How many features are drawn; a note says how many are not.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.
    style : {'points', 'violin'}, default 'points'
        Violins have no colours for values.
    cmap : str or Colormap, default 'cividis'
        Of the feature values.
    colorbar : bool, default True
        Where there are values.

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
    >>> from deepexplain.plotting import distribution
    >>> ax = distribution([[0.5, -2.0], [0.25, 1.0]], ['a', 'b'], ax=Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['b', 'a']
    """
    check_axes(ax)
    attributions = as_values(attributions, 'attributions', 'samples, features')
    names = as_labels(names, 'names', attributions.shape[1], 'features')
    top, colorbar, style = as_top(top), as_flag(colorbar, 'colorbar'), one_of(style, 'style', STYLES)
    if style == 'violin' and values is not None:
        raise ArgumentError("style='violin' has no colours for values; leave them out.")
    if values is not None:
        values = as_values(values, 'values', 'samples, features')
        same_shape(values, 'values', attributions, 'attributions')
    cmap = colormap(cmap).with_extremes(bad='0.6')
    rows = [column[np.isfinite(column)] for column in attributions.T]
    shown, others = largest(np.array([np.abs(row).mean() if len(row) else 0.0 for row in rows]), top)
    ax = axes_for(ax, (6.5 if values is None else 7.2, 0.9 + 0.38 * max(2, len(shown))))
    name_rows(ax, [names[i] for i in shown])
    ax.axvline(0, color=ink_of(ax), linewidth=0.8, zorder=0)
    if style == 'violin':
        _draw_violins(ax, [rows[i] for i in shown])
    else:
        drawn = _draw_points(ax, attributions[:, shown], None if values is None else values[:, shown], cmap)
        if values is not None and colorbar:
            bar = add_colorbar(drawn, ax, 'value of the feature', ticks=[0, 1])
            bar.set_ticklabels(['low', 'high'])
    ax.set_xlabel('attribution')
    _say_what_is_missing(ax, attributions, len(others))
    return ax


@takes_explanation(False, names=names_in, values=data_in)
def beeswarm(
    attributions: ArrayLike,
    names: Sequence[str],
    values: ArrayLike = None,
    top: int = 10,
    ax: Optional[Axes] = None,
    *,
    cmap: Any = 'cividis',
    colorbar: bool = True,
) -> Axes:
    """Draw the points of :func:`distribution`, under the name that they have elsewhere.

    All arguments are those of :func:`distribution`.

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
    >>> from deepexplain.plotting import beeswarm
    >>> ax = beeswarm([[0.5, -2.0], [0.25, 1.0]], ['a', 'b'], ax=Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['b', 'a']
    """
    return distribution(attributions, names, values, top, ax, cmap=cmap, colorbar=colorbar)


def _draw_points(ax: Axes, attributions: Array, values: Optional[Array], cmap: Any) -> Any:
    """All rows as one collection."""
    low, high = (f(attributions[np.isfinite(attributions)], initial=0) for f in (np.min, np.max))
    heights = np.stack([row + _swarm(column, low, high) for row, column in enumerate(attributions.T)], axis=1)
    seen = np.isfinite(attributions)
    drawn = ax.scatter(attributions[seen], heights[seen], s=12, linewidths=0.3, edgecolors=ink_of(ax), color=ONE_COLOUR)
    if values is not None:
        ranged = np.stack([_ranged(column) for column in values.T], axis=1)
        drawn.set(array=np.ma.masked_invalid(ranged[seen]), cmap=cmap, clim=(0, 1))
    return drawn


def _swarm(column: Array, low: float, high: float, bins: int = 100, reach: float = 0.4) -> Array:
    """How far from its row each point lies, within ``reach``: the points of a bin fan out to both sides in turn."""
    offsets = np.zeros(len(column))
    places = np.full(len(column), -1)
    finite = np.isfinite(column)
    places[finite] = np.floor((column[finite] - low) / ((high - low) or 1.0) * bins)
    for place in np.unique(places[finite]):
        found = np.flatnonzero(places == place)
        steps = (np.arange(len(found)) + 1) // 2
        offsets[found] = np.where(np.arange(len(found)) % 2, -steps, steps)
    widest = np.abs(offsets).max()
    return offsets * min(0.08, reach / widest) if widest else offsets


def _ranged(column: Array) -> Array:
    """A feature's values, from 0 at the 5th percentile to 1 at the 95th; 0.5 if all are equal."""
    finite = column[np.isfinite(column)]
    if not len(finite):
        return column
    low, high = np.percentile(finite, [5, 95])
    if low == high:
        low, high = finite.min(), finite.max()
    return (column - low) / (high - low) if low < high else np.where(np.isfinite(column), 0.5, np.nan)


def _draw_violins(ax: Axes, rows: Any) -> None:
    lie = (
        {'orientation': 'horizontal'}
        if 'orientation' in inspect.signature(Axes.violinplot).parameters
        else {'vert': False}
    )
    places = [place for place, row in enumerate(rows) if len(row)]
    if not places:
        return
    # Of values that are all but equal, no density can be computed.
    spread = [row if np.ptp(row) > 1e-100 else row[:1] for row in rows if len(row)]
    parts: Dict[str, Any] = ax.violinplot(spread, places, widths=0.8, showmedians=True, **lie)
    for body in parts.pop('bodies'):
        body.set(facecolor=ONE_COLOUR, edgecolor=ink_of(ax), alpha=0.7)
    for lines in parts.values():
        lines.set(color=ink_of(ax), linewidth=0.8)


def _say_what_is_missing(ax: Axes, attributions: Array, others: int) -> None:
    bad = int((~np.isfinite(attributions)).sum())
    said = [f'features not shown: {others}'] * bool(others) + [f'{bad} not finite, left out'] * bool(bad)
    if said:
        note(ax, '; '.join(said))

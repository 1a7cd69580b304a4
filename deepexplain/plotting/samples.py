"""Many samples of a table at once: one feature as points, all of them as a map."""

from typing import TYPE_CHECKING, Any, Optional, Sequence, Union

import numpy as np

from ..arguments import as_flag, as_integer, one_of, text_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .axes import add_colorbar, axes_for, check_axes, ink_of, note, note_bad, page_of, shortened, verbatim
from .colours import Scale, colormap, limit_of
from .explained import data_in, names_in, takes_explanation
from .features import ONE_COLOUR, as_top, largest, name_rows
from .values import as_labels, as_values, same_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORDERS = ('sum', None)
#: The most samples whose names can be read under a map.
MOST_NAMED = 200
#: The most samples that have a pixel of their own in a map as wide as a page.
MOST_COLUMNS = 500


@takes_explanation(False, names=names_in, values=data_in)
def scatter(
    attributions: ArrayLike,
    names: Sequence[str],
    values: ArrayLike,
    feature: Union[str, int, None] = None,
    ax: 'Optional[Axes]' = None,
    *,
    color_by: Union[str, int, None] = None,
    cmap: Any = 'cividis',
    colorbar: bool = True,
) -> 'Axes':
    """Draw the attribution of one feature against its value: a point for each sample.

    Parameters
    ----------
    attributions : array of real numbers, shape (samples, features)
    names : list of str
        One for each feature.
    values : array of real numbers, shape (samples, features)
        The feature values. Points without a finite value or attribution are left out, and counted in a note.
    feature : str or int, optional
        Its name, or its column. Default: that of the largest mean absolute attribution.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.
    color_by : str or int, optional
        Another feature, whose value is the colour of the points, from its 5th to its 95th percentile: where points of
        one value differ in colour from top to bottom, the two may act together. nan is grey.
    cmap : str or Colormap, default 'cividis'
        Of the values of that feature.
    colorbar : bool, default True
        Where there is ``color_by``.

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
    >>> from deepexplain.plotting import scatter
    >>> ax = scatter([[0.5, -2.0], [0.25, 1.0]], ['a', 'b'], [[1, 2], [3, 4]], 'b', ax=Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.collections[0].get_offsets().tolist()
    ('b', 'attribution', [[2.0, -2.0], [4.0, 1.0]])
    """
    check_axes(ax)
    attributions = as_values(attributions, 'attributions', 'samples, features')
    names = as_labels(names, 'names', attributions.shape[1], 'features')
    values = as_values(values, 'values', 'samples, features')
    same_shape(values, 'values', attributions, 'attributions')
    column = largest(_mean_sizes(attributions), 1)[0][0] if feature is None else _column(feature, names, 'feature')
    other = None if color_by is None else _column(color_by, names, 'color_by')
    colorbar, cmap = as_flag(colorbar, 'colorbar'), colormap(cmap).with_extremes(bad='0.6')
    x, y = values[:, column], attributions[:, column]
    seen = np.isfinite(x) & np.isfinite(y)
    ax = axes_for(ax, (5.5 if other is None else 6.2, 3.6))
    ax.axhline(0, color=ink_of(ax), linewidth=0.8, zorder=0)
    size = 14 if seen.sum() <= 1000 else 5
    drawn = ax.scatter(x[seen], y[seen], s=size, linewidths=0.3, edgecolors=ink_of(ax), color=ONE_COLOUR)
    if other is not None:
        _colour(drawn, values[seen, other], cmap)
        if colorbar:
            bar = add_colorbar(drawn, ax, shortened(names[other]), extend=_extend(drawn, values[seen, other]))
            verbatim([bar.ax.yaxis.label])
    verbatim([ax.set_xlabel(shortened(names[column], 60)), ax.set_ylabel('attribution')])
    for side in ('top', 'right'):
        ax.spines[side].set_visible(False)
    if not seen.all():
        note(ax, f'{int((~seen).sum())} not finite, left out')
        verbatim([ax.xaxis.label])
    return ax


@takes_explanation(False, names=names_in)
def heatmap(
    attributions: ArrayLike,
    names: Sequence[str],
    top: int = 10,
    ax: 'Optional[Axes]' = None,
    *,
    labels: Optional[Sequence[str]] = None,
    order: Optional[str] = 'sum',
    percentile: float = 99.5,
    limit: Optional[float] = None,
    cmap: Any = None,
    colorbar: bool = True,
) -> 'Axes':
    """Draw the attributions of many samples as a map: a row for each feature, a column for each sample.

    Features come in the order of their mean absolute attribution.

    Parameters
    ----------
    attributions : array of real numbers, shape (samples, features)
        nan and infinite values are grey, and counted in a note.
    names : list of str
        One for each feature.
    top : int, default 10
        How many features are drawn; a note says how many are not.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.
    labels : list of str, optional
        One for each sample, below its column; of at most 200 samples.
    order : {'sum', None}, default 'sum'
        Samples by the sum of all their attributions, the largest first; or as they came.
    percentile : float, default 99.5
        Colours end at that percentile of the absolute attributions that are drawn.
    limit : float, optional
        The attribution at which colours end, in place of the percentile.
    cmap : str or Colormap, optional
        A diverging map. Default: red and blue, with 0 in the colour of the page.
    colorbar : bool, default True

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
    >>> from deepexplain.plotting import heatmap
    >>> ax = heatmap([[0.5, -2.0], [0.25, 1.0]], ['a', 'b'], ax=Figure().add_subplot())
    >>> ax.images[0].get_array().tolist()
    [[1.0, -2.0], [0.25, 0.5]]
    """
    check_axes(ax)
    attributions = as_values(attributions, 'attributions', 'samples, features')
    names = as_labels(names, 'names', attributions.shape[1], 'features')
    top, order, colorbar = as_top(top), one_of(order, 'order', ORDERS), as_flag(colorbar, 'colorbar')
    labels = None if labels is None else as_labels(labels, 'labels', len(attributions), 'samples')
    if labels is not None and len(labels) > MOST_NAMED:
        raise ArgumentError(f'labels can be read of at most {MOST_NAMED} samples; got {len(labels)}: leave them out.')
    cmap = None if cmap is None else colormap(cmap)
    shown, others = largest(_mean_sizes(attributions), top)
    places = np.arange(len(attributions))
    if order == 'sum':
        places = np.argsort(-np.where(np.isfinite(attributions), attributions, 0).sum(axis=1), kind='stable')
    values = attributions[places][:, shown].T
    scale = Scale(limit_of(values, percentile, limit), page_of(ax), cmap)
    width = 6.5 if labels is None else min(max(6.5, 2.5 + 0.2 * len(labels)), 30)
    ax = axes_for(ax, (width, 1.1 + 0.3 * max(2, len(shown)) + (1.0 if labels else 0)))
    # Samples that share a pixel are averaged, not their colours: red and blue would be grey, as nan is. While each has
    # pixels of its own, nothing is: that would blend the rows, too.
    drawn = ax.imshow(
        np.ma.masked_invalid(values),
        cmap=scale.cmap,
        norm=scale.norm,
        aspect='auto',
        interpolation='nearest' if values.shape[1] <= MOST_COLUMNS else None,
        interpolation_stage='data',
    )
    name_rows(ax, [names[i] for i in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    if labels is None:
        ax.set_xticks([])
    else:
        ax.set_xticks(np.arange(len(labels)))
        ax.set_xticklabels([shortened(labels[i], 20) for i in places], rotation=90, fontsize='small', parse_math=False)
    ax.spines['bottom'].set_visible(False)
    count = len(attributions)
    sorted_by = ', by the sum of their attributions' if order == 'sum' and count > 1 else ''
    ax.set_xlabel(f'{count} sample{"s" * (count > 1)}{sorted_by}')
    if others:
        note(ax, f'features not shown: {len(others)}')
    note_bad(ax, values, scale.bad_name)
    if colorbar:
        add_colorbar(drawn, ax, 'attribution', extend=scale.extend(values))
    return ax


def _mean_sizes(attributions: Array) -> Array:
    """The mean of what is finite of each feature's absolute attributions; 0 if nothing is."""
    finite = np.isfinite(attributions)
    result: Array = np.abs(np.where(finite, attributions, 0)).sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    return result


def _column(feature: Any, names: Sequence[str], what: str) -> int:
    """The column of a feature, from its name or its number."""
    if isinstance(feature, str):
        found = [i for i, name in enumerate(names) if str.__eq__(name, feature) is True]
        if len(found) != 1:
            kind = f'{len(found)} columns have' if found else 'none has'
            raise ArgumentError(
                f'{what} must be one of names, or the number of a column; {kind} the name {text_of(feature)}.'
            )
        return found[0]
    number = as_integer(feature, what)
    if not -len(names) <= number < len(names):
        raise ArgumentError(f'{what} must be one of the {len(names)} columns, or a name; got {text_of(feature)}.')
    return number % len(names)


def _colour(drawn: Any, values: Array, cmap: Any) -> None:
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, [5, 95]) if len(finite) else (0.0, 1.0)
    if low == high:
        low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    drawn.set(array=np.ma.masked_invalid(values), cmap=cmap, clim=(low, high))


def _extend(drawn: Any, values: Array) -> str:
    low, high = drawn.get_clim()
    values = values[np.isfinite(values)]
    below, above = bool((values < low).any()), bool((values > high).any())
    return {(0, 0): 'neither', (1, 0): 'min', (0, 1): 'max', (1, 1): 'both'}[int(below), int(above)]

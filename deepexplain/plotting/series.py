"""Time series: each channel as a line, with the attributions as colour along it or behind it."""

from typing import TYPE_CHECKING, Any, Optional, Sequence, Tuple

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from ..arguments import as_flag, as_number, one_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .axes import add_colorbar, axes_for, check_axes, ink_of, note_bad, page_of, verbatim
from .colours import Scale, limit_of
from .explained import data_in, takes_explanation
from .values import as_labels, as_values, same_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: As many lanes as can be told apart.
MOST_CHANNELS = 1000
STYLES = ('line', 'bands')
HEIGHTS = ('own', 'shared')


@takes_explanation(True, series=data_in)
def timeseries(
    series: ArrayLike,
    attributions: ArrayLike,
    ax: 'Optional[Axes]' = None,
    *,
    names: Optional[Sequence[str]] = None,
    times: ArrayLike = None,
    rate: Optional[float] = None,
    style: str = 'line',
    heights: str = 'own',
    percentile: float = 99.5,
    limit: Optional[float] = None,
    cmap: Any = None,
    colorbar: bool = True,
) -> 'Axes':
    """Draw time series with the attributions as colour; where they are negative, the line is dotted.

    One channel is drawn against its values; several are drawn one below the other. All share one colour scale.

    Parameters
    ----------
    series : array of real numbers, shape (times,) or (times, channels), at least 2 times
        nan leaves a gap.
    attributions : array of real numbers, shape of series
        nan and infinite values are grey, and counted in a note.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.
    names : list of str, optional
        One for each channel.
    times : array of real numbers, shape (times,), optional
        Increasing. Default: 0, 1, 2 ...
    rate : float, optional
        Samples per second, in place of times: the axis is in seconds, from 0.
    style : {'line', 'bands'}, default 'line'
        Colour along the line, or behind it from top to bottom.
    heights : {'own', 'shared'}, default 'own'
        Of several channels: each fills its lane, or all have the units of the widest.
    percentile : float, default 99.5
        Colours end at that percentile of the absolute attributions.
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
    >>> from deepexplain.plotting import timeseries
    >>> ax = timeseries([0.0, 1.0, 0.0], [0.5, 2.0, -1.0], rate=10, ax=Figure().add_subplot())
    >>> ax.get_xlabel()
    'time (s)'
    """
    check_axes(ax)
    series = as_values(series, 'series', 'times', 'times, channels')
    values = as_values(attributions, 'attributions', 'times', 'times, channels')
    same_shape(values, 'attributions', series, 'series')
    if series.ndim == 2 and series.shape[1] > MOST_CHANNELS:
        raise ArgumentError(f'series must have at most {MOST_CHANNELS} channels; got shape {series.shape}.')
    if len(series) < 2:
        raise ArgumentError(f'series must have at least 2 times; got shape {series.shape}.')
    series, values = series.reshape(len(series), -1), values.reshape(len(values), -1)
    names = None if names is None else as_labels(names, 'names', series.shape[1], 'channels')
    times, label = _times(times, rate, len(series))
    scale = Scale(limit_of(values, percentile, limit), page_of(ax), cmap)
    style, colorbar = one_of(style, 'style', STYLES), as_flag(colorbar, 'colorbar')
    lines, lanes = _lanes(series, one_of(heights, 'heights', HEIGHTS))
    ax = axes_for(ax, (8, 1.2 + 0.9 * max(2, series.shape[1])))
    for height, value, lane in zip(lines.T, values.T, lanes):
        drawn = _draw_channel(ax, times, height, value, lane, scale, style)
    _set_axes(ax, times, label, names, lanes)
    note_bad(ax, values, scale.bad_name)
    if colorbar:
        add_colorbar(drawn, ax, 'attribution', extend=scale.extend(values))
    return ax


def _times(times: Any, rate: Optional[float], count: int) -> Tuple[Array, str]:
    """The time of each sample, and what the axis is called."""
    if times is None:
        if rate is None:
            return np.arange(count), 'time'
        return np.arange(count) / as_number(rate, 'rate', above=0), 'time (s)'
    if rate is not None:
        raise ArgumentError('times and rate both give the times; leave one of them out.')
    times = as_values(times, 'times', 'times')
    if len(times) != count:
        raise ArgumentError(f'times must have one entry for each of the {count} times of series; got {len(times)}.')
    if not np.isfinite(times).all() or not (np.diff(times) > 0).all():
        raise ArgumentError('times must be finite and increase.')
    return times, 'time'


def _lanes(series: Array, heights: str) -> Any:
    """The series in the coordinates of the Axes, and (low, high) of each lane: 0 to 1 for the last channel."""
    finite = np.where(np.isfinite(series), series, np.nan)
    low = np.array([np.min(channel[np.isfinite(channel)], initial=np.inf) for channel in finite.T])
    high = np.array([np.max(channel[np.isfinite(channel)], initial=-np.inf) for channel in finite.T])
    low, high = np.where(low > high, 0, low), np.where(low > high, 0, high)  # of a channel without a number
    span = high - low
    if heights == 'shared':
        span = np.full_like(span, span.max())
    span = np.maximum(span, 1e-6 * np.maximum(np.abs(low), np.abs(high)))  # what is nearly flat is drawn flat
    span[span < 1e-300] = 1.0
    if len(low) == 1:
        room = 0.08 * span[0]
        return finite, [(low[0] - room, high[0] + room if high[0] > low[0] else low[0] + room)]
    bottoms = np.arange(len(low))[::-1]
    return bottoms + 0.5 + 0.84 * (finite - (low + high) / 2) / span, [(bottom, bottom + 1) for bottom in bottoms]


def _draw_channel(ax: 'Axes', times: Array, heights: Array, values: Array, lane: Any, scale: Scale, style: str) -> Any:
    """One channel; returns what a colour bar can be made of."""
    pieces: Any = _pieces(times, heights)
    if style == 'line':
        drawn: Any = LineCollection(pieces, linewidths=8, capstyle='butt', joinstyle='round', zorder=1)
    else:
        left, right = pieces[:, 0, 0], pieces[:, 2, 0]
        corners = [(left, lane[0]), (left, lane[1]), (right, lane[1]), (right, lane[0])]
        drawn = PolyCollection(
            list(np.stack([np.stack(np.broadcast_arrays(*corner), axis=-1) for corner in corners], axis=1)),
            linewidths=0,
            antialiaseds=False,  # else the page shines through between neighbours
            zorder=1,
        )
    drawn.set(array=np.ma.masked_invalid(values), cmap=scale.cmap, norm=scale.norm)
    ax.add_collection(drawn, autolim=False)
    negative = np.where(np.isfinite(values), values, 0) < 0
    ends = np.flatnonzero(np.diff(negative)) + 1
    runs = np.split(np.arange(len(values)), ends)
    for sign, linestyle in [(False, '-'), (True, ':')]:
        lines = [pieces[run].reshape(-1, 2) for run in runs if negative[run[0]] == sign]
        # Set off by the page's colour, so that it is seen on the strongest attributions, too.
        around = LineCollection(lines, colors=[page_of(ax)], linewidths=2.4, zorder=2)
        line = LineCollection(lines, colors=ink_of(ax), linewidths=1.0, linestyles=linestyle, zorder=3)
        ax.add_collection(around, autolim=False)
        ax.add_collection(line, autolim=False)
    return drawn


def _pieces(times: Array, heights: Array) -> Array:
    """The part of the line that belongs to each sample, half the way to its neighbours: shape (times, 3, 2)."""
    points = np.stack([times, heights], axis=-1)
    middles = (points[1:] + points[:-1]) / 2
    left, right = np.concatenate([points[:1], middles]), np.concatenate([middles, points[-1:]])
    return np.stack([left, points, right], axis=1)


def _set_axes(ax: 'Axes', times: Array, label: str, names: Optional[Sequence[str]], lanes: Any) -> None:
    ax.set_xlim(times[0], times[-1])
    ax.set_ylim(min(low for low, _ in lanes), max(high for _, high in lanes))
    ax.set_xlabel(label)
    if len(lanes) == 1:
        verbatim([ax.set_ylabel(names[0] if names else 'value')])
        return
    ax.set_yticks([(low + high) / 2 for low, high in lanes])
    ax.set_yticklabels(names or [f'channel {i}' for i in range(len(lanes))], parse_math=False)
    ax.tick_params(axis='y', length=0)
    for low, _ in lanes[:-1]:
        ax.axhline(low, color=ink_of(ax), linewidth=0.5, alpha=0.4)

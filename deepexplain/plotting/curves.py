"""How near a computation is to its end: errors against steps, running estimates with their standard error."""

from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Tuple

import numpy as np
from matplotlib.collections import LineCollection

from ..arguments import as_count, as_number, text_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .axes import axes_for, bad_kind, check_axes, ink_of, note, verbatim
from .colours import LINES
from .values import as_labels, as_values, same_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES = ('-', '--', '-.', ':')


def convergence(
    deltas: ArrayLike, steps: ArrayLike, ax: 'Optional[Axes]' = None, *, tolerance: Optional[float] = None
) -> 'Axes':
    """Draw how far attributions are from adding up, against the number of steps, on logarithmic axes.

    Thin lines are samples, and the thick one is the median of their absolute deltas.

    Parameters
    ----------
    deltas : array of real numbers, shape (steps,) or (steps, samples)
        ``sum(attributions) - (f(x) - f(baseline))`` after so many steps. A delta of exactly 0 is not on a logarithmic
        axis: a note counts them.
    steps : array of real numbers greater than 0, shape (steps,)
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.
    tolerance : float, optional
        What is near enough: a dashed line.

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
    >>> from deepexplain.plotting import convergence
    >>> ax = convergence([[0.5, -0.3], [0.05, -0.03]], [10, 100], tolerance=0.1, ax=Figure().add_subplot())
    >>> ax.get_xscale(), ax.get_yscale()
    ('log', 'log')
    """
    check_axes(ax)
    sizes = np.abs(as_values(deltas, 'deltas', 'steps', 'steps, samples'))
    steps = as_values(steps, 'steps', 'steps')
    if len(steps) != len(sizes):
        raise ArgumentError(f'steps must have one entry for each of the {len(sizes)} rows of deltas; got {len(steps)}.')
    if not np.isfinite(steps).all() or not (steps > 0).all():
        raise ArgumentError('steps must be finite and greater than 0, which logarithmic axes need.')
    tolerance = None if tolerance is None else as_number(tolerance, 'tolerance', above=0)
    order = np.argsort(steps, kind='stable')
    steps, sizes = steps[order], sizes[order].reshape(len(steps), -1)
    ax = axes_for(ax, (5.5, 3.6))
    ax.set(xscale='log', yscale='log', xlabel='steps', ylabel='|delta| of the sum')
    _draw_deltas(ax, steps, sizes)
    if tolerance is not None:
        ax.axhline(tolerance, color=LINES[1], linestyle='--', linewidth=1.2, label=f'tolerance {tolerance:g}')
    # The best place among many points is found slowly; deltas fall, so that there is room at the upper right.
    ax.legend(fontsize='small', loc='best' if sizes.size <= 10**4 else 'upper right')
    _note_absent(ax, sizes)
    return ax


def _draw_deltas(ax: 'Axes', steps: Array, sizes: Array) -> None:
    drawn = _above_zero(sizes)
    if sizes.shape[1] > 1:
        lines = [np.stack([steps, sample], axis=-1) for sample in drawn.T]  # as one artist: there may be many
        thin = LineCollection(lines, colors=ink_of(ax), alpha=0.3, linewidths=0.6, label='samples')
        ax.add_collection(thin, autolim=False)
        ends = [[np.nanmin(drawn), np.nanmax(drawn)]] if np.isfinite(drawn).any() else []
        ax.update_datalim([(step, end) for end in np.ravel(ends) for step in (steps[0], steps[-1])])
    medians = np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in sizes])
    label = 'median' if sizes.shape[1] > 1 else 'delta'
    ax.plot(steps, _above_zero(medians), 'o-', color=LINES[0], markersize=4, linewidth=2, label=label)
    if not np.isfinite(drawn).any():  # a logarithmic axis of nothing
        ax.set_ylim(1e-16, 1)
    if steps[0] == steps[-1]:
        ax.set_xlim(steps[0] / 10, steps[0] * 10)


def _above_zero(sizes: Array) -> Array:
    """What a logarithmic axis can show of the sizes, which are not negative; nan for the rest."""
    return np.where(np.isfinite(sizes) & (sizes != 0), sizes, np.nan)


def _note_absent(ax: 'Axes', sizes: Array) -> None:
    zeros, bad = int((sizes == 0).sum()), int((~np.isfinite(sizes)).sum())
    said = [f'{zeros} exactly 0'] * bool(zeros) + [f'{bad} {bad_kind(sizes)}'] * bool(bad)
    if said:
        note(ax, f'not drawn: {", ".join(said)}')


def running(
    estimates: ArrayLike,
    ax: 'Optional[Axes]' = None,
    *,
    errors: ArrayLike = None,
    names: Optional[Sequence[str]] = None,
    counts: ArrayLike = None,
    top: int = 5,
) -> 'Axes':
    """Draw estimates of Shapley values while they settle, each with a band of one standard error to both sides.

    After n of the independent estimates that one random order each gives: ``mean = sum(e_1 ... e_n) / n`` and
    ``error = sqrt(sum((e_i - mean)^2) / (n - 1) / n)``, from n = 2 on.

    Parameters
    ----------
    estimates : array of real numbers, shape (orders,) or (orders, features)
        One row for each random order; with ``errors``, means so far, drawn as they are. nan leaves a gap.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.
    errors : array of real numbers, none negative, shape of estimates, optional
        Standard errors of estimates that are running already.
    names : list of str, optional
        One for each feature.
    counts : array of increasing real numbers, shape (orders,), optional
        The n of each row. Default: 1, 2, 3 ...
    top : int, default 5
        How many features are drawn, at most 7: those whose last estimate is largest.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument has a wrong shape, length, kind or value.

    References
    ----------
    Castro, Gomez, Tejada: Polynomial calculation of the Shapley value based on sampling, 2009.
    https://doi.org/10.1016/j.cor.2008.04.004

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from deepexplain.plotting import running
    >>> ax = running([1.0, 2.0, 3.0], ax=Figure().add_subplot())
    >>> ax.lines[0].get_ydata().tolist()
    [1.0, 1.5, 2.0]
    """
    check_axes(ax)
    estimates = as_values(estimates, 'estimates', 'orders', 'orders, features')
    if errors is None:
        means, errors = _means(estimates.reshape(len(estimates), -1))
    else:
        errors = _checked_errors(errors, estimates).reshape(len(estimates), -1)
        means = estimates.reshape(len(estimates), -1)
    features = means.shape[1]
    names = [f'feature {i}' for i in range(features)] if names is None else names
    names = as_labels(names, 'names', features, 'features')
    counts = _counts(counts, len(means))
    top = as_count(top, 'top')
    if top > len(LINES):
        raise ArgumentError(
            f'top must be at most {len(LINES)}, which is as many lines as can be told apart; got {text_of(top)}.'
        )
    sizes = np.where(np.isfinite(means[-1]), np.abs(means[-1]), -1)
    # A new figure makes room for it.
    beside: Dict[str, Any] = {'loc': 'upper left', 'bbox_to_anchor': (1, 1)} if ax is None else {}
    if ax is not None and len(means) > 10**4:
        beside = {'loc': 'upper right'}  # the best place among many points is found slowly
    ax = axes_for(ax, (7, 3.6))
    drawn = np.argsort(-sizes, kind='stable')[:top]
    lines = [_draw_estimate(ax, counts, means[:, i], errors[:, i], names[i], line) for line, i in enumerate(drawn)]
    ax.set(xlabel='random orders', ylabel='estimate, ± standard error')
    ax.set_xlim(*((counts[0], counts[-1]) if len(counts) > 1 else (counts[0] - 1, counts[0] + 1)))
    # A label that begins with an underscore would get no entry.
    legend = ax.legend(lines, ['name'] * len(lines), fontsize='small', **beside)
    for text, i in zip(legend.get_texts(), drawn):
        text.set_text(names[i])
    verbatim(legend.get_texts())
    _note_missing(ax, means, features - top)
    return ax


def _draw_estimate(ax: 'Axes', counts: Array, means: Array, errors: Optional[Array], name: str, line: Any) -> Any:
    colour, dashes = LINES[line], DASHES[line % len(DASHES)]
    (drawn,) = ax.plot(counts, means, label=name, color=colour, linestyle=dashes, linewidth=1.6)
    ax.fill_between(counts, means - errors, means + errors, color=colour, alpha=0.2, linewidth=0)
    return drawn


def _means(estimates: Any) -> Tuple[Array, Optional[Array]]:
    """The means of the first 1, 2, 3 ... rows, and their standard errors; the first error is nan."""
    n = np.arange(1, len(estimates) + 1)[:, np.newaxis]
    with np.errstate(invalid='ignore'):  # from an infinite estimate on, nothing is drawn
        means = np.cumsum(estimates, axis=0) / n
        shifted = estimates - estimates[:1]  # else squares of large numbers would cancel
        squares = np.cumsum(shifted**2, axis=0) - np.cumsum(shifted, axis=0) ** 2 / n
        errors = np.full_like(means, np.nan)
        errors[1:] = np.sqrt(np.maximum(squares[1:], 0) / (n[1:] - 1) / n[1:])
    return means, errors


def _checked_errors(errors: Any, estimates: Array) -> Array:
    checked = as_values(errors, 'errors', 'orders', 'orders, features')
    same_shape(checked, 'errors', estimates, 'estimates')
    if (checked[np.isfinite(checked)] < 0).any():
        raise ArgumentError('errors are standard errors, and none can be negative.')
    return checked


def _counts(counts: Any, length: int) -> Array:
    if counts is None:
        return np.arange(1, length + 1)
    checked = as_values(counts, 'counts', 'orders')
    if len(checked) != length:
        raise ArgumentError(
            f'counts must have one entry for each of the {length} rows of estimates; got {len(checked)}.'
        )
    if not np.isfinite(checked).all() or not (np.diff(checked) > 0).all():
        raise ArgumentError('counts must be finite and increase.')
    return checked


def _note_missing(ax: 'Axes', means: Array, others: int) -> None:
    bad = int((~np.isfinite(means)).sum())
    said = [f'features not shown: {others}'] * (others > 0) + [f'{bad} {bad_kind(means)}, not drawn'] * (bad > 0)
    if said:
        note(ax, '; '.join(said))

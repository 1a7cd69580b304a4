"""DNA, RNA and proteins: letters as high as their attributions are large, a sequence logo."""

import functools
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D

from ..arguments import as_integer, as_names
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array, ArrayLike
from .axes import axes_for, bad_kind, check_axes, ink_of, note
from .values import as_values, same_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: All can be seen on white and on black; which letter it is, its shape says.
BASES = {'A': '#00885f', 'C': '#0072b2', 'G': '#a87400', 'T': '#d55e00', 'U': '#d55e00'}
#: Amino acids: acids, bases, polar ones; hydrophobic ones have the colour of the others.
AMINO_ACIDS = {
    **dict.fromkeys('DE', '#d55e00'),
    **dict.fromkeys('KRH', '#0072b2'),
    **dict.fromkeys('STNQGYC', '#00885f'),
}
OTHER = '#6f7f86'
UNKNOWN = '?'
_WIDTH = 0.92  # of a letter, in positions


def sequence(
    attributions: ArrayLike,
    letters: Any = None,
    one_hot: ArrayLike = None,
    alphabet: Sequence[str] = 'ACGT',
    ax: 'Optional[Axes]' = None,
    *,
    start: int = 0,
    highlight: Sequence[Tuple[float, float]] = (),
    flip: bool = False,
    colors: Optional[Mapping[str, Any]] = None,
) -> 'Axes':
    """Draw the letters of a sequence as high as their attributions; negative ones hang below the axis.

    With ``letters`` or ``one_hot``, each position has its letter, as high as the sum of the attributions there.
    Without, attributions of shape (length, alphabet) give every letter of the alphabet its own height, stacked, the
    largest farthest from the axis.

    Parameters
    ----------
    attributions : array of real numbers, shape (length,) or (length, alphabet)
        Positions with nan or infinite values are grey, and counted in a note.
    letters : str or list of str, optional
        The sequence.
    one_hot : array of 0 and 1, shape (length, alphabet), optional
        The sequence, in place of letters. A row of zeros is drawn as '?'.
    alphabet : str or list of str, default 'ACGT'
        The letters of the columns.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.
    start : int, default 0
        The number of the first position.
    highlight : list of (first, end), optional
        Spans of positions with a coloured background; ``end`` is the first position after the span, as in slices.
    flip : bool, default False
        Turn negative letters upside down.
    colors : dict of letter -> colour, optional
        Default: bases by letter, amino acids by their chemistry.

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
    >>> from deepexplain.plotting import sequence
    >>> ax = sequence([0.5, -0.25], 'TA', ax=Figure().add_subplot())
    >>> [float(patch.get_path().get_extents().height) for patch in ax.patches]
    [0.5, 0.25]
    """
    check_axes(ax)
    values = as_values(attributions, 'attributions', 'length', 'length, alphabet')
    columns = _letters_of(values, letters, one_hot, alphabet)
    start = as_integer(start, 'start')
    spans = _spans(highlight)
    if columns is None:
        columns = [list(alphabet)] * len(values)
    elif values.ndim == 2:
        with np.errstate(invalid='ignore'):  # inf - inf
            values = values.sum(axis=-1)
    values = values.reshape(len(values), -1)
    colors = {**_colours(columns), **(colors or {})}
    ax = axes_for(ax, (min(max(0.22 * len(values) + 1, 4), 16), 2.2))
    for first, end in spans:
        ax.axvspan(first - 0.5, end - 0.5, facecolor='#a87400', alpha=0.3, linewidth=0, zorder=0)
    for position, (row, column) in enumerate(zip(values, columns), start=start):
        _draw_stack(ax, position, row, column, colors, flip)
    _set_axes(ax, values, start)
    return ax


def _letters_of(values: Array, letters: Any, one_hot: Any, alphabet: Any) -> Any:
    """The letter of each position as a list of one; None if every letter of the alphabet is drawn."""
    alphabet = _single(alphabet, 'alphabet')
    if values.ndim == 2 and values.shape[1] != len(alphabet):
        raise ArgumentError(
            f'attributions must have one column for each of the {len(alphabet)} letters of the alphabet; '
            f'got shape {values.shape}.'
        )
    if letters is not None and one_hot is not None:
        raise ArgumentError('letters and one_hot both give the sequence; leave one of them out.')
    if letters is not None:
        letters = _single(letters, 'letters')
        if len(letters) != len(values):
            raise ArgumentError(f'letters must have one for each of the {len(values)} positions; got {len(letters)}.')
    elif one_hot is not None:
        letters = _decoded(one_hot, values, alphabet)
    elif values.ndim == 1:
        raise ArgumentError('attributions of shape (length,) need the sequence: give letters or one_hot.')
    return None if letters is None else [[letter] for letter in letters]


def _single(value: Any, what: str) -> List[str]:
    """A str or a list of letters as a list of them."""
    letters = list(value) if isinstance(value, str) else as_names(value, what)
    wrong = [letter for letter in letters if len(letter) != 1 or not letter.isprintable() or letter.isspace()]
    if wrong:
        raise ArgumentError(f'{what} must be single letters that can be seen; got {wrong[0]!r}.')
    return letters


def _decoded(one_hot: Any, values: Array, alphabet: Sequence[str]) -> List[str]:
    one_hot = as_values(one_hot, 'one_hot', 'length, alphabet')
    expected = np.empty((len(values), len(alphabet)))
    same_shape(one_hot, 'one_hot', expected, 'positions and alphabet')
    if not np.isin(one_hot, (0, 1)).all() or (one_hot.sum(axis=-1) > 1).any():
        raise ArgumentError('one_hot must have at most one 1 in each row, and else 0.')
    return [alphabet[row.argmax()] if row.any() else UNKNOWN for row in one_hot]


def _spans(highlight: Any) -> List[Tuple[float, float]]:
    try:
        spans = [(first, end) for first, end in highlight]
        empty = [span for span in spans if not span[0] < span[1]]
    except (TypeError, ValueError):
        raise ArgumentTypeError(f'highlight must be a list of spans (first, end); got {highlight!r}.') from None
    if empty:
        raise ArgumentError(f'highlight must have spans (first, end) with first < end; got {empty[0]!r}.')
    return spans


def _colours(columns: Sequence[Sequence[str]]) -> Dict[str, Any]:
    used = {letter for column in columns for letter in column}
    table = BASES if {letter.upper() for letter in used} <= set('ACGTUN-.?') else AMINO_ACIDS
    return {letter: table.get(letter.upper(), OTHER) for letter in used}


def _draw_stack(
    ax: 'Axes', position: float, heights: Array, letters: Sequence[str], colors: Mapping[str, Any], flip: bool
) -> None:
    """The letters of one position: positive ones upwards from 0, negative ones downwards, the largest outside."""
    if not np.isfinite(heights).all():
        ax.axvspan(position - 0.5, position + 0.5, facecolor='0.6', linewidth=0, zorder=0)
    bottom = top = 0.0
    for i in np.argsort(np.abs(heights), kind='stable'):
        height = heights[i]
        if height > 0 and np.isfinite(height):
            _draw_letter(ax, letters[i], position, top, top + height, colors[letters[i]], False)
            top += height
        elif height < 0 and np.isfinite(height):
            _draw_letter(ax, letters[i], position, bottom + height, bottom, colors[letters[i]], flip)
            bottom += height


def _draw_letter(
    ax: 'Axes', letter: str, position: float, low: float, high: float, colour: Any, upside_down: bool
) -> None:
    glyph, box = _glyph(letter)
    stretch = Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2)
    stretch.scale(_WIDTH / box.width, (high - low) / box.height * (-1 if upside_down else 1))
    stretch.translate(position, (low + high) / 2)
    ax.add_patch(PathPatch(stretch.transform_path(glyph), facecolor=colour, linewidth=0))


@functools.lru_cache(maxsize=256)
def _glyph(letter: str) -> Tuple[Any, Any]:
    """The outline of a letter and its box. A font with letters of one width stretches them least."""
    path = TextPath((0, 0), letter, size=100, prop=FontProperties(family='DejaVu Sans Mono', weight='bold'))
    return path, path.get_extents()


def _set_axes(ax: 'Axes', values: Array, start: int) -> None:
    ax.axhline(0, color=ink_of(ax), linewidth=0.8)
    ax.set_xlim(start - 0.5, start + len(values) - 0.5)
    finite = np.where(np.isfinite(values), values, 0)
    low, high = np.minimum(finite, 0).sum(axis=1).min(), np.maximum(finite, 0).sum(axis=1).max()
    if low == high:
        low, high = -1.0, 1.0
    ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel='position', ylabel='attribution')
    bad = int((~np.isfinite(values)).any(axis=1).sum())
    if bad:
        note(ax, f'grey: {bad} {bad_kind(values)}')

"""DNA, RNA and proteins: letters as high as their attributions are large, a sequence logo."""

import functools
from collections.abc import Mapping as MappingABC
from collections.abc import Set
from itertools import islice
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import is_color_like
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator

from ..arguments import as_count, as_flag, as_integer, as_names, as_number, is_list, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array, ArrayLike
from .axes import axes_for, bad_kind, check_axes, ink_of, note
from .explained import one_hot_in, takes_explanation
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
#: Positions beyond have no halves between them that a picture could show; genomes have 10**11.
FARTHEST = 10**12
MOST_SPANS = 10**6


@takes_explanation(True, one_hot=one_hot_in)
def sequence(
    attributions: ArrayLike,
    letters: Any = None,
    one_hot: ArrayLike = None,
    alphabet: Sequence[str] = 'ACGT',
    ax: 'Optional[Axes]' = None,
    *,
    start: int = 0,
    window: Union[int, Tuple[int, int], None] = None,
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
    window : int or (first, end), optional
        For long sequences, what is drawn of them, which a note says: the window of so many positions whose absolute
        attributions have the largest sum; or positions from ``first`` to before ``end``, as they are numbered.
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
    >>> [float(path.get_extents().height) for path in ax.collections[0].get_paths()]
    [0.5, 0.25]
    """
    check_axes(ax)
    values = as_values(attributions, 'attributions', 'length', 'length, alphabet')
    columns = _letters_of(values, letters, one_hot, alphabet)
    whole = len(values)
    start, flip, spans = _as_start(start), as_flag(flip, 'flip'), _spans(highlight)
    if columns is None:
        columns = [_single(alphabet, 'alphabet')] * len(values)
    elif values.ndim == 2:
        with np.errstate(invalid='ignore'):  # inf - inf
            values = values.sum(axis=-1)
    values = values.reshape(len(values), -1)
    colors = {**_colours(columns), **_checked_colours(colors)}
    first, end = _window(window, values, start)
    values, columns, origin, start = values[first:end], columns[first:end], start, start + first
    ax = axes_for(ax, (min(max(0.22 * len(values) + 1, 4), 16), 2.2))
    _draw_bands(ax, [(first - 0.5, end - 0.5) for first, end in spans], facecolors='#a87400', alpha=0.3)
    bad = start + np.flatnonzero(~np.isfinite(values).all(axis=1))
    _draw_bands(ax, [(position - 0.5, position + 0.5) for position in bad], facecolors='0.6')
    # As one artist: there may be many letters.
    drawn = [one for stack in enumerate(zip(values, columns), start=start) for one in _stack(*stack)]
    paths = [_letter(letter, position, low, high, flip and negative) for letter, position, low, high, negative in drawn]
    faces = [colors[letter] for letter, *_ in drawn]
    ax.add_collection(PathCollection(paths, facecolors=faces, edgecolors='none', linewidths=0), autolim=False)
    part = f'{start} to {start + len(values) - 1} of {origin} to {origin + whole - 1}'
    _set_axes(ax, values, start, part if len(values) < whole else '')
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
        letters = _single(letters, 'letters', len(values))
    elif one_hot is not None:
        letters = _decoded(one_hot, values, alphabet)
    elif values.ndim == 1:
        raise ArgumentError('attributions of shape (length,) need the sequence: give letters or one_hot.')
    return None if letters is None else [[letter] for letter in letters]


def _single(value: Any, what: str, count: Optional[int] = None) -> List[str]:
    """A str or a list of letters as a list of them."""
    letters = list(value) if isinstance(value, str) else as_names(value, what, count, 'positions')
    wrong = [letter for letter in letters if len(letter) != 1 or not letter.isprintable() or letter.isspace()]
    if wrong:
        raise ArgumentError(f'{what} must be single letters that can be seen; got {text_of(wrong[0])}.')
    if count is not None and len(letters) != count:
        raise ArgumentError(f'{what} must have one for each of the {count} positions; got {len(letters)}.')
    return letters


def _as_start(start: Any) -> int:
    number = as_integer(start, 'start')
    if abs(number) > FARTHEST:
        raise ArgumentError(f'start must be from -{FARTHEST} to {FARTHEST}; got {text_of(start)}.')
    return number


def _window(window: Any, values: Array, start: int) -> Tuple[int, int]:
    """Which of the rows are drawn: from the first to before the second."""
    count = len(values)
    if window is None:
        return 0, count
    if not is_list(window):
        length = min(as_count(window, 'window'), count)
        sizes = np.abs(np.where(np.isfinite(values), values, 0)).sum(axis=1)
        sums = np.cumsum(np.concatenate([[0.0], sizes]))
        first = int(np.argmax(sums[length:] - sums[:-length]))
        return first, first + length
    if len(window) != 2:
        raise ArgumentError(f'window must be a number of positions, or (first, end); got {text_of(window)}.')
    first, end = (as_integer(one, 'window, in first and end,') - start for one in window)
    if not 0 <= first < end <= count:
        raise ArgumentError(
            f'window must be (first, end) with first < end, from {start} to {start + count}; got {text_of(window)}.'
        )
    return first, end


def _checked_colours(colors: Any) -> Dict[str, Any]:
    if colors is None:
        return {}
    if not isinstance(colors, MappingABC):
        raise ArgumentTypeError(f'colors must be a dict of a colour for each letter; got {text_of(colors)}.')
    for letter, colour in colors.items():
        try:
            is_right = isinstance(letter, str) and is_color_like(colour)
        except Exception:  # whatever comparing an object raises
            is_right = False
        if not is_right:
            raise ArgumentError(
                f'colors must be a dict of a colour for each letter; got {text_of(colour)} for {text_of(letter)}.'
            )
    return dict(colors)


def _decoded(one_hot: Any, values: Array, alphabet: Sequence[str]) -> List[str]:
    one_hot = as_values(one_hot, 'one_hot', 'length, alphabet')
    expected = np.empty((len(values), len(alphabet)))
    same_shape(one_hot, 'one_hot', expected, 'positions and alphabet')
    if not np.isin(one_hot, (0, 1)).all() or (one_hot.sum(axis=-1) > 1).any():
        raise ArgumentError('one_hot must have at most one 1 in each row, and else 0.')
    return [alphabet[row.argmax()] if row.any() else UNKNOWN for row in one_hot]


def _spans(highlight: Any) -> List[Tuple[float, float]]:
    try:
        if isinstance(highlight, (str, bytes, bytearray, MappingABC, Set)):
            raise TypeError
        pairs = [(first, end) for first, end in islice(highlight, MOST_SPANS + 1)]
    except Exception:  # whatever the __iter__ of a tensor raises
        raise ArgumentTypeError(f'highlight must be a list of spans (first, end); got {text_of(highlight)}.') from None
    if len(pairs) > MOST_SPANS:
        raise ArgumentError(f'highlight must have at most {MOST_SPANS} spans; got more.')
    of_a_span, far = 'highlight, in each first and end,', FARTHEST
    spans = [tuple(as_number(end, of_a_span, at_least=-far, at_most=far) for end in pair) for pair in pairs]
    empty = [pair for pair, (first, end) in zip(pairs, spans) if not first < end]
    if empty:
        raise ArgumentError(f'highlight must have spans (first, end) with first < end; got {text_of(empty[0])}.')
    return [(first, end) for first, end in spans]


def _colours(columns: Sequence[Sequence[str]]) -> Dict[str, Any]:
    used = {letter for column in columns for letter in column}
    table = BASES if {letter.upper() for letter in used} <= set('ACGTUN-.?') else AMINO_ACIDS
    return {letter: table.get(letter.upper(), OTHER) for letter in used}


def _draw_bands(ax: 'Axes', bands: Sequence[Tuple[float, float]], **options: Any) -> None:
    """Backgrounds from the bottom of the Axes to the top, as one artist."""
    corners = [[(left, 0), (left, 1), (right, 1), (right, 0)] for left, right in bands]
    if corners:
        whole = ax.get_xaxis_transform()
        ax.add_collection(PolyCollection(corners, linewidths=0, zorder=0, transform=whole, **options), autolim=False)


def _stack(position: int, row: Tuple[Array, Sequence[str]]) -> Iterator[Tuple[str, int, float, float, bool]]:
    """The letters of one position: (letter, position, low, high, whether negative).

    Positive ones go upwards from 0, negative ones downwards, the largest outside.
    """
    bottom = top = 0.0
    heights, letters = row
    for i in np.argsort(np.abs(heights), kind='stable') if len(heights) > 1 else (0,):
        height = float(heights[i])
        if 0 < height < np.inf:
            yield letters[i], position, top, top + height, False
            top += height
        elif -np.inf < height < 0:
            yield letters[i], position, bottom + height, bottom, True
            bottom += height


def _letter(letter: str, position: int, low: float, high: float, upside_down: bool) -> Any:
    """The outline of a letter, centred at a position and stretched from low to high."""
    vertices, codes = _glyph(letter)
    sizes = np.array([_WIDTH, (high - low) * (-1 if upside_down else 1)])
    return Path(vertices * sizes + (position, (low + high) / 2), codes)


@functools.lru_cache(maxsize=256)
def _glyph(letter: str) -> Tuple[Array, Array]:
    """The outline of a letter, one wide and high around 0, and what its points are.

    A font with letters of one width stretches them least.
    """
    path = TextPath((0, 0), letter, size=100, prop=FontProperties(family='DejaVu Sans Mono', weight='bold'))
    box = path.get_extents()
    middle = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
    return (np.asarray(path.vertices) - middle) / [box.width, box.height], np.asarray(path.codes)


def _set_axes(ax: 'Axes', values: Array, start: int, part: str) -> None:
    ax.axhline(0, color=ink_of(ax), linewidth=0.8)
    ax.set_xlim(start - 0.5, start + len(values) - 0.5)
    finite = np.where(np.isfinite(values), values, 0)
    low, high = np.minimum(finite, 0).sum(axis=1).min(), np.maximum(finite, 0).sum(axis=1).max()
    if low == high:
        low, high = -1.0, 1.0
    ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set(xlabel='position', ylabel='attribution')
    if part:
        note(ax, part)
    bad = int((~np.isfinite(values)).any(axis=1).sum())
    if bad:
        note(ax, f'grey: {bad} {bad_kind(values)}')

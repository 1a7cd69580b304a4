"""Text: tokens shaded by their attribution, on Axes or as HTML."""

import functools
import html
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from ..arguments import as_number, text_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .axes import bad_kind, check_axes, ink_of, note_bad, page_of
from .colours import Scale, ink_on, limit_of
from .explained import takes_explanation
from .values import as_labels, as_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The most tokens of a figure, which take ten seconds; and the largest font, whose letters are four inches high.
MOST_TOKENS, LARGEST_FONT = 5000, 300
#: The highest new figure of tokens, in inches: matplotlib draws 655 at 100 dots per inch.
HIGHEST = 600

#: How the signs look that cannot be seen; an empty token is seen, too.
VISIBLE = {' ': '␣', '\n': '↵', '\t': '⇥', '\xa0': '␣', '\u3000': '␣'}


@takes_explanation(True)
def text(
    tokens: Sequence[str],
    attributions: ArrayLike,
    ax: 'Optional[Axes]' = None,
    *,
    percentile: float = 100.0,
    limit: Optional[float] = None,
    cmap: Any = None,
    fontsize: Optional[float] = None,
) -> 'Axes':
    """Write tokens one after the other, each shaded by its attribution; negative ones have a dotted frame.

    Spaces, line ends and tabs inside of tokens are shown as ``␣ ↵ ⇥``, and a line ends after a token that ends in one.
    Lines break at the width that the Axes has now. Text is black or white, whichever is read better on its shade.

    Parameters
    ----------
    tokens : list of str
    attributions : array of real numbers, shape (tokens,) or (tokens, dimensions), which are summed
        nan and infinite values are grey, and counted in a note.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure, as high as it has to be. Its axis is switched off.
    percentile : float, default 100
        Colours end at that percentile of the absolute attributions.
    limit : float, optional
        The attribution at which colours end, in place of the percentile.
    cmap : str or Colormap, optional
        A diverging map. Default: red and blue, with 0 in the colour of the page.
    fontsize : float, optional
        In points. Default: the largest up to 12 with which all lines fit the Axes, but at least 6.

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
    >>> from deepexplain.plotting import text
    >>> ax = text(['not', 'bad'], [0.5, -0.25], ax=Figure().add_subplot())
    >>> [token.get_text() for token in ax.texts]
    ['not', 'bad']
    """
    check_axes(ax)
    tokens, values = _checked(tokens, attributions)
    scale = Scale(limit_of(values, percentile, limit), page_of(ax), cmap)
    if len(tokens) > MOST_TOKENS:
        raise ArgumentError(f'tokens: at most {MOST_TOKENS} can be drawn, got {len(tokens)}; text_html takes more.')
    fontsize = None if fontsize is None else _as_fontsize(fontsize)
    bad = not np.isfinite(values).all()
    if ax is None:
        size = fontsize or 12.0
        places, lines = _places(tokens, size, _NEW_WIDTH)
        if lines * _LINE * size > 72 * HIGHEST:
            raise ArgumentError(
                f'tokens of fontsize {size:g} take {lines} lines, which is more than a figure of {HIGHEST} inches has: '
                'take fewer, or a smaller fontsize; text_html takes more.'
            )
        ax = _new_axes(lines * _LINE * size, bad)
    else:
        size, places = _fitted(tokens, fontsize, *(72 * side / ax.figure.dpi for side in ax.bbox.size))
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    _write(ax, tokens, values, scale, places, size)
    note_bad(ax, values, scale.bad_name)
    return ax


_NEW_WIDTH = 560.0  # points
_LINE = 1.9  # height of a line, and below it the padding and the gap of tokens, in font sizes
_PAD, _GAP = 0.25, 0.2


def _as_fontsize(fontsize: Any) -> float:
    number = as_number(fontsize, 'fontsize', above=0)
    if not 1 <= number <= LARGEST_FONT:
        raise ArgumentError(f'fontsize must be from 1 to {LARGEST_FONT} points; got {text_of(fontsize)}.')
    return number


def _places(tokens: Sequence[str], size: float, width: float) -> Tuple[List[Tuple[float, float]], int]:
    """Where each token starts, ``(x, y)`` in points from the upper left corner to its base line, and how many lines."""
    font = FontProperties(size=size)
    places: List[Tuple[float, float]] = []
    x, line, ended = 0.0, 0, False
    widths: Dict[str, float] = {}
    for token in tokens:
        if token not in widths:
            widths[token] = text_to_path.get_text_width_height_descent(visible(token), font, False)[0]
        advance = widths[token] + 2 * _PAD * size
        if places and (ended or (x > 0 and x + advance > width)):
            x, line = 0.0, line + 1
        places.append((x + _PAD * size, -(line + 0.7) * _LINE * size))
        x, ended = x + advance + _GAP * size, token.endswith('\n')
    return places, line + 1


def _fitted(tokens: Sequence[str], fontsize: Optional[float], width: float, height: float) -> Any:
    """The font size, and the places with it."""
    for size in [fontsize] if fontsize else [12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0]:
        places, lines = _places(tokens, size, width)
        if lines * _LINE * size <= height:
            break
    return size, places


def _new_axes(height: float, bad: Any) -> 'Axes':
    below = 20 if bad else 0
    figure = plt.figure(figsize=((_NEW_WIDTH + 16) / 72, (height + 16 + below) / 72))
    across, up = _NEW_WIDTH + 16, height + 16 + below
    return figure.add_axes((8 / across, (8 + below) / up, _NEW_WIDTH / across, height / up))


def _write(ax: 'Axes', tokens: Sequence[str], values: Array, scale: Scale, places: Any, size: float) -> None:
    ink = ink_of(ax)
    for token, value, colour, place in zip(tokens, values, scale(values), places):
        shade = {'boxstyle': f'square,pad={_PAD}', 'facecolor': colour, 'edgecolor': 'none'}
        if value < 0:
            shade.update(edgecolor=ink, linestyle=':', linewidth=0.8)
        ax.annotate(
            visible(token),
            (0, 1),
            place,
            'axes fraction',
            'offset points',
            color=ink_on(colour),
            fontsize=size,
            bbox=shade,
            parse_math=False,
            annotation_clip=False,
        )


def visible(token: str) -> str:
    """A token as it is shown: with signs for what cannot be seen."""
    return ''.join(_visible_sign(sign) for sign in token) or '∅'


def _visible_sign(sign: str) -> str:
    if sign in VISIBLE:
        return VISIBLE[sign]
    return sign if sign.isprintable() else sign.encode('unicode_escape').decode('ascii')


class Html(str):
    """HTML that a notebook shows, and a str for all else."""

    def _repr_html_(self) -> str:
        return str(self)


@takes_explanation(True)
def text_html(
    tokens: Sequence[str],
    attributions: ArrayLike,
    *,
    percentile: float = 100.0,
    limit: Optional[float] = None,
    cmap: Any = 'RdBu_r',
) -> Html:
    """The tokens as HTML, shaded as by :func:`text`: a notebook shows it, and ``str`` methods write it to files.

    The attribution of a token is shown when the mouse is over it. All that stands in tokens is escaped.

    Parameters
    ----------
    tokens : list of str
    attributions : array of real numbers, shape (tokens,) or (tokens, dimensions), which are summed
    percentile, limit, cmap
        See :func:`text`; the default map has white for 0.

    Returns
    -------
    Html, a str with ``_repr_html_``

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument has a wrong shape, length, kind or value.

    Examples
    --------
    >>> from deepexplain.plotting import text_html
    >>> '&lt;b&gt;' in text_html(['<b>', 'bold'], [0.5, -0.25])
    True
    """
    tokens, values = _checked(tokens, attributions)
    scale = Scale(limit_of(values, percentile, limit), 'white', cmap)
    spans = [_span(*of_token) for of_token in zip(tokens, values, scale(values))]
    bad = int(np.sum(~np.isfinite(values)))
    note = f'<div style="font-size:80%">{scale.bad_name}: {bad} {bad_kind(values)}</div>' if bad else ''
    return Html(f'<div style="line-height:2">{"".join(spans)}{note}</div>')


def _span(token: str, value: float, colour: Any) -> str:
    background, ink = _shade(tuple(colour))
    frame = f'1px dotted {ink}' if value < 0 else '1px solid transparent'
    style = f'background:{background};color:{ink};border:{frame};padding:0 3px;margin:0 1px;white-space:pre'
    end = '<br>' if token.endswith('\n') else ' '
    return f'<span style="{style}" title="{value:+.4g}">{html.escape(visible(token))}</span>{end}'


@functools.lru_cache(maxsize=4096)
def _shade(colour: Any) -> Tuple[str, str]:
    """A colour in hexadecimal digits, and what is read on it; maps have few."""
    return to_hex(colour), ink_on(colour)


def _checked(tokens: Any, attributions: Any) -> Tuple[List[str], Array]:
    """The tokens and one number for each."""
    values = as_values(attributions, 'attributions', 'tokens', 'tokens, dimensions')
    tokens = as_labels(tokens, 'tokens', len(values), 'attributions')
    if values.ndim == 2:
        with np.errstate(invalid='ignore'):  # inf - inf
            values = values.sum(axis=-1)
    return tokens, values

"""Colours: what numbers get, and what can be read on them.

The diverging map is red and blue, which colour-blind readers tell apart, with 0 in the colour of the page: RdBu_r on a
light one and its dark counterpart on a dark one. Its two ends look alike in grey. There, the sign has to be told some
other way: what is drawn in few pieces (bars, tokens, letters, lines) has hatches, dots or a direction, and a map of
pixels has its views of one sign, or ``cmap='cividis'``, whose lightness only ever grows from negative to positive.
"""

from typing import Any, Optional

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, Normalize, to_rgb

from ..arguments import as_number, one_of, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array
from .values import LARGEST

SIGNS = ('all', 'positive', 'negative', 'absolute')

#: As strong on white as on black: a contrast of at least 3 to both.
POSITIVE, NEGATIVE = '#c4304a', '#2f74b5'
LINES = ('#0072b2', '#d55e00', '#00885f', '#b0609a', '#a87400', '#7a6fd0', '#6f7f86')

DARK_DIVERGING = LinearSegmentedColormap.from_list(
    'blue_black_red', ['#b5ddf5', '#4393c3', '#1c4f80', '#0d0d0d', '#8a1c33', '#e0614f', '#fbc7a4']
)


def luminance(colour: Any) -> float:
    """Relative luminance of a colour, from 0 (black) to 1 (white), as WCAG 2 defines it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(colour: Any, other: Any) -> float:
    """Contrast of two colours, from 1 to 21. Text needs 4.5, and lines need 3.

    Examples
    --------
    >>> from deepexplain.plotting.colours import contrast
    >>> round(contrast('white', 'black'))
    21
    """
    low, high = sorted([luminance(colour), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def ink_on(colour: Any) -> str:
    """Black or white, whichever is read better on a colour; its contrast is 4.58 at least."""
    return max('black', 'white', key=lambda ink: contrast(ink, colour))


def colormap(cmap: Any) -> Any:
    """A Colormap, from one or from its name."""
    if isinstance(cmap, Colormap):
        return cmap
    if not isinstance(cmap, str):
        raise ArgumentTypeError(
            f'cmap must be the name of a colour map, or a matplotlib Colormap; got {text_of(cmap)}.'
        )
    try:
        return matplotlib.colormaps[str(cmap)]
    except Exception:  # KeyError; whatever the __eq__ of a kind of str raises
        raise ArgumentError(
            f'matplotlib knows no cmap {text_of(cmap)}; list(matplotlib.colormaps) has their names.'
        ) from None


def one_sign(values: Array, sign: str) -> Array:
    """What of the values is shown: all, what is positive or negative of them, or their absolute values."""
    sign = one_of(sign, 'sign', SIGNS)
    with np.errstate(invalid='ignore'):  # NumPy before 1.19 may warn of nan
        if sign == 'positive':
            return np.maximum(values, 0)
        if sign == 'negative':
            return np.minimum(values, 0)
        return np.abs(values) if sign == 'absolute' else values


def limit_of(values: Array, percentile: float = 100.0, limit: Optional[float] = None) -> float:
    """The size at which colours end: ``limit``, or the percentile of the finite absolute values; never 0."""
    if limit is not None:
        number = as_number(limit, 'limit', above=0)
        if number > LARGEST:
            raise ArgumentError(f'limit must be at most {LARGEST:g}; got {text_of(limit)}.')
        return number
    percentile = as_number(percentile, 'percentile', above=0, at_most=100)
    sizes = np.abs(values[np.isfinite(values)])
    if not sizes.any():
        return 1.0  # nothing is to be seen, at any limit
    # Few values that are not 0 lie above every percentile: then the largest is the limit.
    return float(np.percentile(sizes, percentile) or sizes.max())


class Scale:
    """What colour a number gets: a map and the numbers at its two ends.

    Parameters
    ----------
    limit : float, greater than 0
    page : colour
        What 0 looks like, in the maps that are taken when none is given.
    cmap : str or Colormap, optional
        Diverging; for ``sign='absolute'``, a map from nothing to strong.
    sign : {'all', 'positive', 'negative', 'absolute'}
        'positive' and 'negative' take their half of the map.
    """

    def __init__(self, limit: float, page: Any = 'white', cmap: Any = None, sign: str = 'all') -> None:
        if cmap is None:
            dark = luminance(page) < 0.18
            cmap = ('magma' if dark else 'Purples') if sign == 'absolute' else (DARK_DIVERGING if dark else 'RdBu_r')
        cmap = colormap(cmap)
        if sign == 'positive':
            cmap = ListedColormap(cmap(np.linspace(0.5, 1, 256)))
        elif sign == 'negative':
            cmap = ListedColormap(cmap(np.linspace(0, 0.5, 256)))
        self.bad_name, bad = _unlike(cmap)
        self.cmap = cmap.with_extremes(bad=bad)
        self.norm = Normalize(0.0 if sign in ('positive', 'absolute') else -limit, 0.0 if sign == 'negative' else limit)

    def __call__(self, values: Array) -> Array:
        """RGBA colours, shape (..., 4); of nan and infinite values, that of bad ones."""
        result: Array = self.cmap(self.norm(np.ma.masked_invalid(values)))
        return result

    @property
    def zero(self) -> Array:
        """The colour of 0."""
        result: Array = self(np.array([0.0]))[0]
        return result

    def extend(self, values: Array) -> str:
        """Which ends of a colour bar get the arrow that says: there is more."""
        values = values[np.isfinite(values)]
        below, above = np.any(values < self.norm.vmin), np.any(values > self.norm.vmax)
        return {(0, 0): 'neither', (1, 0): 'min', (0, 1): 'max', (1, 1): 'both'}[int(below), int(above)]


def _unlike(cmap: Any) -> Any:
    """The first of grey, white and green that no number gets: (name, colour). It is for what is no number."""
    taken = cmap(np.linspace(0, 1, 64))[:, :3]
    choices = [('grey', '0.6'), ('white', 'white'), ('green', '#00c060')]
    free = [choice for choice in choices if np.linalg.norm(taken - to_rgb(choice[1]), axis=1).min() > 0.15]
    return (free or choices)[0]

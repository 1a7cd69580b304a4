"""One attribution map of a picture."""

import math
from typing import TYPE_CHECKING, Any, Optional, Sequence, Tuple

import numpy as np
from matplotlib.collections import LineCollection
from skimage import feature, transform

from ..arguments import as_array, as_flag, as_number, one_of, text_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .axes import add_colorbar, axes_for, check_axes, note_bad, page_of
from .colours import SIGNS, Scale, colormap, ink_on, limit_of, one_sign
from .explained import picture_in, takes_explanation
from .values import as_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OVERLAYS = ('edges', 'window', None)


@takes_explanation(True, picture=picture_in)
def image(
    attributions: ArrayLike,
    picture: ArrayLike = None,
    ax: 'Optional[Axes]' = None,
    *,
    sign: str = 'all',
    percentile: float = 99.5,
    limit: Optional[float] = None,
    overlay: Optional[str] = 'edges',
    sigma: float = 3.0,
    cmap: Any = None,
    colorbar: bool = False,
) -> 'Axes':
    """Draw the attributions of one picture as a map, with the edges of the picture, or the picture seen through them.

    ``m = sum over channels of attributions``; the colour of a pixel is that of ``m / limit``, cut to [-1, 1].
    With ``overlay='window'`` a pixel is ``picture * w``, where ``w = sum over channels of |attributions| / limit``, cut
    to [0, 1].

    In grey, the two ends of the default map look alike: take ``sign='positive'`` and ``sign='negative'`` side by side,
    or ``cmap='cividis'``, which is darkest at the negative end and lightest at the positive one.

    Parameters
    ----------
    attributions : array of real numbers, shape (height, width) or (height, width, channels)
        Of one sample. nan and infinite values are grey, and counted in a note.
    picture : array, shape (height, width), (height, width, 1), (height, width, 3) or (height, width, 4), optional
        The input. uint8 counts to 255; other values within [0, 1] are taken as they are, and others stretched to it.
    ax : matplotlib Axes, optional
        Default: that of a new pyplot figure.
    sign : {'all', 'positive', 'negative', 'absolute'}, default 'all'
        What is shown of the sums over the channels. With a window, 'positive' and 'negative' sum only such values.
    percentile : float, default 99.5
        Greater than 0, at most 100: the limit is that percentile of what is shown, because a few extreme pixels would
        leave the others pale.
    limit : float, optional
        The attribution at which colours end, in place of the percentile: one limit for several maps makes one scale.
    overlay : {'edges', 'window', None}, default 'edges'
        What is drawn of the picture: its edges (Canny) if there is one, or the picture itself behind the window.
    sigma : float, default 3.0
        Width of the Gaussian before the edges are looked for, in pixels; pictures below 256 pixels are enlarged first.
    cmap : str or Colormap, optional
        A diverging map; for ``sign='absolute'`` one from nothing to strong. Default: red and blue, with 0 in the colour
        of the page; for absolute values, purple.
    colorbar : bool, default False
        Not with a window, which has the colours of the picture.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument has a wrong shape, kind or value.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from deepexplain.plotting import image
    >>> ax = image([[0.0, 2.0], [-1.0, 0.5]], ax=Figure().add_subplot(), percentile=100)
    >>> ax.images[0].get_clim()
    (-2.0, 2.0)
    """
    check_axes(ax)
    attributions = as_values(attributions, 'attributions', 'height, width', 'height, width, channels')
    picture = None if picture is None else as_picture(picture, attributions.shape[:2])
    sigma, colorbar = as_sigma(sigma, picture), as_flag(colorbar, 'colorbar')
    sign, overlay = one_of(sign, 'sign', SIGNS), one_of(overlay, 'overlay', OVERLAYS)
    cmap = None if cmap is None else colormap(cmap)
    values = shown(attributions, sign, overlay)
    limit = limit_of(values, percentile, limit)
    if overlay == 'window':
        if picture is None or colorbar:
            raise ArgumentError("overlay='window' shows the picture: it needs one, and has no colour bar.")
        return _draw_window(_axes_for(ax, values), picture, values, limit)
    scale = Scale(limit, page_of(ax), cmap, sign)
    edges: Any = None if picture is None or overlay is None else _edge_lines(picture, sigma)
    ax = _axes_for(ax, values, 0.9 if colorbar else 0)
    drawn = ax.imshow(np.ma.masked_invalid(values), cmap=scale.cmap, norm=scale.norm)
    ax.set(xticks=[], yticks=[])
    if edges is not None:
        thin = min(0.8, 0.2 * ax.bbox.width / ax.figure.dpi)  # in a small Axes, edges would cover the map
        ax.add_collection(LineCollection(edges, colors=ink_on(scale.zero), linewidths=thin, alpha=0.7), autolim=False)
    note_bad(ax, values, scale.bad_name)
    if colorbar:
        add_colorbar(drawn, ax, 'attribution', extend=scale.extend(values))
    return ax


def _axes_for(ax: 'Optional[Axes]', values: Array, room: float = 0.0) -> 'Axes':
    """``ax``, or a new one of the proportions of the picture."""
    height, width = values.shape
    scale = 4 / max(height, width)
    return axes_for(ax, (max(scale * width, 1.5) + room, max(scale * height, 1.5)))


def shown(attributions: Array, sign: str = 'all', overlay: Optional[str] = 'edges') -> Array:
    """What of the attributions is drawn, shape (height, width); the sizes that open the window, if that is drawn."""
    if overlay == 'window':
        return _summed(np.abs(one_sign(attributions, sign)))
    return one_sign(_summed(attributions), sign)


def _summed(attributions: Array) -> Array:
    if attributions.ndim == 2:
        return attributions
    with np.errstate(invalid='ignore'):  # inf - inf is nan, and will be grey
        result: Array = attributions.sum(axis=-1)
        return result


def _draw_window(ax: 'Axes', picture: Array, sizes: Array, limit: float) -> 'Axes':
    finite = np.isfinite(sizes)
    weights = np.clip(np.where(finite, sizes, 0) / limit, 0, 1)
    seen = np.where(finite[..., np.newaxis], picture[..., :3] * weights[..., np.newaxis], 0.6)
    ax.imshow(np.broadcast_to(seen, seen.shape[:2] + (3,)))
    ax.set(xticks=[], yticks=[])
    note_bad(ax, sizes, 'grey')
    return ax


def as_picture(picture: Any, size: Optional[Tuple[int, ...]] = None, what: str = 'picture') -> Array:
    """``picture`` with values in [0, 1] and shape (height, width, 1, 3 or 4)."""
    dtype = as_array(picture, what, masked=np.nan).dtype
    values = as_values(picture, what, 'height, width', 'height, width, channels')
    values = values[..., np.newaxis] if values.ndim == 2 else values
    if values.shape[-1] not in (1, 3, 4):
        raise ArgumentError(f'{what} must have 1, 3 or 4 channels, the last axis; got shape {values.shape}.')
    if size is not None and values.shape[:2] != size:
        raise ArgumentError(f'{what} must have the height and width of attributions, {size}; got {values.shape[:2]}.')
    if not np.isfinite(values).all():
        raise ArgumentError(f'{what} holds nan or infinite values; replace them.')
    if dtype == np.uint8:
        values /= 255
    elif values.min() < 0 or values.max() > 1:
        low, high = values.min(), values.max()
        values = (values - low) / max(high - low, np.finfo(float).tiny)
    return values


def _enlarged(shape: Sequence[int]) -> int:
    """How many times a picture is enlarged before its edges are looked for."""
    return max(1, math.ceil(256 / max(shape[:2])))


def as_sigma(sigma: Any, picture: Optional[Array]) -> float:
    """``sigma`` as a float; a Gaussian that is wider than the picture leaves nothing of it."""
    number = as_number(sigma, 'sigma', above=0)
    if picture is not None:
        side = max(picture.shape[:2]) * _enlarged(picture.shape)
        if number > side:
            raise ArgumentError(
                f'sigma must be at most {side}, the longer side of the picture when its edges are looked for; '
                f'got {text_of(sigma)}.'
            )
    return number


def _edge_lines(picture: Array, sigma: float) -> Array:
    """The edges of a picture as line segments, shape (segments, 2, 2), in the coordinates of its pixels.

    Lines, not pixels: they are as thin in a small Axes as in a large one.
    """
    grey = picture[..., :3].mean(axis=-1)
    factor = _enlarged(grey.shape)
    large = transform.resize(grey, [side * factor for side in grey.shape], order=1, mode='edge', anti_aliasing=False)
    inside: Any = feature.canny(large, sigma=sigma)
    found = np.pad(inside, ((1, 1), (1, 1)), 'constant')
    segments = []
    for down, right in [(0, 1), (1, 0), (1, 1), (1, -1)]:  # to each neighbour, once
        rows, columns = np.nonzero(found & np.roll(found, (-down, -right), axis=(0, 1)))
        ends = [np.stack([columns + k * right, rows + k * down], axis=-1) for k in (0, 1)]
        segments.append(np.stack(ends, axis=1))
    result: Array = (np.concatenate(segments) - 0.5) / factor - 0.5  # the padding moved all by 1
    return result

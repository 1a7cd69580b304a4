"""The function of DeepExplain 0.3's ``examples/utils.py``, for code that was written with it."""

from typing import Any, Dict

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from skimage import feature, transform

from ..arguments import as_array, as_number, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array, ArrayLike
from .axes import check_axes
from .colours import colormap, limit_of
from .values import as_values, same_shape

#: Of an enlarged picture.
MOST_PIXELS = 10**8


def plot(
    data: ArrayLike,
    xi: ArrayLike = None,
    cmap: Any = 'RdBu_r',
    axis: Any = plt,
    percentile: float = 100,
    dilation: float = 3.0,
    alpha: float = 0.8,
) -> Any:
    """Draw a map as DeepExplain 0.3's examples did; :func:`~deepexplain.plotting.image` does more.

    Parameters
    ----------
    data : array of real numbers, shape (height, width) or (height, width, channels)
        The attributions; channels are averaged.
    xi : array, shape (height, width) or (height, width, channels), optional
        The input, whose edges (Canny) are drawn over the map.
    cmap : str or Colormap, default 'RdBu_r'
    axis : matplotlib Axes, or pyplot (default) for its current Axes
    percentile : float, default 100
        Colours end at that percentile of ``|data|``, on both sides of 0.
    dilation : float, default 3.0
        How many times xi is enlarged before its edges are looked for: the larger, the thinner they are.
    alpha : float, default 0.8
        Opacity of the edges, greater than 0, at most 1.

    Returns
    -------
    axis, as it was given

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument has a wrong shape, kind or value.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from deepexplain.plotting import plot
    >>> axis = plot([[0.0, 2.0], [-1.0, 0.5]], axis=Figure().add_subplot())
    >>> axis.images[0].get_clim()
    (-2.0, 2.0)
    """
    values = as_values(data, 'data', 'height, width', 'height, width, channels')
    limit = limit_of(values, percentile)
    values = values if values.ndim == 2 else values.mean(axis=-1)
    edges = None if xi is None else _edges(xi, values, as_number(dilation, 'dilation', above=0))
    cmap, alpha = colormap(cmap).with_extremes(bad='0.6'), as_number(alpha, 'alpha', above=0, at_most=1)
    if axis is None or not (axis is plt or isinstance(axis, Axes)):
        raise ArgumentTypeError(f'axis must be a matplotlib Axes or pyplot; got {type(axis).__name__}.')
    check_axes(None if axis is plt else axis, 'axis')
    options: Dict[str, Any] = {'extent': (0, values.shape[1], 0, values.shape[0]), 'interpolation': 'none'}
    axis.imshow(np.ma.masked_invalid(values), cmap=cmap, vmin=-limit, vmax=limit, **options)
    if edges is not None:
        black = np.zeros(edges.shape + (4,))
        black[..., 3] = edges * alpha
        axis.imshow(black, **options)
    axis.axis('off')
    return axis


def _edges(xi: Any, values: Array, dilation: float) -> Array:
    """Where the edges of the enlarged xi are, without those of its frame."""
    grey = as_values(xi, 'xi', 'height, width', 'height, width, channels')
    if not np.isfinite(grey).all():
        raise ArgumentError('xi holds nan or infinite values; replace them.')
    if as_array(xi, 'xi').dtype == np.uint8:
        grey = grey / 255
    grey = grey if grey.ndim == 2 else grey.mean(axis=-1)
    same_shape(grey, 'xi', values, 'data (height and width)')
    sides = [side * dilation for side in grey.shape]
    if min(sides) < 1 or max(sides) > MOST_PIXELS or sides[0] * sides[1] > MOST_PIXELS:
        raise ArgumentError(
            f'dilation must leave xi, {grey.shape}, from 1 pixel high and wide up to {MOST_PIXELS} pixels; '
            f'got {text_of(dilation)}.'
        )
    found = feature.canny(transform.rescale(grey, dilation, mode='constant'))
    inner: Array = np.zeros_like(found)
    inner[5:-5, 5:-5] = found[5:-5, 5:-5]
    return inner

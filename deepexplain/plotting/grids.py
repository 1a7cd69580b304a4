"""Samples by methods: what several methods say of several pictures."""

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.cm import ScalarMappable
from matplotlib.figure import FigureBase

from ..arguments import as_names, one_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array, ArrayLike
from .axes import add_colorbar, page_of
from .colours import Scale, limit_of
from .images import as_picture, image, shown
from .values import as_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCALES = ('own', 'row', 'shared')


def grid(
    pictures: ArrayLike,
    attributions: ArrayLike,
    labels: Optional[Sequence[str]] = None,
    scale: str = 'own',
    figure: Any = None,
    *,
    sign: str = 'all',
    percentile: float = 99.5,
    overlay: str = 'edges',
    sigma: float = 3.0,
    cmap: Any = None,
    colorbar: bool = True,
) -> Array:
    """Draw what several methods say of several pictures: a row for each picture, a column for each method.

    Parameters
    ----------
    pictures : array or list of arrays, shape (samples, height, width) or (samples, height, width, channels)
        They are drawn in the first column; see :func:`image` for their values.
    attributions : dict of name -> array or list of arrays, shape (samples, height, width[, channels])
        A column for each method, in their order.
    labels : list of str, optional
        One for each picture, at its left.
    scale : {'own', 'row', 'shared'}, default 'own'
        The limit of the colours: each map's own, one for each picture, or one for all. 'own' shows where each method
        looks; only with 'row' and 'shared' are colours compared between methods.
    figure : matplotlib Figure or SubFigure, optional
        Default: a new pyplot figure.
    sign, percentile, overlay, sigma, cmap
        See :func:`image`.
    colorbar : bool, default True
        One for all maps, in multiples of the limit unless that is shared. There is none with ``overlay='window'``.

    Returns
    -------
    ndarray of Axes, shape (samples, 1 + methods)

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument has a wrong shape, kind or value.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from deepexplain.plotting import grid
    >>> pictures = np.random.RandomState(0).uniform(size=(2, 5, 5))
    >>> grid(pictures, {'saliency': pictures, 'intgrad': -pictures}, figure=Figure()).shape
    (2, 3)
    """
    pictures = [as_picture(picture) for picture in _samples(pictures, 'pictures')]
    labels = [''] * len(pictures) if labels is None else as_names(labels, 'labels', len(pictures), 'pictures')
    maps = _columns(attributions, pictures)
    limits = _limits(maps, scale, percentile, sign, overlay)
    with _drawn_on(figure, pictures, 1 + len(maps)) as figure:
        axes: Array = figure.subplots(len(pictures), 1 + len(maps), squeeze=False)
        for ax, picture, label in zip(axes[:, 0], pictures, labels):
            _draw_picture(ax, picture, label)
        for column, (name, ones) in enumerate(maps.items(), start=1):
            axes[0, column].set_title(name, fontsize='medium')
            for ax, picture, one, limit in zip(axes[:, column], pictures, ones, limits[name]):
                image(one, picture, ax, sign=sign, limit=limit, overlay=overlay, sigma=sigma, cmap=cmap)
        if colorbar and overlay != 'window':
            _add_bar(axes, scale, limits, maps, sign, cmap)
    return axes


@contextlib.contextmanager
def _drawn_on(figure: Any, pictures: Sequence[Any], columns: int) -> Iterator[Any]:
    """The figure, or a new one, which is closed if drawing fails."""
    if figure is not None:
        if not isinstance(figure, FigureBase):
            raise ArgumentTypeError(f'figure must be a matplotlib Figure or SubFigure; got {type(figure).__name__}.')
        yield figure
        return
    height, width = pictures[0].shape[:2]
    size = (1.4 * columns + 0.9, min(max(1.4 * len(pictures) * height / width + 0.5, 1.5), 100))
    figure = plt.figure(figsize=size, layout='constrained')
    try:
        yield figure
    except BaseException:
        plt.close(figure)
        raise


def _samples(value: Any, what: str) -> List[Any]:
    """``value`` as a list with one array for each sample; their heights and widths may differ."""
    if not hasattr(value, '__len__') or not hasattr(value, '__getitem__') or isinstance(value, (str, bytes, Mapping)):
        raise ArgumentTypeError(f'{what} must be an array or a list of arrays, one for each sample; got {value!r}.')
    if len(value) == 0:
        raise ArgumentError(f'{what} is empty.')
    return [value[i] for i in range(len(value))]


def _columns(attributions: Any, pictures: Sequence[Any]) -> Any:
    """Name -> list of arrays, one for each picture."""
    if not isinstance(attributions, Mapping):
        raise ArgumentTypeError(
            f'attributions must be a dict of a name for each method and its array; got {type(attributions).__name__}.'
        )
    if not attributions:
        raise ArgumentError('attributions is empty.')
    columns = {}
    for name, maps in attributions.items():
        what = f'attributions[{name!r}]'
        maps = [as_values(one, what, 'height, width', 'height, width, channels') for one in _samples(maps, what)]
        if len(maps) != len(pictures):
            raise ArgumentError(f'{what} must have a map for each of the {len(pictures)} pictures; got {len(maps)}.')
        for one, picture in zip(maps, pictures):
            if one.shape[:2] != picture.shape[:2]:
                raise ArgumentError(f'{what} must have the height and width {picture.shape[:2]}; got {one.shape[:2]}.')
        columns[str(name)] = maps
    return columns


def _limits(maps: Dict[Any, Any], scale: str, percentile: float, sign: str, overlay: str) -> Dict[Any, Any]:
    """Name -> the limit of each of its maps."""
    one_of(scale, 'scale', SCALES)
    values = [[shown(one, sign, overlay).ravel() for one in ones] for ones in maps.values()]
    if scale == 'own':
        limits = [[limit_of(one, percentile) for one in ones] for ones in values]
    elif scale == 'row':
        limits = [[limit_of(np.concatenate(row), percentile) for row in zip(*values)]] * len(values)
    else:
        limits = [
            [limit_of(np.concatenate([one for ones in values for one in ones]), percentile)] * len(values[0])
        ] * len(values)
    return dict(zip(maps, limits))


def _draw_picture(ax: 'Axes', picture: Array, label: str) -> None:
    if picture.shape[-1] == 1:
        ax.imshow(picture[..., 0], cmap='gray', vmin=0, vmax=1)
    else:
        ax.imshow(picture)
    ax.set(xticks=[], yticks=[])
    ax.set_ylabel(label, rotation=0, ha='right', va='center')


def _add_bar(axes: Array, scale: str, limits: Dict[Any, Any], maps: Dict[Any, Any], sign: str, cmap: Any) -> None:
    """One colour bar at the right: of numbers if the scale is shared, else of multiples of each map's limit."""
    limit = next(iter(limits.values()))[0] if scale == 'shared' else 1.0
    colours = Scale(limit, page_of(axes[0, 0]), cmap, sign)
    sizes = np.concatenate(
        [
            shown(one, sign).ravel() / (1 if scale == 'shared' else limits[name][i])
            for name, ones in maps.items()
            for i, one in enumerate(ones)
        ]
    )
    mappable = ScalarMappable(colours.norm, colours.cmap)
    bar = add_colorbar(mappable, axes.ravel().tolist(), 'attribution', extend=colours.extend(sizes), aspect=30)
    if scale != 'shared':
        ticks = np.unique([colours.norm.vmin, 0, colours.norm.vmax])
        bar.set_ticks(ticks)
        bar.set_ticklabels([{-1: '-limit', 0: '0', 1: 'limit'}[tick] for tick in ticks])
        bar.set_label(f'attribution; each {"map" if scale == "own" else "row"} has its own limit')

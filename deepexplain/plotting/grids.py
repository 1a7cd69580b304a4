"""Samples by methods: what several methods say of several pictures."""

import contextlib
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.cm import ScalarMappable
from matplotlib.figure import FigureBase

from ..arguments import as_flag, one_of, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array, ArrayLike
from .axes import HIGHEST, add_colorbar, page_of, verbatim
from .colours import SIGNS, Scale, limit_of
from .explained import picture_in, takes_explanation
from .images import OVERLAYS, as_picture, as_sigma, image, shown
from .values import as_labels, as_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The most Axes of a grid, which take a minute.
MOST_MAPS = 1000
SCALES = ('own', 'row', 'shared')


@takes_explanation(False, pictures=picture_in)
def grid(
    pictures: ArrayLike,
    attributions: ArrayLike,
    labels: Optional[Sequence[str]] = None,
    scale: str = 'own',
    figure: Any = None,
    *,
    sign: str = 'all',
    percentile: float = 99.5,
    overlay: Optional[str] = 'edges',
    sigma: float = 3.0,
    cmap: Any = None,
    colorbar: bool = True,
    title: Optional[str] = None,
    units: Optional[str] = None,
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
        One for all maps, in multiples of the limit unless that is shared: then, each map has its limit below it. There
        is none with ``overlay='window'``.
    title : str, optional
        Above all maps.
    units : str, optional
        What attributions are measured in, such as 'logits', for the colour bar. Those that add up to a difference of T
        are in the units of T; of gradients, per unit of X.

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
    colorbar, scale = as_flag(colorbar, 'colorbar'), one_of(scale, 'scale', SCALES)
    sign, overlay = one_of(sign, 'sign', SIGNS), one_of(overlay, 'overlay', OVERLAYS)
    pictures = _samples(pictures, 'pictures')
    _check_size(len(pictures), attributions)
    pictures = [as_picture(picture, what=f'pictures[{i}]') for i, picture in enumerate(pictures)]
    labels = [''] * len(pictures) if labels is None else as_labels(labels, 'labels', len(pictures), 'pictures')
    maps = _columns(attributions, pictures)
    limits = _limits(maps, scale, percentile, sign, overlay)
    title, units = _as_text(title, 'title'), _as_text(units, 'units')
    for picture in pictures if overlay == 'edges' else ():
        as_sigma(sigma, picture)
    with _drawn_on(figure, pictures, 1 + len(maps), title is not None) as figure:
        has_bar = colorbar and overlay != 'window'
        axes: Array = figure.subplots(len(pictures), 1 + len(maps), squeeze=False)
        for ax, picture, label in zip(axes[:, 0], pictures, labels):
            _draw_picture(ax, picture, label)
        for column, (name, ones) in enumerate(maps.items(), start=1):
            verbatim([axes[0, column].set_title(name, fontsize='medium')])
            for ax, picture, one, limit in zip(axes[:, column], pictures, ones, limits[name]):
                image(one, picture, ax, sign=sign, limit=limit, overlay=overlay, sigma=sigma, cmap=cmap)
                if has_bar and scale != 'shared':
                    ax.set_xlabel(f'limit {limit:.2g}\n{ax.get_xlabel()}'.strip(), fontsize='x-small', labelpad=1)
        if has_bar:
            _add_bar(axes, scale, limits, maps, sign, cmap, units)
        if title is not None:
            verbatim([figure.suptitle(title)])
    return axes


def _as_text(value: Any, what: str) -> Optional[str]:
    """``value`` as a text that a picture has room for, or None."""
    if value is not None and not isinstance(value, str):
        raise ArgumentTypeError(f'{what} must be a str; got {text_of(value)}.')
    return None if value is None else as_labels([value], what)[0]


@contextlib.contextmanager
def _drawn_on(figure: Any, pictures: Sequence[Any], columns: int, has_title: bool) -> Iterator[Any]:
    """The figure, or a new one, which is closed if drawing fails."""
    if figure is not None:
        if not isinstance(figure, FigureBase):
            raise ArgumentTypeError(f'figure must be a matplotlib Figure or SubFigure; got {type(figure).__name__}.')
        yield figure
        return
    height, width = pictures[0].shape[:2]
    # A map is about 1.2 inches wide, and has its limit below it.
    high = (1.2 * height / width + 0.2) * len(pictures) + 0.3 + 0.3 * has_title
    size = (1.4 * columns + 0.9, min(max(high, 1.5), HIGHEST))
    figure = plt.figure(figsize=size, layout='constrained')
    try:
        yield figure
    except BaseException:
        plt.close(figure)
        raise


def _samples(value: Any, what: str) -> List[Any]:
    """``value`` as a list with one array for each sample; their heights and widths may differ."""
    try:
        if isinstance(value, (str, bytes, bytearray, memoryview, range, Mapping, Set)):
            raise TypeError
        samples = [value[i] for i in range(min(len(value), MOST_MAPS + 1))]
    except Exception:  # whatever a tensor, or a __len__, raises
        raise ArgumentTypeError(
            f'{what} must be an array or a list of arrays, one for each sample; got {text_of(value)}.'
        ) from None
    if not samples:
        raise ArgumentError(f'{what} must have an entry for each sample; there is none.')
    if len(samples) > MOST_MAPS:
        raise ArgumentError(f'{what} has more than {MOST_MAPS} entries; a grid has at most {MOST_MAPS} maps.')
    return samples


def _check_size(pictures: int, attributions: Any) -> None:
    """Raise if attributions are no dict, or so large that the grid could not be drawn."""
    if not isinstance(attributions, Mapping):
        raise ArgumentTypeError(
            f'attributions must be a dict of a name for each method and its array; got {type(attributions).__name__}.'
        )
    if not attributions:
        raise ArgumentError('attributions must have an entry for each method; there is none.')
    if pictures * (1 + len(attributions)) > MOST_MAPS:
        raise ArgumentError(
            f'pictures and attributions make a grid of {1 + len(attributions)} columns and {pictures} rows; '
            f'a grid has at most {MOST_MAPS} maps.'
        )


def _columns(attributions: Any, pictures: Sequence[Any]) -> Any:
    """Name -> list of arrays, one for each picture."""
    columns: Dict[str, List[Array]] = {}
    for (key, maps), name in zip(attributions.items(), as_labels(list(attributions), 'The names of attributions')):
        what = f'attributions[{text_of(key)}]'
        if name in columns:
            raise ArgumentError(f'attributions has two columns of the name {text_of(name)}.')
        maps = [as_values(one, what, 'height, width', 'height, width, channels') for one in _samples(maps, what)]
        if len(maps) != len(pictures):
            raise ArgumentError(f'{what} must have a map for each of the {len(pictures)} pictures; got {len(maps)}.')
        for one, picture in zip(maps, pictures):
            if one.shape[:2] != picture.shape[:2]:
                raise ArgumentError(f'{what} must have the height and width {picture.shape[:2]}; got {one.shape[:2]}.')
        columns[name] = maps
    return columns


def _limits(maps: Dict[Any, Any], scale: str, percentile: float, sign: str, overlay: Optional[str]) -> Dict[Any, Any]:
    """Name -> the limit of each of its maps."""
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
    verbatim([ax.set_ylabel(label, rotation=0, ha='right', va='center')])


def _add_bar(
    axes: Array, scale: str, limits: Dict[Any, Any], maps: Dict[Any, Any], sign: str, cmap: Any, units: Any
) -> None:
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
    label = 'attribution' if units is None else f'attribution ({units})'
    mappable = ScalarMappable(colours.norm, colours.cmap)
    bar = add_colorbar(mappable, axes.ravel().tolist(), label, extend=colours.extend(sizes), aspect=30)
    if scale != 'shared':
        ticks = np.unique([colours.norm.vmin, 0, colours.norm.vmax])
        bar.set_ticks(ticks)
        bar.set_ticklabels([{-1: '-limit', 0: '0', 1: 'limit'}[tick] for tick in ticks])
        bar.set_label(f'{label}; each {"map" if scale == "own" else "row"} has its own limit')
    verbatim([bar.ax.yaxis.label])

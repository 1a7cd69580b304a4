"""Axes: a given one or a new one, what can be read on it, notes beside it, its colour bar."""

from typing import TYPE_CHECKING, Any, Iterable, Optional, Tuple

import numpy as np
from matplotlib import pyplot as plt
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array
from .colours import ink_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes


#: The highest new figure, in inches; matplotlib can draw 655 at 100 dots per inch.
HIGHEST = 100


def check_axes(ax: object, name: str = 'ax') -> None:
    """Raise unless ``ax`` is an Axes that can be drawn on, or None."""
    if ax is None:
        return
    if not isinstance(ax, Axes):
        raise ArgumentTypeError(f'{name} must be a matplotlib Axes; got {type(ax).__name__}.')
    if ax.figure is None:
        raise ArgumentError(f'{name} must be in a figure; this one was removed from its figure.')
    if ax.name != 'rectilinear':
        raise ArgumentError(f'{name} must have two straight axes; got one with projection={ax.name!r}.')


def axes_for(ax: Optional[Axes], figsize: Tuple[float, float]) -> Axes:
    """``ax``, or that of a new pyplot figure. Called when all is checked, so that no error leaves a figure."""
    if ax is not None:
        return ax
    width, height = figsize
    return plt.subplots(figsize=(width, min(height, HIGHEST)), layout='constrained')[1]


def page_of(ax: Optional[Axes]) -> Tuple[float, ...]:
    """The RGB colour that lies behind what is drawn: of the Axes, where that is transparent of the figure's."""
    if ax is None:
        layers = [rcParams['figure.facecolor'], rcParams['axes.facecolor']]
    else:
        layers = [part.get_facecolor() for part in (ax.figure.figure, ax.figure, ax)]  # the second may be a SubFigure
    page = np.ones(3)
    for *rgb, alpha in map(to_rgba, layers):
        page = alpha * np.array(rgb) + (1 - alpha) * page
    return tuple(page)


def ink_of(ax: Axes) -> str:
    """Black or white, whichever is read better on the page."""
    return ink_on(page_of(ax))


def verbatim(texts: Iterable[Any]) -> None:
    """Have matplotlib write texts as users gave them: a ``$`` in a name begins no formula."""
    for text in texts:
        text.set_parse_math(False)


def shortened(text: str, longest: int = 40) -> str:
    """A name that leaves room for what it is the name of: of a long one, its beginning and its end."""
    head = (2 * longest) // 3
    return text if len(text) <= longest else f'{text[:head]}…{text[head + 1 - longest :]}'


def note(ax: Axes, text: str) -> None:
    """Small print under the Axes: a line after its x label, which every layout makes room for."""
    label = ax.get_xlabel()
    ax.set_xlabel(f'{label}\n{text}' if label else text)


def note_bad(ax: Axes, values: Array, colour: Any) -> None:
    """Say how many values have the colour of bad ones, if any."""
    count = int(np.sum(~np.isfinite(values)))
    if count:
        note(ax, f'{colour}: {count} {bad_kind(values)}')


def bad_kind(values: Array) -> str:
    """What those values are that are not finite."""
    kinds = ['nan'] * bool(np.isnan(values).any()) + ['infinite'] * bool(np.isinf(values).any())
    return ' or '.join(kinds)


def add_colorbar(mappable: Any, ax: Any, label: str, **options: Any) -> Any:
    """A colour bar beside one Axes or several. The current Axes of the figure stays what it was."""
    figure = np.ravel(ax)[0].figure
    bar = figure.colorbar(mappable, ax=ax, **options)
    bar.set_label(label)
    return bar

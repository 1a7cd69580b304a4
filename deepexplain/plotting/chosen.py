"""The picture that goes with an explanation."""

from typing import Any

from matplotlib import pyplot as plt

from ..errors import ArgumentError
from ..explanation import Explanation
from ..explanation.tables import check_is_one
from .axes import HIGHEST, shortened, verbatim
from .bars import waterfall
from .explained import is_one_hot, picture_in
from .features import beeswarm, tabular
from .grids import grid
from .images import image
from .sequences import sequence
from .series import timeseries

#: The shortest side of what is taken for a picture where there is no axis of channels.
SHORTEST_SIDE = 12
LETTERS = 4
#: Samples that are drawn one below the other.
MOST_BELOW = 40


def picture_of(explanation: Explanation, **options: Any) -> Any:
    """Draw an explanation as its shape suggests.

    - a table of one sample: :func:`waterfall` where attributions add up from T(baseline), else :func:`tabular`; of
      several: :func:`beeswarm`;
    - pictures, (samples, height, width) or with 1, 3 or 4 channels: :func:`image` of one, :func:`grid` of several; maps
      without their pictures, as Grad-CAM gives: :func:`image`, one below the other;
    - sequences of letters, one-hot (samples, places, 4): :func:`sequence`, one below the other;
    - time series, (samples, times, channels): :func:`timeseries`, likewise.

    Names of samples stand at their pictures.

    Parameters
    ----------
    explanation : Explanation
        Of one input, and one target for each sample.
    **options
        Of the function that draws.

    Returns
    -------
    matplotlib Axes, or an array of them

    Raises
    ------
    ArgumentError
        No picture goes with data of this shape; or there are more samples than a figure has room for.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from deepexplain.explanation import Explanation
    >>> from deepexplain.plotting import picture_of
    >>> e = Explanation(np.array([[1.0, -4.0]]), feature_names=[['age', 'fare']])
    >>> [label.get_text() for label in picture_of(e, ax=Figure().add_subplot()).get_yticklabels()]
    ['fare', 'age']
    """
    draw: Any = drawing_of(explanation)
    if draw is grid and explanation.sample_names is not None:
        return grid(explanation, **{'labels': explanation.sample_names, **options})
    if draw in (image, sequence, timeseries) and len(explanation) > 1 and 'ax' not in options:
        return _below_each_other(draw, explanation, options)
    return draw(explanation, **options)


def drawing_of(explanation: Explanation) -> Any:
    """The function that draws it; errors as those of :func:`picture_of`."""
    if not isinstance(explanation, Explanation):
        raise ArgumentError('explanation must be an Explanation: run(xs, explanation=True) returns one.')
    check_is_one(explanation, 'plot()')
    shape, count = explanation.values.shape[1:], len(explanation)
    if len(shape) == 1:
        return _of_one_row(explanation) if count == 1 else beeswarm
    if len(shape) == 2 and shape[1] == LETTERS and is_one_hot(explanation):
        return sequence
    if _is_pictures(explanation) and (len(shape) == 3 or min(shape) >= SHORTEST_SIDE):
        return image if count == 1 or picture_in(explanation, False) is None else grid
    if len(shape) == 2 and explanation.data is not None and explanation.data.shape == explanation.values.shape:
        return timeseries
    raise ArgumentError(
        f'No picture goes with attributions of shape {shape} for each sample: sum over some axes, and call a '
        'function of deepexplain.plotting.'
    )


def _is_pictures(explanation: Explanation) -> bool:
    """Whether attributions lie on pictures; or are one map a sample, of a layer whose values are no picture."""
    shape = explanation.values.shape
    return picture_in(explanation, False) is not None or (len(shape) == 4 and shape[-1] == 1)


def _below_each_other(draw: Any, explanation: Explanation, options: Any) -> Any:
    """A figure with Axes for each sample: an array of them."""
    count, names = len(explanation), explanation.sample_names
    if count > MOST_BELOW:
        raise ArgumentError(
            f'A figure has room for {MOST_BELOW} samples of this kind; got {count}: choose some, e[:8].'
        )
    figure = plt.figure(figsize=(12, min(2.4 * count, HIGHEST)), layout='constrained')
    try:
        axes = figure.subplots(count, squeeze=False)[:, 0]
        for i, ax in enumerate(axes):
            draw(explanation[i], ax=ax, **options)
            verbatim([ax.set_title(shortened(names[i]) if names else f'sample {i}', fontsize='medium', loc='left')])
    except BaseException:
        plt.close(figure)
        raise
    return axes


def _of_one_row(explanation: Explanation) -> Any:
    """Steps from T(baseline) to T(x), where there are both, and a sum that is promised; else bars."""
    adds_up = explanation.delta is not None and explanation.base_value is not None
    return waterfall if adds_up and explanation.outputs is not None else tabular

"""The picture that goes with an explanation."""

from typing import Any

from ..errors import ArgumentError
from ..explanation import Explanation
from ..explanation.tables import check_is_one
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


def picture_of(explanation: Explanation, **options: Any) -> Any:
    """Draw an explanation as its shape suggests.

    - a table of one sample: :func:`waterfall` where attributions add up from T(baseline), else :func:`tabular`; of
      several: :func:`beeswarm`;
    - pictures, (samples, height, width) or with 1, 3 or 4 channels: :func:`image` of one, :func:`grid` of several;
    - one sequence of letters, one-hot (1, places, 4): :func:`sequence`;
    - one time series, (1, times, channels): :func:`timeseries`.

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
        No picture goes with data of this shape; or it is one of a single sample, and there are several.

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
    return drawing_of(explanation)(explanation, **options)


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
    if picture_in(explanation, False) is not None and (len(shape) == 3 or min(shape) >= SHORTEST_SIDE):
        return image if count == 1 else grid
    if len(shape) == 2 and explanation.data is not None and explanation.data.shape == explanation.values.shape:
        return timeseries
    raise ArgumentError(
        f'No picture goes with attributions of shape {shape} for each sample: sum over some axes, and call a '
        'function of deepexplain.plotting.'
    )


def _of_one_row(explanation: Explanation) -> Any:
    """Steps from T(baseline) to T(x), where there are both, and a sum that is promised; else bars."""
    adds_up = explanation.delta is not None and explanation.base_value is not None
    return waterfall if adds_up and explanation.outputs is not None else tabular

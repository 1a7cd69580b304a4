"""Pictures of attributions, with matplotlib: of arrays from anywhere, drawn on Axes. No TensorFlow is imported.

Every function draws on the Axes ``ax`` and returns it. Without ``ax`` it makes a figure with pyplot, as
``plt.subplots`` does, so that a notebook shows it; with ``ax``, pyplot is left alone. ``rcParams`` are read and
never changed.

What the colours mean is the same everywhere: red speaks for the output, blue against it, and 0 has the colour of the
page. Sign is told a second time where it can be, for readers who see grey: by direction, hatches, dots or the number.
"""

try:
    import matplotlib as _matplotlib  # noqa: F401
    import skimage as _skimage  # noqa: F401
except ImportError as error:
    if (error.name or '').split('.')[0] not in ('matplotlib', 'skimage'):
        raise  # it is there but broken: its own message says more
    raise ImportError(
        'deepexplain.plotting needs matplotlib 3.5 or later and scikit-image, and found no '
        f"{error.name}: pip install 'deepexplain[plot]'."
    ) from error

from .bars import bar, waterfall
from .chosen import picture_of
from .curves import convergence, running
from .features import beeswarm, distribution, tabular
from .grids import grid
from .images import image
from .old import plot
from .samples import heatmap, scatter
from .sequences import sequence
from .series import timeseries
from .tokens import text, text_html

__all__ = [
    'bar',
    'beeswarm',
    'convergence',
    'distribution',
    'grid',
    'heatmap',
    'image',
    'picture_of',
    'plot',
    'running',
    'scatter',
    'sequence',
    'tabular',
    'text',
    'text_html',
    'timeseries',
    'waterfall',
]

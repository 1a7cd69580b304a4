"""The parts of a sample that methods take away: windows, and features in random orders. NumPy only."""

import numpy as np
from skimage.util import view_as_windows

from ...errors import ArgumentError


class Windows:
    """The windows of one sample: where they begin, what they cover.

    Parameters
    ----------
    shape, window, step : tuples of int
        One entry for each axis of a sample; ``shape`` may be ().
    """

    def __init__(self, shape, window, step):
        self.key = shape, window, step
        self.shape, self._axes, self._window, self._step = shape, shape or (1,), window, step
        # A view: the windows of a large image would not fit in memory.
        index = view_as_windows(np.arange(int(np.prod(shape))).reshape(self._axes), window, step)
        self._grid = index.shape[: len(window)]
        self._starts = index[(...,) + (0,) * len(window)].ravel()
        self._offsets = index[(0,) * len(window)].ravel()
        self.changes = 1 + len(self._starts)
        with np.errstate(divide='ignore'):
            self._shares = 1 / self._sum(np.full(self._grid, float(self._offsets.size)))

    def any_in(self, flags):
        """Whether a window holds a True value, shape (samples, windows); ``flags`` has shape (samples, ...)."""
        if self._offsets.size == 1:
            return flags.reshape(len(flags), -1)[:, self._starts]
        views = view_as_windows(flags.reshape((-1,) + self._axes), (1,) + self._window, (1,) + self._step)
        return views.any(axis=tuple(range(-len(self._window), 0))).reshape(len(flags), -1)

    def clear(self, copies, windows):
        """Set one window of each copy to zero, none where its number is negative."""
        copy = np.flatnonzero(windows >= 0)
        copies.reshape(len(copies), -1)[copy[:, None], self._starts[windows[copy]][:, None] + self._offsets] = 0

    def mean(self, losses):
        """For each value the mean share in the windows that cover it, nan without any: (samples, ..., outputs)."""
        samples, _, outputs = losses.shape
        by_output = losses.transpose(0, 2, 1).reshape((samples * outputs,) + self._grid)
        with np.errstate(invalid='ignore'):
            means = self._sum(by_output) * self._shares
        return np.moveaxis(means.reshape((samples, outputs) + self.shape), 1, -1)

    def _sum(self, of_windows):
        """For each value the sum over the windows that cover it; further axes come first."""
        total = np.zeros(of_windows.shape[: -len(self._grid)] + self._axes)
        for corner in np.ndindex(*self._window):
            covered = tuple(slice(c, c + s * (g - 1) + 1, s) for c, s, g in zip(corner, self._step, self._grid))
            total[(...,) + covered] += of_windows
        return total


class Orders:
    """Orders in which features go to zero: ``ranks[i, f]`` features go before feature f in the i-th."""

    def __init__(self, features, orders):
        self.features, self.shape = features, features.shape
        self.orders = np.array(orders)
        self.ranks = self.orders.argsort(axis=1).astype(np.int32)
        self.changes = self.orders.size + len(orders)


class Features:
    """The features of one sample of an input: the positions along some of its axes.

    Parameters
    ----------
    sample_shape : tuple of int
    axes : list of int
        Axes of the sample, in any order; ``shape`` is theirs in that order.
    """

    def __init__(self, sample_shape, axes):
        if any(axis >= len(sample_shape) for axis in axes):
            raise ArgumentError(f'sampling_dims {[axis + 1 for axis in axes]} are not all axes of xs.')
        self.shape = tuple(sample_shape[axis] for axis in axes)
        self.count = int(np.prod(self.shape))
        self._others = tuple(axis + 1 for axis in range(len(sample_shape)) if axis not in axes)
        # From the order of the axes in the sample to that of the features, and back.
        self._to, self._back = (np.argsort(order).tolist() for order in (np.argsort(axes), axes))
        self._spread = tuple(d if axis in axes else 1 for axis, d in enumerate(sample_shape))

    def any_of(self, flags):
        """Whether a feature holds a True value, shape (samples, features); ``flags`` has shape (samples, ...)."""
        flags = flags.any(axis=self._others)
        return flags.transpose([0] + [i + 1 for i in self._to]).reshape(len(flags), -1)

    def mask(self, features):
        """Bool for each value of a sample (in a shape that broadcasts), from one for each feature of each copy."""
        features = features.reshape((-1,) + self.shape).transpose([0] + [i + 1 for i in self._back])
        return features.reshape((-1,) + self._spread)

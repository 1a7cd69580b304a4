"""The parts of a sample that methods take away: windows, features and groups of values. NumPy only.

Each kind has ``count`` parts. Of them, for all that follows, a method needs:

``any_of(flags)``
    Whether a part holds a True value, shape (samples, count); ``flags`` has shape (samples, ...).
``spread(values)``
    Attributions, shape (samples, ..., outputs), of one value for each part, shape (samples, count, outputs).
``replace(copies, values, parts)``, of windows and groups
    Set one part of each copy to these values (one row, or one for each copy), none where its number is negative.
``bounds()``, of windows and groups
    Where each part begins and ends: two int arrays, shape (count, axes of a sample).
``replaced(x, values, parts, places)``, of windows and groups
    What the same leaves at some places of samples: ``x`` are the samples' own values there, shape (copies, places),
    ``values`` those that replace them, and ``places`` says where that is in a sample made flat.
``of_part``, ``grid``, of windows and groups
    The shape of what a part may be replaced by; and that of all parts, as far as they lie along axes.
``differs(x, values)``, ``put(copies, values, parts)``, ``put_at(x, values, parts, places)``, of windows and groups
    Like ``any_of`` of where samples differ from ``values``, of the shape ``of_part``; like ``replace`` and ``replaced``
    with such values, one for each copy, shape (copies, *of_part).
``mask(of_features)``, of features and groups
    Bool for each value of a sample (in a shape that broadcasts), from one for each feature of each copy.
"""

from typing import Any, Mapping, Optional, Sequence, Tuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...arguments import as_array
from ...errors import ArgumentError, ArgumentTypeError
from ...types import Array, OpenShape, Shape
from .samples import shape_text


def keep(copies: Array, stays: Array, values: Array) -> None:
    """Set ``copies`` to ``values`` where not ``stays``, which broadcasts; finite numbers, and -0.0 becomes 0.0.

    Every number is multiplied by 1 or by 0: exact, and several times as fast as an assignment where not stays.
    """
    copies *= stays.astype(copies.dtype)
    copies += (~stays).astype(copies.dtype) * values if values.any() else 0  # 0, too, because -1 times 0 is -0.0


def windows_of(array: Array, window: Tuple[int, ...], step: Tuple[int, ...]) -> Array:
    """The windows of an array, first where each is, then what it shows: a view, (places..., window...), to read.

    NumPy's own ``sliding_window_view`` came with 1.20, which TensorFlow 1.15 does not take.
    """
    places = tuple((d - w) // s + 1 for d, w, s in zip(array.shape, window, step))
    strides = tuple(stride * s for stride, s in zip(array.strides, step)) + array.strides
    view: Array = as_strided(array, places + window, strides, writeable=False)
    return view


class Windows:
    """The windows of one sample: where they begin, what they cover.

    Parameters
    ----------
    shape, window, step : tuples of int
        One entry for each axis of a sample; ``shape`` may be ().

    Attributes
    ----------
    covers_once : bool
        Whether each value lies in exactly one window.
    covers_all : bool
        Whether each lies in one or more.
    """

    def __init__(self, shape: Shape, window: Tuple[int, ...], step: Tuple[int, ...]) -> None:
        self.key = shape, window, step
        self.shape, self._axes, self._window, self._step = shape, shape or (1,), window, step
        # A view: the windows of a large image would not fit in memory.
        index = windows_of(np.arange(int(np.prod(shape))).reshape(self._axes), window, step)
        self._grid = index.shape[: len(window)]
        self._starts = index[(...,) + (0,) * len(window)].ravel()
        self._offsets = index[(0,) * len(window)].ravel()
        self.count = len(self._starts)
        self.of_part, self.grid = window, self._grid if shape else ()
        self.covers_once = all(
            g * w == d and (g == 1 or s == w) for g, w, s, d in zip(self._grid, window, step, self._axes)
        )
        with np.errstate(divide='ignore'):
            self._shares = 1 / self._sum(np.full(self._grid, float(self._offsets.size)))
        self.covers_all = bool(np.isfinite(self._shares).all())

    def any_of(self, flags: Array) -> Array:  # noqa: D102 - these three: see above
        if self._offsets.size == 1:
            return flags.reshape(len(flags), -1)[:, self._starts]
        views = windows_of(flags.reshape((-1,) + self._axes), (1,) + self._window, (1,) + self._step)
        return views.any(axis=tuple(range(-len(self._window), 0))).reshape(len(flags), -1)

    def replace(self, copies: Array, values: Array, windows: Array) -> None:  # noqa: D102
        copy = np.flatnonzero(windows >= 0)
        covered = self._starts[windows[copy]][:, None] + self._offsets
        values = values.reshape(len(values), -1)
        row = copy[:, None]
        copies.reshape(len(copies), -1)[row, covered] = values[row if len(values) > 1 else 0, covered]

    def differs(self, x: Array, values: Array) -> Array:  # noqa: D102 - these three: see above
        x, found = x.reshape((-1,) + self._axes), np.zeros((len(x), *self._grid), bool)
        for corner in np.ndindex(*self._window):
            found |= x[(slice(None),) + self._at(corner)] != values[corner]
        return found.reshape(len(x), -1)

    def put(self, copies: Array, values: Array, windows: Array) -> None:  # noqa: D102
        copy = np.flatnonzero(windows >= 0)
        covered = self._starts[windows[copy]][:, None] + self._offsets
        copies.reshape(len(copies), -1)[copy[:, None], covered] = values.reshape(len(values), -1)[copy]

    def put_at(self, x: Array, values: Array, windows: Array, places: Array) -> Array:  # noqa: D102
        distance = np.stack(np.unravel_index(places, self._axes)) - self.bounds()[0][windows].T[:, :, None]
        window = np.reshape(self._window, (-1, 1, 1))
        inside = ((distance >= 0) & (distance < window)).all(axis=0)
        offset = np.ravel_multi_index(tuple(np.clip(distance, 0, window - 1)), self._window)
        return np.where(inside, np.take_along_axis(values.reshape(len(values), -1), offset, axis=1), x)

    def bounds(self) -> Tuple[Array, Array]:  # noqa: D102 - these four: see above
        start = np.stack(np.unravel_index(self._starts, self._axes), axis=1)
        return start, start + self._window

    def replaced(self, x: Array, values: Array, windows: Array, places: Array) -> Array:  # noqa: D102
        distance = np.stack(np.unravel_index(places, self._axes)) - self.bounds()[0][windows].T[:, :, None]
        inside = (distance >= 0) & (distance < np.reshape(self._window, (-1, 1, 1)))
        return np.where(inside.all(axis=0), values, x)

    def spread(self, losses: Array) -> Array:
        """For each value the mean share in the windows that cover it, nan without any."""
        samples, _, outputs = losses.shape
        by_output = losses.transpose(0, 2, 1).reshape((samples * outputs,) + self._grid)
        with np.errstate(invalid='ignore'):
            means = self._sum(by_output) * self._shares
        return np.moveaxis(means.reshape((samples, outputs) + self.shape), 1, -1)

    def _sum(self, of_windows: Array) -> Array:
        """For each value the sum over the windows that cover it; further axes come first."""
        total = np.zeros(of_windows.shape[: -len(self._grid)] + self._axes)
        for corner in np.ndindex(*self._window):
            total[(...,) + self._at(corner)] += of_windows
        return total

    def _at(self, corner: Tuple[int, ...]) -> Tuple[slice, ...]:
        """Where the value at this corner of every window is."""
        return tuple(slice(c, c + s * (g - 1) + 1, s) for c, s, g in zip(corner, self._step, self._grid))


class Features:
    """The features of one sample of an input: the positions along some of its axes.

    Parameters
    ----------
    sample_shape : tuple of int
    axes : list of int
        Axes of the sample, in any order; ``shape`` is theirs in that order.
    """

    def __init__(self, sample_shape: Shape, axes: Sequence[int]) -> None:
        if any(axis >= len(sample_shape) for axis in axes):
            raise ArgumentError(f'sampling_dims {[axis + 1 for axis in axes]} are not all axes of xs.')
        self.shape = tuple(sample_shape[axis] for axis in axes)
        self.count = int(np.prod(self.shape))
        self._others = tuple(axis + 1 for axis in range(len(sample_shape)) if axis not in axes)
        # From the order of the axes in the sample to that of the features, and back.
        self._to, self._back = (np.argsort(order).tolist() for order in (np.argsort(axes), axes))
        self._spread = tuple(d if axis in axes else 1 for axis, d in enumerate(sample_shape))

    def any_of(self, flags: Array) -> Array:  # noqa: D102 - these three: see above
        changed = np.asarray(flags.any(axis=self._others))
        return changed.transpose([0] + [i + 1 for i in self._to]).reshape(len(flags), -1)

    def mask(self, features: Array) -> Array:  # noqa: D102
        features = features.reshape((-1,) + self.shape).transpose([0] + [i + 1 for i in self._back])
        return features.reshape((-1,) + self._spread)

    def spread(self, values: Array) -> Array:  # noqa: D102
        return values.reshape((len(values),) + self.shape + values.shape[2:])


class Groups:
    """Groups of values that go together, those with the same number in a feature mask.

    Parameters
    ----------
    mask : int ndarray that ``as_feature_mask`` passed
    sample_shape : tuple of int

    The groups are in the order of their numbers.
    """

    covers_once = True

    def __init__(self, mask: Array, sample_shape: Shape) -> None:
        _check_mask(mask, sample_shape)
        self.shape = sample_shape
        numbers = np.unique(mask, return_inverse=True)[1].reshape((1,) * (len(sample_shape) - mask.ndim) + mask.shape)
        self._of = numbers[None]  # the group of each value, in a shape that broadcasts
        self._each = np.broadcast_to(numbers, sample_shape)
        self.key = sample_shape, numbers.shape, numbers.tobytes()
        self.count = int(numbers.max()) + 1
        self.of_part, self.grid = sample_shape, (self.count,)

    def first(self) -> Array:
        """Where the first value of each group is, in a sample made flat."""
        return np.unique(self._each, return_index=True)[1]

    def any_of(self, flags: Array) -> Array:  # noqa: D102 - these four: see above
        found = np.zeros((len(flags), self.count), bool)
        sample, value = np.nonzero(flags.reshape(len(flags), -1))
        found[sample, self._each.ravel()[value]] = True
        return found

    def replace(self, copies: Array, values: Array, groups: Array) -> None:  # noqa: D102
        keep(copies, self._of != groups.reshape((-1,) + (1,) * len(self.shape)), values)

    def differs(self, x: Array, values: Array) -> Array:  # noqa: D102 - these three: see above
        return self.any_of(x != values)

    def put(self, copies: Array, values: Array, groups: Array) -> None:  # noqa: D102
        np.copyto(copies, values, where=self._of == groups.reshape((-1,) + (1,) * len(self.shape)))

    def put_at(self, x: Array, values: Array, groups: Array, places: Array) -> Array:  # noqa: D102
        return self.replaced(x, np.take_along_axis(values.reshape(len(values), -1), places, axis=1), groups, places)

    def bounds(self) -> Tuple[Array, Array]:  # noqa: D102
        start, stop = (np.empty((self.count, len(self.shape)), np.int64) for _ in range(2))
        group = self._each.ravel()
        for axis, at in enumerate(np.indices(self.shape, sparse=True)):
            at = np.broadcast_to(at, self.shape).ravel()
            start[:, axis], stop[:, axis] = self.shape[axis], 0
            np.minimum.at(start[:, axis], group, at)
            np.maximum.at(stop[:, axis], group, at + 1)
        return start, stop

    def replaced(self, x: Array, values: Array, groups: Array, places: Array) -> Array:  # noqa: D102
        return np.where(self._each.ravel()[places] == groups[:, None], values, x)

    def mask(self, features: Array) -> Array:  # noqa: D102
        return features.take(self._of[0], axis=1)

    def spread(self, values: Array) -> Array:  # noqa: D102
        return values.take(self._each, axis=1)


def as_feature_mask(mask: Any, shape: Optional[OpenShape], given_with: Mapping[str, Any]) -> Optional[Array]:
    """Check a feature mask as far as it can be before there are samples, and return a copy; None as it is.

    Parameters
    ----------
    mask : None or array-like of integers (or bools)
    shape : tuple or None
        Of X, with None for open dimensions.
    given_with : dict
        Other arguments that say what goes together, and are None.
    """
    if mask is None:
        return None
    for name, value in given_with.items():
        if value is not None:
            raise ArgumentError(f'feature_mask and {name} both say which values go together: leave one of them out.')
    mask = np.array(as_array(mask, 'feature_mask'))
    if mask.dtype.kind not in 'biu':
        raise ArgumentTypeError(f'feature_mask must be an array of integers; its dtype is {mask.dtype}.')
    if shape is not None:
        _check_mask(mask, tuple(shape[1:]))
    return mask


def _check_mask(mask: Array, shape: OpenShape) -> None:
    """Raise unless the mask broadcasts to one sample's shape, which may have None dimensions."""
    pairs = zip(mask.shape[::-1], shape[::-1])
    if mask.ndim > len(shape) or any(m != 1 and d is not None and m != d for m, d in pairs):
        raise ArgumentError(
            f'feature_mask must have the shape of one sample, {shape_text(shape)}, or one that broadcasts to '
            f'it (all samples share it); got {mask.shape}.'
        )

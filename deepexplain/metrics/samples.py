"""Samples as metrics change them: a row of values for each, whatever their shape and the number of inputs."""

from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from ..arguments import as_array, as_count, as_function, is_list, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..explanation import Explanation
from ..types import Array, ArrayLike, Baseline


def one_array(value: ArrayLike, what: str) -> Array:
    """``value`` as one array of finite real numbers; a list of arrays is more likely one for each input."""
    if isinstance(value, (list, tuple)) and any(isinstance(entry, np.ndarray) and entry.ndim for entry in value):
        raise ArgumentError(
            f'{what} must be one array; got a {type(value).__name__} of {len(value)} arrays. If each is a sample, '
            'np.stack them; metrics of several inputs take an explainer of several inputs.'
        )
    return as_array(value, what, finite=True)


def plain(value: Any) -> Any:
    """The attributions of an Explanation, an array or a list of them; and anything else as it is."""
    if not isinstance(value, Explanation):
        return value
    if value.each:
        raise ArgumentError("Metrics judge one explanation at a time, not ys='each': take .of_output(i).")
    return value.values


class Samples:
    """The samples of one input, or of several, where an explainer has them.

    Parameters
    ----------
    xs : array-like, shape (samples, ...); or a list of them
    several : bool
        Whether it is a list of them.

    Attributes
    ----------
    values : ndarray, shape (samples, values)
        Several inputs stand side by side.
    shapes : list of tuples
        Of one sample, for each input.
    """

    def __init__(self, xs: ArrayLike, several: bool = False) -> None:
        if several and not isinstance(xs, (list, tuple)):
            raise ArgumentError(f'xs must be a list of arrays, as X is a list of tensors; got {type(xs).__name__}.')
        if several and not len(xs):
            raise ArgumentError('xs must be a list of arrays, one for each of X; it is empty.')
        self.several = several
        arrays = [one_array(x, f'xs[{i}]') for i, x in enumerate(xs)] if several else [one_array(xs, 'xs')]
        for array in arrays:
            if array.ndim == 0 or 0 in array.shape:
                raise ArgumentError(f'xs must hold samples, along its first axis; its shape is {array.shape}.')
        lengths = [len(array) for array in arrays]
        if len(set(lengths)) > 1:
            raise ArgumentError(f'All inputs must have the same number of samples; got {lengths}.')
        self.count, self.shapes = lengths[0], [array.shape[1:] for array in arrays]
        self.values = _side_by_side(arrays)
        self._ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1]

    @property
    def shape(self) -> Tuple[int, ...]:
        """Of the only input's samples, the first axis included."""
        return (self.count,) + self.shapes[0]

    def shaped(self, rows: Array) -> Any:
        """Rows of values as the network takes them: an array, or a list of arrays."""
        parts = np.split(rows, self._ends, axis=1) if self.several else [rows]
        shaped = [part.reshape((len(rows),) + shape) for part, shape in zip(parts, self.shapes)]
        return shaped if self.several else shaped[0]

    def rows_of(self, value: ArrayLike, what: str) -> Array:
        """``value``, which must have the samples first, as rows of float64 values; of several inputs, side by side."""
        arrays = self._one_for_each(value, what)
        for array in arrays:
            if array.shape[:1] != (self.count,) or array.size == 0:
                raise ArgumentError(f'{what} must have one row for each of {self.count} samples; got {array.shape}.')
        return _side_by_side(arrays).astype(np.float64)

    def like_xs(self, value: ArrayLike, what: str) -> Array:
        """``value``, which must have the shape of xs, as rows of float64 values."""
        arrays = self._one_for_each(value, what)
        for array, shape in zip(arrays, self.shapes):
            if array.shape != (self.count,) + shape:
                raise ArgumentError(
                    f'{what} must have the shape of xs, {(self.count,) + shape}; got {array.shape}.'
                    + (' ys and options are given by name: ys=...' if what == 'attributions' else '')
                )
        return _side_by_side(arrays).astype(np.float64)

    def baseline(self, value: Baseline) -> Array:
        """A baseline as rows of values, of the dtype of ``values``.

        It is a number or an array of one sample's shape or of xs' shape; for several inputs a number, or a list of
        these; or a function of xs that returns one of them, as an explainer's may be.
        """
        if callable(value):
            value = as_function(value, 'baseline', or_else='a number, an array or ')(self.shaped(self.values.copy()))
        given = value if self.several and isinstance(value, (list, tuple)) else [value] * len(self.shapes)
        rows = []
        for array, shape in zip(self._one_for_each(given if self.several else given[0], 'baseline'), self.shapes):
            if array.shape not in ((), shape, (self.count,) + shape):
                raise ArgumentError(
                    f'baseline must be a number or have the shape of one sample, {shape}, or of xs, '
                    f'{(self.count,) + shape}; got {array.shape}.'
                )
            rows.append(np.broadcast_to(array, (self.count,) + shape))
        found = _side_by_side(rows)
        if found.dtype.kind == 'b' and self.values.dtype.kind != 'b':
            raise ArgumentTypeError(f'baseline must hold numbers, as xs does; got {text_of(value)}.')
        with np.errstate(all='ignore'):
            converted: Array = found.astype(self.values.dtype)
        if self.values.dtype.kind != 'f' and (found != converted).any():
            raise ArgumentError(
                f'baseline must hold integers, as xs does ({self.values.dtype}); or make xs floats: xs.astype(float).'
            )
        if not np.isfinite(converted).all():
            raise ArgumentError(f'baseline has values beyond those of xs, whose dtype is {converted.dtype}.')
        return converted

    def _one_for_each(self, value: Any, what: str) -> List[Array]:
        if not self.several:
            return [one_array(value, what)]
        if not isinstance(value, (list, tuple)) or len(value) != len(self.shapes):
            raise ArgumentError(f'{what} must be a list of {len(self.shapes)}, one for each input.')
        return [one_array(entry, f'{what}[{i}]') for i, entry in enumerate(value)]


def _side_by_side(arrays: Sequence[Array]) -> Array:
    rows = [array.reshape(len(array), -1) for array in arrays]
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)


class Features:
    """What is taken away at once: each value of a sample, or all values at a position along some axes.

    Parameters
    ----------
    samples : Samples
    dims : list of ints, optional
        Axes of xs whose positions are features, in ascending order: ``[1, 2]`` of images are pixels.

    Attributes
    ----------
    count : int
    shape : tuple
        (samples, ...): that of attributions with one number for each feature.
    """

    def __init__(self, samples: Samples, dims: Optional[Sequence[int]] = None) -> None:
        self._samples, self._dims = samples, dims
        if dims is None:
            self.count = samples.values.shape[1]
            self.shape = samples.shape
            self._of: Any = slice(None)
            return
        axes = self._dims = _as_dims(dims, samples)
        self.shape = (samples.count,) + tuple(samples.shape[axis] for axis in axes)
        self.count = int(np.prod(self.shape[1:]))
        along = tuple(size if axis in axes else 1 for axis, size in enumerate(samples.shape))[1:]
        self._of = np.broadcast_to(np.arange(self.count).reshape(along), samples.shape[1:]).ravel()

    def spread(self, chosen: Array) -> Array:
        """For each value whether its feature is chosen, shape (..., values); ``chosen`` has (..., features)."""
        return chosen[..., self._of]

    def sums(self, attributions: ArrayLike) -> Array:
        """For each feature the sum of the attributions of its values, shape (samples, features)."""
        if self._dims is not None:
            given = one_array(attributions, 'attributions')
            if given.shape == self.shape:
                return given.astype(np.float64).reshape(self._samples.count, -1)
            if given.shape != self._samples.shape:
                raise ArgumentError(
                    f'attributions must have the shape of xs, {self._samples.shape}, or one number for each feature '
                    f'along dims={list(self._dims)}, {self.shape}; got {given.shape}.'
                )
        values = self._samples.like_xs(attributions, 'attributions')
        if self._dims is None:
            return values
        others = tuple(axis for axis in range(1, len(self._samples.shape)) if axis not in self._dims)
        result: Array = values.reshape(self._samples.shape).sum(axis=others).reshape(self._samples.count, -1)
        return result


def _as_dims(dims: Any, samples: Samples) -> List[int]:
    if samples.several:
        raise ArgumentError('dims are axes of one input; for several inputs, leave dims out: each value is a feature.')
    if not is_list(dims) or len(dims) == 0:
        raise ArgumentTypeError(f'dims must be a list of axes of xs; got {text_of(dims)}.')
    axes = [as_count(dim, 'Each of dims (axis 0 is that of the samples)') for dim in dims]
    if max(axes) >= len(samples.shape) or axes != sorted(set(axes)):
        raise ArgumentError(
            f'dims must be axes of xs, from 1 to {len(samples.shape) - 1}, each once and in ascending order; '
            f'got {text_of(list(dims))}.'
        )
    return axes

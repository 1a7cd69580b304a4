"""Correlations and relative errors that say nan or inf where they are not defined."""

import numpy as np

from ..types import Array, ArrayLike


def pearson(a: Array, b: Array, axis: int, noise_of_a: ArrayLike = 0, noise_of_b: ArrayLike = 0) -> Array:
    """Pearson correlation along an axis; nan where a or b do not vary by more than their noise."""
    defined = (np.ptp(a, axis=axis) > noise_of_a) & (np.ptp(b, axis=axis) > noise_of_b)
    with np.errstate(invalid='ignore', divide='ignore'):
        a, b = (_unit(values, axis) for values in (a, b))
        return np.where(defined, np.clip((a * b).sum(axis=axis), -1, 1), np.nan)


def _unit(values: Array, axis: int) -> Array:
    values = values - values.mean(axis=axis, keepdims=True)
    values = values / np.abs(values).max(axis=axis, keepdims=True)  # so that no square is 0 or infinite
    result: Array = values / np.sqrt((values**2).sum(axis=axis, keepdims=True))
    return result


def mean_of_defined(values: Array, axis: int) -> Array:
    """Mean along an axis without nan; nan where there is nothing else."""
    defined = ~np.isnan(values)
    with np.errstate(invalid='ignore', divide='ignore'):
        result: Array = np.where(defined, values, 0).sum(axis=axis) / defined.sum(axis=axis)
        return result


def relative(difference: Array, size: Array) -> Array:
    """``|difference| / |size|``: 0 where both are 0, inf where only the size is."""
    difference, size = np.abs(difference), np.abs(size)
    with np.errstate(invalid='ignore', divide='ignore'):
        return np.where(difference == 0, 0.0, difference / size)

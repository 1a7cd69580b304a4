"""The numbers that a picture is drawn of: their axes and their shapes. NumPy only."""

from typing import Any

import numpy as np

from ..arguments import as_array
from ..errors import ArgumentError
from ..types import Array, ArrayLike


def as_values(value: ArrayLike, what: str, *shapes: Any) -> Array:
    """``value`` as a new float64 array whose axes are those of one of ``shapes``, such as ``'height, width'``.

    Masked values become nan. Infinite values stay: the pictures show them as they show nan.
    """
    array = as_array(value, what, masked=np.nan)
    if array.size == 0:
        raise ArgumentError(f'{what} is empty: its shape is {array.shape}.')
    if array.ndim not in [len(shape.split(', ')) for shape in shapes]:
        expected = ' or '.join(f'({shape})' for shape in shapes)
        raise ArgumentError(f'{what} must have the axes {expected}; got shape {array.shape}.')
    return array.astype(np.float64)


def same_shape(array: Array, what: str, other: Array, other_what: str) -> None:
    """Raise unless two arrays have one shape."""
    if array.shape != other.shape:
        raise ArgumentError(f'{what} must have the shape of {other_what}, {other.shape}; got {array.shape}.')

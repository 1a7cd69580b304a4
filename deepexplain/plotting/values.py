"""The numbers that a picture is drawn of: their axes and their shapes. NumPy only."""

from typing import Any, List, Optional

import numpy as np

from ..arguments import as_array, as_names
from ..errors import ArgumentError
from ..types import Array, ArrayLike

#: The most values of one picture, which are 1.6 GB; and the largest of them, whose squares and spans are floats.
MOST_VALUES, LARGEST = 2 * 10**8, 1e150

#: The longest text in a picture: a line of 1,000 characters is ten times as wide as a screen.
LONGEST = 1000


def as_values(value: ArrayLike, what: str, *shapes: Any) -> Array:
    """``value`` as a new float64 array whose axes are those of one of ``shapes``, such as ``'height, width'``.

    Masked values become nan. Infinite values stay: the pictures show them as they show nan.
    """
    array = as_array(value, what, masked=np.nan)
    if array.size > MOST_VALUES:
        raise ArgumentError(f'{what} has {array.size} values, of shape {array.shape}; at most {MOST_VALUES} are drawn.')
    if array.size == 0:
        raise ArgumentError(f'{what} is empty: its shape is {array.shape}.')
    if array.ndim not in [len(shape.split(', ')) for shape in shapes]:
        expected = ' or '.join(f'({shape})' for shape in shapes)
        raise ArgumentError(f'{what} must have the axes {expected}; got shape {array.shape}.')
    array = array.astype(np.float64)
    if (np.abs(array[np.isfinite(array)]) > LARGEST).any():
        raise ArgumentError(f'{what} has values beyond {LARGEST:g}, for which matplotlib has no axis.')
    return array


def as_labels(value: Any, what: str, count: Optional[int] = None, of: str = 'things') -> List[str]:
    """``value`` as a list of texts that a picture has room for."""
    return as_names(value, what, count, of, longest=LONGEST)


def same_shape(array: Array, what: str, other: Array, other_what: str) -> None:
    """Raise unless two arrays have one shape."""
    if array.shape != other.shape:
        raise ArgumentError(f'{what} must have the shape of {other_what}, {other.shape}; got {array.shape}.')

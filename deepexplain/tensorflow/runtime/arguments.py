"""Arguments of the methods, checked: seeds, tolerances, windows and axes. NumPy only."""

import numpy as np

from ...errors import ArgumentError, ArgumentTypeError, AssertedArgumentError
from .samples import as_count, as_integer


def as_seed(value, name):
    """``value`` as an int that NumPy takes for a seed."""
    value = as_integer(value, name)
    if not 0 <= value < 2**32:
        raise ArgumentError(f'{name} must be from 0 to 2**32 - 1; got {value}.')
    return value


def as_positive(value, name):
    """``value`` as a float greater than 0."""
    try:
        if isinstance(value, (bool, str)) or np.ndim(value):
            raise TypeError
        number = float(value)
    except TypeError:
        raise ArgumentTypeError(f'{name} must be a number; got {value!r}.') from None
    if not 0 < number < float('inf'):
        raise ArgumentError(f'{name} must be greater than 0 and finite; got {value}.')
    return number


def as_sizes(value, name, ndims):
    """An int, or a tuple with an int for each axis of one sample, of an X with ``ndims`` axes (None: unknown)."""
    if np.ndim(value) == 0:
        return as_count(value, name, AssertedArgumentError)
    if ndims is not None:
        check_length(value, name, ndims - 1)
    return tuple(as_count(entry, name, AssertedArgumentError) for entry in value)


def check_length(value, name, axes):
    """Raise unless there is an entry for each axis of one sample."""
    if len(value) != axes:
        raise AssertedArgumentError(
            f'{name} must have one entry for each axis of one sample ({axes}); got {tuple(value)}.'
        )


def as_axes(axes, name, ndims):
    """A list of axes of an X with ``ndims`` axes (None: unknown), each once and not that of the samples."""
    if not isinstance(axes, (list, tuple, range, np.ndarray)) or len(axes) == 0:
        raise ArgumentTypeError(f'{name} must be a list of axes of X; got {axes!r}.')
    checked = [as_integer(axis, f'Each of {name}') for axis in axes]
    if 0 in checked:
        raise ArgumentError(f'Cannot sample batch dimension: remove 0 from {name}; got {axes}.')
    if min(checked) < 0 or (ndims is not None and max(checked) >= ndims):
        last = 'the last' if ndims is None else ndims - 1
        raise ArgumentError(f'Invalid value in {name}: axes go from 1 to {last}; got {axes}.')
    if len(set(checked)) < len(checked):
        raise ArgumentError(f'{name} holds an axis twice: {axes}.')
    return checked

"""Arguments of the methods that depend on X, checked: windows and axes. NumPy only."""

from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np

from ...arguments import as_count, as_integer, is_list, text_of
from ...errors import ArgumentError, ArgumentTypeError, AssertedArgumentError

#: A tensor has less.
MOST_AXES = 255


def as_sizes(value: Any, name: str, ndims: Optional[int]) -> Union[int, Tuple[int, ...]]:
    """An int, or a tuple with an int for each axis of one sample, of an X with ``ndims`` axes (None: unknown)."""
    if not is_list(value):
        return as_count(value, name, AssertedArgumentError)
    if ndims is not None:
        check_length(value, name, ndims - 1)
    return tuple(as_count(entry, name, AssertedArgumentError) for entry in value)


def check_length(value: Sequence[Any], name: str, axes: int) -> None:
    """Raise unless there is an entry for each axis of one sample."""
    if len(value) != axes:
        raise AssertedArgumentError(
            f'{name} must have one entry for each axis of one sample ({axes}); got {text_of(tuple(value))}.'
        )


def as_axes(axes: Any, name: str, ndims: Optional[int]) -> List[int]:
    """A list of axes of an X with ``ndims`` axes (None: unknown), each once and not that of the samples."""
    if not is_list(axes) or len(axes) == 0:
        raise ArgumentTypeError(f'{name} must be a list of axes of X; got {text_of(axes)}.')
    checked = [as_integer(axis, f'Each of {name}') for axis in axes]
    if 0 in checked:
        raise ArgumentError(f'Cannot sample batch dimension: remove 0 from {name}; got {text_of(axes)}.')
    if min(checked) < 0 or max(checked) >= (MOST_AXES if ndims is None else ndims):
        last = 'the last' if ndims is None else ndims - 1
        raise ArgumentError(f'Invalid value in {name}: axes go from 1 to {last}; got {text_of(axes)}.')
    if len(set(checked)) < len(checked):
        raise ArgumentError(f'{name} holds an axis twice: {text_of(axes)}.')
    return checked


def as_regions(value: Any) -> Union[str, bool]:
    """Whether only what windows reach is computed: 'auto', True or False."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if not isinstance(value, str) or value != 'auto':
        raise ArgumentError(f"regions must be 'auto', True or False; got {text_of(value)}.")
    return 'auto'

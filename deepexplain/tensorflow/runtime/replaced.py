"""Parts of a sample that each become one thing after another, such as every letter in turn. NumPy only."""

from typing import Any, Union

import numpy as np

from ...arguments import as_array
from ...errors import ArgumentError
from ...types import Array
from .parts import Groups, Windows
from .samples import shape_text


class Replaced:
    """What each part becomes, of all replacements: number ``k * (number of parts) + i`` is part i by replacement k.

    Parameters
    ----------
    parts : Windows or Groups
    values : ndarray, shape (replacements, ...)
        The rest broadcasts to the shape of a window; to that of a sample, of which a group takes what lies in it.

    Attributes
    ----------
    count : int
        Of parts, times replacements.
    shape : tuple of int
        What is found of a sample: (replacements, windows along each axis), or (replacements, groups).

    Raises
    ------
    ArgumentError
        Replacements do not fit the parts.
    """

    covers_all = True

    def __init__(self, parts: Union[Windows, Groups], values: Array) -> None:
        of_part = parts.of_part
        ndims = max(len(of_part), values.ndim - 1)
        values = values.reshape(len(values), *(1,) * (ndims - values.ndim + 1), *values.shape[1:])
        try:
            values = np.broadcast_to(values, (len(values), *of_part))
        except ValueError:
            what = 'one sample' if isinstance(parts, Groups) else 'a window'
            raise ArgumentError(
                f'Each of replacements must have the shape of {what}, {shape_text(of_part)}, or one that broadcasts to '
                f'it; got {len(values)} of shape {shape_text(values.shape[1:])}.'
            ) from None
        self._parts, self._values = parts, values
        self.key = parts.key
        self.count = len(values) * parts.count
        self.shape = (len(values), *parts.grid)

    def differs(self, x: Array) -> Array:
        """Whether a replacement changes a sample: shape (samples, count)."""
        return np.concatenate([self._parts.differs(x, one) for one in self._values], axis=1)

    def replace(self, copies: Array, values: Array, numbers: Array) -> None:
        """Replace a part of each copy, none where its number is negative; ``values`` are not read."""
        self._parts.put(copies, self._of(numbers), np.where(numbers < 0, -1, numbers % self._parts.count))

    def bounds(self) -> Any:
        """Those of the parts, which is where part number ``i % (number of parts)`` lies."""
        return self._parts.bounds()

    def replaced(self, x: Array, values: Array, numbers: Array, places: Array) -> Array:
        """What that leaves at some places; see :mod:`~.parts`."""
        return self._parts.put_at(x, self._of(numbers), numbers % self._parts.count, places)

    def spread(self, losses: Array) -> Array:
        """One for each replacement and part, shape (samples, replacements, ..., outputs)."""
        return losses.reshape(len(losses), *self.shape, losses.shape[-1])

    def _of(self, numbers: Array) -> Array:
        values: Array = self._values[np.maximum(numbers, 0) // self._parts.count]
        return values


def as_replacements(value: Any, baseline: Any) -> Any:
    """Check replacements as far as it can be before there is an X, and return a copy; None as it is.

    Parameters
    ----------
    value : None or array-like of real numbers, shape (replacements, ...)
    baseline
        What else says what values become, and is None then.
    """
    if value is None:
        return None
    if baseline is not None:
        raise ArgumentError('baseline and replacements both say what values become: leave one of them out.')
    found = np.array(as_array(value, 'replacements', finite=True))
    if found.ndim == 0 or found.size == 0:
        raise ArgumentError(
            'replacements must have an entry for each thing that windows become, such as [0, 1] or np.eye(4); got an '
            f'array of shape {shape_text(found.shape)}.'
        )
    return found

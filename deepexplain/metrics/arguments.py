"""The arrays and numbers that users pass, checked."""

import operator

import numpy as np

from ..errors import ArgumentError, ArgumentTypeError


def as_array(value, what):
    """``value`` as an array of finite real numbers."""
    if isinstance(value, (list, tuple)) and any(isinstance(entry, np.ndarray) and entry.ndim for entry in value):
        raise ArgumentError(
            f'{what} must be one array; got a {type(value).__name__} of {len(value)} arrays. If each is a sample, '
            'np.stack them; metrics of several inputs take an explainer of several inputs.'
        )
    if hasattr(value, 'toarray'):
        raise ArgumentTypeError(f'{what} is a sparse {type(value).__name__}: pass its toarray().')
    if np.ma.is_masked(value):
        raise ArgumentError(f'{what} has masked values: pass its filled(...).')
    try:
        array = np.asarray(value)
        if array.dtype.kind not in 'biu':
            array = array if array.dtype.kind == 'f' else array.astype(np.float64)  # bfloat16, a table of objects
    except (NotImplementedError, TypeError, ValueError) as error:  # a tensor of a graph, rows of differing lengths
        raise ArgumentTypeError(f'{what} must be an array of real numbers: {error}') from None
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ArgumentError(f'{what} must be finite; the first nan or infinite value is at index {where}.')
    return array


def as_count(value, name):
    """``value`` as an int of at least 1."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        value = operator.index(value)
    except TypeError:
        raise ArgumentTypeError(f'{name} must be an integer; got {value!r}.') from None
    if value < 1:
        raise ArgumentError(f'{name} must be at least 1; got {value}.')
    return value


def as_positive(value, name):
    """``value`` as a float above 0."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        raise ArgumentTypeError(f'{name} must be a number; got {value!r}.') from None
    if not 0 < value < np.inf:
        raise ArgumentError(f'{name} must be greater than 0, and finite; got {value}.')
    return value


def as_generator(seed):
    """A random generator of its own, whose numbers are the same in every version of NumPy."""
    try:
        return np.random.RandomState(seed)
    except (TypeError, ValueError):
        raise ArgumentTypeError(f'seed must be an integer from 0 to 2**32 - 1, or None; got {seed!r}.') from None


def one_of(value, known, name):
    """``value``, which must be one of the ``known`` names."""
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(f'{name} must be {" or ".join(map(repr, known))}; got {value!r}.')
    return value

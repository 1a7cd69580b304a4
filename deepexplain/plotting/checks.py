"""The arguments of every picture: checked and converted. NumPy only."""

import numbers

import numpy as np

from ..errors import ArgumentError, ArgumentTypeError


def as_numbers(value, what, *shapes):
    """``value`` as a new float64 array whose axes are those of one of ``shapes``, such as ``'height, width'``.

    Masked values become nan. Infinite values stay: the pictures show them as they show nan.
    """
    array = as_array(value, what)
    if array.dtype.kind in 'OV':  # numbers of several types, or of an extension dtype such as bfloat16
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ArgumentTypeError(f'{what} must hold real numbers; got {type(value).__name__}: {error}') from None
    if array.dtype.kind not in 'biuf':
        hint = ' Draw its real part, or its np.abs.' if array.dtype.kind == 'c' else ''
        raise ArgumentTypeError(f'{what} must hold real numbers; its dtype is {array.dtype}.{hint}')
    if array.size == 0:
        raise ArgumentError(f'{what} is empty: its shape is {array.shape}.')
    if shapes and array.ndim not in [len(shape.split(', ')) for shape in shapes]:
        expected = ' or '.join(f'({shape})' for shape in shapes)
        raise ArgumentError(f'{what} must have the axes {expected}; got shape {array.shape}.')
    return array.astype(np.float64)


def as_array(value, what):
    """``value`` as an array, of any dtype."""
    if value is None:
        raise ArgumentTypeError(f'{what} must be an array; got None.')
    if isinstance(value, np.ma.MaskedArray):
        value = value.astype(np.float64).filled(np.nan) if value.dtype.kind in 'biuf' else value.data
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ArgumentError(f'{what} must be one array, but its parts differ in shape: {error}') from None
    except Exception as error:  # whatever a tensor's __array__ raises: symbolic, on another device, with a gradient
        raise ArgumentTypeError(
            f'{what} must be an array; NumPy cannot read this {type(value).__name__}: {error}'
        ) from None


def same_shape(array, what, other, other_what):
    """Raise unless two arrays have one shape."""
    if array.shape != other.shape:
        raise ArgumentError(f'{what} must have the shape of {other_what}, {other.shape}; got {array.shape}.')


def as_names(value, what, count=None, of='things'):
    """``value`` as a list of str, one for each of ``count`` things."""
    if isinstance(value, (str, bytes)) or not hasattr(value, '__iter__'):
        raise ArgumentTypeError(f'{what} must be a list of names; got {value!r}.')
    names = [str(name) for name in value]
    if count is not None and len(names) != count:
        raise ArgumentError(f'{what} must have one entry for each of the {count} {of}; got {len(names)}.')
    return names


def choice(value, what, options):
    """``value``, which is one of the options."""
    if value not in options:
        raise ArgumentError(f'{what} must be one of {", ".join(map(repr, options))}; got {value!r}.')
    return value


def number(value, what, low=0.0, high=np.inf):
    """``value`` as a float greater than ``low`` and at most ``high``."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise ArgumentTypeError(f'{what} must be a number; got {value!r}.')
    if not low < value <= high or not np.isfinite(value):
        most = '' if high == np.inf else f' and at most {high:g}'
        raise ArgumentError(f'{what} must be greater than {low:g}{most}; got {value!r}.')
    return float(value)


def count(value, what):
    """``value`` as an int of at least 1."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise ArgumentTypeError(f'{what} must be an integer; got {value!r}.')
    if value < 1:
        raise ArgumentError(f'{what} must be at least 1; got {value}.')
    return int(value)

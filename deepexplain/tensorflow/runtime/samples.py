"""The arrays that users pass: xs, ys and baselines, checked and converted. NumPy only.

An input is described by ``(name, dtype, shape)``, the shape with None for open dimensions and the batch
first, or None where the rank is unknown.
"""

from collections import namedtuple

import numpy as np

from ...errors import ArgumentError, ArgumentTypeError

InputSpec = namedtuple('InputSpec', 'name dtype shape')

_SCAN_BYTES = 1 << 26


def shape_text(shape):
    """A shape as people write it, with None for open dimensions."""
    return 'unknown' if shape is None else str(tuple(shape))


def fits(shape, expected):
    """Whether a shape agrees with one that may have None dimensions."""
    return len(shape) == len(expected) and all(e is None or d == e for d, e in zip(shape, expected))


def as_numbers(value, what, dtype):
    """``value`` as an array of real numbers of any dtype; array-likes that can be sliced stay what they are.

    A memory map or an HDF5 data set is not read here. ``dtype`` is what it will be converted to, so that an
    extension dtype (bfloat16) passes.
    """
    if not (isinstance(getattr(value, 'dtype', None), np.dtype) and hasattr(value, 'shape')):
        try:
            value = np.asarray(value)
        except ValueError as error:
            raise ArgumentError('{} must be one array, but its parts differ in shape: {}'.format(what, error)) from None
    if value.dtype.kind not in 'biuf' and value.dtype != dtype:
        raise ArgumentTypeError('{} must hold real numbers; its dtype is {}.'.format(what, value.dtype))
    return value


def check_finite(array, what, dtype):
    """Raise unless every value is finite once converted to ``dtype``; large arrays are read in pieces."""
    if array.dtype.kind in 'biu' and np.dtype(dtype).kind == 'f' and np.dtype(dtype).itemsize > 2:
        return
    step = max(1, _SCAN_BYTES // max(1, int(np.prod(array.shape[1:])) * np.dtype(dtype).itemsize))
    for start in range(0, array.shape[0], step):
        with np.errstate(over='ignore'):
            finite = np.isfinite(np.asarray(array[start : start + step]).astype(dtype, copy=False))
        if not finite.all():
            where = tuple(int(i) for i in np.argwhere(~finite)[0])
            raise ArgumentError(
                '{} holds nan or infinite values (as {}): the first is at index {}. Attributions of such a '
                'sample mean nothing; replace or leave out these values.'.format(
                    what, np.dtype(dtype).name, (where[0] + start,) + where[1:]
                )
            )


def as_inputs(xs, specs, multiple):
    """Check xs against the inputs and return a list with one array-like for each.

    Raises ArgumentError for a wrong number of inputs, a wrong shape, differing numbers of samples, no
    samples, nan or infinite values; ArgumentTypeError for anything but real numbers.
    """
    if multiple:
        if not isinstance(xs, (list, tuple)) or len(xs) != len(specs):
            came = 'a list of {}'.format(len(xs)) if isinstance(xs, (list, tuple)) else type(xs).__name__
            raise ArgumentError(
                'X is a list of {} tensors, so xs must be a list of {} arrays; got {}.'.format(
                    len(specs), len(specs), came
                )
            )
    else:
        xs = [xs]
    arrays = []
    for i, (value, spec) in enumerate(zip(xs, specs)):
        what = 'xs[{}]'.format(i) if multiple else 'xs'
        value = as_numbers(value, what, spec.dtype)
        expected = None if spec.shape is None else (None,) + tuple(spec.shape[1:])
        if len(value.shape) == 0 or (expected is not None and not fits(value.shape, expected)):
            raise ArgumentError(
                "{} must have the shape of '{}', {} with the samples first; got {}.".format(
                    what, spec.name, shape_text(expected), shape_text(value.shape)
                )
            )
        if value.shape[0] == 0:
            raise ArgumentError('{} is empty: there must be at least one sample; got shape {}.'.format(what, value.shape))
        arrays.append(value)
    lengths = [array.shape[0] for array in arrays]
    if len(set(lengths)) > 1:
        raise ArgumentError('All inputs must have the same number of samples; got {}.'.format(lengths))
    for i, (array, spec) in enumerate(zip(arrays, specs)):
        check_finite(array, 'xs[{}]'.format(i) if multiple else 'xs', spec.dtype)
    return arrays


def as_weights(ys, n, row_shape, dtype):
    """Check ys against T, of which one sample has shape ``row_shape``; None for a scalar T.

    Returns the array and whether it has one row for each sample.
    """
    ys = np.asarray(as_numbers(ys, 'ys', dtype)).astype(dtype)
    per_row = row_shape is not None and ys.shape == (n,) + tuple(row_shape)
    if not per_row and ys.shape != tuple(row_shape or ()):
        if row_shape is None:
            raise ArgumentError('T is a scalar, so ys must be one number; got shape {}.'.format(ys.shape))
        raise ArgumentError(
            'ys must have the shape of T: {} for the {} samples of xs, or {} to weight all samples alike; '
            'got {}.'.format((n,) + tuple(row_shape), n, tuple(row_shape), ys.shape)
        )
    if not np.isfinite(ys).all():
        raise ArgumentError('ys holds nan or infinite values.')
    return ys, per_row


def as_baseline(baseline, specs, multiple):
    """Check a baseline and return a list with one array (of one sample's shape, or a scalar) per input.

    None is zero everywhere. For several inputs: one number for all, or a list with one entry for each.
    """
    if multiple and isinstance(baseline, (list, tuple)):
        if len(baseline) != len(specs):
            raise ArgumentError(
                'X is a list of {} tensors, so baseline must be a list of {}; got {}.'.format(
                    len(specs), len(specs), len(baseline)
                )
            )
        entries = list(baseline)
    elif multiple and np.ndim(0 if baseline is None else baseline) > 0:
        raise ArgumentError(
            'X is a list of {} tensors, so baseline must be a list with one entry for each, or one number; '
            'got an array of shape {}.'.format(len(specs), np.shape(baseline))
        )
    else:
        entries = [baseline] * len(specs)
    return [_one_baseline(entry, spec) for entry, spec in zip(entries, specs)]


def _one_baseline(value, spec):
    value = np.array(as_numbers(0 if value is None else value, 'baseline', spec.dtype)).astype(spec.dtype)
    if value.ndim and spec.shape is not None and not fits(value.shape, spec.shape[1:]):
        raise ArgumentError(
            "Baseline shape {} does not match the shape of one sample of '{}', {}.".format(
                shape_text(value.shape), spec.name, shape_text(spec.shape[1:])
            )
        )
    if not np.isfinite(value).all():
        raise ArgumentError('baseline holds nan or infinite values.')
    return value


def broadcast_baseline(baseline, array, name):
    """A checked baseline in the shape of one sample of ``array``, whose open dimensions are now known."""
    if baseline.ndim and baseline.shape != tuple(array.shape[1:]):
        raise ArgumentError(
            "Baseline shape {} does not match the shape of one sample of xs for '{}', {}.".format(
                shape_text(baseline.shape), name, shape_text(array.shape[1:])
            )
        )
    return np.broadcast_to(baseline, array.shape[1:])


def as_count(value, name, error=ArgumentError):
    """``value`` as an integer of at least 1."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, '__index__'):
        raise ArgumentTypeError('{} must be an integer; got {!r}.'.format(name, value))
    value = value.__index__()
    if value < 1:
        raise error('{} must be at least 1; got {}.'.format(name, value))
    return value

"""The baseline that samples are compared with: checked, and brought into the shape of the samples. NumPy only."""

from typing import TYPE_CHECKING, Any, List, Sequence, Tuple

import numpy as np

from ...arguments import as_array, as_function
from ...errors import ArgumentError, ArgumentTypeError
from ...types import Array, OpenShape, Shape
from .samples import fits, shape_text

if TYPE_CHECKING:
    from .samples import InputSpec


def given(baseline: Any, specs: 'Sequence[InputSpec]', multiple: bool) -> Any:
    """Check a baseline as far as it can be before there are samples, and return a copy, in the form it came in.

    Later changes to the user's arrays do not reach the copy. A function is returned as it is. See :func:`resolve`.
    """
    if callable(baseline):
        as_function(baseline, 'baseline', or_else='a number, an array or ')
        return baseline
    checked = []
    for value, what, spec in zip(*_entries(baseline, specs, multiple), specs):
        value = numbers_for(0 if value is None else value, what, spec).copy()
        if spec.shape is not None:
            _check_shape(value.shape, (None,) + tuple(spec.shape[1:]), spec)
        checked.append(value)
    return checked if multiple else checked[0]


def resolve(baseline: Any, xs: Any, specs: 'Sequence[InputSpec]', multiple: bool) -> List[Array]:
    """Return the baseline of these samples: a list with one array for each input.

    Parameters
    ----------
    baseline : None (0), number, array-like, function, or a list of numbers and array-likes where X is a list
        An array-like has the shape of one sample, or one row for each sample: the number of axes tells which. A
        function is called once, with xs as a read-only array (a list of them where X is a list), and
        returns any of these but None.
    xs : array-like that as_inputs passed, shape (samples, ...), or a list of them where X is a list
    specs : list of InputSpec
    multiple : bool
        Whether X is a list.

    Returns
    -------
    list of ndarray, each of shape (1, ...) or (samples, ...) and of its input's dtype
        Not to be written to: they may share memory with what came.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        The baseline is of another shape, or holds anything but finite real numbers (integers that fit, where X
        holds integers).
    """
    arrays = list(xs) if multiple else [xs]
    is_function = callable(baseline)
    if is_function:
        views = [_read_only(x) for x in arrays]
        baseline = baseline(views if multiple else views[0])
    resolved = []
    for value, what, spec, x in zip(*_entries(baseline, specs, multiple), specs, arrays):
        if value is None and is_function:
            raise ArgumentTypeError(f'{what}: the function returned None; it must return a number or an array.')
        value = numbers_for(0 if value is None else value, what, spec)
        shape = tuple(x.shape)
        _check_shape(value.shape, shape, spec)
        resolved.append(value if value.ndim == len(shape) else np.broadcast_to(value, (1,) + shape[1:]))
    return resolved


def _entries(baseline: Any, specs: 'Sequence[InputSpec]', multiple: bool) -> Tuple[List[Any], List[str]]:
    """What there is for each input, and what to call it."""
    if not multiple:
        return [baseline], ['baseline']
    if isinstance(baseline, (list, tuple)):
        if len(baseline) != len(specs):
            raise ArgumentError(
                f'X is a list of {len(specs)} tensors, so baseline must be a list of {len(specs)}; got {len(baseline)}.'
            )
        return list(baseline), [f'baseline[{i}]' for i in range(len(specs))]
    shape = () if baseline is None else as_array(baseline, 'baseline', specs[0].dtype, lazy=True).shape
    if len(shape) > 0:
        raise ArgumentError(
            f'X is a list of {len(specs)} tensors, so baseline must be a list with one entry for each, or one '
            f'number; got an array of shape {shape}.'
        )
    return [baseline] * len(specs), ['baseline'] * len(specs)


def numbers_for(value: Any, what: str, spec: 'InputSpec') -> Array:
    """``value`` as an array of the dtype of an input, which it may share memory with."""
    value = as_array(value, what, spec.dtype)
    is_integer = np.dtype(spec.dtype).kind in 'iu'
    if is_integer and value.dtype.kind not in 'biu':
        raise ArgumentTypeError(f"{what} must hold integers, as '{spec.name}' does; its dtype is {value.dtype}.")
    with np.errstate(over='ignore'):
        converted = value.astype(spec.dtype, copy=False)
    # Integers wrap around where they do not fit.
    if not (converted == value if is_integer else np.isfinite(converted)).all():
        kind = 'numbers that do not fit' if is_integer else 'nan or infinite values'
        raise ArgumentError(f'{what} holds {kind} (as {np.dtype(spec.dtype).name}).')
    return converted


def _check_shape(shape: Shape, samples_shape: OpenShape, spec: 'InputSpec') -> None:
    """Raise unless ``shape`` is that of a number, of one sample or of all samples."""
    if shape and not fits(shape, samples_shape[1:]) and not fits(shape, samples_shape):
        raise ArgumentError(
            f"Baseline shape {shape_text(shape)} does not match the shape of one sample of '{spec.name}', "
            f'{shape_text(samples_shape[1:])}, nor that of one row for each sample, {shape_text(samples_shape)}.'
        )


def _read_only(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


def given_set(baselines: Any, specs: 'Sequence[InputSpec]', multiple: bool) -> Any:
    """Check a set of baselines as far as it can be before there are samples, and return a copy."""
    if callable(baselines):
        as_function(baselines, 'baselines', or_else='an array or ')
        return baselines
    checked = [value.copy() for value in _set(baselines, specs, multiple)]
    return checked if multiple else checked[0]


def resolve_set(baselines: Any, xs: Any, specs: 'Sequence[InputSpec]', multiple: bool) -> List[Array]:
    """Return a set of baselines: a list with one array for each input, all of shape (baselines, ...).

    Parameters, errors: as in :func:`resolve`, but that an array-like has one row for each baseline, or, of shape
    (samples, baselines, ...), one for each baseline of each sample; and so the arrays have.
    """
    arrays = list(xs) if multiple else [xs]
    if callable(baselines):
        views = [_read_only(x) for x in arrays]
        baselines = baselines(views if multiple else views[0])
        if baselines is None:
            raise ArgumentTypeError('baselines: the function returned None; it must return a row for each baseline.')
    found = _set(baselines, [spec._replace(shape=tuple(x.shape)) for spec, x in zip(specs, arrays)], multiple)
    n, k = arrays[0].shape[0], found[0].shape[1:2]
    if found[0].ndim > len(arrays[0].shape) and len(found[0]) != n:
        raise ArgumentError(
            f'baselines of shape (samples, k, ...) are a set for each sample, of which there are {n}; got '
            f'{len(found[0])} sets of {k[0]}.'
        )
    return found


def _set(baselines: Any, specs: 'Sequence[InputSpec]', multiple: bool) -> List[Array]:
    if multiple and not (isinstance(baselines, (list, tuple)) and len(baselines) == len(specs)):
        came = f'a list of {len(baselines)}' if isinstance(baselines, (list, tuple)) else type(baselines).__name__
        raise ArgumentError(
            f'X is a list of {len(specs)} tensors, so baselines must be a list of {len(specs)} arrays, each with one '
            f'row for each baseline; got {came}.'
        )
    checked = []
    for i, (value, spec) in enumerate(zip(baselines if multiple else [baselines], specs)):
        what = f'baselines[{i}]' if multiple else 'baselines'
        value = numbers_for(value, what, spec)
        expected = None if spec.shape is None else (None,) + tuple(spec.shape[1:])
        fitting = expected is None or fits(value.shape, expected) or fits(value.shape, (None, *expected))
        if value.ndim == 0 or 0 in value.shape or not fitting:
            raise ArgumentError(
                f"{what} must have one row, of one sample's shape, for each baseline: {shape_text(expected)} for "
                f"'{spec.name}'; got {shape_text(value.shape)}. (Shape (samples, k, ...) is a set for each sample.)"
            )
        checked.append(value)
    counts = [
        v.shape[:2] if spec.shape and v.ndim > len(spec.shape) else v.shape[:1] for v, spec in zip(checked, specs)
    ]
    if len(set(counts)) > 1:
        raise ArgumentError(f'There must be as many baselines for each input; got {[count[-1] for count in counts]}.')
    return checked

"""The arrays that users pass: xs, ys and baselines, checked and converted. NumPy only.

An input is described by ``(name, dtype, shape)``, the shape with None for open dimensions and the batch
first, or None where the rank is unknown.
"""

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...arguments import as_array, has
from ...errors import ArgumentError, ArgumentTypeError
from ...types import Array, OpenShape, Shape


class InputSpec(NamedTuple):
    """What is known of an input before there are samples."""

    name: str
    dtype: Any
    shape: Optional[OpenShape]


_SCAN_BYTES = 1 << 26


def shape_text(shape: Optional[OpenShape]) -> str:
    """A shape as people write it, with None for open dimensions."""
    return 'unknown' if shape is None else str(tuple(shape))


def fits(shape: Shape, expected: OpenShape) -> bool:
    """Whether a shape agrees with one that may have None dimensions."""
    return len(shape) == len(expected) and all(e is None or d == e for d, e in zip(shape, expected))


def check_finite(array: Any, what: str, dtype: Any) -> None:
    """Raise unless every value is finite once converted to ``dtype``; large arrays are read in pieces."""
    if array.dtype.kind in 'biu' and np.dtype(dtype).kind == 'f' and dtype != np.float16:
        return  # integers are finite, and float32 has room for the largest
    step = max(1, _SCAN_BYTES // max(1, int(np.prod(array.shape[1:])) * np.dtype(dtype).itemsize))
    for start in range(0, array.shape[0], step):
        piece = np.asarray(array[start : start + step])
        with np.errstate(over='ignore'):
            converted = piece.astype(dtype, copy=False)
        # Integers wrap around where they do not fit.
        finite = np.isfinite(converted) if converted.dtype.kind not in 'iu' else converted == piece
        if not finite.all():
            where = tuple(int(i) for i in np.argwhere(~finite)[0])
            kind = 'nan or infinite values' if converted.dtype.kind not in 'iu' else 'numbers that do not fit'
            raise ArgumentError(
                f'{what} holds {kind} (as {np.dtype(dtype).name}): the first is at index '
                f'{(where[0] + start,) + where[1:]}. Attributions of such a sample mean nothing; replace or leave '
                'out these values.'
            )


def as_inputs(xs: Any, specs: Sequence[InputSpec], multiple: bool, finite: bool = True) -> List[Any]:
    """Check xs against the inputs and return a list with one array-like for each.

    Raises ArgumentError for a wrong number of inputs, a wrong shape, differing numbers of samples, no
    samples, nan or infinite values (unless ``finite`` is False: then no value is read); ArgumentTypeError for anything
    but real numbers.
    """
    xs = _by_input(xs, specs) if multiple else [xs]
    arrays = []
    for i, (value, spec) in enumerate(zip(xs, specs)):
        what = f'xs[{i}]' if multiple else 'xs'
        check_is_no_stream(value, what)
        value = as_array(value, what, spec.dtype, lazy=True)
        if value.dtype.kind == 'f' and np.dtype(spec.dtype).kind in 'iu':
            raise ArgumentTypeError(f"{what} must hold integers, as '{spec.name}' does; its dtype is {value.dtype}.")
        expected = None if spec.shape is None else (None,) + tuple(spec.shape[1:])
        if len(value.shape) == 0 or (expected is not None and not fits(value.shape, expected)):
            is_one = expected is not None and fits((1, *value.shape), expected)
            raise ArgumentError(
                f"{what} must have the shape of '{spec.name}', {shape_text(expected)} with the samples first; got "
                f'{shape_text(value.shape)}.' + (f' A sample by itself: [{what}].' if is_one else '')
            )
        if 0 in value.shape:
            raise ArgumentError(
                f'{what} is empty: there must be at least one sample, and values in it; got shape {value.shape}.'
            )
        arrays.append(value)
    lengths = [array.shape[0] for array in arrays]
    if len(set(lengths)) > 1:
        raise ArgumentError(f'All inputs must have the same number of samples; got {lengths}.')
    for i, (array, spec) in enumerate(zip(arrays, specs) if finite else ()):
        check_finite(array, f'xs[{i}]' if multiple else 'xs', spec.dtype)
    return arrays


def _by_input(xs: Any, specs: Sequence[InputSpec]) -> Sequence[Any]:
    """What there is for each of several inputs; one array is taken apart along its first axis, as version 0.3 did."""
    count = len(specs)
    check_is_no_stream(xs, 'xs')
    if not isinstance(xs, (list, tuple)):
        array = as_array(xs, 'xs', specs[0].dtype, lazy=True)
        axes = {None if spec.shape is None else len(spec.shape) for spec in specs}
        if count == 1 and axes & {len(array.shape), None}:
            return [array]
        if array.shape[:1] == (count,) and axes & {len(array.shape) - 1, None}:
            return [array[i] for i in range(count)]
        came = f'an array of shape {tuple(array.shape)}'
    elif len(xs) == count:
        return xs
    else:
        came = f'a list of {len(xs)}'
    raise ArgumentError(
        f'List of input tensors and input data have different lengths: X is a list of {count} tensors, so xs must be a '
        f'list of {count} arrays, each with the samples first; got {came}.'
    )


#: Classes that hand out data in pieces: their names, and the packages they are of.
STREAMS = frozenset('DataLoader DatasetV1 DatasetV2 IterableDataset PyDataset Sequence'.split())
OF_STREAMS = frozenset('keras tensorflow tensorflow_core tf_keras torch'.split())


def check_is_no_stream(value: Any, what: str) -> None:
    """Raise where samples come in pieces, of which nobody but the user knows which are samples and which are labels."""
    is_known = any(c.__name__ in STREAMS and c.__module__.split('.')[0] in OF_STREAMS for c in type(value).__mro__)
    has_pieces = has(value, '__next__') or not has(value, '__len__', '__array__', 'shape')
    if is_known or (has(value, '__iter__') and has_pieces):
        raise ArgumentTypeError(
            f'{what} must be an array of samples; got a {type(value).__name__}, which hands out pieces. Pass one piece '
            'at a time, without its labels: explainer.run(batch) for each batch of it (tf.data: of '
            'dataset.as_numpy_iterator()); or all together, np.concatenate(list_of_batches).'
        )
    if isinstance(value, (dict, set, frozenset)):
        raise ArgumentTypeError(
            f'{what} must be an array of samples; got a {type(value).__name__}, which has no order of inputs. Pass '
            'arrays in the order of X: [values[name] for name in names].'
        )


def as_weights(ys: Any, n: int, row_shape: Optional[Shape], dtype: Any) -> Tuple[Array, bool]:
    """Check ys against T, of which one sample has shape ``row_shape``; None for a scalar T.

    Returns the array and whether it has one row for each sample.
    """
    ys = as_array(ys, 'ys', dtype)
    whole = ys.dtype.kind in 'biu'
    if whole and n > 1 and ys.shape == (n,) == row_shape and _are_labels(ys, n):
        raise ArgumentError(
            f'ys={ys.tolist()} looks like a class label for each of the {n} samples, and would be taken for weights of '
            f'the {n} outputs. For labels pass target=labels, or one-hot rows, np.eye({n})[ys]; for weights, floats.'
        )
    if ys.shape == (n,) and row_shape == (1,) and n > 1:
        if whole and not ys.all():
            raise ArgumentError(
                f'ys looks like a label for each of the {n} samples, and would be taken for weights of the only '
                'output: those of weight 0 would get no attributions. Leave ys out, to explain that output; for '
                'weights, pass floats.'
            )
        ys = ys[:, None]
    ys = ys.astype(dtype)
    per_row = row_shape is not None and ys.shape == (n,) + tuple(row_shape)
    if not per_row and ys.shape != tuple(row_shape or ()):
        if row_shape is None:
            raise ArgumentError(f'T is a scalar, so ys must be one number; got shape {ys.shape}.')
        labels = ' For a class label for each sample: target=labels.' if whole and ys.shape in ((n,), (n, 1)) else ''
        raise ArgumentError(
            f'ys must have the shape of T: {(n,) + tuple(row_shape)} for the {n} samples of xs, or '
            f'{tuple(row_shape)} to weight all samples alike; got {ys.shape}.{labels}'
        )
    if not np.isfinite(ys).all():
        raise ArgumentError('ys holds nan or infinite values.')
    return ys, per_row


def _are_labels(ys: Array, n: int) -> bool:
    """Whether integers can be nothing but labels: ids of classes beyond 1; or 0 of all, of which nothing would be left.

    Zeros and ones may be weights that select outputs.
    """
    return bool((1 < ys.max() < n and ys.min() >= 0) or not ys.any())


def nearly_equal(a: Array, b: Array) -> bool:
    """Whether two results agree but for rounding, judged against the largest value; any float dtypes, nan equal."""
    a, b = (np.asarray(value).astype(np.float64) for value in np.broadcast_arrays(a, b))
    finite = np.isfinite(a) & np.isfinite(b)
    scale = np.abs([a[finite], b[finite]]).max(initial=0)
    return np.array_equal(np.isfinite(a), np.isfinite(b)) and bool((np.abs(a - b)[finite] <= 1e-3 * scale).all())

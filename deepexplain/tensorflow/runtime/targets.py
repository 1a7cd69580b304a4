"""Which output of each sample is explained, as weights of all of them. NumPy only."""

from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy as np

from ...arguments import as_array, as_integer, is_list, text_of
from ...errors import ArgumentError, ArgumentTypeError
from ...types import Array, Shape

FORMS = "an int, one int for each sample, 'top', a tuple with an int for each axis of the outputs, or a class name"


def one_hot_of(
    target: Any,
    n: int,
    row_shape: Optional[Shape],
    dtype: Any,
    class_names: Optional[Sequence[str]],
    scores: Callable[[], Array],
) -> Tuple[Array, bool]:
    """Weights that are 1 at the target and 0 elsewhere, and whether they have one row for each sample.

    Parameters
    ----------
    target : int, tuple of ints, str, or a list or array of these with one for each sample
    n : int
        How many samples there are.
    row_shape : tuple or None
        The shape of one sample's T; None where T is a scalar.
    dtype : dtype
        Of the weights.
    class_names : list of str, or None
        One for each output.
    scores : function without arguments
        T of each sample, shape (samples, outputs); for 'top'.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        The target is none of these, or there is no such output.
    """
    if row_shape is None:
        raise ArgumentError('T is a scalar, so there is no target to choose: leave target out.')
    shape = tuple(row_shape) or (1,)
    if is_word(target) and target == 'top' and 'top' not in (class_names or ()):
        places = _largest(scores())
    else:
        # One more than there are samples is one too many, however long a range is.
        target = list(target[: n + 1]) if isinstance(target, range) else target
        found = _places(target, shape, class_names)
        if isinstance(found, int):
            return _hot(np.array([found]), shape, dtype)[0].reshape(row_shape), False
        if len(found) != n:
            raise ArgumentError(f'target must have one entry for each of the {n} samples of xs; got {len(found)}.')
        places = np.array(found)
    return _hot(places, shape, dtype).reshape((n,) + tuple(row_shape)), True


def is_word(value: object) -> bool:
    """Whether it is a str."""
    return isinstance(value, str)


def _hot(places: Array, shape: Shape, dtype: Any) -> Array:
    weights = np.zeros((len(places), int(np.prod(shape))), dtype)
    weights[np.arange(len(places)), places] = 1
    return weights.reshape((len(places),) + tuple(shape))


def _largest(scores: Array) -> Array:
    known = np.where(np.isnan(scores), -np.inf, scores)
    undefined = np.isnan(scores).all(axis=1)
    if undefined.any():
        raise ArgumentError(
            f"target='top': sample {int(undefined.argmax())} has no largest output, as all of its outputs are nan."
        )
    places: Array = known.argmax(axis=1)
    return places


def _places(target: Any, shape: Shape, class_names: Optional[Sequence[str]]) -> Any:
    """The place of one output, counted as in ``T.reshape(samples, -1)``, or a list with one for each sample."""
    if is_word(target):
        return _named(target, shape, class_names)
    if isinstance(target, tuple):
        return _at(target, shape)
    if hasattr(target, 'to_numpy'):
        target = target.to_numpy()
    if isinstance(target, np.ndarray) and target.ndim and target.dtype.kind in 'OSU':
        target = target.tolist()
    if isinstance(target, list) and any(map(is_word, target)):
        return [_named(name, shape, class_names) for name in target]
    if not is_list(target) and not getattr(target, 'shape', ()):
        return _at((target,), shape)
    array = as_array(target, 'target')
    if array.dtype.kind not in 'iu':
        hint = ' One-hot rows are ys.' if array.ndim == 2 else ''
        raise ArgumentTypeError(f'target must be {FORMS}; got {array.dtype} numbers.{hint}')
    rows = array[:, None] if array.ndim == 1 else array
    if rows.ndim != 2 or rows.shape[1] != len(shape):
        hint = ' One-hot rows are ys.' if rows.ndim == 2 and rows.shape[1:] == tuple(shape) else ''
        raise ArgumentError(
            f'target must be {FORMS}; for outputs of shape {tuple(shape)} that is {len(shape)} for each sample; got '
            f'shape {array.shape}.{hint}'
        )
    return [_at(tuple(row), shape) for row in rows.tolist()]


def _at(index: Tuple[Any, ...], shape: Shape) -> int:
    """The place of an index into one sample's T."""
    if len(index) == 1 and is_word(index[0]):
        raise ArgumentTypeError(f'target must be {FORMS}; got {text_of(index)}.')
    if len(index) != len(shape):
        one_each = ' (One for each sample is a list, not a tuple.)' if len(index) > 1 else ''
        raise ArgumentError(
            f'target must be a tuple with an int for each axis of the outputs of a sample, whose shape is '
            f'{tuple(shape)}; got {text_of(index if len(index) != 1 else index[0])}.{one_each}'
        )
    numbers: List[int] = []
    for entry, size in zip(index, shape):
        try:
            number = as_integer(entry, 'target')
        except ArgumentTypeError:
            raise ArgumentTypeError(f'target must be {FORMS}; got {text_of(entry)}.') from None
        if not 0 <= number < size:
            raise ArgumentError(f'target must be from 0 to {size - 1}, for outputs of shape {shape}; got {number}.')
        numbers.append(number)
    return int(np.ravel_multi_index(tuple(numbers), tuple(shape)))


def _named(name: Any, shape: Shape, class_names: Optional[Sequence[str]]) -> int:
    if not is_word(name):
        raise ArgumentTypeError(f'target must be {FORMS}; got {text_of(name)} among names.')
    if class_names is None:
        raise ArgumentError(
            f'target must be {FORMS}; got {text_of(name)}, and no class names are known: open_model(..., '
            'class_names=[...]) gives a model its names.'
        )
    if len(class_names) != int(np.prod(shape)):
        raise ArgumentError(
            f'There are {len(class_names)} class names, for outputs of shape {tuple(shape)}: names can choose only '
            'where there is one for each. Give target as an int.'
        )
    if list(class_names).count(name) != 1:
        how = 'is no class name' if name not in class_names else 'is the name of several classes'
        raise ArgumentError(f'target {text_of(name)} {how}; the names are {text_of(list(class_names))}.')
    return list(class_names).index(name)

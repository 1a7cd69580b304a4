"""The arguments that users pass, checked and converted: each kind of argument has one check, here. NumPy only.

A check takes the value and the name that its errors call it by, and returns the value as what it says. Whatever
comes, it raises nothing but errors of :mod:`deepexplain.errors`, which say the rule and what came.
"""

import inspect
import math
import operator
import reprlib
import sys
from typing import TYPE_CHECKING, AbstractSet, Any, Callable, Iterable, List, Mapping, Optional, Type, TypeVar

import numpy as np

from .errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import numpy.typing as npt  # since NumPy 1.20; TensorFlow 1.15 has 1.18

_Word = TypeVar('_Word')

#: The most names where nothing says how many there are.
MOST_NAMES = 10**5

#: The longest text of a value in a message.
MOST_TEXT = 200

#: The most points, orders, noisy copies ... of a call. The smallest network takes hours for so many, and in float32 the
#: points of a path are then no longer apart.
MOST_REPEATS = 1 << 24


class _Repr(reprlib.Repr):
    """The repr of a list of millions takes seconds: this one looks at no more entries than fit."""

    def repr_instance(self, x: object, level: int) -> str:
        return repr(x)  # that of the library hides what is raised


_repr = _Repr()
_repr.maxlist = _repr.maxtuple = _repr.maxset = _repr.maxfrozenset = _repr.maxdict = _repr.maxarray = MOST_TEXT
_repr.maxdeque = _repr.maxstring = _repr.maxlong = _repr.maxother = 10 * MOST_TEXT


def text_of(value: object) -> str:
    """What a message shows of a value: its repr, if it has one, and no more than fits."""
    try:
        # NumPy 2 writes np.float64(0.1), which nobody passed who passed 0.1.
        text = str(value) if isinstance(value, (np.number, np.bool_)) else _repr.repr(value)
    except Exception:  # an int of more than 4300 digits; whatever an object's own __repr__ raises
        return f'a value of type {type(value).__name__}'
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 3] + '...'


def has(value: object, *names: str) -> bool:
    """Whether ``value`` has one of these attributes, whatever else its attributes raise."""
    for name in names:
        try:
            getattr(value, name)
        except Exception:
            continue
        return True
    return False


def as_integer(value: Any, name: str) -> int:
    """``value`` as an int; a bool is none, and neither is 1.0."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        return operator.index(value)
    except Exception:  # whatever the __index__ of a tensor raises
        raise ArgumentTypeError(f'{name} must be an integer; got {text_of(value)}.') from None


def as_count(value: Any, name: str, error: Type[ArgumentError] = ArgumentError, at_most: int = sys.maxsize) -> int:
    """``value`` as an int of at least 1, and at most the other; ``error`` is what is raised for one beyond these."""
    count = as_integer(value, name)
    if count < 1:
        raise error(f'{name} must be at least 1; got {text_of(count)}.')
    if count > at_most:
        raise error(f'{name} must be at most {at_most}; got {text_of(count)}.')
    return count


def as_repeats(value: Any, name: str) -> int:
    """``value`` as a number of points, orders or copies that a call can come to the end of: from 1 to MOST_REPEATS."""
    return as_count(value, name, at_most=MOST_REPEATS)


def as_seed(value: Any, name: str = 'seed') -> int:
    """``value`` as an int that NumPy takes for a seed."""
    seed = as_integer(value, name)
    if not 0 <= seed < 2**32:
        raise ArgumentError(f'{name} must be from 0 to 2**32 - 1; got {text_of(seed)}.')
    return seed


def as_generator(seed: Any, name: str = 'seed') -> np.random.RandomState:
    """A random generator of its own, from a seed or None; its numbers are the same in every version of NumPy."""
    return np.random.RandomState(None if seed is None else as_seed(seed, name))


def as_flag(value: Any, name: str) -> bool:
    """``value`` as a bool; 0 and 1 are none."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentTypeError(f'{name} must be True or False; got {text_of(value)}.')
    return bool(value)


def as_number(
    value: Any,
    name: str,
    *,
    above: Optional[float] = None,
    at_least: Optional[float] = None,
    at_most: Optional[float] = None,
    units: str = '',
    error: Type[ArgumentError] = ArgumentError,
) -> float:
    """``value`` as a finite float within limits.

    Parameters
    ----------
    value : int, float, Fraction, scalar of NumPy, array without axes or anything else that is one real number
    name : str
        What the errors call it.
    above, at_least, at_most : float, optional
        The limits: it must be greater than the first, and may be equal to the others.
    units : str, optional
        What it is measured in the units of, for the errors: 'X'.
    error : type, default ArgumentError
        What is raised where it is not within the limits.

    Raises
    ------
    ArgumentTypeError
        It is no real number: a bool, a str, None, complex, an array with axes, a symbolic tensor.
    ArgumentError, or ``error``
        It is nan, infinite, too large for a float, or beyond a limit.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from deepexplain.arguments import as_number
    >>> as_number(Fraction(1, 4), 'alpha', above=0, at_most=1)
    0.25
    """
    measured = f', in the units of {units}' if units else ''
    try:
        number = _as_float(value)
    except OverflowError:
        number = math.inf
    except Exception:  # whatever __float__ or __array__ of an object raises
        raise ArgumentTypeError(f'{name} must be a number{measured}; got {text_of(value)}.') from None
    is_within = (
        math.isfinite(number)
        and (above is None or number > above)
        and (at_least is None or number >= at_least)
        and (at_most is None or number <= at_most)
    )
    if not is_within:
        rules = [] if above is None else [f'greater than {above}']
        rules += [] if at_least is None else [f'at least {at_least}']
        rules += [] if at_most is None else [f'at most {at_most}']
        rules += ['finite'] if at_most is None or len(rules) == 1 else []  # two limits say that already
        raise error(f'{name} must be {" and ".join(rules)}{measured}; got {text_of(value)}.')
    return number


def _as_float(value: Any) -> float:
    if hasattr(value, '__array__'):  # NumPy's own, and tensors, if they have a value
        value = np.asarray(value)
        if value.ndim or value.dtype.kind not in 'iufV':  # V: bfloat16
            raise TypeError
    elif isinstance(value, bool) or not (hasattr(value, '__float__') or hasattr(value, '__index__')):
        raise TypeError  # float() would take a str and bytes, too
    return float(value)


def one_of(value: object, name: str, words: Iterable[_Word]) -> _Word:
    """That of the ``words``, each a str or None, which ``value`` is."""
    words = list(words)
    for word in words:
        # Only words are compared, as str compares them: an array would answer with an array.
        if value is word or (isinstance(value, str) and str.__eq__(value, word) is True):
            return word
    raise ArgumentError(f'{name} must be one of {", ".join(map(repr, words))}; got {text_of(value)}.')


def as_names(
    value: Any, name: str, count: Optional[int] = None, of: str = 'things', longest: Optional[int] = None
) -> List[str]:
    """``value`` as a list of str, one for each of the ``count`` things, whose name in the plural is ``of``.

    ``longest`` is how many characters one may have, if that is limited. A lone surrogate, which no font and no file
    can have, becomes its escape.
    """
    most = MOST_NAMES if count is None else count
    try:
        if isinstance(value, (str, bytes, bytearray, memoryview, Mapping, AbstractSet)):  # a set has no order
            raise TypeError
        names = [_as_name(entry) for _, entry in zip(range(most + 1), value)]  # some iterators have no end
    except Exception:  # a tensor has an __iter__, which raises
        raise ArgumentTypeError(f'{name} must be a list of names; got {text_of(value)}.') from None
    if count is not None and len(names) != count:
        try:
            came = str(len(value))
        except Exception:  # an iterator has no length, and that of a range may be no index
            came = f'{len(names)}{" or more" * (len(names) > count)}'
        raise ArgumentError(f'{name} must have one entry for each of the {count} {of}; got {came}.')
    if len(names) > most:
        raise ArgumentError(f'{name} must have at most {most} entries; got more.')
    lengths = [len(entry) for entry in names] if longest is not None else []
    if longest is not None and max(lengths, default=0) > longest:
        raise ArgumentError(f'{name} must have at most {longest} characters each; one has {max(lengths)}.')
    return names


def as_function(value: Any, name: str, parameters: str = 'xs', or_else: str = '') -> Callable[..., Any]:
    """``value`` as a function that can be called with these; what it raises is the user's own affair.

    A class is none: a call of it makes an object. ``or_else`` is what may be given in its place, for the errors.
    """
    if isinstance(value, type) or not callable(value):
        raise ArgumentTypeError(f'{name} must be {or_else}a function of {parameters}; got {text_of(value)}.')
    function: Callable[..., Any] = value
    try:
        signature = inspect.signature(function)
    except Exception:  # some functions of C say nothing of their parameters
        return function
    try:
        signature.bind(*parameters.split(', '))
    except TypeError:
        raise ArgumentTypeError(
            f'{name} must be {or_else}a function of {parameters}; it takes {text_of(str(signature))}.'
        ) from None
    return function


def as_mapping(value: Any, name: str) -> Mapping[Any, Any]:
    """``value``, which must be a dict or its like."""
    if not isinstance(value, Mapping):
        raise ArgumentTypeError(f'{name} must be a dict; got {text_of(value)}.')
    return value


def _as_name(entry: Any) -> str:
    """What is written of one entry: of a str or a number, not of None or of what holds several."""
    several = (bytes, bytearray, memoryview, list, dict, AbstractSet, np.void)
    if entry is None or isinstance(entry, several) or len(getattr(entry, 'shape', ())) or _is_symbolic(entry):
        raise TypeError
    return str(entry).encode('utf-8', 'backslashreplace').decode('utf-8')


def _is_symbolic(entry: Any) -> bool:
    """Whether it is a tensor or the like, whose str says what it is, not what it is called."""
    return hasattr(entry, 'shape') and not isinstance(entry, (np.generic, np.ndarray))


#: How deep lists and dicts may be nested that are data.
MOST_DEPTH = 20


def as_data(value: Any, name: str, instead: str = '') -> Any:
    """``value`` as data that any process can read: a copy, of None, flags, numbers, words, lists, dicts and arrays.

    Scalars of NumPy become Python's, and arrays that nobody may write to. ``instead`` is what to do with anything else,
    for the error.
    """
    return _as_data(value, name, instead, 0)


def _as_data(value: Any, name: str, instead: str, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float)) or type(value) is str:
        return value
    if isinstance(value, (str, np.bool_, np.integer, np.floating)):
        return str(value) if isinstance(value, str) else value.item()
    if depth < MOST_DEPTH and type(value) in (list, tuple):
        return type(value)(_as_data(entry, f'{name}[{i}]', instead, depth + 1) for i, entry in enumerate(value))
    if depth < MOST_DEPTH and isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _as_data(value[key], f'{name}[{key!r}]', instead, depth + 1) for key in value}
    if isinstance(value, np.ndarray) or (has(value, '__array__') and not callable(value)):
        array = np.array(as_array(value, name, flag=True))
        array.flags.writeable = False
        return array
    raise ArgumentTypeError(
        f'{name} must be data, which other processes can read: numbers, words, lists, dicts or arrays; got '
        f'{text_of(value)}.{instead and " "}{instead}'
    )


def rows_that_fit(array: 'npt.NDArray[Any]', dtype: 'npt.DTypeLike') -> 'npt.NDArray[np.bool_]':
    """Whether all values of each row are finite numbers once converted to ``dtype``: shape (rows,)."""
    dtype = np.dtype(dtype)
    if array.dtype.kind in 'biu' and dtype.kind == 'f' and dtype != np.float16:
        return np.ones(len(array), bool)  # integers are finite, and float32 has room for the largest
    with np.errstate(over='ignore', invalid='ignore'):
        converted = array.astype(dtype, copy=False)
    # Integers wrap around where they do not fit.
    fits = converted == array if converted.dtype.kind in 'iu' else np.isfinite(converted)
    result: npt.NDArray[np.bool_] = fits.reshape(len(array), -1).all(axis=1)
    return result


def is_list(value: object) -> bool:
    """Whether ``value`` is one of the things that a list of integers is given as, and has a length."""
    if isinstance(value, range) and (value.stop - value.start) // value.step > sys.maxsize:
        return False
    return isinstance(value, (list, tuple, range)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def as_array(
    value: Any,
    name: str,
    dtype: 'Optional[npt.DTypeLike]' = None,
    *,
    lazy: bool = False,
    finite: bool = False,
    masked: Optional[float] = None,
    flag: bool = False,
) -> 'npt.NDArray[Any]':
    """``value`` as an array of real numbers: of bools, integers or floats.

    It is no copy if it was one, so it is not to be written to.

    Parameters
    ----------
    value : array-like
        Of any shape; a table (pandas) with columns of several types, too.
    name : str
        What the errors call it.
    dtype : dtype, optional
        An extension dtype (bfloat16) that is kept, because it is what the array will be converted to. Others are
        converted to float64.
    lazy : bool, default False
        Whether what can be sliced like an array, such as an HDF5 data set, is returned as it is, and not read. (A
        memory map is an array, which is never read here.)
    finite : bool, default False
        Whether nan and infinite values are refused.
    masked : float, optional
        What masked values become. Default: they are refused.
    flag : bool, default False
        Whether a single True or False may stand for 1 or 0, too.

    Raises
    ------
    ArgumentError
        Its parts differ in shape; it has masked values or, with ``finite``, some that are not finite; a number is too
        large for a float.
    ArgumentTypeError
        It is sparse, or holds anything but real numbers; NumPy cannot read it.

    Examples
    --------
    >>> import numpy as np
    >>> from deepexplain.arguments import as_array
    >>> as_array(np.ma.masked_equal([1, 2, 3], 2), 'xs', masked=np.nan)
    array([ 1., nan,  3.])
    """
    if value is None:
        raise ArgumentTypeError(f'{name} must be an array; got None.')
    if hasattr(type(value), 'toarray'):
        raise ArgumentTypeError(f'{name} is a sparse {type(value).__name__}: pass its toarray().')
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        value = _filled(value, name, masked)
    array: npt.NDArray[Any] = _read(value, name, dtype, lazy)
    kind = array.dtype.kind
    if kind == 'b' and not array.shape and not flag:
        raise ArgumentTypeError(f'{name} must be a number or an array; got {text_of(value)}.')
    if kind not in 'biuf' and (dtype is None or array.dtype != dtype):
        if kind == 'O' or (kind == 'V' and array.dtype.type is not np.void):  # np.void: a record, or mere bytes
            array = _as_floats(array, name)
        else:
            hint = ' Pass its real part, or its np.abs.' if kind == 'c' else ''
            raise ArgumentTypeError(f'{name} must hold real numbers; its dtype is {array.dtype}.{hint}')
    if finite and not all_finite(array, name):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ArgumentError(f'{name} must be finite; the first nan or infinite value is at index {where}.')
    return array


def as_feed(value: Any, name: str, dtype: 'npt.DTypeLike') -> 'npt.NDArray[Any]':
    """``value`` as an array of a placeholder's dtype: numbers that fit in it, flags, or (dtype object) text."""
    dtype = np.dtype(dtype)
    if value is None:
        raise ArgumentTypeError(f'{name} must be an array; got None.')
    if dtype.kind in 'Oc':
        array: npt.NDArray[Any] = _read(value, name, None, False, dtype if dtype.kind == 'O' else None)
        if dtype.kind == 'c' and array.dtype.kind not in 'biufc':
            raise ArgumentTypeError(f'{name} must hold numbers; its dtype is {array.dtype}.')
        if dtype.kind == 'O' and not all(map(_is_text, array.flat)):
            raise ArgumentTypeError(f'{name} must hold text; got {text_of(value)}.')
        return array.astype(dtype)
    array = as_array(value, name, dtype, flag=True)
    with np.errstate(over='ignore', invalid='ignore'):
        converted = array.astype(dtype, copy=False)
        # Integers wrap around where they do not fit, and floats become infinite.
        fits = converted == array if dtype.kind in 'biu' else np.isfinite(converted) | ~np.isfinite(array)
    if not fits.all():
        raise ArgumentError(f'{name} holds numbers that do not fit {dtype.name}: {text_of(array[~fits].flat[0])}.')
    return converted


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, bytes) or (isinstance(value, str) and value.encode() is not None)
    except UnicodeError:  # it holds half a character
        return False


def all_finite(array: 'npt.NDArray[Any]', name: str) -> bool:
    """Whether no value of the array is nan or infinite."""
    try:
        return bool(np.isfinite(array).all())
    except MemoryError:  # a view may be larger than what it is of
        raise ArgumentError(f'{name} has {array.size} values, of shape {array.shape}: no room for them.') from None


def _filled(value: Any, name: str, masked: Optional[float]) -> 'npt.NDArray[Any]':
    if masked is None:
        raise ArgumentError(f'{name} has masked values, which are no numbers: pass its filled(...).')
    if value.dtype.kind not in 'biufO':
        return np.asarray(value.data)  # refused later, for its dtype
    return np.asarray((value if value.dtype.kind == 'O' else value.astype(np.float64)).filled(masked))


def _read(
    value: Any,
    name: str,
    dtype: 'Optional[npt.DTypeLike]',
    lazy: bool,
    into: 'Optional[npt.DTypeLike]' = None,
) -> Any:
    """``value`` as an array of any dtype; or, where it may be lazy, as what has the dtype and the shape of one."""
    if type(value) is np.ndarray:  # not within the try below, which would take a timeout's exception for NumPy's
        return value
    try:
        if hasattr(value, 'to_numpy'):  # pandas, which indexes by label
            value = value.to_numpy()
        if isinstance(value, range):
            if len(value) > 10**8:
                raise MemoryError(f'it has {len(value)} numbers')
            value = np.arange(value.start, value.stop, value.step)  # 20 times as fast as np.asarray
        found = getattr(value, 'dtype', None)
        if lazy and isinstance(found, np.dtype) and hasattr(value, 'shape') and hasattr(value, '__getitem__'):
            is_array = isinstance(value, (np.ndarray, np.generic))
            if not is_array and (found.kind in 'biuf' or (dtype is not None and found == dtype)):
                return value
        return np.asarray(value, into)
    except Exception as error:  # whatever a tensor's __array__ raises: symbolic, on another device, with a gradient
        if isinstance(error, ValueError) and isinstance(value, (list, tuple)):
            raise ArgumentError(f'{name} must be one array, but its parts differ in shape: {_reason(error)}') from None
        raise ArgumentTypeError(
            f'{name} must hold real numbers; NumPy cannot read this {type(value).__name__}: {_reason(error)}'
        ) from None


def _as_floats(array: 'npt.NDArray[Any]', name: str) -> 'npt.NDArray[np.float64]':
    """An array of objects, or of an extension dtype, in double precision."""
    try:
        for entry in array.flat if array.dtype.kind == 'O' else ():
            if isinstance(entry, (str, bytes, complex, np.complexfloating)):  # NumPy would convert them
                raise TypeError(f'it holds {text_of(entry)}')
            if isinstance(entry, np.ndarray) and entry.dtype.kind == 'O':  # NumPy 2.4 crashes if it holds itself
                raise TypeError('it holds an array of objects')
        return array.astype(np.float64)
    except OverflowError as error:
        raise ArgumentError(f'{name} holds a number that is too large: {_reason(error)}') from None
    except Exception as error:  # whatever the __float__ of an entry raises
        raise ArgumentTypeError(
            f'{name} must hold real numbers; its dtype is {array.dtype}: {_reason(error)}'
        ) from None


def _reason(error: Exception) -> str:
    """What an error of NumPy, or of an object's own, says, as the end of a sentence."""
    return f'{str(error).rstrip(".") or type(error).__name__}.'

"""Letters to one-hot rows and back."""

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from ..arguments import as_array, as_count, as_names, one_of, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array, ArrayLike

DNA, RNA, PROTEIN = 'ACGT', 'ACGU', 'ACDEFGHIKLMNPQRSTVWY'

#: What one letter says where it is not known which of several stands there; T stands for T or U.
BASES = {
    'R': 'AG', 'Y': 'CT', 'S': 'CG', 'W': 'AT', 'K': 'GT', 'M': 'AC',
    'B': 'CGT', 'D': 'AGT', 'H': 'ACT', 'V': 'ACG', 'N': 'ACGT',
}  # fmt: skip
AMINO_ACIDS = {'B': 'DN', 'Z': 'EQ', 'J': 'IL', 'X': PROTEIN}
GAPS = '-.'
AMBIGUOUS = ('zeros', 'shares', 'refuse')


def to_one_hot(
    sequences: Union[str, Sequence[str]],
    alphabet: str = DNA,
    *,
    length: Optional[int] = None,
    ambiguous: str = 'zeros',
    dtype: Any = np.float32,
) -> Array:
    """A row for each letter, with 1 in the column of that letter.

    Small letters count as capitals, unless the alphabet has both.

    Parameters
    ----------
    sequences : str, or list of str
        One sequence, or several. Several are as long as each other, or ``length`` is given.
    alphabet : str, default 'ACGT'
        The letters of the columns; DNA, RNA and PROTEIN are names of three.
    length : int, optional
        What shorter sequences are filled up to, with rows of zeros at their end. None may be longer.
    ambiguous : {'zeros', 'shares', 'refuse'}, default 'zeros'
        What becomes of letters that stand for several of the alphabet, such as N or R of DNA and RNA, or X and B of
        proteins: a row of zeros; equal shares that add up to 1; an error. Gaps ('-' and '.') are rows of zeros, or an
        error.
    dtype : dtype, default float32
        Of floats, if there are to be shares.

    Returns
    -------
    array, shape (length, alphabet) of one sequence, (sequences, length, alphabet) of several

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A letter is none of the alphabet; sequences differ in length; an argument has a wrong kind or value.

    References
    ----------
    Cornish-Bowden, Nomenclature for incompletely specified bases in nucleic acid sequences: recommendations 1984,
    1985. https://doi.org/10.1093/nar/13.9.3021

    Examples
    --------
    >>> from deepexplain.sequences import to_one_hot
    >>> to_one_hot('GANR', ambiguous='shares')
    array([[0.  , 0.  , 1.  , 0.  ],
           [1.  , 0.  , 0.  , 0.  ],
           [0.25, 0.25, 0.25, 0.25],
           [0.5 , 0.  , 0.5 , 0.  ]], dtype=float32)
    """
    letters, ambiguous = as_alphabet(alphabet), one_of(ambiguous, 'ambiguous', AMBIGUOUS)
    dtype = _as_dtype(dtype, ambiguous)
    is_one = isinstance(sequences, str)
    texts = [str(sequences)] if is_one else as_names(sequences, 'sequences')
    if not texts or not all(texts):
        raise ArgumentError(f'sequences must have at least one letter each; got {text_of(sequences)}.')
    longest = max(map(len, texts))
    if length is not None:
        length = as_count(length, 'length')
        if longest > length:
            raise ArgumentError(f'length must be at least {longest}, the longest of the sequences; got {length}.')
    elif min(map(len, texts)) < longest:
        raise ArgumentError(
            f'sequences must be as long as each other, but they have {min(map(len, texts))} to {longest} letters; '
            f'with length={longest}, shorter ones are filled up with rows of zeros.'
        )
    result = np.zeros((len(texts), length or longest, len(letters)), dtype)
    known: Dict[str, Array] = {}
    for i, text in enumerate(texts):
        codes, places = np.unique(np.frombuffer(text.encode('utf-32-le', 'surrogatepass'), '<u4'), return_inverse=True)
        for code in map(chr, codes):
            if code not in known:
                known[code] = _row(code, letters, ambiguous, text, '' if is_one else f'[{i}]')
        result[i, : len(text)] = np.array([known[chr(code)] for code in codes])[places.ravel()]
    return result[0] if is_one else result


def to_letters(one_hot: ArrayLike, alphabet: str = DNA, *, unknown: Optional[str] = None) -> Union[str, List[str]]:
    """What :func:`to_one_hot` was made of: the letter of each row.

    Parameters
    ----------
    one_hot : array of real numbers, shape (length, alphabet) or (sequences, length, alphabet)
        In each row one 1, or equal shares that add up to 1, or zeros.
    alphabet : str, default 'ACGT'
    unknown : str, optional
        The letter of a row of zeros. Default: N for DNA and RNA, X for proteins, else '-'.

    Returns
    -------
    str, or list of str
        Of an array with three axes, one for each sequence.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A row is no letter; an argument has a wrong kind or value.

    Examples
    --------
    >>> from deepexplain.sequences import to_letters
    >>> to_letters([[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0.5, 0, 0.5, 0]])
    'GANR'
    """
    letters = as_alphabet(alphabet)
    array = as_rows(one_hot, 'one_hot', len(letters))
    codes = codes_of(letters)
    unknown = _as_unknown(unknown, letters)
    flat = array.reshape(-1, len(letters)).astype(np.float64)
    counts = (flat != 0).sum(axis=1)
    shares = np.where(flat != 0, 1 / np.maximum(counts, 1)[:, np.newaxis], 0)
    # As near as float16 comes to a third; a row of probabilities is no letter.
    wrong: Array = np.asarray((np.abs(flat - shares) > 1e-3).any(axis=1))
    kinds, firsts, places = np.unique(flat != 0, axis=0, return_index=True, return_inverse=True)
    names = {frozenset(meant): code for code, meant in codes.items()}
    names[frozenset()] = unknown
    found = [names.get(frozenset(letter for letter, is_there in zip(letters, kind) if is_there), '') for kind in kinds]
    for kind, first in zip(found, firsts):
        wrong[first] |= not kind
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        where = np.unravel_index(place, array.shape[:-1])
        raise ArgumentError(
            f'one_hot must have one 1 in each row, equal shares that a letter stands for, or zeros; at '
            f'{tuple(int(i) for i in where)} it has {text_of(flat[place].tolist())}.'
        )
    text = ''.join(np.array(found)[places.ravel()])
    size = array.shape[-2]
    return text if array.ndim == 2 else [text[i * size : (i + 1) * size] for i in range(len(array))]


def as_alphabet(alphabet: Any) -> Tuple[str, ...]:
    """``alphabet`` as its letters, each of them once."""
    letters = tuple(alphabet) if isinstance(alphabet, str) else tuple(as_names(alphabet, 'alphabet'))
    if not letters or any(len(letter) != 1 for letter in letters):
        raise ArgumentError(f"alphabet must be single letters, such as 'ACGT'; got {text_of(alphabet)}.")
    if len(set(letters)) < len(letters):
        raise ArgumentError(f'alphabet must have each letter once; got {text_of(alphabet)}.')
    return letters


def as_rows(value: Any, what: str, columns: Optional[int] = None) -> Array:
    """``value`` as an array whose last two axes are (length, alphabet), with or without samples before them."""
    array = as_array(value, what, finite=True)
    if array.ndim not in (2, 3):
        raise ArgumentError(
            f'{what} must have the axes (length, alphabet) or (sequences, length, alphabet); got shape {array.shape}.'
        )
    if not array.size:
        raise ArgumentError(f'{what} is empty: its shape is {array.shape}.')
    if columns is not None and array.shape[-1] != columns:
        raise ArgumentError(
            f'{what} must have a column for each of the {columns} letters of the alphabet; got shape {array.shape}.'
        )
    return array


def codes_of(letters: Sequence[str]) -> Dict[str, str]:
    """Each letter of an alphabet, and of its codes for several, with the letters that are meant."""
    several: Dict[str, str] = {}
    if set(letters) == set(DNA):
        several = BASES
    elif set(letters) == set(RNA):
        several = {code: meant.replace('T', 'U') for code, meant in BASES.items()}
    elif set(letters) == set(PROTEIN):
        several = AMINO_ACIDS
    return {**several, **{letter: letter for letter in letters}}


def _row(letter: str, letters: Sequence[str], ambiguous: str, text: str, where: str) -> Array:
    """What stands for a letter in the columns of the alphabet."""
    codes = codes_of(letters)
    found = next((form for form in (letter, letter.upper(), letter.lower()) if form in codes), None)
    meant = codes[found] if found is not None else ''
    at = f'sequences{where} has {text_of(letter)} at position {text.index(letter)}, which'
    if found is None and letter not in GAPS:
        raise ArgumentError(f'{at} is no letter of the alphabet {text_of("".join(letters))}.{_hint(letter, letters)}')
    if len(meant) != 1 and ambiguous == 'refuse':
        kind = 'a gap' if found is None else f'any of {meant}'
        raise ArgumentError(f"{at} stands for {kind}; ambiguous='zeros' and 'shares' take it.")
    if len(meant) > 1 and ambiguous == 'zeros':
        meant = ''
    return np.array([letter in meant for letter in letters]) / max(len(meant), 1)


def _hint(letter: str, letters: Sequence[str]) -> str:
    """What may be meant by a letter that has no column."""
    if letter in 'Uu' and set(letters) == set(DNA):
        return f' For RNA, pass alphabet={RNA!r}.'
    if letter in 'Tt' and set(letters) == set(RNA):
        return f' For DNA, pass alphabet={DNA!r}.'
    if letter == '*':
        return " A stop at the end goes with sequence.rstrip('*')."
    if set(letters) == set(DNA) and letter.upper() in PROTEIN:
        return ' For proteins, pass alphabet=PROTEIN.'
    return ''


def _as_unknown(unknown: Any, letters: Sequence[str]) -> str:
    if unknown is None:
        return {frozenset(DNA): 'N', frozenset(RNA): 'N', frozenset(PROTEIN): 'X'}.get(frozenset(letters), '-')
    if not isinstance(unknown, str) or len(unknown) != 1:
        raise ArgumentTypeError(f'unknown must be one letter; got {text_of(unknown)}.')
    return unknown


def _as_dtype(dtype: Any, ambiguous: str) -> Any:
    try:
        found = np.dtype(dtype)
    except Exception:  # whatever an object that looks like a dtype raises
        raise ArgumentTypeError(f'dtype must be a dtype of NumPy; got {text_of(dtype)}.') from None
    if dtype is None or found.kind not in ('f' if ambiguous == 'shares' else 'biuf'):
        rule = "of floats, as ambiguous='shares' needs" if ambiguous == 'shares' else 'of numbers or bools'
        raise ArgumentTypeError(f'dtype must be {rule}; got {text_of(dtype)}.')
    return found

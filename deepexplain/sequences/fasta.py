"""FASTA files."""

import gzip
import os
import re
import zlib
from typing import Any, Iterator, List, NamedTuple, Tuple

from ..arguments import text_of
from ..errors import ArgumentError, ArgumentTypeError

_LETTERS = re.compile(r'[A-Za-z*.-]+')


class Fasta(NamedTuple):
    """What a FASTA file holds: an entry of each list for each sequence.

    Attributes
    ----------
    names : list of str
        The first word after '>'.
    sequences : list of str
        As they are written, capitals and small letters.
    descriptions : list of str
        What stands after the name; '' if nothing does.
    """

    names: List[str]
    sequences: List[str]
    descriptions: List[str]


def read_fasta(path: Any) -> Fasta:
    r"""Names and sequences of a FASTA file, plain or compressed by gzip (or bgzip), whatever its name ends in.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Fasta
        A named tuple: ``names, sequences, descriptions``.

    Raises
    ------
    ArgumentError
        There is no such file; it cannot be read; it is no FASTA file. The message names the line.
    ArgumentTypeError
        ``path`` is no path.

    Examples
    --------
    >>> import os, tempfile
    >>> from deepexplain.sequences import read_fasta
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, 'two.fa')
    ...     with open(path, 'w') as file:
    ...         _ = file.write('>first of two\nACGT\nAC\n>second\nGGnn\n')
    ...     read_fasta(path)
    Fasta(names=['first', 'second'], sequences=['ACGTAC', 'GGnn'], descriptions=['of two', ''])
    """
    try:
        path = os.fspath(path)
        path = path.decode('utf-8', 'surrogateescape') if isinstance(path, bytes) else str(path)
    except Exception:  # whatever the __fspath__ of an object raises
        raise ArgumentTypeError(f'path must be the path of a FASTA file; got {text_of(path)}.') from None
    if '\0' in path or not os.path.isfile(path):
        kind = 'it is a directory' if os.path.isdir(path.replace('\0', '')) else 'there is none'
        raise ArgumentError(f'path must be that of a FASTA file; {kind}: {text_of(path)}.')
    names: List[str] = []
    descriptions: List[str] = []
    parts: List[List[str]] = []
    begun = 0
    for number, line in _lines(path):
        if line.startswith('>'):
            _check_has_letters(path, parts, begun)
            words = line[1:].split(None, 1)
            if not words:
                raise ArgumentError(f"{text_of(path)}, line {number}: a name must follow '>'.")
            names.append(words[0])
            descriptions.append(''.join(words[1:]))
            parts.append([])
            begun = number
        elif line and not line.startswith(';'):
            _check(path, number, line, parts)
            parts[-1].append(line)
    if not parts:
        raise ArgumentError(f"{text_of(path)} has no sequence: no line begins with '>'.")
    _check_has_letters(path, parts, begun)
    return Fasta(names, [''.join(lines) for lines in parts], descriptions)


def _lines(path: str) -> Iterator[Tuple[int, str]]:
    """The lines of a file with their numbers, without white space at their ends."""
    number = 0
    try:
        with open(path, 'rb') as raw:
            is_packed = raw.read(2) == b'\x1f\x8b'
            raw.seek(0)
            for number, line in enumerate(gzip.GzipFile(fileobj=raw) if is_packed else raw, start=1):
                yield number, line.decode('utf-8-sig' if number == 1 else 'utf-8').strip()
    except UnicodeDecodeError:
        raise ArgumentError(f'{text_of(path)}, line {number}: it is no text in UTF-8, as FASTA files are.') from None
    except (OSError, EOFError, zlib.error) as error:
        raise ArgumentError(f'{text_of(path)} cannot be read after line {number}: {error}.') from None


def _check(path: str, number: int, line: str, parts: List[List[str]]) -> None:
    """Raise unless a line is of letters, after a name."""
    where = f'{text_of(path)}, line {number}'
    if not parts:
        raise ArgumentError(f"{where}: '>' and a name must come first; got {text_of(line)}.")
    if not _LETTERS.fullmatch(line):
        wrong = next(sign for sign in line if not _LETTERS.fullmatch(sign))
        column = line.index(wrong) + 1
        raise ArgumentError(
            f"{where}: a sequence has letters, '*', '-' and '.' only; got {text_of(wrong)} at column {column}."
        )


def _check_has_letters(path: str, parts: List[List[str]], begun: int) -> None:
    if parts and not parts[-1]:
        raise ArgumentError(f'{text_of(path)}, line {begun}: no letters follow this name.')

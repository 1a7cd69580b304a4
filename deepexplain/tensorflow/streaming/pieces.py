"""The samples of a long run, a chunk at a time."""

import hashlib
from typing import Any, Iterator, List, NamedTuple, Optional

import numpy as np

from ...arguments import has, rows_that_fit, text_of
from ...errors import ArgumentError, ArgumentTypeError
from ...types import Array
from ..runtime.samples import as_inputs
from .cutting import specs_of_x

#: Bytes of the samples of a chunk where nobody says how many it has, and the most samples.
CHUNK_BYTES, MOST_ROWS = 1 << 26, 1024


class Piece(NamedTuple):
    """Samples from ``start`` to ``stop``, one array an input; and which of them cannot be explained."""

    start: int
    stop: int
    arrays: List[Array]
    bad: Array


class Pieces:
    """Samples in chunks, in order: of arrays, or of an iterator whose pieces are put together anew.

    Parameters
    ----------
    explainer : Explainer
    xs : array-like, iterator of array-likes, or a list of array-likes where X is a list
    chunk : int or None

    Attributes
    ----------
    chunk : int
        Samples of a piece; the last may have fewer.
    rows : int or None
        How many samples there are; None of an iterator.
    digest : list of str
        Of the values of each input: of all of an array's, once :meth:`scan` was called; of an iterator's first chunk.
    """

    def __init__(self, explainer: Any, xs: Any, chunk: Optional[int]) -> None:
        self._explainer, self._specs = explainer, specs_of_x(explainer)
        self._several = explainer.has_multiple_inputs
        self.rows: Optional[int] = None
        self._arrays: List[Any] = []
        self._rest: Any = None
        self._held: List[List[Array]] = []  # pieces of an iterator that were drawn, and not handed out
        self.digest: List[str] = []
        if is_iterator(xs):
            try:
                self._rest = iter(xs)
            except Exception as error:  # whatever the __iter__ of an object raises
                raise ArgumentTypeError(f'xs is no iterator of samples: {text_of(xs)} ({error}).') from None
            first = self._draw()
            if first is None:
                raise ArgumentError('xs is an iterator of nothing: there must be at least one sample.')
            self._held = [first]
            some = first
        else:
            self._arrays = some = as_inputs(xs, self._specs, self._several, finite=False)
            self.rows = some[0].shape[0]
        self._kinds = [f'{array.dtype} {tuple(array.shape[1:])}' for array in some]
        self.axes = [len(array.shape) for array in some]
        self.chunk = chunk or default_chunk(some, explainer.problem.fixed_rows)

    def first(self) -> Piece:
        """The first piece."""
        if self._rest is None:
            return self._piece(0, self._read(0, min(self.chunk, self._count())))
        self._fill()
        joined = self._joined()
        self._held = [joined]
        return self._piece(0, [array[: self.chunk] for array in joined])

    def scan(self, refuse: bool) -> None:
        """Read all samples once, as far as they are there: for the digest, and for those that cannot be explained.

        ``refuse`` raises an ArgumentError for these.
        """
        digests, count, where = [hashlib.sha256() for _ in self._specs], 0, None
        for piece in self._all_of_arrays() if self._rest is None else [self.first()]:
            for digest, array in zip(digests, piece.arrays):
                digest.update(np.ascontiguousarray(array).data)
            if piece.bad.any():
                where = piece.start + int(piece.bad.argmax()) if where is None else where
                count += int(piece.bad.sum())
        self.digest = [f'{kind} sha256 {digest.hexdigest()}' for kind, digest in zip(self._kinds, digests)]
        if refuse and where is not None:
            raise ArgumentError(bad_rows_text(count, where))

    def __iter__(self) -> Iterator[Piece]:
        if self._rest is None:
            yield from self._all_of_arrays()
            return
        start = 0
        while True:
            self._fill()
            joined = self._joined()
            if not joined:
                return
            piece = [array[: self.chunk] for array in joined]
            self._held = [[array[self.chunk :] for array in joined]] if len(joined[0]) > self.chunk else []
            yield self._piece(start, piece)
            start += len(piece[0])

    def samples(self, piece: Piece) -> Any:
        """The samples of a piece for ``run``, with copies of a good one (or else 0) in place of those that are bad."""
        arrays = piece.arrays
        if piece.bad.any():
            arrays = [array.copy() for array in arrays]
            for array in arrays:
                array[piece.bad] = 0 if piece.bad.all() else array[piece.bad.argmin()]
        return arrays if self._several else arrays[0]

    def _all_of_arrays(self) -> Iterator[Piece]:
        for start in range(0, self._count(), self.chunk):
            yield self._piece(start, self._read(start, min(start + self.chunk, self._count())))

    def _count(self) -> int:
        return self.rows or 0

    def _read(self, start: int, stop: int) -> List[Array]:
        return [np.asarray(array[start:stop]) for array in self._arrays]

    def _piece(self, start: int, arrays: List[Array]) -> Piece:
        bad = np.zeros(len(arrays[0]), bool)
        for array, spec in zip(arrays, self._specs):
            bad |= ~rows_that_fit(array, spec.dtype)
        return Piece(start, start + len(bad), arrays, bad)

    def _draw(self) -> Optional[List[Array]]:
        """The next piece of the iterator that holds anything."""
        for value in self._rest:
            if isinstance(value, (tuple, dict)) and not self._several:
                raise ArgumentTypeError(
                    f'xs: the pieces of an iterator must be arrays of samples; got a {type(value).__name__}. Leave its '
                    'labels out: (batch for batch, labels in data).'
                )
            values = value if self._several else [value]
            if not all(np.shape(one)[:1] == (0,) for one in values):
                arrays: List[Array] = as_inputs(value, self._specs, self._several, finite=False)
                return [np.asarray(array) for array in arrays]
        return None

    def _fill(self) -> None:
        """Draw until there is a whole chunk, or no more."""
        while sum(len(arrays[0]) for arrays in self._held) < self.chunk:
            drawn = self._draw()
            if drawn is None:
                return
            self._held.append(drawn)

    def _joined(self) -> List[Array]:
        if len(self._held) < 2:
            return self._held[0] if self._held else []
        try:
            return [np.concatenate(arrays) for arrays in zip(*self._held)]
        except ValueError as error:
            raise ArgumentError(f'xs: pieces of the iterator differ in the shape of a sample: {error}') from None


def is_iterator(xs: Any) -> bool:
    """Whether samples come in pieces; a data set of another library is refused by name where its are not samples."""
    if isinstance(xs, (list, tuple)) or not has(xs, '__iter__'):
        return False
    return has(xs, '__next__') or not has(xs, '__len__', '__array__', 'shape')


def default_chunk(arrays: List[Any], fixed_rows: Optional[int]) -> int:
    """How many samples a chunk has where nobody says: always the same for samples of the same size."""
    size = sum(int(np.prod(array.shape[1:])) * array.dtype.itemsize for array in arrays)
    chunk = int(np.clip(CHUNK_BYTES // max(1, size), 1, MOST_ROWS))
    return chunk if fixed_rows is None else max(1, chunk // fixed_rows) * fixed_rows


def bad_rows_text(count: int, first: int) -> str:
    """The error for samples that cannot be explained."""
    return (
        f'xs holds nan, infinite values or numbers that do not fit, in {count} sample{"s" * (count > 1)}: the first is '
        f"at index {first}. Replace them or leave them out; or on_bad_rows='nan', and they get nan."
    )

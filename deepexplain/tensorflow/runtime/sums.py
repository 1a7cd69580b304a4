"""Sums of a dense layer along an order in which its columns go: each adds one row of the weights to what was before.

The sums after ``n`` columns went are ``s(x) + sum of (b - a) w`` over these, in double precision, as what goes may be
far larger than what stays. Added up one by one, that goes through memory again and again; so columns come in blocks,
whose rows are small products of matrices; and rows of several samples and orders share a session run. NumPy only.
"""

from typing import Any, Callable, Tuple

import numpy as np

from ...types import Array

#: Columns of a block: fewer, and there are too many blocks; more, and they multiply more zeros.
BLOCK = 12
#: Multiplications of a product of which OpenBLAS makes one thread's work. Its threads wait for more, and take the cores
#: from TensorFlow's, long after they have nothing to do; so all else is multiplied by einsum, which has none.
MOST_OF_PRODUCT = 1 << 18
#: A row is in doubt where what went is so many times as large as its terms, or as the small ones among all columns: of
#: these a unit may have no others, and they are what is left of double precision then.
MOST_GONE, MOST_GONE_OF_SMALL, SMALL = 2.0**20, 2.0**26, 0.05
#: Sums of larger terms may be infinite in single precision.
MOST_TERMS = 1e38
#: Which steps of a block the sums after 1, 2, .. of them hold, and 1 times what it begins with.
_HELD = np.concatenate([np.tri(BLOCK), np.ones((BLOCK, 1))], axis=1)


class SumsAlong:
    """Of one sample after the other, along one order after the other.

    Parameters
    ----------
    weights : float64 ndarray, shape (inputs, units)
    sizes : float64 ndarray, shape (inputs,)
        The largest of each row of weights, without signs.
    """

    def __init__(self, weights: Array, sizes: Array) -> None:
        self._weights, self._sizes = weights, sizes
        self._order: Any = None
        self._factors = np.empty((0, BLOCK + 1, weights.shape[1]))

    def follow(self, order: Array) -> None:
        """Take an order: an int ndarray of shape (columns,), the inputs as they go."""
        if self._order is not None and np.array_equal(order, self._order):
            return
        self._order, self._sizes_in_order = order, self._sizes[order]
        units, blocks = self._weights.shape[1], max(1, -(-len(order) // BLOCK))
        if blocks != len(self._factors):
            self._factors = np.empty((blocks, BLOCK + 1, units))
            self._in_order = np.empty((blocks * BLOCK, units))
            self._products = np.empty((blocks, BLOCK, units))
            self._sums = np.empty((1 + blocks * BLOCK, units), np.float32)
        np.take(self._weights, order, axis=0, out=self._in_order[: len(order)], mode='clip')
        self._in_order[len(order) :] = 0
        self._factors[:, :BLOCK] = self._in_order.reshape(blocks, BLOCK, units)

    def of(self, at_x: Array, at_baseline: Array, start: Array, rest: float, small: float) -> Tuple[Array, Array]:
        """The sums after 0, 1, .. columns went, shape (1 + columns, units); and which of these rows are in doubt.

        The next call overwrites the sums.

        Parameters
        ----------
        at_x, at_baseline : float ndarray, shape (columns,)
            What the layer multiplies: as it is, and when it has gone; in the order.
        start : float64 ndarray, shape (units,)
            The sums at x.
        rest : float
            The sizes of what does not go.
        small : float
            See :func:`small_of`.
        """
        columns, units, blocks = len(at_x), len(start), len(self._factors)
        with np.errstate(over='ignore', invalid='ignore'):
            padded = np.zeros(blocks * BLOCK)
            by_column = np.subtract(at_baseline, at_x, out=padded[:columns], dtype=np.float64)
            steps = np.ones((blocks, BLOCK + 1))
            steps[:, :BLOCK] = padded.reshape(blocks, BLOCK)
            begins = self._factors[:, BLOCK]
            np.einsum('bi,biu->bu', steps[:-1, :BLOCK], self._factors[:-1, :BLOCK], out=begins[1:])
            begins[0] = start
            for i in range(1, blocks):
                begins[i] += begins[i - 1]
            held = _HELD * steps[:, None]
            at_once = max(2, MOST_OF_PRODUCT // ((BLOCK + 1) * units))
            for some in np.array_split(np.arange(BLOCK), min(BLOCK // 2, -(-BLOCK // at_once))):
                here = slice(some[0], some[-1] + 1)
                np.matmul(held[:, here], self._factors, out=self._products[:, here])
            self._sums[0] = start
            self._sums[1:] = self._products.reshape(-1, units)
            doubt = self._doubt(by_column, at_x, at_baseline, rest, small)
        return self._sums[: 1 + columns], doubt

    def _doubt(self, steps: Array, at_x: Array, at_baseline: Array, rest: float, small: float) -> Array:
        gone, terms = np.zeros(1 + len(steps)), np.empty(1 + len(steps))
        np.cumsum(np.abs(steps) * self._sizes_in_order, out=gone[1:])
        sizes = np.abs(at_x) * self._sizes_in_order
        terms[0] = rest + sizes.sum()
        terms[1:] = terms[0] + np.cumsum(np.abs(at_baseline) * self._sizes_in_order - sizes)
        sure: Array = (gone <= MOST_GONE * terms) & (gone <= MOST_GONE_OF_SMALL * small)
        # Else sums may be infinite, of which nothing is known, and 0 times a step is nan in all rows of its block.
        sure &= bool(gone[-1] + terms[0] < MOST_TERMS)
        return ~sure


def small_of(at_x: Array, at_baseline: Array, sizes: Array) -> float:
    """How large the small ones among a sample's terms are; those that are zero are none."""
    terms = np.maximum(np.abs(at_x), np.abs(at_baseline)) * sizes
    terms = terms[terms > 0]
    place = int(SMALL * len(terms))
    return float(np.partition(terms, place)[place]) if len(terms) else 0.0


class Runs:
    """Collects rows of any samples and orders until they fill a session run.

    Parameters
    ----------
    buffer : float32 ndarray, shape (rows, units)
    run : function of rows of it, and of their places, int arrays: sample, order, and how many features are gone
    """

    def __init__(self, buffer: Array, run: Callable[[Array, Tuple[Array, ...]], None]) -> None:
        self._buffer, self._run = buffer, run
        self._places = np.empty((3, len(buffer)), np.intp)
        self._filled = 0

    def add(self, sums: Array, row: Array, *place: Any) -> None:
        """Some rows of sums; a place may be one number for all of them."""
        done = 0
        while done < len(row):
            here = slice(done, done + len(self._buffer) - self._filled)
            there = slice(self._filled, self._filled + len(row[here]))
            np.take(sums, row[here], axis=0, out=self._buffer[there], mode='clip')
            for axis, value in zip(self._places, place):
                axis[there] = value[here] if np.ndim(value) else value
            done, self._filled = done + len(row[here]), there.stop
            if self._filled == len(self._buffer):
                self.finish()

    def finish(self) -> None:
        """Run those that are left."""
        if self._filled:
            self._run(self._buffer[: self._filled], tuple(self._places[:, : self._filled]))
            self._filled = 0

"""Sums of a dense layer along an order in which its columns go: each adds one row of the weights to what was before.

The sums after ``n`` columns went are ``s(x) + sum of (b - a) w`` over these: written out, that is no work, but it goes
through memory again and again, and its rounding grows. So columns come in blocks. What a block begins with is summed
in double precision, of the sample itself; within all blocks at once, small products of matrices give the rows.
NumPy only.
"""

from typing import Any, Tuple

import numpy as np

from ...types import Array

#: Columns of a block: fewer, and products are too small; more, and they multiply more zeros.
BLOCK = 24
#: Multiplications of a product of which OpenBLAS makes one thread's work. Its threads wait for more, and take the cores
#: from TensorFlow's, long after they have nothing to do; so all else is multiplied by einsum, which has none.
MOST_OF_PRODUCT = 1 << 18
#: A row is in doubt where what went since its block began is so many times as large as its own terms; or where all
#: that went is, of which double precision loses as much.
MOST_GONE, MOST_GONE_AT_ALL = 32.0, 2.0**20
#: Which steps of a block the sums after 1, 2, .. of them hold.
_HELD = np.tri(BLOCK, dtype=np.float32)


class SumsAlong:
    """Of one sample after the other, along one order after the other.

    Parameters
    ----------
    weights : float64 ndarray, shape (inputs, units)
    sizes : float64 ndarray, shape (inputs,)
        The largest of each row of weights, without signs.
    """

    def __init__(self, weights: Array, sizes: Array) -> None:
        self._all_weights, self._all_sizes = weights, sizes
        self._order: Any = None
        self._double = np.empty((0, BLOCK, weights.shape[1]))

    def follow(self, order: Array) -> None:
        """Take an order: an int ndarray of shape (columns,), the inputs as they go."""
        if self._order is not None and np.array_equal(order, self._order):
            return
        self._order, self._sizes = order, self._all_sizes[order]
        units, blocks = self._all_weights.shape[1], max(1, -(-len(order) // BLOCK))
        if blocks != len(self._double):
            self._double = np.zeros((blocks, BLOCK, units))
            self._single = np.empty((blocks, BLOCK, units), np.float32)
            self._sums = np.empty((1 + blocks * BLOCK, units), np.float32)
        in_order = self._double.reshape(-1, units)
        np.take(self._all_weights, order, axis=0, out=in_order[: len(order)], mode='clip')
        in_order[len(order) :] = 0
        self._single[:] = self._double

    def of(self, at_x: Array, at_baseline: Array, start: Array, rest: float) -> Tuple[Array, Array]:
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
        """
        columns, units, blocks = len(at_x), len(start), len(self._double)
        with np.errstate(over='ignore', invalid='ignore'):
            steps = np.zeros((blocks, BLOCK))
            by_column = steps.reshape(-1)[:columns]
            np.subtract(at_baseline, at_x, out=by_column, dtype=np.float64)
            begins = np.empty((blocks, units))
            np.einsum('bi,biu->bu', steps[:-1], self._double[:-1], out=begins[1:])
            begins[0] = start
            for i in range(1, blocks):
                begins[i] += begins[i - 1]
            held, begin = _HELD * steps[:, None].astype(np.float32), begins.astype(np.float32)
            self._sums[0] = begin[0]
            rows = self._sums[1:].reshape(blocks, BLOCK, units)
            pieces = min(BLOCK // 2, -(-BLOCK * BLOCK * units // MOST_OF_PRODUCT))
            for some in np.array_split(np.arange(BLOCK), pieces):
                here = slice(some[0], some[-1] + 1)
                np.matmul(held[:, here], self._single, out=rows[:, here])
            rows += begin[:, None]
            doubt = self._doubt(by_column, at_x, at_baseline, rest)
        if not (np.isfinite(held[:, -1]).all() and np.isfinite(begin).all()):
            doubt[:] = True
        return self._sums[: 1 + columns], doubt

    def _doubt(self, steps: Array, at_x: Array, at_baseline: Array, rest: float) -> Array:
        gone, terms = np.zeros(1 + len(steps)), np.empty(1 + len(steps))
        np.cumsum(np.abs(steps) * self._sizes, out=gone[1:])
        sizes = np.abs(at_x) * self._sizes
        terms[0] = rest + sizes.sum()
        terms[1:] = terms[0] + np.cumsum(np.abs(at_baseline) * self._sizes - sizes)
        since = np.empty_like(gone)
        since[0] = 0
        since[1:] = gone[1:] - np.repeat(gone[:-1:BLOCK], BLOCK)[: len(steps)]
        sure: Array = (gone <= MOST_GONE_AT_ALL * terms) & (since <= MOST_GONE * terms)
        return ~sure

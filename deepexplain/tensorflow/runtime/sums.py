"""Sums of a dense layer along an order in which its columns go: each adds one row of the weights to what was before.

The sums after ``n`` columns went are ``s(x) + sum of (b - a) w`` over these: written out, that is no work, but it goes
through memory again and again, and its rounding grows. So columns come in blocks. What a block begins with is summed
in double precision, of the samples themselves; within it, one small product of matrices gives all rows.
NumPy only.
"""

from typing import Tuple

import numpy as np

from ...types import Array

#: Columns of a block: fewer, and products are too small; more, and they multiply more zeros.
BLOCK = 24
#: Multiplications of a product of which OpenBLAS makes one thread's work; threads would wait for those of TensorFlow.
MOST_OF_PRODUCT = 1 << 18
#: A row is in doubt where what went since its block began is so many times as large as its own terms; or where all
#: that went is, of which double precision loses as much.
MOST_GONE, MOST_GONE_AT_ALL = 32.0, 2.0**20


def rows_at_once(factors: int, units: int) -> int:
    """How many rows one product makes, of so many factors and units."""
    return max(8, MOST_OF_PRODUCT // (factors * units))


class SumsAlong:
    """Of some samples at a time, along one order.

    Parameters
    ----------
    weights : float64 ndarray, shape (inputs, units)
    sizes : float64 ndarray, shape (inputs,)
        The largest of each row of weights, without signs.
    order : int ndarray, shape (columns,)
        The inputs that go, in the order in which they do.
    together : int
        The most samples at a time.
    """

    def __init__(self, weights: Array, sizes: Array, order: Array, together: int) -> None:
        columns, units = len(order), weights.shape[1]
        blocks = max(1, -(-columns // BLOCK))
        self._sizes = sizes[order]
        self._weights = np.zeros((blocks, BLOCK, units))
        np.take(weights, order, axis=0, out=self._weights.reshape(-1, units)[:columns], mode='clip')
        # A row is its steps times the weights of its block, and 1 times what the block begins with.
        self._factors = np.zeros((blocks, BLOCK + together, units), np.float32)
        self._factors[:, :BLOCK] = self._weights

    def begin(self, at_x: Array, at_baseline: Array, start: Array, rest: Array) -> None:
        """Take in samples.

        Parameters
        ----------
        at_x, at_baseline : float ndarray, shape (samples, columns)
            What the layer multiplies: as it is, and when it has gone.
        start : float64 ndarray, shape (samples, units)
            The sums at x.
        rest : float64 ndarray, shape (samples,)
            The sizes of what does not go.
        """
        count, columns = at_x.shape
        steps = np.zeros((count, self._weights.shape[0] * BLOCK))
        with np.errstate(over='ignore', invalid='ignore'):
            np.subtract(at_baseline, at_x, out=steps[:, :columns], dtype=np.float64)
            by_block = steps.reshape(count, -1, BLOCK).transpose(1, 0, 2)
            begins = np.empty((len(by_block), count, start.shape[1]))
            begins[0] = start
            np.matmul(by_block[:-1], self._weights[:-1], out=begins[1:])
            np.cumsum(begins, axis=0, out=begins)
            self._factors[:, BLOCK : BLOCK + count] = begins
            self._steps = by_block.astype(np.float32)
            self._gone, self._terms = np.zeros((count, columns + 1)), np.zeros((count, columns + 1))
            np.cumsum(np.abs(steps[:, :columns]) * self._sizes, axis=1, out=self._gone[:, 1:])
            self._terms += rest[:, None]
            self._terms[:, 1:] += np.cumsum(np.abs(at_baseline) * self._sizes, axis=1)
            self._terms[:, :-1] += np.cumsum((np.abs(at_x) * self._sizes)[:, ::-1], axis=1)[:, ::-1]
        finite = np.isfinite(self._factors[:, BLOCK : BLOCK + count]).all(axis=(0, 2))
        finite &= np.isfinite(self._steps).all(axis=(0, 2))
        if not finite.all():  # 0 times what is not finite would be nan, in rows of other samples, too
            self._factors[:, BLOCK : BLOCK + count][:, ~finite] = 0
            self._steps[:, ~finite] = 0
            self._terms[~finite] = np.nan

    def sorted(self, sample: Array, gone: Array) -> Tuple[Array, Array]:
        """How rows are sorted for :meth:`rows`, and which of them are in doubt, before that.

        Parameters
        ----------
        sample, gone : int ndarray, shape (rows,)
            Of each row the sample, and how many columns went.
        """
        block = np.maximum(gone - 1, 0) // BLOCK
        since = self._gone[sample, gone]
        terms = self._terms[sample, gone]
        with np.errstate(invalid='ignore'):
            sure = (since <= MOST_GONE_AT_ALL * terms) & (
                since - self._gone[sample, block * BLOCK] <= MOST_GONE * terms
            )
        return np.argsort(block, kind='stable'), ~sure

    def rows(self, sample: Array, gone: Array, out: Array) -> None:
        """The sums of rows that are sorted, in single precision; ``out`` has shape (rows, units)."""
        block = np.maximum(gone - 1, 0) // BLOCK
        factors = np.zeros((len(sample), self._factors.shape[1]), np.float32)
        went = np.arange(BLOCK) < (gone - block * BLOCK)[:, None]
        np.multiply(self._steps[block, sample], went, out=factors[:, :BLOCK])
        factors[np.arange(len(sample)), BLOCK + sample] = 1
        at_once = rows_at_once(*self._factors[0].shape)
        ends = np.searchsorted(block, np.arange(len(self._factors)), side='right').tolist()
        first = 0
        with np.errstate(over='ignore', invalid='ignore'):  # T is not finite there as whole rows have it, either
            for end, of_block in zip(ends, self._factors):
                while first < end:
                    stop = min(end, first + at_once)
                    np.matmul(factors[first:stop], of_block, out=out[first:stop])
                    first = stop

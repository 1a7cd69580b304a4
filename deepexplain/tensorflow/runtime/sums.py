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


class SumsAlong:
    """Of some samples, along one order.

    Parameters
    ----------
    at_x, at_baseline : float ndarray, shape (samples, columns)
        What the layer multiplies: as it is, and when it has gone. Columns are in the order in which they go.
    weights : float64 ndarray, shape (columns, units)
    sizes : float64 ndarray, shape (columns,)
        The largest of each row of weights, without signs.
    start : float64 ndarray, shape (samples, units)
        The sums at x.
    rest : float64 ndarray, shape (samples,)
        The sizes of what does not go.
    """

    def __init__(
        self, at_x: Array, at_baseline: Array, weights: Array, sizes: Array, start: Array, rest: Array
    ) -> None:
        count, (columns, units) = len(at_x), weights.shape
        blocks = max(1, -(-columns // BLOCK))
        steps = np.zeros((count, blocks * BLOCK))
        steps[:, :columns] = np.subtract(at_baseline, at_x, dtype=np.float64)
        padded = np.zeros((blocks, BLOCK, units))
        padded.reshape(-1, units)[:columns] = weights
        begins = np.empty((blocks, count, units))
        begins[0] = start
        by_block = steps.reshape(count, blocks, BLOCK).transpose(1, 0, 2)
        np.matmul(by_block[:-1], padded[:-1], out=begins[1:])
        np.cumsum(begins, axis=0, out=begins)
        # A row is its steps times the weights of its block, and 1 times what the block begins with.
        self._factors = np.empty((blocks, BLOCK + count, units), np.float32)
        with np.errstate(over='ignore'):  # T is not finite there, either
            self._factors[:, :BLOCK], self._factors[:, BLOCK:] = padded, begins
            self._steps = by_block.astype(np.float32)
        gone = np.zeros((count, columns + 1))
        np.cumsum(np.abs(steps[:, :columns]) * sizes, axis=1, out=gone[:, 1:])
        terms = np.zeros((count, columns + 1)) + rest[:, None]
        terms[:, 1:] += np.cumsum(np.abs(at_baseline) * sizes, axis=1)
        terms[:, :-1] += np.cumsum((np.abs(at_x) * sizes)[:, ::-1], axis=1)[:, ::-1]
        self._gone, self._terms = gone, terms

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
        at_once = max(8, MOST_OF_PRODUCT // self._factors[0].size)
        ends = np.searchsorted(block, np.arange(len(self._factors)), side='right').tolist()
        first = 0
        with np.errstate(over='ignore', invalid='ignore'):
            for end, of_block in zip(ends, self._factors):
                while first < end:
                    stop = min(end, first + at_once)
                    np.matmul(factors[first:stop], of_block, out=out[first:stop])
                    first = stop

"""Random orders in which features go, what each contributes to the target, and the mean of that. NumPy only."""

from bisect import bisect
from typing import Any, Iterator, List, Tuple

import numpy as np

from ...types import Array, Shape

#: Bytes of orders that are kept. What goes beyond is drawn anew, from the state that the generator had.
MOST_BYTES = 1 << 24
#: Orders that are drawn together then: as many as take this, a hundred times what the state of a generator takes.
_BYTES_OF_BLOCK = 1 << 18


class Orders:
    """Orders of features, drawn when they are asked for, and the same when they are again: for all samples of a call.

    Parameters
    ----------
    features : Features or Groups
    random : np.random or np.random.RandomState
        Where orders come from.
    antithetic : bool
        Whether every other order is the one before it, backwards.
    """

    def __init__(self, features: Any, random: Any, antithetic: bool = False) -> None:
        self.features, self._random, self._antithetic = features, random, antithetic
        self._begins: List[int] = []  # for each block of orders the number of its first,
        self._blocks: List[Any] = []  # and the orders, if they are kept, or else how to draw them anew
        self._drawn = self._kept = 0
        self._again: Tuple[int, Any] = (-1, None)  # the block that was drawn anew last

    def draw(self, start: int, stop: int) -> Tuple[Array, Array]:
        """Orders start to stop, and ranks: ``ranks[i, f]`` features go before feature f in the i-th of them."""
        self.ahead(stop)
        orders, at = [], start
        while at < stop:
            block = bisect(self._begins, at) - 1
            begin = self._begins[block]
            orders.append(self._orders(block)[at - begin : stop - begin])
            at += len(orders[-1])
        found = orders[0] if len(orders) == 1 else np.concatenate(orders)
        return found, found.argsort(axis=1).astype(np.int32)

    def ahead(self, stop: int) -> None:
        """Draw as many, so that nothing which draws numbers later gets in between."""
        most = max(2, _BYTES_OF_BLOCK // (8 * self.features.count)) // 2 * 2
        while self._drawn < stop:
            count = min(most, stop - self._drawn + (self._antithetic and (stop - self._drawn) % 2))
            state = self._random.get_state() if self._kept > MOST_BYTES else None
            orders = self._permutations(self._random, count)
            self._begins.append(self._drawn)
            self._blocks.append(orders if state is None else (state, count))
            self._drawn += count
            self._kept += 0 if state is not None else orders.nbytes

    def _permutations(self, random: Any, count: int) -> Array:
        found = np.empty((count, self.features.count), np.intp)
        for i in range(count):
            backwards = self._antithetic and i % 2
            found[i] = found[i - 1, ::-1] if backwards else random.permutation(self.features.count)
        return found

    def _orders(self, block: int) -> Array:
        kept = self._blocks[block]
        if isinstance(kept, np.ndarray):
            return kept
        if self._again[0] != block:
            random = np.random.RandomState()
            random.set_state(kept[0])
            self._again = block, self._permutations(random, kept[1])
        orders: Array = self._again[1]
        return orders


class Contributions:
    """What each feature contributes to T: what T loses as it goes, after those before it in an order.

    Parameters
    ----------
    samples : Perturbed
    features : Features or Groups
    """

    def __init__(self, samples: Any, features: Any) -> None:
        self._samples, self._features = samples, features
        self._active = features.any_of(samples.active)
        self.shape = (samples.count, features.count, samples.outputs)
        self._whole: Any = None
        self._empty: Any = None  # T with 0 and with all features gone, where all orders begin and end

    def leave_out(self, samples: Array) -> None:
        """Spend no more rows on these samples (a bool for each): their contributions are 0 from now on."""
        self._active[samples] = False

    def undefined(self) -> Array:
        """For each sample and output 0, or nan where T is not finite at the sample; once an order was followed."""
        with np.errstate(invalid='ignore'):
            return (self._whole - self._whole)[:, None]

    def along(self, orders: Array, ranks: Array) -> Iterator[Array]:
        """Yield for each order an array of shape (samples, features, outputs)."""
        # Whether the feature that goes n-th changes anything: shape (samples, orders, n).
        moves = self._active[:, orders]
        done = moves.cumsum(axis=-1)
        begins, ends = moves & (done == 1), moves & (done == done[..., -1:])
        after = self._outputs(moves & ~ends, ranks)
        # The moves in their order (sample by sample, order by order), so that the one before is one place before.
        of = np.nonzero(moves)
        after = np.where(ends[of][:, None], self._empty[of[0]], after[of])
        before = np.where(begins[of][:, None], self._whole[of[0]], np.roll(after, 1, axis=0))
        losses = np.zeros(moves.shape + (self._samples.outputs,))
        losses[of] = before - after
        for i, rank in enumerate(ranks):
            yield losses[:, i, rank]

    def _outputs(self, wanted: Array, ranks: Array) -> Array:
        """T's outputs after each move that is wanted; the first time also those of the whole and the empty sample."""
        wanted = np.concatenate([np.zeros_like(wanted[..., :1]), wanted], axis=-1)
        if self._whole is None:
            wanted[:, 0, [0, -1]] = True

        outputs = self._samples.along(self._features, ranks, wanted)
        if self._whole is None:
            self._whole, self._empty = outputs[:, 0, 0].copy(), outputs[:, 0, -1].copy()
        self._samples.note(outputs[:, :, 1:], self._whole[:, None, None])
        return outputs[:, :, 1:]


class RunningMean:
    """The mean of arrays that come one after the other, and its standard error, in double precision.

    The standard error is ``sqrt(sum((x - mean)**2) / (n - 1) / n)``, with the sum of squares of Youngs and Cramer
    (Technometrics 13(3), 1971, https://doi.org/10.1080/00401706.1971.10488826), which a large mean does not spoil.
    """

    def __init__(self, shape: Shape, errors: bool = False) -> None:
        self.count = 0
        self._sum = np.zeros(shape)
        self._squares: Any = np.zeros(shape) if errors else None

    def add(self, x: Array) -> None:
        """Take in one more array."""
        self.count += 1
        self._sum += x
        if self._squares is not None and self.count > 1:
            with np.errstate(invalid='ignore', over='ignore'):
                self._squares += (self.count * x - self._sum) ** 2 / (self.count * (self.count - 1))

    def mean(self) -> Array:
        """Of all that were added."""
        return self._sum / self.count

    def standard_error(self) -> Array:
        """Of the mean; nan where it is not finite, and infinite for less than two arrays, which tell nothing."""
        if self.count < 2:
            return np.full(self._sum.shape, np.inf)
        return np.sqrt(self._squares / (self.count - 1) / self.count)

"""Random orders in which features go, what each contributes to the target, and the mean of that. NumPy only."""

from typing import Any, Callable, Iterator, List, Tuple

import numpy as np

from ...types import Array, Shape
from .parts import keep


class Orders:
    """Orders of features, drawn when they are asked for and kept: all samples of a call get the same.

    Parameters
    ----------
    features : Features or Groups
    permutation : function of the number of features
        Where orders come from.
    antithetic : bool
        Whether every other order is the one before it, backwards.
    """

    def __init__(self, features: Any, permutation: Callable[[int], Any], antithetic: bool = False) -> None:
        self.features, self._permutation, self._antithetic = features, permutation, antithetic
        self._orders: List[Array] = []
        self._ranks: List[Array] = []

    def draw(self, start: int, stop: int) -> Tuple[Array, Array]:
        """Orders start to stop, and ranks: ``ranks[i, f]`` features go before feature f in the i-th of them."""
        while len(self._orders) < stop:
            order = np.asarray(self._permutation(self.features.count))
            self._orders += [order, order[::-1]] if self._antithetic else [order]
        for order in self._orders[len(self._ranks) :]:
            self._ranks.append(order.argsort().astype(np.int32))
        return np.array(self._orders[start:stop]), np.array(self._ranks[start:stop])


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

        def remove(copies: Array, values: Array, order: Array, gone: Array) -> None:
            keep(copies, self._features.mask(ranks[order] >= gone[:, None].astype(ranks.dtype)), values)

        outputs = self._samples.evaluate(wanted, remove)
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

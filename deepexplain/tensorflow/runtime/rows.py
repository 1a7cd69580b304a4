"""May rows be put together otherwise than the user did? Four questions, asked of the network itself. NumPy only.

``observe(rows)`` runs the network on a list with an array for each input, and returns arrays with a row for each
row: attributions, outputs. ``pairs`` are those of :func:`made_up_pairs`.
"""

from typing import Any, Callable, Iterable, Iterator, List, Tuple

import numpy as np

from ...types import Array
from .samples import nearly_equal

Observe = Callable[[List[Array]], List[Array]]
Pairs = Iterable[Tuple[List[Array], List[Array]]]


def made_up_pairs(first: List[Array], last: List[Array], ids: bool = False) -> Iterator[Any]:
    """Yield pairs of samples to try the network with, each a list with an array of one row for each input.

    Samples of the user, of which ``first`` and ``last`` are two, may be zero everywhere or alike, and would then
    show nothing. The first pair is not below the user's values, for networks that take a root or logarithm; the last
    is two samples of the user, of which many values are left out, as the methods leave them out.
    Integers, and floats where ``ids`` says so, stay ids that exist.
    """
    if ids or any(x.dtype.kind in 'iu' for x in first):
        yield first, [np.zeros_like(x) for x in first]
        yield last, first
        return
    random = np.random.RandomState(0)
    for change in (np.abs, np.negative):
        yield tuple(
            [(x + change(random.standard_normal(x.shape)) * (float(x.std()) or 1.0)).astype(x.dtype) for x in first]
            for _ in range(2)
        )
    yield tuple([(x * (random.uniform(size=x.shape) < 0.5)).astype(x.dtype) for x in rows] for rows in (first, last))


def independent(observe: Observe, pairs: Pairs, count: int) -> bool:
    """Whether, among ``count`` rows, a change of the first leaves the others as they were."""
    for a, b in pairs:
        before = observe([np.repeat(x, count, axis=0) for x in a])
        after = observe([np.concatenate([y] + [x] * (count - 1)) for x, y in zip(a, b)])
        if not all(nearly_equal(x[1:], y[1:]) for x, y in zip(before, after)):
            return False
    return True


def separable(observe: Observe, pairs: Pairs, count: int) -> bool:
    """Whether ``count`` rows are explained as they are when nearly as many more come after them."""
    random = np.random.RandomState(0)
    for a, b in pairs:
        # 2 * count would not show what meets at a distance of count.
        share = random.uniform(size=2 * count - 1)
        rows = [_between(x, y, share.reshape((-1,) + (1,) * (x.ndim - 1))) for x, y in zip(a, b)]
        alone, among = observe([x[:count] for x in rows]), observe(rows)
        if not all(nearly_equal(x, y[: len(x)]) for x, y in zip(alone, among)):
            return False
    return True


def _between(x: Array, y: Array, share: Array) -> Array:
    """Rows between two, all of them different; of integers, either one or the other."""
    if x.dtype.kind in 'iu':
        return np.where(share < 0.5, x, y)
    return (x + (y - x) * share).astype(x.dtype)


def interchangeable(observe: Observe, pairs: Pairs, count: int) -> bool:
    """Whether ``count`` copies of one sample are all explained alike."""
    observed = (observe([np.repeat(x, count, axis=0) for x in a]) for a, _ in pairs)
    return all(nearly_equal(x, x[:1]) for values in observed for x in values)


def summed(observe: Observe, pairs: Pairs) -> bool:
    """Whether a sample alone is explained as it is beside another: the target sums over the samples."""
    for a, b in pairs:
        alone, beside = observe(a), observe([np.concatenate(both) for both in zip(a, b)])
        if not all(nearly_equal(x[:1], y[:1]) for x, y in zip(alone, beside)):
            return False
    return True

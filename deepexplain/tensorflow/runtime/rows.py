"""May rows be put together otherwise than the user did? Five questions, asked of the network itself. NumPy only.

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


def alone(observe: Observe, pairs: Pairs, count: int) -> bool:
    """Whether a sample alone is explained as it is among ``count`` others: the first of them, the last, and amid them.

    That shows what comes from samples before and behind, near and far, from a sample's place, and from their number.
    """
    random = np.random.RandomState(0)
    for pair in pairs:
        rows = _between(pair, count, random)
        among = observe(rows)
        for i in _some_of(count):
            one = observe([x[i : i + 1] for x in rows])
            if not all(nearly_equal(x[:1], y[i : i + 1]) for x, y in zip(one, among)):
                return False
    return True


def independent(observe: Observe, pairs: Pairs, count: int) -> bool:
    """Whether, among ``count`` rows, a change of all others leaves the first, the last and one amid them alone."""
    random = np.random.RandomState(0)
    for pair in pairs:
        rows = _between(pair, count, random)
        before = observe(rows)
        for i in _some_of(count):
            others = _between(pair, count, random)
            for x, y in zip(others, rows):
                x[i] = y[i]
            after = observe(others)
            if not all(nearly_equal(x[i], y[i]) for x, y in zip(before, after)):
                return False
    return True


def separable(observe: Observe, pairs: Pairs, count: int) -> bool:
    """Whether ``count`` rows are explained as they are when nearly as many more come after them."""
    random = np.random.RandomState(0)
    for pair in pairs:
        rows = _between(pair, 2 * count - 1, random)  # 2 * count would not show what meets at a distance of count
        first, among = observe([x[:count] for x in rows]), observe(rows)
        if not all(nearly_equal(x, y[: len(x)]) for x, y in zip(first, among)):
            return False
    return True


def _some_of(count: int) -> List[int]:
    return sorted({0, count // 2, count - 1})


def _between(pair: Tuple[List[Array], List[Array]], count: int, random: Any) -> List[Array]:
    """So many rows between two, all of them different; of whole numbers, which may be ids, values of either."""
    shares, rows = random.uniform(size=count), []
    for x, y in zip(*pair):
        if x.dtype.kind in 'iu' or ((x == np.round(x)).all() and (y == np.round(y)).all()):
            rows.append(np.where(random.uniform(size=(count,) + x.shape[1:]) < 0.5, x, y).astype(x.dtype))
        else:
            rows.append((x + (y - x) * shares.reshape((-1,) + (1,) * (x.ndim - 1))).astype(x.dtype))
    return rows


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

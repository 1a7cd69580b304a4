"""Sensitivity-n: whether sums of attributions go with what the output loses without those features."""

from typing import Any, Dict, Iterator, NamedTuple, Optional, Sequence, Union

import numpy as np

from ..arguments import as_count, as_generator, is_list, text_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike, Baseline
from .network import MOST_BYTES, asked, check_asked, weights_of
from .samples import Features
from .statistics import mean_of_defined, pearson

#: Drops of the output that are smaller, relative to the output, are rounding of float32.
ROUNDING = 1e-6


class SensitivityN(NamedTuple):
    """Correlations of a curve over n.

    Attributes
    ----------
    n : int ndarray, shape (points,)
        How many features are taken away.
    correlation : ndarray, shape (points,)
        Mean over the samples for which it is defined.
    per_sample : ndarray, shape (samples, points)
        nan where it is not: all sums are equal, or all drops.
    """

    n: np.ndarray
    correlation: np.ndarray
    per_sample: np.ndarray


def sensitivity_n(
    model: Any,
    xs: ArrayLike,
    attributions: ArrayLike = None,
    *,
    ys: ArrayLike = None,
    target: Any = None,
    n: Union[int, Sequence[int], None] = None,
    sets: Any = 100,
    dims: Optional[Sequence[int]] = None,
    baseline: Baseline = 0,
    batch_size: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
    seed: Optional[int] = 0,
) -> SensitivityN:
    """Correlation of what attributions say that features are worth together, and of what the output loses with them.

    Over random sets S of n features, for each sample: the Pearson correlation of ``sum(attributions[S])`` and
    ``f(x) - f(x with S at the baseline)``. 1 at every n for a linear f and attributions that are complete.

    Parameters
    ----------
    model : explainer, or function of rows that returns (rows,) or (rows, ...)
        f.
    xs : array-like, shape (samples, ...)
    attributions : array-like of xs' shape, or with one number for each feature along ``dims``
        Default: those of the explainer.
    ys : array-like, optional
        Weights of the outputs, as in ``run``: of the outputs' shape, or of the shape of one sample's outputs.
    target : int, 'top', or a list of one for each sample, optional
        Of an explainer, in place of ys: as in ``run``. It stays what it is for these samples, however they change.
    n : int or list of ints, default 12 sizes from 1 to 80 % of the features, evenly spaced on a logarithmic axis
        At most all features but one: there is only one set of all.
    sets : int, default 100
        Random sets for each n, at least 2. The same serve all samples, and all methods with the same seed.
    dims : list of ints, default all axes but the first
        Axes of xs whose positions are features: ``[1, 2]`` of images takes pixels away whole.
    baseline : number, array-like of the shape of one sample or of xs, or function of xs that returns it, default 0
    batch_size : int, optional
        The most rows that go through the network at once. The result does not depend on it.
    feed_dict : dict, optional
        As in the explainer's ``run``.
    seed : int, default 0

    Returns
    -------
    SensitivityN

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit; the message gives both shapes.

    References
    ----------
    Ancona et al., Towards better understanding of gradient-based attribution methods, 2018, section 4.
    https://doi.org/10.48550/arXiv.1711.06104

    Examples
    --------
    >>> import numpy as np
    >>> from deepexplain.metrics import sensitivity_n
    >>> w, xs = np.array([2.0, -1.0, 0.5]), np.array([[1.0, 2.0, 4.0]])
    >>> sensitivity_n(lambda rows: rows @ w, xs, xs * w, n=[1, 2]).correlation.round(6)
    array([1., 1.])
    """
    network, samples = asked(model, xs, weights_of(model, xs, ys, target, feed_dict), batch_size, feed_dict)
    features = Features(samples, dims)
    sets, random = _as_sets(sets), as_generator(seed)
    sizes_asked: Any = n if is_list(n) else [n]
    check_asked(samples, 'n, its length times sets,' if is_list(n) else 'sets', sets * len(sizes_asked))
    sizes = _as_sizes(n, features.count)
    at_baseline = samples.baseline(baseline)
    contributions = features.sums(network.attributions(attributions))
    noise_of_sums = 1e-12 * np.abs(contributions).sum(axis=1)
    (f_x,) = network.outputs(iter([samples.values]))
    per_sample = np.empty((samples.count, len(sizes)))
    for point, size in enumerate(sizes):
        parts = []
        for some in _parts(sets, max(1, MOST_BYTES // features.count)):
            chosen = _random_sets(random, some, features.count, size)
            gone = (np.where(features.spread(one), at_baseline, samples.values) for one in chosen)
            parts.append((chosen.dot(contributions.T), network.outputs(gone)))
        sums, f_gone = (np.concatenate(both) for both in zip(*parts))
        noise = ROUNDING * np.maximum(np.abs(f_x), np.abs(f_gone).max(axis=0))
        per_sample[:, point] = pearson(sums, f_x - f_gone, 0, noise_of_sums, noise)
    return SensitivityN(np.array(sizes), mean_of_defined(per_sample, axis=0), per_sample)


def _parts(count: int, most: int) -> Iterator[int]:
    """How many sets are drawn at once, so that they fit into memory; all of them, if they do."""
    for start in range(0, count, most):
        yield min(most, count - start)


def _random_sets(random: np.random.RandomState, sets: int, count: int, size: int) -> Array:
    """Which features are in each set, shape (sets, features)."""
    chosen = np.zeros((sets, count), bool)
    for one in chosen:
        one[random.choice(count, size, replace=False)] = True
    return chosen


def _as_sets(sets: Any) -> int:
    count = as_count(sets, 'sets')
    if count < 2:
        raise ArgumentError(f'sets must be at least 2: there is no correlation of one; got {count}.')
    return count


def _as_sizes(n: Any, count: int) -> Any:
    if count < 2:
        raise ArgumentError(f'sensitivity_n needs at least two features; xs has {count}.')
    if n is None:
        return np.unique(np.geomspace(1, max(1, 0.8 * count), 12).round().astype(int).clip(1, count - 1)).tolist()
    sizes = [as_count(size, 'n') for size in (n if is_list(n) else [n])]
    if not sizes or max(sizes) >= count:
        raise ArgumentError(
            f'n must be at least 1 and less than the number of features, {count}, of which there is only one set of '
            f'all; got {text_of(n)}.'
        )
    return sizes

"""Deletion and insertion: how fast the output falls, or rises, when the most important features go, or come, first."""

from typing import Any, Dict, NamedTuple, Optional, Sequence

import numpy as np

from ..arguments import as_count
from ..errors import ArgumentError
from ..types import Array, ArrayLike, Baseline
from .network import asked, weights_of
from .samples import Features

#: Steps where nobody says and there are as many features.
STEPS = 50


class DeletionInsertion(NamedTuple):
    """Two curves for each sample, and the areas under them.

    Attributes
    ----------
    fraction : ndarray, shape (points,)
        Of the features that were deleted, or inserted: from 0 to 1.
    deletion, insertion : ndarray, shape (samples, points)
        Outputs.
    deletion_area, insertion_area : ndarray, shape (samples,)
        By the trapezoidal rule: the mean height of a curve. Deletion is good where it is small, insertion where it is
        large.
    """

    fraction: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    deletion_area: np.ndarray
    insertion_area: np.ndarray


def deletion_insertion(
    model: Any,
    xs: ArrayLike,
    attributions: ArrayLike = None,
    *,
    ys: ArrayLike = None,
    target: Any = None,
    steps: Optional[int] = None,
    dims: Optional[Sequence[int]] = None,
    baseline: Baseline = 0,
    batch_size: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
) -> DeletionInsertion:
    """The output while features go to the baseline, or come back from it, in the order of their attributions.

    Largest (not: of largest absolute value) first. Of features with equal attributions, the first in the order of xs
    goes first.

    Parameters
    ----------
    model : explainer, or function of rows that returns (rows,) or (rows, ...)
        f: the paper uses the probability of a class, so that areas are between 0 and 1.
    xs : array-like, shape (samples, ...)
    attributions : array-like of xs' shape, or with one number for each feature along ``dims``
        Default: those of the explainer.
    ys : array-like, optional
        Weights of the outputs, as in ``run``: of the outputs' shape, or of the shape of one sample's outputs.
    target : int, 'top', or a list of one for each sample, optional
        Of an explainer, in place of ys: as in ``run``. It stays what it is for these samples, however they change.
    steps : int, default 50, or the number of features where there are fewer
        At most the number of features, which are cut into as many parts, equal but for one feature.
    dims : list of ints, default all axes but the first
        Axes of xs whose positions are features: ``[1, 2]`` of images takes pixels away whole.
    baseline : number, array-like of the shape of one sample or of xs, or function of xs that returns it, default 0
        Of xs' shape: such as blurred images.
    batch_size : int, optional
        The most rows that go through the network at once. The result does not depend on it.
    feed_dict : dict, optional
        As in the explainer's ``run``.

    Returns
    -------
    DeletionInsertion

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit; the message gives both shapes.

    References
    ----------
    Petsiuk et al., RISE: Randomized Input Sampling for Explanation of Black-box Models, 2018.
    https://doi.org/10.48550/arXiv.1806.07421

    Examples
    --------
    >>> import numpy as np
    >>> from deepexplain.metrics import deletion_insertion
    >>> w, xs = np.array([2.0, -1.0, 0.5]), np.array([[1.0, 2.0, 4.0]])
    >>> curves = deletion_insertion(lambda rows: rows @ w, xs, xs * w)
    >>> curves.deletion, curves.insertion
    (array([[ 2.,  0., -2.,  0.]]), array([[0., 2., 4., 2.]]))
    """
    network, samples = asked(model, xs, weights_of(model, xs, ys, target, feed_dict), batch_size, feed_dict)
    features = Features(samples, dims)
    counts = _as_counts(steps, features.count)
    at_baseline = samples.baseline(baseline)
    contributions = features.sums(network.attributions(attributions))
    ranks = np.argsort(np.argsort(-contributions, axis=1, kind='stable'), axis=1)

    def outputs(before: Array, after: Array) -> Array:
        """Outputs while features go from the values ``before`` to those ``after``."""
        result: Array = network.outputs(np.where(features.spread(ranks < count), after, before) for count in counts).T
        return result

    fraction = counts / features.count
    curves = [outputs(samples.values, at_baseline), outputs(at_baseline, samples.values)]
    return DeletionInsertion(fraction, *curves, *(_area(curve, fraction) for curve in curves))


def _as_counts(steps: Optional[int], features: int) -> Array:
    """How many features are gone at each point of a curve."""
    steps = min(STEPS, features) if steps is None else as_count(steps, 'steps')
    if steps > features:
        raise ArgumentError(f'steps must be at most the number of features, {features}; got {steps}.')
    return np.arange(steps + 1) * features // steps


def _area(curve: Array, fraction: Array) -> Array:
    result: Array = ((curve[:, 1:] + curve[:, :-1]) / 2 * np.diff(fraction)).sum(axis=1)
    return result

"""Max-sensitivity: how much attributions change when the input hardly does."""

from typing import Any, Callable, Dict, Optional

import numpy as np

from ..arguments import as_count, as_function, as_generator, as_number
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .network import Explained, check_asked, is_explainer, weights_of
from .samples import Samples
from .statistics import relative


def max_sensitivity(
    explain: Any,
    xs: ArrayLike,
    *,
    ys: ArrayLike = None,
    target: Any = None,
    radius: float = 0.02,
    draws: int = 10,
    batch_size: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
    seed: Optional[int] = 0,
) -> Array:
    """The largest relative change of attributions that was seen for small changes of the input; 0 is best.

    ``max ||a(x + d) - a(x)|| / ||a(x)||`` over random d, whose values are uniform from -radius to radius; an
    estimate from below of the maximum over all such d. Norms are Euclidean.

    Parameters
    ----------
    explain : explainer, or function of rows that returns attributions
        a. An explainer may be one of several inputs, then xs is a list. Where attributions are random themselves
        (shapley_sampling), that counts as sensitivity.
    xs : array-like, shape (samples, ...)
    ys : array-like, optional
        Weights of the outputs, as in ``run``; for an explainer.
    target : int, 'top', or a list of one for each sample, optional
        Of an explainer, in place of ys: as in ``run``. It stays what it is for these samples, however they change.
    radius : float, default 0.02
        In units of xs.
    draws : int, default 10
        Changes of each sample.
    batch_size, feed_dict : optional
        As in ``run``; for an explainer.
    seed : int, default 0

    Returns
    -------
    ndarray, shape (samples,)
        inf where attributions of the sample are all 0, and others are not.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit; the message says what came.

    References
    ----------
    Yeh et al., On the (In)fidelity and Sensitivity of Explanations, 2019. https://doi.org/10.48550/arXiv.1901.09392

    Examples
    --------
    >>> import numpy as np
    >>> from deepexplain.metrics import max_sensitivity
    >>> xs = np.array([[1.0], [-4.0]])
    >>> (max_sensitivity(lambda rows: 3 * rows, xs, radius=0.1, draws=1000) * [1, 4]).round(3)
    array([0.1, 0.1])
    """
    radius, draws, random = as_number(radius, 'radius', above=0), as_count(draws, 'draws'), as_generator(seed)
    explains, ys = is_explainer(explain), weights_of(explain, xs, ys, target, feed_dict)
    samples = Samples(xs, explains and getattr(explain, 'has_multiple_inputs', False))
    check_asked(samples, 'draws', draws)
    if explains:
        at: Callable[..., Any] = Explained(explain, samples, ys, batch_size, feed_dict).attributions
    else:
        explained = as_function(explain, 'explain', or_else='an explainer or ')
        if not (ys is None and batch_size is None and feed_dict is None):
            raise ArgumentError('ys, batch_size and feed_dict are for explainers; a function knows its own.')

        def at(rows: Array) -> Any:
            return explained(samples.shaped(rows))

    def attributions(rows: Array) -> Array:
        return samples.rows_of(at(rows=rows), 'attributions')

    before = attributions(samples.values)
    largest, moved = np.zeros(samples.count), False
    dtype = samples.values.dtype if samples.values.dtype.kind == 'f' else np.dtype(float)
    if max(abs(float(samples.values.min())), abs(float(samples.values.max()))) + 2 * radius > np.finfo(str(dtype)).max:
        raise ArgumentError(f'radius={radius} changes xs to values beyond those of its dtype, {dtype}.')
    for _ in range(draws):
        rows = (samples.values + random.uniform(-radius, radius, samples.values.shape)).astype(dtype, copy=False)
        moved = moved or bool((rows != samples.values).any())
        largest = np.maximum(largest, np.linalg.norm(attributions(rows) - before, axis=1))
    if not moved:
        raise ArgumentError(f'radius={radius} changes nothing in xs, whose dtype is {samples.values.dtype}: too small.')
    return relative(largest, np.linalg.norm(before, axis=1))

"""Completeness: whether attributions add up to what there is to explain."""

import inspect
from typing import Any, Dict, NamedTuple, Optional

import numpy as np

from ..errors import ArgumentError
from ..explanation import Explanation
from ..types import ArrayLike, Baseline
from .network import Explained, asked, weights_of
from .samples import one_array, plain
from .statistics import relative


class Completeness(NamedTuple):
    """How far attributions are from adding up, for each sample.

    Attributes
    ----------
    delta : ndarray, shape (samples,)
        The sum of the attributions, less ``f(x) - f(baseline)``; in units of f.
    relative : ndarray, shape (samples,)
        ``|delta| / |f(x) - f(baseline)|``: 0 where delta is 0, inf where only the difference is.
    """

    delta: np.ndarray
    relative: np.ndarray


def completeness(
    model: Any,
    xs: ArrayLike,
    attributions: ArrayLike = None,
    *,
    ys: ArrayLike = None,
    target: Any = None,
    baseline: Baseline = None,
    batch_size: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
) -> Completeness:
    """How far attributions are from adding up to ``f(x) - f(baseline)``.

    ``delta = sum(attributions) - (f(x) - f(baseline))``: 0 if they are complete (also: efficiency, summation to
    delta).

    Parameters
    ----------
    model : explainer, or function of rows that returns (rows,) or (rows, ...)
        f. An explainer may be one of several inputs, then xs, attributions and baseline are lists.
    xs : array-like, shape (samples, ...)
    attributions : array-like of xs' shape
        Default: those of the explainer.
    ys : array-like, optional
        Weights of the outputs, as in ``run``: of the outputs' shape, or of the shape of one sample's outputs.
    target : int, 'top', or a list of one for each sample, optional
        Of an explainer, in place of ys: as in ``run``. It stays what it is for these samples, however they change.
    baseline : number, array-like of the shape of one sample or of xs, or function of xs that returns it
        Default: 0 for a function. For an explainer: what its method promises, of its own baseline, as
        ``run(..., return_convergence_delta=True)`` says; for elrp that is ``f(x)`` alone.
    batch_size : int, optional
        The most rows that go through the network at once.
    feed_dict : dict, optional
        As in the explainer's ``run``.

    Returns
    -------
    Completeness

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit; the message gives both shapes. Also, without a baseline, for methods that promise
        no sum.

    References
    ----------
    Sundararajan et al., Axiomatic Attribution for Deep Networks, 2017. https://doi.org/10.48550/arXiv.1703.01365

    Examples
    --------
    >>> from deepexplain.metrics import completeness
    >>> completeness(lambda rows: rows[:, 0] * rows[:, 1], [[2.0, 3.0]], [[3.0, 3.5]])
    Completeness(delta=array([0.5]), relative=array([0.08333333]))
    """
    network, samples = asked(model, xs, weights_of(model, xs, ys, target, feed_dict), batch_size, feed_dict)
    if baseline is None and isinstance(network, Explained):
        if attributions is not None:
            raise ArgumentError(
                "Attributions that are given with an explainer may have another baseline than the explainer's: give "
                'baseline, too, or leave attributions out.'
            )
        if 'return_convergence_delta' not in inspect.signature(model.run).parameters:  # one written for 0.3
            raise ArgumentError("The explainer's run() does not know return_convergence_delta: give baseline.")
        found, delta = network.attributions(return_convergence_delta=True)
        delta = one_array(delta, 'The convergence delta').astype(np.float64)
        total = samples.rows_of(found, 'attributions').sum(axis=1)
        return Completeness(delta, relative(delta, total - delta))
    at_baseline = samples.baseline(0 if baseline is None else baseline)
    f_x, f_baseline = network.outputs(iter([samples.values, at_baseline]))
    total = samples.rows_of(network.attributions(attributions), 'attributions').sum(axis=1)
    return completeness_of(total, f_x, f_baseline)


def completeness_of(attributions: ArrayLike, f_x: ArrayLike = None, f_baseline: ArrayLike = None) -> Completeness:
    """The same of arrays alone.

    Parameters
    ----------
    attributions : array-like, shape (samples, ...), or an Explanation
        An Explanation has the other two, as outputs and base_value.
    f_x, f_baseline : array-like, shape (samples,)
        The output at the samples and at the baseline, which may be one number.

    Returns
    -------
    Completeness

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An array does not fit; the message gives both shapes.

    Examples
    --------
    >>> from deepexplain.metrics import completeness_of
    >>> completeness_of([[1.0, 2.0], [0.0, 4.0]], f_x=[3.0, 5.0], f_baseline=0.0).delta
    array([ 0., -1.])
    """
    if isinstance(attributions, Explanation):
        f_x = attributions.outputs if f_x is None else f_x
        f_baseline = attributions.base_value if f_baseline is None else f_baseline
        found = plain(attributions)
        attributions = [one.reshape(len(one), -1) for one in (found if isinstance(found, list) else [found])]
        attributions = np.concatenate(attributions, axis=1)
    array = one_array(attributions, 'attributions')
    if array.ndim == 0 or array.size == 0:
        raise ArgumentError(f'attributions must have the samples along their first axis; got shape {array.shape}.')
    total = array.reshape(len(array), -1).sum(axis=1, dtype=np.float64)
    f_x, f_baseline = one_array(f_x, 'f_x'), one_array(f_baseline, 'f_baseline')
    if f_x.shape != total.shape or f_baseline.shape not in ((), total.shape):
        raise ArgumentError(
            f'f_x and f_baseline must have one number for each of the {len(total)} samples of attributions; got '
            f'shapes {f_x.shape} and {f_baseline.shape}.'
        )
    difference = f_x.astype(np.float64) - f_baseline
    delta = total - difference
    return Completeness(delta, relative(delta, difference))

"""What a call gives, as an Explanation: the attributions with all that is known of them."""

import platform
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Dict, List, Optional

import numpy as np

from ... import __version__
from ...arguments import has, text_of
from ...errors import ArgumentError
from ...explanation import Explanation
from ...types import Array, ArrayLike
from ..compat import tf

if TYPE_CHECKING:
    from .call import Call


def explanation_of(
    explainer: Any, call: 'Call', xs: ArrayLike, found: List[Array], more: List[Array], delta: Optional[Array]
) -> Explanation:
    """The explanation of a call.

    Parameters
    ----------
    explainer : Explainer
    call : Call
    xs : array-like
        As they came: a table has names for its rows.
    found : list of ndarray
        Attributions, one array for each input.
    more : list of ndarray
        What the method returns with them.
    delta : ndarray or None
        The convergence delta, if the method has one.
    """
    request, problem, engine = call.running, explainer.problem, explainer.engine
    several = isinstance(explainer.X if explainer.layer is None else explainer.layer, list)
    inputs = explainer.layer if explainer.layer is not None else explainer.X
    baseline, kind = _baseline(request)
    at_own_layer = getattr(engine.plan, 'at', None) is not None  # then samples and baselines are those of X
    # Of replacements, each at each window, the samples' own values are no partners, even where shapes agree.
    by_replacements = getattr(explainer.method, 'replacements', None) is not None
    unknown = {'data': None} if at_own_layer or by_replacements else {}
    return explanation_from(
        problem,
        request,
        xs,
        inputs if several else [inputs],
        found if several else found[0],
        outputs=_unless_refused(call.outputs),
        base_value=None if baseline is None else _unless_refused(call.at_baseline),
        baseline=None if baseline is None or at_own_layer else baseline if several else baseline[0],
        baseline_kind=None if at_own_layer else kind,
        delta=delta,
        method=explainer.name,
        arguments=_arguments(explainer.method),
        quantity=explainer.quantity,
        standard_error=more[0] if more else None,
        **unknown,
    )


def explanation_from(
    problem: Any, request: Any, xs: ArrayLike, inputs: List[Any], values: Any, **more: Any
) -> Explanation:
    """Values with what the request for them says of samples, outputs and names; and ``more``, which comes first."""
    names = [x.name for x in inputs]
    weights = request.weights and request.outputs is None
    known: Dict[str, Any] = {
        'ys': _weights_of(request) if weights else None,
        'each': request.outputs is not None,
        'input_names': names,
        'feature_names': [problem.facts.feature_names(name) for name in names],
        'class_names': problem.facts.class_names,
        'sample_names': _names_of_rows(xs, request.n),
        'target': problem.target.name,
        'versions': versions(),
    }
    if 'data' not in more:
        data = request.samples(slice(None))
        known['data'] = data if isinstance(values, list) else data[0]
    return Explanation(values=values, **{**known, **more})


def _arguments(method: Any) -> Dict[str, Any]:
    known = fields(method) if is_dataclass(method) else ()  # not one that was written for 0.3
    return {one.name: described(getattr(method, one.name)) for one in known}


def versions() -> Dict[str, str]:
    """Those of what computes."""
    return {
        'deepexplain': __version__,
        'tensorflow': str(tf.__version__),
        'numpy': str(np.__version__),
        'python': platform.python_version(),
    }


def described(value: Any) -> Any:
    """An argument as JSON can have it: numbers, words and lists of them; of anything else what it looks like."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist() if value.size <= 16 else f'<{value.dtype} array of shape {value.shape}>'
    if isinstance(value, (list, tuple)) and len(value) <= 100:
        return [described(entry) for entry in value]
    return str(value.name) if has(value, 'graph', 'op') and has(value, 'name') else text_of(value)


def _unless_refused(compute: Any) -> Optional[Array]:
    """What there is, or None where T has no row for each sample."""
    try:
        result: Array = compute()
        return result
    except ArgumentError:
        return None


def _baseline(request: Any) -> Any:
    """What samples are compared with, and what that is: one, one for each, a set, a set for each."""
    if not request.baselines:
        return None, None
    if request.is_set:
        return [np.array(b) for b in request.baselines], 'sets' if request.has_own_sets else 'set'
    if all(len(b) == 1 for b in request.baselines):
        return [np.array(b[0]) for b in request.baselines], 'one'
    rows = [np.broadcast_to(b, (request.n,) + b.shape[1:]) for b in request.baselines]
    return [np.array(b) for b in rows], 'each'


def _weights_of(request: Any) -> Array:
    """Those of the outputs, with a row for each sample."""
    _, weights, per_row = request.weights[0]
    return np.asarray(weights if per_row else np.broadcast_to(weights, (request.n,) + weights.shape))


def _names_of_rows(xs: Any, n: int) -> Optional[List[str]]:
    """The index of a table, if it is none that counts from 0."""
    first = xs[0] if isinstance(xs, (list, tuple)) and len(xs) else xs
    if not (has(first, 'to_numpy') and has(first, 'index')) or callable(first.index):
        return None
    names = list(first.index)
    return None if len(names) != n or names == list(range(n)) else [str(name) for name in names]

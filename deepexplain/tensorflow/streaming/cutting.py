"""May samples be cut into pieces, each explained by a call of its own? What would depend on the cut, is refused."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, List, Optional

import numpy as np

from ...errors import ArgumentError

if TYPE_CHECKING:
    from ..engine.request import Request

#: The names under which methods have what samples are compared with.
BASELINES = ('baseline', 'baselines')


def check_method(method: Any) -> None:
    """Raise where attributions depend on which samples share a call, or differ from call to call.

    Raises
    ------
    ArgumentError
        A baseline is a function of xs, or random orders have no seed.
    """
    for name in BASELINES:
        value = getattr(method, name, None)
        functions = [entry for entry in (value if isinstance(value, (list, tuple)) else [value]) if callable(entry)]
        if functions:
            raise ArgumentError(
                f"'{method.name}': {name} is a function of xs, and what it returns depends on which samples share a "
                'call, so on how they are cut. Give what it returns for all of them, as a number or an array.'
            )
    if hasattr(method, 'seed') and method.seed is None:
        raise ArgumentError(
            f"'{method.name}' draws at random, so each call and each process would draw something else: give it a "
            'seed, such as seed=0.'
        )


def check_apart(explainer: Any, request: 'Request') -> None:
    """Raise where attributions of a sample depend on the others of its call, or on a draw.

    Raises
    ------
    ArgumentError
        The network mixes samples or is random, or T is a scalar; the message names the op.
    """
    problem, engine = explainer.problem, explainer.engine
    problem.check_has_rows('To explain samples in pieces')
    name = problem.target.name
    if engine.randomness.found(request):
        raise ArgumentError(
            f"T '{name}' is random, so no two runs of the same samples agree: put the network in its inference mode."
        )
    of_layer = request.behind is None or problem.layer.takes_copies(request.behind)
    if not (of_layer and engine.oracle.apart(request)):
        raise ArgumentError(
            f'{engine.oracle.proof.sentence(request)}: attributions of a sample depend on the others of its call, so '
            'on how samples are cut into pieces. Put the network in its inference mode; or explain all samples '
            'together, by explainer.run.'
        )


def specs_of_x(explainer: Any) -> List[Any]:
    """What is known of each input X, whatever is explained in their place."""
    problem = explainer.problem
    specs: List[Any] = (problem if problem.layer is None else problem.layer.problem).specs
    return specs


def baseline_rows(explainer: Any, axes: Optional[List[int]] = None) -> Optional[List[Any]]:
    """The baselines of each input that have a row for each sample, None for those that have not; None if none has.

    ``axes`` are how many axes the samples of each input have; default: those of X.
    """
    baseline = getattr(explainer.method, 'baseline', None)
    specs = specs_of_x(explainer)
    if axes is None:
        axes = [-1 if spec.shape is None else len(spec.shape) for spec in specs]
    entries = baseline if explainer.has_multiple_inputs and isinstance(baseline, (list, tuple)) else [baseline]
    rows = [entry if entry is not None and np.ndim(entry) == count else None for entry, count in zip(entries, axes)]
    return rows if any(row is not None for row in rows) else None


def with_baseline(explainer: Any, baseline: Any) -> Any:
    """An explainer that shares the graph, and compares with other baselines."""
    method = explainer.method
    arguments = {f.name: getattr(method, f.name) for f in fields(method) if f.init}
    return explainer.with_arguments(**{**arguments, 'baseline': baseline}, strict=explainer.strict)


def as_found(explainer: Any, result: Any) -> List[Any]:
    """What ``run`` returned, as a list of arrays of a dtype that files know: bfloat16 becomes float32, exactly."""
    if isinstance(result, tuple):
        raise ArgumentError(
            f"'{explainer.name}' returns more than attributions (return_standard_error=True?), for which there is no "
            'place here: leave that out.'
        )
    arrays = result if isinstance(result, list) else [result]
    return [a if a.dtype.kind in 'fiu' and a.dtype.isbuiltin else a.astype(np.float32) for a in arrays]

"""T that is nan or infinite at the baseline: then there is no difference for attributions to add up to."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, Sequence

import numpy as np

from ...errors import warn
from ...types import Array
from ..compat import tf
from .request import Request, of_set, set_size

if TYPE_CHECKING:
    from .backward import Backward
    from .problem import Problem
    from .rows import Cut


def warn_of_baseline(problem: 'Problem', request: 'Request') -> None:
    """Warn, once in a call, that T is not finite where values of a sample are those of the baseline."""
    if 'baseline' not in request.said:
        request.said.add('baseline')
        if not request.baselines:
            warn(
                f"T '{problem.target.name}' is nan or infinite where values of a sample are replaced, so what it loses "
                'by that is, too: leave such replacements out.'
            )
            return
        warn(
            f"T '{problem.target.name}' is nan or infinite at the baseline, or where values of a sample are replaced "
            'by it (a mean over values that are not 0, a division by a norm?), so attributions have no finite T(x) - '
            'T(baseline) to add up to. Choose another baseline, at which T is finite: a number, an array of one '
            "sample's shape, or a function of xs."
        )


def is_finite(value: Any, request: 'Request') -> bool:
    """Whether T's rows are finite, in all outputs that have a weight."""
    found = np.isfinite(np.asarray(value).astype(np.float64))
    for _, weights, per_row in request.weights:
        found = found | ((weights == 0).all(axis=0) if per_row else weights == 0)
    return bool(found.all())


def is_finite_at_baseline(problem: 'Problem', request: 'Request', cut: 'Cut') -> bool:
    """Ask the network: the baselines of a set; else one for each sample of a run, as these may hang together."""
    asked, most_rows = replace(request, weights=()), cut.rows if request.is_set else cut.samples
    baselines, total = request.baselines, request.n
    if request.is_set:
        every = np.arange(request.n if request.has_own_sets else 1)
        baselines = of_set(request, slice(None), every)
        total, whose = len(baselines[0]), np.tile(every, set_size(request))
    elif all(len(b) == 1 for b in baselines):
        total = min(cut.samples, request.n)
    try:
        for start in range(0, total, most_rows):
            rows = [b if len(b) == 1 else b[start : start + most_rows] for b in baselines]
            count = min(most_rows, total - start)
            rows = [np.broadcast_to(b, (count,) + b.shape[1:]) for b in rows]
            of = whose[start : start + count] if request.is_set else np.arange(start, start + count)
            (value,) = asked.run([problem.target], of, rows, trim=False)
            if not is_finite(value, request):
                return False
    except tf.errors.OpError:
        pass  # a network that does not take any number of rows
    return True


class Undefined:
    """What is said of a backward plan's results, and of the baseline, where they are not finite.

    Parameters
    ----------
    name : str
        Of the method.
    plan : Backward
    problem : Problem
    """

    def __init__(self, name: str, plan: 'Backward', problem: 'Problem') -> None:
        self._name, self._plan, self._problem = name, plan, problem
        self._finite: Dict[Any, bool] = {}  # shapes of samples and baselines -> whether T is finite there

    def check(self, request: 'Request', cut: 'Cut', results: Sequence[Array]) -> None:
        """Warn where T is not finite at the baseline; else where results are not."""
        inputs = self._problem.inputs
        broken = [x.name for x, result in zip(inputs, results) if not np.isfinite(result).all()]
        self._check_baseline(request, cut, bool(broken))
        if broken and 'baseline' not in request.said:
            warn(
                f"Attributions to '{broken[0]}' contain nan or infinite values: between X and T, '{self._name}' "
                'divides by something near 0, or a number overflows.'
            )

    def _check_baseline(self, request: 'Request', cut: 'Cut', broken: bool) -> None:
        """Ask once of one baseline for all samples, of others where results are broken."""
        plan = self._plan
        if plan.baseline is None or not plan.promise.minus_baseline or 'baseline' in request.said:
            return
        constant = not (plan.baseline.is_function or request.has_baseline_for_each or request.has_own_sets)
        if constant and plan.references is not None and plan.references.sees_target and not request.is_set:
            return  # it is among what was asked of the baseline anyway
        if not constant and not broken:
            return
        key = request.sample_shapes, tuple(len(b) for b in request.baselines), request.outputs is None
        if not constant or key not in self._finite:
            self._finite[key] = is_finite_at_baseline(self._problem, request, cut)
        if not self._finite[key]:
            warn_of_baseline(self._problem, request)

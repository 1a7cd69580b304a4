"""T that is nan or infinite at the baseline: then there is no difference for attributions to add up to."""

from dataclasses import replace

import numpy as np

from ...errors import warn
from ..compat import tf


def warn_of_baseline(problem, request):
    """Warn, once in a call, that T is not finite where values of a sample are those of the baseline."""
    if 'baseline' not in request.said:
        request.said.add('baseline')
        warn(
            f"T '{problem.target.name}' is nan or infinite at the baseline, or where values of a sample are replaced "
            'by it (a mean over values that are not 0, a division by a norm?), so attributions have no finite T(x) - '
            'T(baseline) to add up to. Choose another baseline, at which T is finite: a number, an array of one '
            "sample's shape, or a function of xs."
        )


def is_finite(value, request):
    """Whether T's rows are finite, in all outputs that have a weight."""
    found = np.isfinite(np.asarray(value).astype(np.float64))
    for _, weights, per_row in request.weights:
        found = found | ((weights == 0).all(axis=0) if per_row else weights == 0)
    return bool(found.all())


def is_finite_at_baseline(problem, request, most_rows):
    """Ask the network: one row for each baseline; True where it does not take such rows."""
    asked = replace(request, weights=())
    total = max(len(b) for b in request.baselines)
    try:
        for start in range(0, total, most_rows):
            rows = [b if len(b) == 1 else b[start : start + most_rows] for b in request.baselines]
            count = max(len(b) for b in rows)
            rows = [np.broadcast_to(b, (count,) + b.shape[1:]) for b in rows]
            of = np.zeros(count, int) if request.is_set else np.arange(start, start + count)
            (value,) = asked.run([problem.target], of, rows, trim=False)
            if not is_finite(value, request):
                return False
    except tf.errors.OpError:
        pass  # a network that does not take any number of rows
    return True

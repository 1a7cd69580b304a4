"""Attributions that are far larger than what they add up to: multipliers that explode, and then cancel."""

from typing import Any, List

import numpy as np

from ...errors import warn
from ..compat import tf
from ..runtime.finite import DIVERGING, QUOTIENTS
from .audit import named_ops
from .leaks import readable
from .request import Request, of_set

#: From how many times the largest T attributions are said to explode; and of how many values that is the root,
#: times 10, as what many of them add up to is small by chance.
TOO_LARGE = 1e3
#: Of how many samples T is asked for.
MOST_ASKED = 8


def warn_of_explosions(engine: Any, results: List[Any], request: Request) -> None:
    """Warn where the sizes of a sample's attributions add up to far more than T is anywhere near it.

    Parameters
    ----------
    engine : GradientEngine
    results : list of ndarray, shape (outputs, samples, ...)
    request : Request
    """
    with np.errstate(invalid='ignore', over='ignore'):
        sizes = sum(np.abs(a).sum(axis=tuple(range(2, a.ndim)), dtype=np.float64) for a in results)
        sums = np.abs(engine.sums(results, request))
        most = max(TOO_LARGE, 10 * sum(a[0, 0].size for a in results) ** 0.5)
        suspicious = np.isfinite(sizes) & (sizes > most * sums)
    if not suspicious.any() or engine.problem.target.shape.ndims == 0 or request.fixed_rows is not None:
        return  # that is all it takes, mostly
    of = np.argsort(-np.where(suspicious, sizes, 0).max(axis=0), kind='stable')[:MOST_ASKED]
    of = of[suspicious[:, of].any(axis=0)]
    scales = _largest_near(engine, request, of)
    largest = scales.max(axis=1, keepdims=True)
    found = suspicious[:, of] & (sizes[:, of] > most * largest) & (largest > 0)  # of 0 nothing is a multiple
    if not found.any():
        return
    output, sample = np.argwhere(found)[0]
    size, scale = sizes[output, of[sample]], scales[output].max()
    where = _where(engine, request, of[sample : sample + 1])
    warn(
        f"Attributions explode: their sizes add up to {size:.3g}, though T '{engine.problem.target.name}' is at most "
        f'{scale:.3g} there, so that they cancel, and mean little{where}. Choose a baseline that is not near that '
        "(noise, a mean of samples); or 'intgrad' or 'shapley_sampling', which have no multipliers."
    )


def _largest_near(engine: Any, request: Request, of: Any) -> Any:
    """How large T is at these samples, at their baselines, and near the samples: it may be 0 at one by chance."""
    rng = np.random.RandomState(0)
    rows = [x[of] if isinstance(x, np.ndarray) else np.stack([np.asarray(x[i]) for i in of]) for x in request.arrays]
    rows = [x.astype(z.dtype.as_numpy_dtype, copy=False) for x, z in zip(rows, request.inputs)]
    others = _baselines(request, of, rows)
    near = [
        [b + ((x - b) * rng.uniform(0.5, 1.5, x.shape)).astype(x.dtype) for x, b in zip(rows, others)] for _ in '12'
    ]
    found = [engine.network.sizes(request.whole, of, those) for those in (rows, others, *near)]
    with np.errstate(invalid='ignore'):
        return np.nanmax(np.where(np.isfinite(found), found, np.inf), axis=0)


def _baselines(request: Request, of: Any, rows: Any) -> List[Any]:
    if request.is_set:
        return of_set(request, slice(0, 1), np.asarray(of))
    return [np.broadcast_to(b if len(b) == 1 else b[of], x.shape) for b, x in zip(request.baselines, rows)]


def _where(engine: Any, request: Request, of: Any) -> str:
    """The op that divides by the least, or gives the largest number, at the baseline of a sample."""
    ops = [op for op in readable(engine.between) if op.type in DIVERGING and op.outputs[0].dtype.is_floating]
    if not ops:
        return ''
    tensors = [op.inputs[1] if op.type in QUOTIENTS else op.outputs[0] for op in ops]
    rows = [
        np.asarray(x[of[0] : of[0] + 1]).astype(z.dtype.as_numpy_dtype) for x, z in zip(request.arrays, request.inputs)
    ]
    try:
        values = request.run(tensors, of, _baselines(request, of, rows), trim=False)
    except tf.errors.OpError:
        return ''
    with np.errstate(all='ignore'):
        slopes = [np.abs(1 / v if op.type in QUOTIENTS else v) for op, v in zip(ops, values)]
        sizes = [np.where(np.isnan(v), 0, v).max() if v.size else 0 for v in slopes]
    worst = int(np.argmax(sizes))
    if sizes[worst] < 10:
        return ''
    decision = engine.back.decisions.of(ops[worst])
    op = ops[worst] if decision is None else decision.step.op
    return f'; near the baseline, {named_ops([op])} gives or multiplies by {sizes[worst]:.3g}'

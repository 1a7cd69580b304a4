"""Deltas that are far above rounding though the audit knows no op that breaks the sum: what is known is said."""

from typing import Any, Callable, List, Optional, Tuple

import numpy as np

from ...errors import ArgumentError, DeepExplainError, warn
from ..compat import tf
from ..runtime.op_types import BILINEAR, CHOICES, LINEAR, NORMALIZATION, is_continuous
from .audit import named_ops
from .leaks import readable
from .request import Request, of_set

#: Relative to what is added up: deltas beyond are not rounding; those of a path must be larger to be looked into.
NO_ROUNDING = {2: 5e-2, 4: 1e-3, 8: 1e-6}
OF_A_PATH = 1e-2
#: With the epsilon rule, sums hold as epsilon goes to 0.
OF_EPSILON, SMALL_EPSILON = 1e-2, 1e-3
#: Points of a path, its intervals that are looked into, how often they are halved, and what share of a delta a jump is.
POINTS, INTERVALS, HALVINGS, SHARE = 65, 4, 17, 0.05


def check_has_delta(engine: Any, request: 'Request') -> None:
    """Raise unless there is a sum that the attributions of a request can be compared with."""
    reason = engine.plan.promise.refusal(request)
    if reason is not None:
        raise ArgumentError(f"'{engine.name}' has no convergence delta: {reason}")
    engine.problem.check_has_rows('return_convergence_delta', request.n)


def warn_of_deltas(
    engine: Any, request: Request, results: List[Any], promised: Any, delta: Any, leaks: Callable[[], Any]
) -> None:
    """Warn where deltas are far above rounding and the audit says that every op is exact.

    Parameters
    ----------
    engine : GradientEngine or ChangeEngine
    request : Request
    results : list of ndarray, shape (outputs, samples, ...)
    promised, delta : ndarray, shape (samples,) or (outputs, samples)
    leaks : function without arguments
        The Leaks of the call.
    """
    rows = engine.audit().rows
    if engine.randomness.found(request):
        return  # which was said: two runs do not add up
    if not rows or any(row.exact is not True for row in rows) or engine.problem.target.shape.ndims == 0:
        return
    plan = engine.plan
    path, fed = getattr(plan, 'path', None), getattr(plan, 'fed', None)
    most = NO_ROUNDING[min(8, max(2, engine.problem.target.dtype.size))]
    if path is not None:
        most = OF_A_PATH
    elif not plan.promise.minus_baseline:
        if has_constants(engine.back.decisions.listed) or (fed is not None and fed.value > SMALL_EPSILON):
            return  # what biases and epsilon take is no leak
        most = OF_EPSILON
    elif not getattr(getattr(plan, 'references', None), 'finite', False):
        most = max(most, NO_ROUNDING[4])
    worst = _worst(engine, request, results, promised, delta, most)
    if worst is None:
        return
    output, sample = worst
    size = abs(np.atleast_2d(delta)[output, sample])
    begin = (
        f"Attributions by '{engine.name}' differ from {plan.promise.text} by {size:.3g}, which is no rounding, though "
    )
    if path is not None:
        found = _jump(engine, request, output, sample, size)
        if found:
            warn(f'{begin}no op is known to break the sum: T jumps on the path from the baseline to x{found}.')
        return
    warn(f'{begin}every op keeps its sum in general.{_largest(leaks, getattr(plan, "keeps_sums", False))}')


def has_constants(decisions: Any) -> bool:
    """Whether anything is added to (or put beside) what is computed of X: a bias."""
    for step, _ in decisions:
        adds = step.op.type in LINEAR or step.op.type in CHOICES
        others = [i for i in range(len(step.op.inputs)) if i not in step.varying and is_continuous(step.op.inputs[i])]
        if step.op.type in NORMALIZATION or (adds and others and step.op.type not in BILINEAR):
            return True
    return False


def _worst(
    engine: Any, request: Request, results: List[Any], promised: Any, delta: Any, most: float
) -> Optional[Tuple[int, int]]:
    """Output and sample of the largest delta that is not rounding; None where all are, or where T is not finite."""
    delta, promised = np.atleast_2d(np.abs(delta)), np.atleast_2d(np.abs(promised))
    with np.errstate(invalid='ignore', over='ignore'):
        sizes = sum(np.abs(a).sum(axis=tuple(range(2, a.ndim)), dtype=np.float64) for a in results)
        excess = np.where(np.isfinite(delta), delta - most * np.maximum(promised, sizes), -1)
    if not (excess > 0).any():
        return None
    output, sample = (int(i) for i in np.unravel_index(excess.argmax(), excess.shape))
    of = np.array([sample])
    rows = [np.asarray(x[sample : sample + 1]).astype(z.dtype.as_numpy_dtype) for x, z in _samples(request)]
    whole = np.ravel(engine.network.sizes(request.whole, of, rows)[output])[0]
    return (output, sample) if np.isfinite(whole) and delta[output, sample] > most * whole else None


def _samples(request: Request) -> Any:
    return zip(request.arrays, request.inputs)


def _largest(leaks: Callable[[], Any], has_leaks: bool) -> str:
    if not has_leaks:
        return ' T is another one in each run (dropout that is on?), or its samples mix.'
    try:
        row = leaks().rows[0]
    except (DeepExplainError, ValueError, tf.errors.OpError):
        return ' explainer.leaks(xs) may say how much goes missing where.'
    return (
        f" Most of it, {100 * row.share:.0f} %, arises at '{row.op}' ({row.type}): a condition that turned where no "
        'value changed, or a factor that is 0 at the baseline? Another baseline helps.'
    )


def _jump(engine: Any, request: Request, output: int, sample: int, size: float) -> str:
    """Where T jumps on the path of a sample, in words; empty where it is not found to."""
    x = [np.asarray(a[sample : sample + 1]).astype(z.dtype.as_numpy_dtype) for a, z in _samples(request)]
    if request.is_set:
        start = of_set(request, slice(0, 1), np.array([sample]))
    else:
        start = request.baselines_of(slice(sample, sample + 1))

    def points(alphas: Any) -> List[Any]:
        return [
            (b + (a - b) * alphas.reshape((-1,) + (1,) * (a.ndim - 1))).astype(a.dtype)
            for a, b in zip(x, (b.astype(np.float64) for b in start))
        ]

    def at(alphas: Any) -> Any:
        values = engine.network.score(request.whole, np.full(len(alphas), sample), points(alphas))
        return values if values.ndim == 1 else values[:, output]

    if request.fixed_rows is not None:
        return ''
    alphas = np.linspace(0, 1, POINTS)
    steps = np.abs(np.diff(at(alphas)))
    widest = np.argsort(-steps)[:INTERVALS]
    low, high = alphas[widest], alphas[widest + 1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        y_low, y_middle, y_high = np.split(at(np.concatenate([low, middle, high])), 3)
        below = np.abs(y_middle - y_low) > np.abs(y_high - y_middle)
        low, high = np.where(below, low, middle), np.where(below, middle, high)
    gaps = np.abs(at(high) - at(low))
    at_last = int(np.argmax(np.nan_to_num(gaps)))
    if not gaps[at_last] > SHARE * size:
        return ''
    turned = _turned(engine, request, sample, points(np.array([low[at_last], high[at_last]])))
    engine.back.found_to_jump(turned)
    return f' by {gaps[at_last]:.3g}' + (f', where {named_ops([step.op for step in turned])} turns' if turned else '')


def _turned(engine: Any, request: Request, sample: int, rows: Any) -> List[Any]:
    """Steps whose condition is another in the second of two rows."""
    back = engine.back
    known = [(op, back.decisions.of(op)) for op in readable(back.between) if op.type in CHOICES]
    known = [(op, decision.step) for op, decision in known if decision is not None and 0 in decision.step.varying]
    if not known:
        return []
    try:
        found = request.run([op.inputs[0] for op, _ in known], np.full(2, sample), rows, trim=False)
    except tf.errors.OpError:
        return []
    return [step for (_, step), c in zip(known, found) if c.shape[:1] == (2,) and (c[0] != c[1]).any()]

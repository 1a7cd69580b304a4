"""Integrated gradients, of family 1: the true gradient, averaged over a path."""

import numpy as np

from ...arguments import as_count
from ...errors import ArgumentError, ArgumentTypeError, warn
from ..runtime.memory import aligned_empty
from ..runtime.op_types import STEPS, is_continuous, is_linear
from ..runtime.quadrature import QUADRATURES, refined
from ..runtime.rows import interchangeable
from .base import register
from .from_baseline import FromBaseline
from .gradient import without_rule


@register('intgrad')
class IntegratedGradients(FromBaseline):
    """Integrated gradients: ``(x - b)`` times the mean gradient on the straight line from ``b`` to ``x``.

    The mean is taken over ``steps`` points of the line; by default a right Riemann sum, over ``b + (x - b) k / steps``
    for k = 1 .. steps. As steps grow, attributions sum to T(x) - T(b).

    References
    ----------
    Sundararajan et al., Axiomatic Attribution for Deep Networks, 2017. https://doi.org/10.48550/arXiv.1703.01365
    Erion et al., Improving performance of deep learning models with axiomatic attribution priors and expected
    gradients, 2021 (a set of baselines). https://doi.org/10.1038/s42256-021-00343-w
    """

    arguments_in_graph = False
    _at_breaks = "'intgrad' integrates gradients, and {} jumps or passes none"

    def configure(
        self, steps=100, baseline=None, quadrature='riemann_right', baselines=None, tolerance=None, max_steps=10000
    ):
        """Set the arguments.

        Parameters
        ----------
        steps : int, default 100
            Points on the path, each one a forward and a backward pass.
        baseline : number, array of one sample's shape or with a row for each sample, or function of xs, default 0
            Where the path begins. A list of these where X is a list.
        quadrature : str, default 'riemann_right'
            How the points lie and what they weigh: 'riemann_right' as in DeepExplain 0.3, 'riemann_left',
            'riemann_middle', 'riemann_trapezoid' or 'gausslegendre', which needs few points where T is smooth.
        baselines : array with a row for each baseline, or function of xs that returns one, optional
            A set in place of ``baseline``: attributions are the mean over paths from each of them.
        tolerance : float, optional
            In the units of T: points are added for samples whose attributions do not add up to T(x) - T(b) within
            it, for each of the baselines. Twice as many each time (three times with 'riemann_middle'), of which those
            computed before are not computed again (but with 'gausslegendre').
        max_steps : int, default 10000
            The most points of a path, where there is a tolerance; a warning says where they did not suffice.
        """
        self.steps = as_count(steps, 'steps')
        self._set_baselines(baseline, baselines)
        if not isinstance(quadrature, str) or quadrature not in QUADRATURES:
            raise ArgumentError(f'quadrature must be one of {", ".join(QUADRATURES)}; got {quadrature!r}.')
        self.quadrature = quadrature
        self.tolerance = _as_tolerance(tolerance)
        self.max_steps = as_count(max_steps, 'max_steps')
        if self.tolerance is not None:
            self._check_rows_of_target('tolerance')
            if self.max_steps < self.steps:
                raise ArgumentError(f'max_steps={self.max_steps} must not be less than steps={self.steps}.')

    def _treatment(self, step):
        treatment, exact = without_rule(step)
        if step.op.type in STEPS:
            return 'no gradient', False
        if treatment == 'no gradient':
            return treatment, exact
        if treatment == 'custom gradient':
            return treatment, None
        chosen = step.op.type in ('Select', 'SelectV2')  # continuous, it is hoped, where the condition turns
        jumps = not chosen and not all(is_continuous(step.op.inputs[i]) for i in step.varying)
        return ('linear' if is_linear(*step) else treatment), not jumps

    def _call(self, xs, ys, feed_dict):
        call = super()._call(xs, ys, feed_dict)
        call.paths = []  # where there is a tolerance: how many, their steps, and the deltas of those that miss it
        return call

    def _rows_of_a_sample(self, call):
        return self.steps * super()._rows_of_a_sample(call)

    def _explain_from(self, call, of, xs, baselines, most_rows):
        alphas, weights = QUADRATURES[self.quadrature](self.steps)
        sums = self._summed(call, of, xs, baselines, alphas, weights, most_rows)
        means = [total / self.steps for total in sums] if weights is None else sums
        if self.tolerance is not None:
            self._refine(call, of, xs, baselines, means, most_rows)
        return [
            [(mean * (x - b)).astype(x.dtype) for mean, x, b in zip(one, xs, baselines)]
            for one in self._by_output(means)
        ]

    def _summed(self, call, of, xs, baselines, alphas, weights, most_rows):
        """The weighted sum over points of the path (weights None: all 1) of each gradient, in double precision."""
        size, points = len(of), max(1, most_rows // len(of))
        buffers = [aligned_empty((min(points, len(alphas)),) + x.shape, x.dtype) for x in xs]
        sums = None
        for start in range(0, len(alphas), points):
            some = alphas[start : start + points]
            for buffer, x, b in zip(buffers, xs, baselines):
                _fill_path(buffer[: len(some)], x, b, some)
            rows = [buffer[: len(some)].reshape((-1,) + x.shape[1:]) for buffer, x in zip(buffers, xs)]
            gradients = self._evaluate(call, np.tile(of, len(some)), rows)
            call.progress.update(len(some) * size)
            points_first = [g.reshape((len(some), size) + g.shape[1:]) for g in gradients]
            if weights is None:
                now = [g.sum(axis=0, dtype=np.float64) for g in points_first]
            else:
                now = [np.tensordot(weights[start : start + points], g.astype(np.float64), 1) for g in points_first]
            sums = now if sums is None else [a + b for a, b in zip(sums, now)]
        return sums

    def _refine(self, call, of, xs, baselines, means, most_rows):
        """Add points, in ``means``, for the rows whose attributions do not add up within the tolerance."""
        promised = self._differences(call, of, xs, baselines)
        is_open, steps = np.ones(len(of), bool), self.steps
        apart = len(of) == 1 or self._may_part(call)
        while True:
            deltas = self._deltas(means, xs, baselines, promised)
            is_open &= deltas > self.tolerance
            more = refined(self.quadrature, steps)
            if not is_open.any() or more.steps > self.max_steps:
                break
            rows = np.flatnonzero(is_open) if apart else np.arange(len(of))
            x, b = ([a if len(a) == 1 else a[rows] for a in arrays] for arrays in (xs, baselines))
            call.progress.total += len(rows) * len(more.alphas)
            added = self._summed(call, of[rows], x, b, more.alphas, more.weights, most_rows)
            for mean, new in zip(means, added):
                mean[is_open] = more.scale * mean[is_open] + new[is_open[rows]]
            steps = more.steps
        call.paths.append((len(of), steps, deltas[is_open]))

    def _may_part(self, call):
        """Whether a sample is explained alike in every row, whatever is beside it, so that others may be left out."""
        if call.fixed_rows is None:
            return self._may_cut(call, call.n)
        return self._apart(call) and self._ask(interchangeable, call, call.fixed_rows)

    def _check_results(self, call, results):
        super()._check_results(call, results)
        deltas = np.concatenate([deltas for _, _, deltas in call.paths] or [[]])
        if len(deltas):
            warn(
                f"'intgrad' did not reach tolerance={self.tolerance} for {len(deltas)} of "
                f'{sum(count for count, _, _ in call.paths)} paths with {max(steps for _, steps, _ in call.paths)} '
                f'steps; the largest delta is {deltas.max():.3g}. Raise max_steps={self.max_steps}, or choose another '
                'quadrature; where T has jumps, no number of steps suffices.'
            )

    def _differences(self, call, of, xs, baselines):
        """T(x) - T(b) for each row and each output of the call: shape (outputs, rows)."""
        rows = [np.broadcast_to(b, x.shape) for b, x in zip(baselines, xs)]
        whole = call.whole
        found = self._score(whole, of, xs) - self._score(whole, of, rows)
        return found[None] if found.ndim == 1 else found.T[call.first : call.first + call.at_once]

    def _deltas(self, means, xs, baselines, promised):
        """How far each row is from adding up, at the worst output."""
        sums = [
            sum((m * (x - b)).reshape(len(x), -1).sum(axis=1) for m, x, b in zip(one, xs, baselines))
            for one in self._by_output(means)
        ]
        return np.abs(np.array(sums) - promised).max(axis=0)


def _as_tolerance(tolerance):
    if tolerance is None:
        return None
    if isinstance(tolerance, (bool, str)) or not np.isscalar(tolerance) or not np.isreal(tolerance):
        raise ArgumentTypeError(f'tolerance must be a number; got {tolerance!r}.')
    if not 0 < tolerance < float('inf'):
        raise ArgumentError(f'tolerance must be greater than zero, in the units of T; got {tolerance}.')
    return float(tolerance)


def _fill_path(rows, x, baseline, alphas):
    """Write points between baseline and x: all samples at the first alpha, then all at the second, and so on.

    Computed in double precision like 0.3's: near a kink of the network, the last bit of a point decides.
    """
    alphas = alphas.reshape((-1,) + (1,) * x.ndim)
    baseline = baseline.astype(np.float64)
    points = (x - baseline) * alphas
    if baseline.any():
        points += baseline
    rows[...] = points

"""Means over a path: gradients at points of the straight line from the baseline to x, and more points where need be."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, List, Optional, Tuple

import numpy as np

from ...arguments import one_of
from ...errors import warn
from ...types import Array
from ..runtime.memory import aligned_empty
from ..runtime.quadrature import QUADRATURES, Points, refined

if TYPE_CHECKING:
    from .gradients import GradientEngine
    from .request import Request


@dataclass(frozen=True)
class Path:
    """The points of a path, and when there are enough of them; see the arguments of ``intgrad``.

    ``times``: what gradients are multiplied with. 'inputs': what x differs from the baseline. 'layer': what the layer
    changes around each point of the path. None: nothing.
    """

    steps: int
    quadrature: str = 'riemann_right'
    tolerance: Optional[float] = None
    max_steps: int = 10000
    times: Optional[str] = 'inputs'

    def __post_init__(self) -> None:
        one_of(self.quadrature, 'quadrature', QUADRATURES)


class Walk:
    """What the paths of one call give.

    Parameters
    ----------
    path : Path
    evaluate : function of a Request, samples, rows and baselines
        What one session run gives: gradients, a list of arrays, each output's after the other.
    engine : GradientEngine
    """

    def __init__(
        self,
        path: Path,
        evaluate: Callable[..., List[Array]],
        engine: 'GradientEngine',
    ) -> None:
        self._path, self._evaluate, self._by_output = path, evaluate, engine.by_output
        self._network, self._oracle, self._dtypes = engine.network, engine.oracle, engine.dtypes
        self._layer = engine.layer
        # Where there is a tolerance: how many paths, their steps, the deltas of those that miss it.
        self._seen: List[Tuple[int, int, Array]] = []

    def attributions(
        self, request: 'Request', of: Array, xs: List[Array], baselines: List[Array], most_rows: int
    ) -> List[List[Array]]:
        """The mean gradient of each row times what it differs from its baseline: for each output a list by input."""
        path = self._path
        rule = QUADRATURES[path.quadrature]
        if path.times == 'layer':
            return self._along_layer(
                request, of, xs, baselines, path.steps, lambda which: rule(path.steps, which), most_rows
            )
        sums, is_weighted = self._summed(
            request, of, xs, baselines, path.steps, lambda which: rule(path.steps, which), most_rows
        )
        means = sums if is_weighted else [total / path.steps for total in sums]
        if path.tolerance is not None:
            self._refine(request, of, xs, baselines, means, most_rows)
        if path.times is None:
            return self._cast(means)
        return [
            [(mean * (x - b)).astype(x.dtype) for mean, x, b in zip(one, xs, baselines)]
            for one in self._by_output(means)
        ]

    def _cast(self, values: List[Array]) -> List[List[Array]]:
        return [[v.astype(dtype) for v, dtype in zip(one, self._dtypes)] for one in self._by_output(values)]

    def _along_layer(
        self,
        request: 'Request',
        of: Array,
        xs: List[Array],
        baselines: List[Array],
        count: int,
        points_of: Callable[[Array], Points],
        most_rows: int,
    ) -> List[List[Array]]:
        """The sum over points of each gradient at the layer, times what the layer changes in the interval around it.

        The intervals are as long as the weights, so that each holds its point, and together they are the path. No
        derivative of the layer is needed, and where it jumps that counts.
        """
        size, points = len(of), max(1, most_rows // len(of))

        def rows_at(some: Array) -> List[Array]:
            rows = [np.empty((len(some),) + x.shape, x.dtype) for x in xs]
            for row, x, b in zip(rows, xs, baselines):
                _fill_path(row, x, b, some)
            return [row.reshape((-1,) + x.shape[1:]) for row, x in zip(rows, xs)]

        def by_point(values: List[Array]) -> List[Array]:
            return [v.reshape((-1, size) + v.shape[1:]).astype(np.float64) for v in values]

        before = by_point(self._layer.at(request, of, rows_at(np.zeros(1))))
        sums: List[Array] = []
        end = 0.0
        for start in range(0, count, points):
            alphas, weights = points_of(np.arange(start, min(start + points, count)))
            ends = end + np.cumsum(np.full(len(alphas), 1 / count) if weights is None else weights)
            end = ends[-1]
            if start + points >= count:
                ends[-1] = 1
            copies = np.tile(of, len(alphas))
            gradients = by_point(self._evaluate(request, copies, rows_at(alphas), baselines))
            after = by_point(self._layer.at(request, copies, rows_at(ends)))
            changes = [np.diff(np.concatenate(both), axis=0) for both in zip(before, after)]
            request.progress.update(len(copies))
            before = [value[-1:] for value in after]
            now = [(g * changes[i % len(changes)]).sum(axis=0) for i, g in enumerate(gradients)]
            sums = now if not sums else [a + b for a, b in zip(sums, now)]
        return self._cast(sums)

    def warn_of_missed(self, name: str) -> None:
        """Warn where the most points were not enough for the tolerance."""
        deltas = np.concatenate([deltas for _, _, deltas in self._seen] or [np.zeros(0)])
        if len(deltas):
            warn(
                f"'{name}' did not reach tolerance={self._path.tolerance} for {len(deltas)} of "
                f'{sum(count for count, _, _ in self._seen)} paths with {max(steps for _, steps, _ in self._seen)} '
                f'steps; the largest delta is {deltas.max():.3g}. Raise max_steps={self._path.max_steps}, or choose '
                'another quadrature; where T has jumps, no number of steps suffices.'
            )

    def _summed(
        self,
        request: 'Request',
        of: Array,
        xs: List[Array],
        baselines: List[Array],
        count: int,
        points_of: Callable[[Array], Points],
        most_rows: int,
    ) -> Tuple[List[Array], bool]:
        """The sum over so many points of the path of each gradient, in double precision, and whether it is weighted."""
        size, points = len(of), max(1, most_rows // len(of))
        buffers = [aligned_empty((min(points, count),) + x.shape, x.dtype) for x in xs]
        sums: List[Array] = []
        for start in range(0, count, points):
            some, weights = points_of(np.arange(start, min(start + points, count)))
            for buffer, x, b in zip(buffers, xs, baselines):
                _fill_path(buffer[: len(some)], x, b, some)
            rows = [buffer[: len(some)].reshape((-1,) + x.shape[1:]) for buffer, x in zip(buffers, xs)]
            gradients = self._evaluate(request, np.tile(of, len(some)), rows, baselines)
            request.progress.update(len(some) * size)
            points_first = [g.reshape((len(some), size) + g.shape[1:]) for g in gradients]
            if weights is None:
                now = [g.sum(axis=0, dtype=np.float64) for g in points_first]
            else:
                now = [np.tensordot(weights, g.astype(np.float64), 1) for g in points_first]
            sums = now if not sums else [a + b for a, b in zip(sums, now)]
        return sums, weights is not None

    def _refine(
        self, request: 'Request', of: Array, xs: List[Array], baselines: List[Array], means: List[Array], most_rows: int
    ) -> None:
        """Add points, in ``means``, for the rows whose attributions do not add up within the tolerance."""
        path = self._path
        promised = self._differences(request, of, xs, baselines)
        is_open, steps = np.ones(len(of), bool), path.steps
        apart = len(of) == 1 or self._oracle.may_part(request)
        while True:
            deltas = self._deltas(means, xs, baselines, promised)
            is_open &= deltas > path.tolerance
            more = refined(path.quadrature, steps)
            if not is_open.any() or more.steps > path.max_steps:
                break
            rows = np.flatnonzero(is_open) if apart else np.arange(len(of))
            x, b = ([a if len(a) == 1 else a[rows] for a in arrays] for arrays in (xs, baselines))
            request.progress.total += len(rows) * more.added
            added, _ = self._summed(request, of[rows], x, b, more.added, more.points, most_rows)
            for mean, new in zip(means, added):
                mean[is_open] = more.scale * mean[is_open] + new[is_open[rows]]
            steps = more.steps
        self._seen.append((len(of), steps, deltas[is_open]))

    def _differences(self, request: 'Request', of: Array, xs: List[Array], baselines: List[Array]) -> Array:
        """T(x) - T(b) for each row and each output of the request: shape (outputs, rows)."""
        rows = [np.broadcast_to(b, x.shape) for b, x in zip(baselines, xs)]
        at_x, at_baseline = (self._network.score(request.whole, of, those) for those in (xs, rows))
        found = at_x - at_baseline
        return found[None] if found.ndim == 1 else found.T[request.first : request.first + request.at_once]

    def _deltas(self, means: List[Array], xs: List[Array], baselines: List[Array], promised: Array) -> Array:
        """How far each row is from adding up, at the worst output."""
        sums = [
            sum((m * (x - b)).reshape(len(x), -1).sum(axis=1) for m, x, b in zip(one, xs, baselines))
            for one in self._by_output(means)
        ]
        result: Array = np.abs(np.array(sums) - promised).max(axis=0)
        return result


def _fill_path(rows: Array, x: Array, baseline: Array, alphas: Array) -> None:
    """Write points between baseline and x: all samples at the first alpha, then all at the second, and so on.

    Computed in double precision like 0.3's: near a kink of the network, the last bit of a point decides.
    """
    alphas = alphas.reshape((-1,) + (1,) * x.ndim)
    baseline = baseline.astype(np.float64)
    points = (x - baseline) * alphas
    if baseline.any():
        points += baseline
    rows[...] = points

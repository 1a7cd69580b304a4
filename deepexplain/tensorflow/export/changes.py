"""Plans that change samples and read T, in a graph."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence

import numpy as np

from ..compat import Tensor, tf
from ..engine.changes import MOST_OUTPUTS
from ..runtime.perturbed_in_graph import PerturbedTensors
from .model import Model, Rows, baseline_rows, constants_or_tensors, explained_baselines, score
from .regions import OF_ROWS, regions_of

if TYPE_CHECKING:
    from ..engine.changes import ChangeEngine
    from ..engine.request import Request


class ChangesInGraph:
    """A :class:`~..engine.changes.Changes` plan in the default graph. Parameters: those of ``BackwardInGraph``."""

    def __init__(
        self, engine: 'ChangeEngine', model: Model, request: 'Request', xs: Sequence[Tensor], is_static: bool
    ) -> None:
        self._engine, self._plan, self._model = engine, engine.plan, model
        self._in_graph: Any = engine.plan.in_graph
        self._parts = engine._parts(request.sample_shapes[0])
        self._dtype = engine.problem.inputs[0].dtype if engine.problem.inputs[0].dtype.is_floating else tf.float32
        self._first = None if self._plan.first is None else self._plan.first(request.sample_shapes[0])
        self._regions = regions_of(engine, model, request, self._parts)
        problem, layer = engine.problem, engine.problem.layer
        self._has_beside = layer is not None and bool(layer.beside)

        def build() -> List[Tensor]:
            (row,) = explained_baselines(
                model, baseline_rows(problem if layer is None else layer.problem, self._plan.baseline, xs)
            )
            if self._has_beside:
                return [row]
            spec = (tf.float64, [None, *problem.target.shape.as_list()[1:]])
            return [
                row,
                *model.in_pieces(
                    [row],
                    lambda start, stop, some: [tf.cast(model.target(Rows([some], {})), tf.float64)],
                    [spec],
                ),
            ]

        self._baseline, *self._at_baseline = constants_or_tensors(build, is_static)

    @property
    def samples(self) -> int:
        """The most samples of which all changes are held at a time."""
        most = max(1, MOST_OUTPUTS // self._plan.count(self._parts))
        return most if self._regions is None else min(most, self._regions.samples)

    def __call__(self, xs: Sequence[Tensor], weigh: Callable[[Tensor], Tensor]) -> Dict[str, Any]:
        """Attributions, T (outputs) and the delta of some samples, as those of ``BackwardInGraph``."""
        model = self._model
        rows = model.explained(xs)
        regions: Any = self._regions
        kept: Any = None
        if regions is None:
            target = model.target(rows)
        else:
            target, kept = regions.at(rows.inputs[0], lambda: model.at(rows))
        ys = weigh(target)

        def scores(copies: Tensor, of: Tensor) -> Tensor:
            there = rows.with_inputs([copies]).beside_of(lambda z: tf.gather(z, of))
            return score(model.target(there), tf.gather(ys, of))

        def in_pieces(arrays: Sequence[Tensor], turn: Callable[..., Tensor]) -> Tensor:
            return model.in_pieces(arrays, lambda start, stop, *some: [turn(*some)], [(tf.float64, [None])])[0]

        def of_regions(places: Tensor) -> List[Tensor]:
            def turn(start: Tensor, stop: Tensor, some: Tensor) -> List[Tensor]:
                of = some[:, 0]
                there, again = regions(kept, self._baseline, of, some[:, 1])
                return [score(there, tf.gather(ys, of)), again]

            return model.in_pieces([places], turn, OF_ROWS, regions.rows)

        samples = PerturbedTensors(
            rows.inputs[0],
            self._baseline,
            scores,
            in_pieces,
            None if regions is None else (score(target, ys), of_regions),
        )
        found = [tf.cast(value, self._dtype) for value in self._in_graph(samples, self._parts)]
        return {
            'attributions': found[:1],
            'standard_error': found[1:],
            'outputs': target,
            'delta': self._delta(found[0], target, ys, rows),
        }

    def _delta(self, found: Tensor, target: Tensor, ys: Tensor, rows: Any) -> Tensor:
        flat = tf.reshape(tf.cast(found, tf.float64), [-1, int(np.prod(found.shape.as_list()[1:]))])
        if self._first is not None:
            flat = tf.gather(flat, self._first, axis=1)
        if self._has_beside:
            there = rows.with_inputs([tf.zeros_like(rows.inputs[0]) + self._baseline])
            at_baseline = self._model.target(there)
        else:
            at_baseline = self._at_baseline[0]
        return tf.reduce_sum(flat, axis=1) - (score(target, ys) - score(at_baseline, ys))

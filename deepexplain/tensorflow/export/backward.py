"""Plans that go back from T to X, in a graph: one pass, paths, sets of baselines."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Sequence

import numpy as np

from ..compat import Tensor, tf
from ..runtime.quadrature import QUADRATURES
from .loops import pieces, repeat_each, repeat_rows, repeated
from .model import (
    Model,
    Rows,
    baseline_rows,
    broadcast,
    constants_or_tensors,
    explained_baselines,
    score,
    summed,
)

if TYPE_CHECKING:
    from ..engine.gradients import GradientEngine
    from ..engine.request import Request


class _Pass(NamedTuple):
    """What a backward pass is taken at: rows, weights, baselines (one, or one for each row), and how many rows."""

    rows: Rows
    ys: Any
    baselines: List[Any]
    count: Any


class BackwardInGraph:
    """A :class:`~..engine.backward.Backward` plan in the default graph.

    Parameters
    ----------
    engine : GradientEngine
    model : Model
    request : Request
        Of made-up samples.
    xs : list of tf.Tensor
        The samples.
    is_static : bool
        Whether the shapes of all inputs are known, but for the number of samples.
    """

    def __init__(
        self, engine: 'GradientEngine', model: Model, request: 'Request', xs: Sequence[Tensor], is_static: bool
    ) -> None:
        self._engine, self._plan, self._model = engine, engine.plan, model
        self._baselines: List[Any] = []
        self._references: Dict[str, Any] = {}
        self._at_baseline: Any = None
        self._is_set = self._plan.baseline is not None and self._plan.baseline.is_set
        if self._plan.baseline is not None:
            self._prepare(request, xs, is_static)
        times = engine._times
        self._times = None if times is None else BackwardInGraph(times, model, request, xs, is_static)

    @property
    def _fed(self) -> List[Any]:
        """Activations whose values at the baseline are fed, as (value, placeholder)."""
        references: Any = self._engine.back.plan.references
        return [] if references is None else list(references._fed.values())

    def _prepare(self, request: 'Request', xs: Sequence[Tensor], is_static: bool) -> None:
        """Compute what is the same for all samples: baselines, what T and activations are there."""
        engine, model, plan = self._engine, self._model, self._plan
        references: Any = engine.back.plan.references
        given = model.problem if model.problem.layer is None else model.problem.layer.problem
        beside = model.problem.layer is not None and bool(model.problem.layer.beside)
        one_serves = bool(self._fed) and not self._is_set and not beside
        one_serves = one_serves and model.fixed is None and references._one_row_serves(request)

        def build() -> List[Tensor]:
            rows = baseline_rows(given, plan.baseline, xs)
            rows = explained_baselines(model, rows)
            found = list(rows)
            if not beside:
                spec = (tf.float64, [None, *engine.problem.target.shape.as_list()[1:]])
                found += model.in_pieces(
                    rows,
                    lambda start, stop, *some: [tf.cast(model.target(Rows(list(some), {})), tf.float64)],
                    [spec],
                )
            if one_serves:
                found += model.at(Rows(rows, {})).get([z for z, _ in self._fed])
            return found

        found = constants_or_tensors(build, is_static)
        count = len(model.problem.inputs)
        self._baselines = found[:count]
        if not beside:
            self._at_baseline = tf.reduce_mean(found[count], axis=0, keepdims=True)
            count += 1
        if one_serves:
            self._references = {z0.name: value for (_, z0), value in zip(self._fed, found[count:])}

    def __call__(self, xs: Sequence[Tensor], weigh: Callable[[Tensor], Tensor]) -> Dict[str, Any]:
        """Attributions (a list), T (outputs) and the delta of some samples; ``weigh(T)`` gives weights of outputs."""
        engine, model = self._engine, self._model
        rows = model.explained(xs)
        count = tf.shape(rows.inputs[0])[0]
        if self._plan.path is None and not self._is_set:
            here = _Pass(rows, None, self._baselines, count)
            copy = self._given(here)
            (target,) = copy.get([engine.back.target])
            ys = weigh(target)
            found = self._back(copy, ys)
        else:
            target = model.target(rows)
            ys = weigh(target)
            here = _Pass(rows, ys, self._baselines, count)
            found = self._of_path(here) if not self._is_set else self._of_set(here)
        found = self._finished(found, xs, ys)
        return {'attributions': found, 'outputs': target, 'delta': self._delta(found, target, ys, rows, count)}

    def _finished(self, found: List[Tensor], xs: Sequence[Tensor], ys: Tensor) -> List[Tensor]:
        if self._plan.finish_in_graph is not None:
            found = self._plan.finish_in_graph(found, [x.shape.as_list()[1:] for x in xs])
        if self._times is None:
            return found
        others = self._times(xs, lambda target: ys)['attributions']
        products = [tf.cast(a, tf.float64) * tf.cast(b, tf.float64) for a, b in zip(found, others)]
        return [tf.cast(product, a.dtype) for product, a in zip(products, found)]

    def _delta(self, found: List[Tensor], target: Tensor, ys: Tensor, rows: Rows, count: Tensor) -> Tensor:
        promised = score(target, ys)
        if self._plan.promise.minus_baseline:
            if self._at_baseline is not None:
                promised -= score(self._at_baseline, ys)
            else:
                promised -= score(self._model.target(rows.with_inputs(broadcast(self._baselines, count))), ys)
        return tf.add_n([summed(z) for z in found]) - promised

    def _given(self, here: _Pass) -> Any:
        """The graph at rows and baselines, but for weights."""
        engine, model = self._engine, self._model
        values: Dict[str, Any] = {}
        fed, references = self._plan.fed, engine.back.plan.references
        if fed is not None:
            built: Any = engine.back.plan.fed
            values[built.tensor.name] = tf.constant(fed.value, built.tensor.dtype)
        if references is not None:
            values.update((z.name, b) for z, b in zip(references.baselines, here.baselines))
            if self._fed and not self._references:
                each = here.baselines if self._is_set else broadcast(here.baselines, here.count)
                rows = here.rows.with_inputs(each)
                at_baseline = model.at(rows).get([z for z, _ in self._fed])
                values.update((z0.name, value) for (_, z0), value in zip(self._fed, at_baseline))
            values.update(self._references)
        return model.at(here.rows).give(values)

    def _back(self, copy: Any, ys: Tensor) -> List[Tensor]:
        Y, attributions = self._engine.back.passes[0]
        found: List[Tensor] = copy.give({Y.name: ys}).get(attributions)
        return found

    def _of_set(self, here: _Pass) -> List[Tensor]:
        """The mean over a set of baselines: all rows beside the first of them, then beside the next."""
        total = tf.shape(self._baselines[0])[0]
        at_once = tf.maximum(1, self._most() // here.count)

        def turn(i: Tensor, *sums: Tensor) -> List[Tensor]:
            some = [b[i * at_once : tf.minimum((i + 1) * at_once, total)] for b in self._baselines]
            copies = tf.shape(some[0])[0]
            rows = here.rows.with_inputs([repeat_rows(x, copies) for x in here.rows.inputs])
            rows = rows.beside_of(lambda z: repeat_rows(z, copies))
            beside = [repeat_each(b, here.count) for b in some]
            some_rows = _Pass(rows, repeat_rows(here.ys, copies), beside, copies * here.count)
            is_path = self._plan.path is not None
            found = self._of_path(some_rows) if is_path else self._back(self._given(some_rows), some_rows.ys)
            return [s + tf.reduce_sum(_by_copy(z, copies, s), axis=0) for s, z in zip(sums, found)]

        starts = self._zeros(here)
        sums = repeated(pieces(total, at_once), turn, starts, [z.shape for z in starts])
        return [tf.cast(s / tf.cast(total, tf.float64), dtype) for s, dtype in zip(sums, self._engine.dtypes)]

    def _zeros(self, here: _Pass) -> List[Tensor]:
        """In double precision, in the shape of attributions."""
        tensors = here.rows.inputs if self._plan.at is None else self._model.at(here.rows).get(self._plan.at.inputs)
        return [tf.zeros_like(z, tf.float64) for z in tensors]

    def _most(self) -> Any:
        return tf.convert_to_tensor(self._model.fixed or self._model.rows, tf.int32)

    def _of_path(self, here: _Pass) -> List[Tensor]:
        """The mean gradient on the path, in double precision, times what it is to be times."""
        path: Any = self._plan.path
        steps, at_once = path.steps, tf.maximum(1, self._most() // here.count)
        alphas, weights = QUADRATURES[path.quadrature](steps, np.arange(steps))
        every = tf.constant(alphas, tf.float64)
        starts = [tf.cast(b, tf.float64) for b in here.baselines]
        ways = [tf.cast(x, tf.float64) - b for x, b in zip(here.rows.inputs, starts)]

        def rows_at(some: Tensor) -> Rows:
            points = [_points(x, b, way, some) for x, b, way in zip(here.rows.inputs, starts, ways)]
            rows = here.rows.with_inputs(points)
            return rows.beside_of(lambda z: repeat_rows(z, tf.shape(some)[0]))

        def gradients(some: Tensor, sums: Sequence[Tensor]) -> List[Tensor]:
            copies = tf.shape(some)[0]
            at = _Pass(rows_at(some), repeat_rows(here.ys, copies), here.baselines, copies * here.count)
            return [_by_copy(z, copies, s) for z, s in zip(self._back(self._given(at), at.ys), sums)]

        zeros = self._zeros(here)
        shapes = [z.shape for z in zeros]
        if path.times == 'layer':
            lengths = np.full(steps, 1 / steps) if weights is None else weights
            return self._along_layer(here, every, lengths, at_once, rows_at, gradients, zeros)

        def turn(i: Tensor, *sums: Tensor) -> List[Tensor]:
            which = slice(i * at_once, tf.minimum((i + 1) * at_once, steps))
            found = gradients(every[which], sums)
            if weights is not None:
                some = tf.constant(weights, tf.float64)[which]
                found = [z * tf.reshape(some, [-1] + [1] * (z.shape.ndims - 1)) for z in found]
            return [s + tf.reduce_sum(z, axis=0) for s, z in zip(sums, found)]

        sums = repeated(pieces(tf.constant(steps), at_once), turn, zeros, shapes)
        means = sums if weights is not None else [s / steps for s in sums]
        if path.times is not None:
            factors = [tf.cast(x - b, tf.float64) for x, b in zip(here.rows.inputs, here.baselines)]
            means = [mean * factor for mean, factor in zip(means, factors)]
        return [tf.cast(mean, dtype) for mean, dtype in zip(means, self._engine.dtypes)]

    def _along_layer(
        self, here: _Pass, alphas: Tensor, lengths: Any, at_once: Tensor, rows_at: Any, gradients: Any, zeros: Any
    ) -> List[Tensor]:
        """The sum of gradients at the layer, times what it changes in the interval around each."""
        at: Any = self._plan.at
        ends = np.cumsum(lengths)
        ends[-1] = 1
        borders, shapes, count = tf.constant(ends, tf.float64), [z.shape for z in zeros], len(ends)

        def layer_at(some: Tensor) -> List[Tensor]:
            return [
                _by_copy(z, tf.shape(some)[0], s) for z, s in zip(self._model.at(rows_at(some)).get(at.inputs), zeros)
            ]

        def turn(i: Tensor, *state: Tensor) -> List[Tensor]:
            which = slice(i * at_once, tf.minimum((i + 1) * at_once, count))
            before, sums = state[: len(zeros)], list(state[len(zeros) :])
            after = layer_at(borders[which])
            changes = [z - tf.concat([b[None], z[:-1]], axis=0) for z, b in zip(after, before)]
            found = gradients(alphas[which], sums)
            sums = [s + tf.reduce_sum(g * c, axis=0) for s, g, c in zip(sums, found, changes)]
            return [*[z[-1] for z in after], *sums]

        first = [z[0] for z in layer_at(tf.zeros([1], tf.float64))]
        state = repeated(pieces(tf.constant(count), at_once), turn, [*first, *zeros], [*shapes, *shapes])
        return [tf.cast(s, dtype) for s, dtype in zip(state[len(zeros) :], self._engine.dtypes)]


def _points(x: Tensor, start: Tensor, way: Tensor, alphas: Tensor) -> Tensor:
    """Points between baselines and rows: all rows at the first alpha, then at the next; as NumPy computes them."""
    points = start + way * tf.reshape(alphas, [-1] + [1] * x.shape.ndims)
    points = tf.reshape(tf.cast(points, x.dtype), tf.concat([[-1], tf.shape(x)[1:]], 0))
    points.set_shape([None, *x.shape.as_list()[1:]])
    return points


def _by_copy(values: Tensor, copies: Tensor, like: Tensor) -> Tensor:
    """Rows of some copies, in double precision, with the copies first."""
    shape = tf.concat([[copies, -1], tf.shape(values)[1:]], 0)
    found = tf.reshape(tf.cast(values, tf.float64), shape)
    found.set_shape([None, *like.shape.as_list()])
    return found

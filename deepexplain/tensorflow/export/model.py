"""The explained network in a graph that leaves the process: its inputs, its outputs, what it is at a baseline."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from ..compat import Graph, Tensor, tf
from .copies import Copy
from .freeze import Frozen
from .loops import Spec, collected, pieces, repeat_rows

if TYPE_CHECKING:
    from ..engine.problem import Problem


class Rows(NamedTuple):
    """Rows of what is explained, X or a layer; and of inputs beside that layer, by name."""

    inputs: List[Any]
    beside: Dict[str, Any]

    def with_inputs(self, inputs: Sequence[Tensor]) -> 'Rows':
        """Others, beside the same."""
        return self._replace(inputs=list(inputs))

    def beside_of(self, change: Callable[[Tensor], Tensor]) -> 'Rows':
        """The same inputs, beside others."""
        return self._replace(beside={name: change(z) for name, z in self.beside.items()})


class Model:
    """A problem in the default graph.

    Parameters
    ----------
    problem : Problem
    frozen : Frozen
    rows : int or tf.Tensor
        The most rows of a piece.
    asked : int or None
        The most that the user asks for.
    """

    def __init__(self, problem: 'Problem', frozen: Frozen, rows: Any, asked: Optional[int] = None) -> None:
        self.problem, self.frozen, self.rows, self.asked = problem, frozen, rows, asked
        self.fixed = problem.fixed_rows

    def explained(self, xs: Sequence[Tensor]) -> Rows:
        """What is explained: X, or the layer's values there."""
        layer: Any = self.problem.layer
        if layer is None:
            return Rows(list(xs), {})
        named = {x.name: value for x, value in zip(layer.problem.inputs, xs)}
        values = self.of(named).get(layer.tensors)
        return Rows(values, {x.name: named[x.name] for x in layer.beside})

    def at(self, rows: Rows) -> Copy:
        """The graph at these rows."""
        return self.of({**rows.beside, **self._names(rows.inputs)})

    def of(self, values: Dict[str, Tensor]) -> Copy:
        """The graph where tensors of these names have these values."""
        return self.frozen.at(outermost(), values)

    def _names(self, inputs: Sequence[Tensor]) -> Dict[str, Tensor]:
        return {x.name: value for x, value in zip(self.problem.inputs, inputs)}

    def target(self, rows: Rows) -> Tensor:
        """T at these rows."""
        return self.at(rows).get([self.problem.target])[0]

    def in_pieces(
        self,
        arrays: Sequence[Tensor],
        turn: Callable[..., Sequence[Tensor]],
        specs: Sequence[Spec],
        rows: Any = None,
    ) -> List[Tensor]:
        """``turn(some rows, ...)`` of pieces of arrays, put together; filled up where the graph fixes the rows."""
        most = tf.convert_to_tensor(self.fixed or (self.rows if rows is None else rows), tf.int32)
        total = tf.shape(arrays[0])[0]

        def piece(i: Tensor) -> List[Tensor]:
            start, stop = i * most, tf.minimum((i + 1) * most, total)
            if self.fixed is None:
                return list(turn(start, stop, *[array[start:stop] for array in arrays]))
            which = tf.minimum(tf.range(self.fixed) + start, total - 1)
            some = [tf.gather(array, which) for array in arrays]
            for array in some:
                array.set_shape([self.fixed, *([None] * (array.shape.ndims - 1))])
            return [value[: stop - start] for value in turn(start, stop, *some)]

        return collected(pieces(total, most), piece, specs)


def score(target: Tensor, ys: Tensor) -> Tensor:
    """T's outputs, weighted and summed for each row, in double precision."""
    value, weights = tf.cast(target, tf.float64), tf.cast(ys, tf.float64)
    value = tf.where_v2(tf.equal(weights, 0), tf.zeros([], tf.float64), value * weights)  # 0 times nan
    return summed(value)


def summed(values: Tensor) -> Tensor:
    """The sum of each row, in double precision."""
    ndims = values.shape.ndims  # which gradients of TensorFlow 1.15 may not know
    axes = tf.range(1, tf.rank(values)) if ndims is None else list(range(1, ndims))
    return tf.reduce_sum(tf.cast(values, tf.float64), axis=axes)


def outermost() -> Graph:
    """The graph around all functions that are being built."""
    graph = tf.get_default_graph()
    while getattr(graph, 'outer_graph', None) is not None and graph.building_function:
        graph = graph.outer_graph
    return graph


def constants_or_tensors(build: Callable[[], List[Tensor]], is_constant: bool) -> List[Tensor]:
    """What ``build()`` makes: evaluated now, where it is the same in each call, or in each call."""
    if not is_constant:
        return build()
    with tf.Graph().as_default() as graph:
        found = build()
        with tf.Session(graph=graph) as session:
            values = session.run(found) if found else []
    return [tf.constant(value) for value in values]


def baseline_rows(problem: 'Problem', baselines: Any, xs: Sequence[Tensor]) -> List[Tensor]:
    """The baselines of X, each with a row, or with those of a set.

    ``xs`` are samples where their shape is open: a number has theirs.
    """
    found = []
    for i, (x, value) in enumerate(zip(problem.inputs, baselines.values)):
        value = np.asarray(value, x.dtype.as_numpy_dtype)
        shape: List[Any] = x.shape.as_list()[1:]
        if baselines.is_set:
            found.append(tf.constant(value))
        elif value.ndim == 0 and None in shape:
            found.append(tf.zeros_like(xs[i][:1]) + tf.constant(value))
        else:
            found.append(tf.constant(np.broadcast_to(value, shape)[None] if value.ndim == 0 else value[None]))
    return found


def explained_baselines(model: Model, baselines: List[Tensor]) -> List[Tensor]:
    """What the layer is at baselines of X, or these themselves."""
    layer: Any = model.problem.layer
    if layer is None:
        return baselines
    specs = [(z.dtype.base_dtype, [None, *(z.shape.as_list()[1:])]) for z in layer.tensors]
    return model.in_pieces(baselines, lambda start, stop, *some: model.explained(some).inputs, specs)


def broadcast(baselines: Sequence[Tensor], count: Tensor) -> List[Tensor]:
    """A row for each of so many."""
    return [repeat_rows(b, count) for b in baselines]

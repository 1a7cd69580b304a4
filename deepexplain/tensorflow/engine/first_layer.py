"""Evaluates T along orders in which features go by what each changes of the first dense layer's sums: tables."""

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from ...types import Array, Shape
from ..compat import tf
from ..runtime.axes import ONE
from ..runtime.building import building
from ..runtime.first_layer import FirstLayer, first_layer_of
from ..runtime.memory import aligned_empty
from ..runtime.sums import BLOCK, SumsAlong, rows_at_once

if TYPE_CHECKING:
    from .network import Network
    from .problem import Problem
    from .request import Request
    from .rows import RowOracle

#: In multiplications of TensorFlow, what a value of a row takes that is fed, what each session run takes more than one
#: of whole rows, what each weight takes to be brought into an order, what each takes of a sample to add up what blocks
#: begin with, and what each multiplication takes that gives a row. Fitted to what tables of 60 to 3,000 columns took.
VALUE, RUN, WEIGHT, BEGIN, OF_ROW = 8, 1.2e7, 12, 30, 4
#: Samples that share a session run and the weights in their order, at most: what each of them adds to a product.
MOST_TOGETHER = 8
#: The last shapes of samples of which the layer is kept.
MOST_SHAPES = 8


class FirstLayers:
    """The first layer of a problem, found once for each shape of a sample.

    Parameters
    ----------
    problem : Problem
    network : Network
    oracle : RowOracle
    """

    def __init__(self, problem: 'Problem', network: 'Network', oracle: 'RowOracle') -> None:
        self._problem, self._network, self._oracle = problem, network, oracle
        self._found: OrderedDict[Shape, Optional[FirstLayer]] = OrderedDict()
        self._constants: Dict[str, Any] = {}  # by their names; None for what is none
        self._last: Optional[Numbers] = None

    def of(self, shape: Shape) -> Optional[FirstLayer]:
        """The layer by which alone T depends on X, of samples of this shape; None where there is none."""
        if shape not in self._found:
            with building(self._problem.graph):
                if shape not in self._found:
                    problem = self._problem
                    self._found[shape] = first_layer_of(problem.target, problem.inputs[0], problem.between, shape)
                    while len(self._found) > MOST_SHAPES:
                        self._found.popitem(last=False)
        return self._found.get(shape)

    def text(self, wish: Any, shape: Shape) -> Optional[str]:
        """What is saved, in words; None where whole rows are run."""
        layer = self.of(shape)
        saved = 0 if layer is None else (layer.inputs - BLOCK) * layer.units
        if layer is None or saved <= 0 or (wish == 'auto' and _saved(layer, 1) <= 0):
            return None
        return (
            f"A feature that goes changes the sums of '{layer.op.name}' (MatMul) by its rows of the weights, and T is "
            f'computed of these: about {saved:,} multiplications less a row, in calls large enough to be worth it.'
        )

    def evaluator(self, wish: Any, request: 'Request', features: int, rows: int) -> 'Optional[OrderEvaluator]':
        """What evaluates samples along orders of so many features; None where that is better done with whole rows."""
        if wish is False or request.fixed_rows is not None or request.feeds.per_row:
            return None
        if not self._oracle.is_proven(request) or self._oracle.proof.known(request).inner != ONE:
            return None
        layer = self.of(request.sample_shapes[0])
        if layer is None:
            return None
        together = max(1, min(rows // max(1, features - 1), request.n, MOST_TOGETHER))
        if wish == 'auto':
            runs = -(-request.n // together) * max(1.0, together * features / rows)
            if _saved(layer, together) * request.n * features < RUN * runs + (WEIGHT + BEGIN * request.n) * layer.size:
                return None
        numbers = self._numbers(layer, request)
        if not np.isfinite(numbers.sizes).all():
            return None
        return OrderEvaluator(self._network, layer, numbers, request, rows, together)

    def _numbers(self, layer: FirstLayer, request: 'Request') -> 'Numbers':
        """The weights and biases as they are now; constants are read once, where none may be fed."""
        feed = [(tensor, value) for tensor, value, _ in request.feeds.entries]
        tensors = [layer.weights, *layer.biases]
        for z in tensors:
            if z.name not in self._constants:
                self._constants[z.name] = tf.get_static_value(z)
        held = [None if feed else self._constants[z.name] for z in tensors]
        missing = [z for z, value in zip(tensors, held) if value is None]
        found = iter(request.runner.run(missing, feed) if missing else [])
        values = [next(found) if value is None else value for value in held]
        last = self._last
        if last is None or last.layer is not layer or not all(map(np.array_equal, values, last.values)):
            self._last = last = Numbers.of(layer, values)
        return last


def _saved(layer: FirstLayer, together: int) -> float:
    """Multiplications that a row takes less: the wider the layer, the fewer rows share one product."""
    factors = BLOCK + together
    of_row = OF_ROW * max(1.0, 32 / rows_at_once(factors, layer.units))
    return layer.size + VALUE * (layer.inputs - layer.units) - of_row * factors * layer.units


class Numbers(NamedTuple):
    """What the layer multiplies by and adds, in double precision.

    Attributes
    ----------
    layer : FirstLayer
    values : list of ndarray
        Its weights and biases, as the graph has them.
    weights : float64 ndarray, shape (columns, units)
    sizes : float64 ndarray, shape (columns,)
        The largest of each row of weights, without signs.
    bias : float64 ndarray, shape (units,)
    """

    layer: FirstLayer
    values: List[Array]
    weights: Array
    sizes: Array
    bias: Array

    @classmethod
    def of(cls, layer: FirstLayer, values: List[Array]) -> 'Numbers':
        """Of what the graph has."""
        weights = np.asarray(values[0].T if layer.op.get_attr('transpose_b') else values[0], np.float64)
        bias = np.zeros(layer.units)
        for value in values[1:]:
            bias = bias + value
        return cls(layer, values, np.ascontiguousarray(weights), np.abs(weights).max(axis=1), bias)


class OrderEvaluator:
    """Evaluates T along orders, for one call.

    Parameters
    ----------
    network : Network
    layer : FirstLayer
    numbers : Numbers
    request : Request
    rows : int
        The most rows of a session run.
    together : int
        The most samples whose rows share one.
    """

    def __init__(
        self, network: 'Network', layer: FirstLayer, numbers: Numbers, request: 'Request', rows: int, together: int
    ) -> None:
        self._network, self._layer, self._numbers, self._together = network, layer, numbers, together
        self._feed = [(tensor, value) for tensor, value, _ in request.feeds.entries]
        # Nothing reads it but for its shape; TensorFlow 2.21 asks for it where the sums are added to themselves.
        self._feed.append((network.problem.inputs[0], request.samples(slice(0, 1))[0]))
        self._buffer = aligned_empty((rows, layer.units), np.float32)

    def fill(
        self,
        outputs: Array,
        request: 'Request',
        part: slice,
        x: Array,
        baseline: Array,
        features: Any,
        ranks: Array,
        wanted: Array,
    ) -> Array:
        """Set outputs of samples of which features are gone, and return which of those wanted are to be run as whole.

        Parameters
        ----------
        outputs : ndarray, shape (samples, orders, 1 + features, outputs)
            The last but one axis says how many features are gone.
        request : Request
        part : slice
            Which of its samples these are.
        x, baseline : ndarray
            They, and what they become: one, or one for each of them.
        features : Features or Groups
        ranks : int ndarray, shape (orders, features)
        wanted : bool ndarray, shape (samples, orders, 1 + features)
        """
        again: Array = wanted.copy()
        again[:, :, 1:-1] = False  # the whole sample and the empty one are run as they are
        wanted = wanted & ~again
        of = np.arange(part.start, part.start + len(x))
        at_x, at_baseline = (self._values(request, of, rows) for rows in (x, baseline))
        at_baseline = np.broadcast_to(at_baseline, at_x.shape)
        feature = self._features(features, x.shape[1:])
        moves = (at_x != at_baseline) & (feature >= 0)
        columns = np.flatnonzero(moves.any(axis=0))
        with np.errstate(invalid='ignore', over='ignore'):  # such samples are run as whole rows
            sizes = np.abs(at_x) * self._numbers.sizes
            sizes[:, columns] = 0
            rest = sizes.sum(axis=1)
            start = at_x.astype(np.float64) @ self._numbers.weights + self._numbers.bias
        for order, rank in enumerate(ranks):
            when = rank[feature[columns]]
            by_time = np.argsort(when, kind='stable')
            when, ordered = when[by_time], columns[by_time]
            along = SumsAlong(self._numbers.weights, self._numbers.sizes, ordered, self._together)
            for first in range(0, len(x), self._together):
                some = slice(first, first + self._together)
                sample, gone = np.nonzero(wanted[some, order])
                along.begin(at_x[some, ordered], at_baseline[some, ordered], start[some], rest[some])
                columns_gone = np.searchsorted(when, np.arange(wanted.shape[2]))[gone]
                sorting, doubt = along.sorted(sample, columns_gone)
                again[first + sample[doubt], order, gone[doubt]] = True
                sorting = sorting[~doubt[sorting]]
                for here, values in self._run(request, of[some], along, sample[sorting], columns_gone[sorting]):
                    at = sorting[here]
                    outputs[first + sample[at], order, gone[at]] = values
                    again[first + sample[at], order, gone[at]] = ~np.isfinite(values).all(axis=1)
        return again

    def _values(self, request: 'Request', of: Array, rows: Array) -> Array:
        """What the layer multiplies, of these rows."""
        found: Array = replace(request, weights=()).run([self._layer.values], of[: len(rows)], [rows])[0]
        return found

    def _features(self, features: Any, shape: Shape) -> Array:
        """The feature by which each column goes; -1 of those that are the same for all samples."""
        of_values = np.broadcast_to(features.mask(np.arange(features.count)[None])[0], shape).ravel()
        found: Array = np.full(self._layer.inputs, -1)
        found[self._layer.columns] = of_values
        return found

    def _run(
        self, request: 'Request', of: Array, along: SumsAlong, sample: Array, gone: Array
    ) -> Iterator[Tuple[slice, Array]]:
        """Outputs of rows, some at a time."""
        for start in range(0, len(sample), len(self._buffer)):
            here = slice(start, min(start + len(self._buffer), len(sample)))
            rows = self._buffer[: here.stop - start]
            along.rows(sample[here], gone[here], rows)
            values = request.runner.run([self._network.problem.target], [(self._layer.sums, rows), *self._feed])[0]
            yield here, self._network.score_of(request, of[sample[here]], values, len(rows)).reshape(len(rows), -1)
            request.progress.total += len(rows)
            request.progress.update(len(rows))

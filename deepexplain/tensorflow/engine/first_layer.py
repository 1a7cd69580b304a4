"""Evaluates T along orders in which features go by what each changes of the first dense layer's sums: tables."""

import functools
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ...types import Array, Shape
from ..compat import tf
from ..runtime.axes import ONE
from ..runtime.building import building
from ..runtime.first_layer import FirstLayer, first_layer_of
from ..runtime.memory import aligned_empty, bounded_parts
from ..runtime.sums import BLOCK, Runs, SumsAlong, small_of

if TYPE_CHECKING:
    from .network import Network
    from .problem import Problem
    from .request import Request
    from .rows import Cut, RowOracle

#: In multiplications of TensorFlow: what each value of a whole row takes that is fed; what a call takes more, what each
#: weight takes that is read, and for what a sample begins with; what each sample takes along an order, and each weight
#: there, which is brought into this order first; and each sum of a row, in the processor's caches and where a sample's
#: sums are too many for them. Fitted to tables of 60 to 3,000 columns.
VALUE, CALL, READ, STARTED, ALONG, OF_WEIGHT, ORDERED, OF_SUM, OF_FAR_SUM = 25, 1.5e7, 10, 12, 6e6, 62, 16, 50, 140
MOST_NEAR_SUMS = 1 << 18
#: Samples that are looked at to tell how many features go.
LOOKED_AT = 64
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

    def text(self, wish: Any, shape: Shape, parts: Callable[[Shape], Any]) -> Optional[str]:
        """What is saved, in words; None where whole rows are run. No orders are drawn."""
        layer = self.of(shape)
        saved = 0 if layer is None else (layer.inputs - BLOCK) * layer.units
        if layer is None or saved <= 0 or (wish == 'auto' and _saved(layer, layer.inputs, 1.0) <= 0):
            return None
        return (
            f"A feature that goes changes the sums of '{layer.op.name}' (MatMul) by its rows of the weights, and T is "
            f'computed of these: about {saved:,} multiplications less a row, in calls large enough to be worth it.'
        )

    def evaluator(
        self, wish: Any, request: 'Request', parts: Any, changes: int, cut: 'Cut'
    ) -> 'Optional[OrderEvaluator]':
        """What evaluates samples along orders, ``parts``; None where that is better done with whole rows.

        ``wish`` is True, False or 'auto'; a sample goes through so many ``changes``.
        """
        if wish is False or cut.in_step or request.fixed_rows is not None or request.feeds.per_row:
            return None
        if not self._oracle.is_proven(request) or self._oracle.proof.known(request).inner != ONE:
            return None
        layer = self.of(request.sample_shapes[0])
        if layer is None:
            return None
        if wish == 'auto':
            some = slice(0, None, max(1, request.n // LOOKED_AT))
            goes = request.samples(some)[0] != request.baselines_of(some)[0]
            features, orders = parts.features, changes // (1 + parts.features.count)
            saved = _saved(layer, float(features.any_of(goes).sum(axis=1).mean()), float(goes.mean()))
            if orders * (request.n * saved - ORDERED * layer.size) <= CALL + (READ + STARTED * request.n) * layer.size:
                return None
        numbers = self._numbers(layer, request)
        if not np.isfinite(numbers.sizes).all():
            return None
        rows = cut.given or bounded_parts(self._oracle.row_bytes(request))
        return OrderEvaluator(self._network, layer, numbers, request, rows)

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


def _saved(layer: FirstLayer, features: float, share: float) -> float:
    """Multiplications that a sample takes less along an order in which so many features go, and a share of columns."""
    of_row = layer.size + VALUE * (layer.inputs - layer.units)
    of_row -= layer.units * (OF_SUM if share * layer.size < MOST_NEAR_SUMS else OF_FAR_SUM)
    ordered = ORDERED if share < 1 else 0  # else for all samples at once
    return features * of_row - ALONG - (OF_WEIGHT + ordered) * share * layer.size


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
        # A session gives the memory of a variable itself, in which later values come to lie.
        return cls(
            layer,
            [np.array(value) for value in values],
            np.ascontiguousarray(weights),
            np.abs(weights).max(axis=1),
            bias,
        )


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
    """

    def __init__(self, network: 'Network', layer: FirstLayer, numbers: Numbers, request: 'Request', rows: int) -> None:
        self._network, self._layer, self._numbers = network, layer, numbers
        self._feed = [(tensor, value) for tensor, value, _ in request.feeds.entries]
        # Nothing reads it but for its shape; TensorFlow 2.21 asks for it where the sums are added to themselves.
        self._feed.append((network.problem.inputs[0], request.samples(slice(0, 1))[0]))
        self._rows = rows

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
        samples = np.flatnonzero(wanted.any(axis=(1, 2)))
        if not len(samples):
            return again
        of = np.arange(part.start, part.start + len(x))
        baseline = baseline if len(baseline) == 1 else baseline[samples]
        at_x, at_baseline = (self._values(request, of[samples], rows) for rows in (x[samples], baseline))
        at_baseline = np.broadcast_to(at_baseline, at_x.shape)
        feature = self._features(features, x.shape[1:])
        moves = (at_x != at_baseline) & (feature >= 0)
        with np.errstate(invalid='ignore', over='ignore'):  # such samples are run as whole rows
            rest = np.where(moves, 0, np.abs(at_x) * self._numbers.sizes).sum(axis=1)
            start = np.einsum('ni,iu->nu', at_x.astype(np.float64), self._numbers.weights) + self._numbers.bias
            small = [small_of(*one, self._numbers.sizes) for one in zip(at_x, at_baseline)]
        rows = min(self._rows, max(1, int(wanted.sum())))
        runs = Runs(
            aligned_empty((rows, self._layer.units), np.float32),
            functools.partial(self._run, request, of, outputs, again),
        )
        along = SumsAlong(self._numbers.weights, self._numbers.sizes)
        for order, rank in enumerate(ranks):
            when = rank[feature]
            by_time = np.argsort(when, kind='stable')
            for i, sample in enumerate(samples):
                (gone,) = np.nonzero(wanted[sample, order])
                if not len(gone):
                    continue
                columns = by_time[moves[i, by_time]]
                along.follow(columns)
                sums, doubt = along.of(at_x[i, columns], at_baseline[i, columns], start[i], rest[i], small[i])
                row = np.searchsorted(when[columns], gone)
                if doubt[row].any():
                    again[sample, order, gone[doubt[row]]] = True
                    row, gone = row[~doubt[row]], gone[~doubt[row]]
                runs.add(sums, row, sample, order, gone)
        runs.finish()
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
        self, request: 'Request', of: Array, outputs: Array, again: Array, rows: Array, place: Tuple[Array, ...]
    ) -> None:
        """Set the outputs of rows of sums: their places are sample, order, and how many features are gone."""
        values = request.runner.run([self._network.problem.target], [(self._layer.sums, rows), *self._feed])[0]
        values = self._network.score_of(request, of[place[0]], values, len(rows)).reshape(len(rows), -1)
        outputs[place] = values
        again[place] = ~np.isfinite(values).all(axis=1)
        request.progress.total += len(rows)
        request.progress.update(len(rows))

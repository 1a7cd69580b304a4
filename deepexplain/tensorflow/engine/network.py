"""The network that is explained, as it answers in its session: what T is for which rows, weighted by ys."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

import numpy as np

from ...arguments import text_of
from ...errors import ArgumentError, ArgumentTypeError
from ...types import Array, ArrayLike, Shape
from ..compat import Operation, Tensor, tf
from ..runtime.graph import data_sources, is_simple
from ..runtime.samples import as_inputs, as_weights
from ..runtime.session import Feeds, Runner
from .request import Request

if TYPE_CHECKING:
    from .problem import Problem


class Network:
    """T of a problem, with the placeholder of ys, which it adds to the graph unless it is given one.

    Attributes
    ----------
    Y : tf.Tensor
        Weights of the outputs: 1 where nothing is fed.
    """

    def __init__(self, problem: 'Problem', Y: Optional[Tensor] = None) -> None:
        self.problem = problem
        self._runner = Runner(problem.session, one_thread=is_simple(problem.between))
        self._sources: Dict[Any, List[Operation]] = {}  # names of fed tensors -> what else a run reads
        self.Y = weights_of_outputs(problem.target) if Y is None else Y

    def request(
        self,
        xs: ArrayLike,
        ys: ArrayLike,
        feed_dict: Optional[Dict[Any, Any]],
        fetches: Sequence[Tensor],
        own: Sequence[Tensor],
        batch_size: Optional[int] = None,
    ) -> Request:
        """Check the arguments of a call, and return it as a :class:`Request`, without baselines.

        Parameters
        ----------
        xs, ys, feed_dict
            As those of :meth:`Explainer.run`.
        fetches : list of tensors
            What its runs will evaluate.
        own : list of tensors
            What the method feeds itself.
        batch_size : int, optional
            The most samples of a run that computes the values of a layer.
        """
        problem, layer = self.problem, self.problem.layer
        if not isinstance(feed_dict, (dict, type(None))):
            raise ArgumentTypeError(
                f'feed_dict must be a dict of tensors or names to values; got {text_of(feed_dict)}.'
            )
        behind, beside = None, []
        if layer is None:
            arrays = as_inputs(xs, problem.specs, problem.several)
        else:
            behind = layer.request(xs, feed_dict, [*problem.inputs, self.Y])
            arrays, beside = layer.values(behind, batch_size), layer.feeds_beside(behind)
        n = arrays[0].shape[0]
        feeds = Feeds(problem.graph, feed_dict, n, problem.inputs + [self.Y], problem.fixed_rows)
        feeds.entries.extend(beside)
        feeds.complete(self._sources_of(fetches, feeds.tensors, own))
        request = Request(self._runner, problem.inputs, arrays, feeds, problem.fixed_rows, behind=behind)
        if ys is None:
            return request
        shape = self.row_shape(request)
        if isinstance(ys, str):
            if ys != 'each':
                raise ArgumentError(f"ys must be an array of weights, or 'each'; got {text_of(ys)}.")
            return request.with_outputs(shape)
        weights, per_row = as_weights(ys, n, shape, self.Y.dtype.as_numpy_dtype)
        return request.weighted(self.Y, weights, per_row)

    def _sources_of(self, fetches: Sequence[Tensor], fed: Sequence[Tensor], own: Sequence[Tensor]) -> List[Operation]:
        key = tuple(tensor.name for tensor in fed)
        if key not in self._sources:
            self.problem.check_fed(fed)
            self._sources[key] = data_sources(fetches, [*self.problem.inputs, self.Y, *own, *fed])
        return self._sources[key]

    def row_shape(self, request: Request) -> Optional[Shape]:
        """Shape of one sample's T, None where T is a scalar; asks the session where the graph leaves it open."""
        shape = self.problem.target.shape
        if shape.ndims is None or None in shape.as_list()[1:]:
            return request.probe([0]).run([self.problem.target], slice(0, 1))[0].shape[1:]
        return tuple(shape.as_list()[1:]) if shape.ndims else None

    def scores(self, request: Request, most_rows: int, rows: Optional[List[Array]] = None) -> Array:
        """Outputs of the samples, or of other rows in their place: shape (samples,), or (outputs, samples)."""
        found = []
        for part in request.parts(most_rows):
            some = request.samples(part) if rows is None else [r[part] for r in rows]
            found.append(self.score(request, np.arange(part.start, part.stop), some))
        scores = np.concatenate(found)
        return scores if request.outputs is None else np.moveaxis(scores, -1, 0)

    def score(self, request: Request, of: Any, rows: List[Array]) -> Array:
        """The outputs that one session run gives: shape (rows,), or (rows, outputs)."""
        return self.score_of(request, of, self._rows(request, of, rows), len(rows[0]))

    def score_of(self, request: Request, of: Any, value: Array, count: int) -> Array:
        """The same, where T of so many rows is known."""
        value = _weighted(request, of, value)
        is_whole = request.outputs is None and (
            count == request.n == 1 or (request.equal_parts and value.ndim and len(value) % count == 0)
        )
        if value.shape[:1] != (count,) and not is_whole:
            which = ", and ys='each' for one row each" if request.outputs is not None else ''
            raise ArgumentError(
                f"The method needs one row of T for each sample, but T '{self.problem.target.name}' has "
                f'{len(value) if value.ndim else "no"} rows for {count} samples{which}.'
            )
        value = value.reshape(count, -1)
        return value if request.outputs is not None else value.sum(axis=1)

    def sizes(self, request: 'Request', of: Any, rows: Any) -> Any:
        """How large T is at each row: its outputs without their signs, summed; of each by itself with ys='each'."""
        value = np.abs(_weighted(request, of, self._rows(request, of, rows)))
        sizes = value.reshape(len(value), -1) if value.ndim else value.reshape(1, 1)
        return sizes.sum(axis=-1)[None] if request.outputs is None else sizes.T

    def _rows(self, request: Request, of: Any, rows: List[Array]) -> Array:
        """T of some rows. Of T itself other questions ask, too: each further fetch costs a plan of the whole graph."""
        value: Array = replace(request, weights=()).run([self.problem.target], of, rows)[0]
        return value


def _weighted(request: Request, of: Any, value: Array) -> Array:
    """T's rows times the weights of the request, in double precision: what is made of these are small differences."""
    if not request.weights:
        return value.astype(np.float64)
    if request.selected is not None and value.shape == (len(of), *request.weights[0][1].shape[1:]):
        output, weight = (one[of] for one in request.selected)
        chosen = value.reshape(len(of), -1)[np.arange(len(of)), output]
        with np.errstate(invalid='ignore', over='ignore'):
            return np.where(weight == 0, 0, np.multiply(chosen, weight, dtype=np.float64))[:, None]
    for _, weights, per_row in request.weights:
        weights = weights[of] if per_row else weights
        with np.errstate(invalid='ignore', over='ignore'):
            product = np.multiply(value, weights, dtype=np.float64)
            if not np.isfinite(product.sum()):  # what has no weight may be nan
                product = np.where(np.asarray(weights) == 0, 0, product)
        value = product
    return value


def weights_of_outputs(target: Tensor) -> Tensor:
    """A placeholder for weights of the outputs of T: 1 if nothing is fed, whatever T's rank and open dimensions."""
    return tf.placeholder_with_default(np.ones((), target.dtype.as_numpy_dtype), shape=None, name='ys')


def weighted(target: Tensor, Y: Tensor, shape: Any) -> Tensor:
    """The target times the weights of its outputs, with the shape that it has without."""
    product = target * Y
    product.set_shape(shape)
    return product

"""A layer: tensors between X and T that are explained in place of X, with the values that the network gives them."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from ...errors import ArgumentError, GraphError
from ...types import Array, ArrayLike
from ..compat import Tensor
from ..runtime.axes import ONE, Rows
from ..runtime.building import graph_lock
from ..runtime.graph import ancestors, check_reaches, data_sources, is_simple, ops_between, tensor_named
from ..runtime.samples import as_inputs
from ..runtime.session import Feeds, Runner
from .problem import Problem, check_tensors, fixed_rows, specs_of
from .randomness import Randomness
from .request import Request
from .rows import RowOracle, cut_for_gradients

if TYPE_CHECKING:
    from .baselines import Baselines


class Layer:
    """Tensors between X and T, and what they are for given samples.

    Parameters
    ----------
    problem : Problem
        T, explained by X.
    tensors : list of tf.Tensor
    several : bool
        Whether they were given as a list.

    Attributes
    ----------
    beside : list of tf.Tensor
        Inputs X that T reads besides these tensors. They keep the values of the samples, whatever the layer becomes.
    """

    def __init__(self, problem: Problem, tensors: List[Tensor], several: bool) -> None:
        self.problem, self.tensors, self.several = problem, tensors, several
        self._parts = [_reaching(problem, tensor) for tensor in tensors]
        self._runner = Runner(problem.session, one_thread=all(is_simple(part.between) for part in self._parts))
        self._oracles = [RowOracle(part, _no_rows(part.target), by_row=True) for part in self._parts]
        self._random = [Randomness(part) for part in self._parts]
        self._sources: Dict[Any, List[Any]] = {}  # names of fed tensors -> what else a run reads
        self._read = ancestors(tensors, problem.inputs, control=True)
        above, names = ancestors([problem.target], tensors, control=True), {z.name for z in tensors}
        self.beside = [x for x in problem.inputs if x.op in above and x.name not in names]

    def request(self, xs: ArrayLike, feed_dict: Optional[Dict[Any, Any]], own: Sequence[Tensor]) -> Request:
        """The checked samples of X, and what the user feeds; ``own`` must not be fed by the user."""
        problem = self.problem
        arrays = as_inputs(xs, problem.specs, problem.several)
        feeds = Feeds(problem.graph, feed_dict, arrays[0].shape[0], [*problem.inputs, *own], problem.fixed_rows)
        feeds.entries = [entry for entry in feeds.entries if entry[0].op in self._read]
        feeds.complete(self._sources_of(feeds.tensors))
        return Request(self._runner, problem.inputs, arrays, feeds, problem.fixed_rows)

    def _sources_of(self, fed: Sequence[Tensor]) -> List[Any]:
        key = tuple(tensor.name for tensor in fed)
        if key not in self._sources:
            for part in self._parts:
                part.check_fed(fed, 'the layer')
            self._sources[key] = data_sources(self.tensors, [*self.problem.inputs, *fed])
        return self._sources[key]

    def values(self, request: Request, batch_size: Optional[int] = None) -> List[Array]:
        """What each tensor is for the samples of a request of X, at most ``batch_size`` of them in a run."""
        found = []
        for part, oracle, random in zip(self._parts, self._oracles, self._random):
            random.found(request)  # which warns
            self._check_rows(part, oracle, request)
            here = replace(request, fixed_rows=part.fixed_rows)
            cut = cut_for_gradients(oracle, part, here, batch_size, 1)
            here = here if cut.padded else here.unpadded()
            pieces = [_of_rows(part.target, here.run([part.target], some), some) for some in here.parts(cut.samples)]
            found.append(np.concatenate(pieces))
        return found

    def baselines(self, request: Request, baseline: 'Baselines', batch_size: Optional[int] = None) -> List[Array]:
        """What each tensor is at the baselines that the samples of a request of X are compared with."""
        rows = baseline.resolve(request.arrays)
        count, n = max(map(len, rows)), request.n
        if baseline.is_set and rows[0].ndim > len(request.arrays[0].shape):
            return self._of_own_sets(rows, request, batch_size)
        if baseline.is_set and request.feeds.per_row:
            fed = next(tensor.name for tensor, _, per_row in request.feeds.entries if per_row)
            raise ArgumentError(
                f"The layer also depends on '{fed}', of which each sample feeds its own row, so its values at a set of "
                'baselines differ between samples: give a baseline in place of baselines, or samples one by one.'
            )
        # One row serves all samples only where the layer keeps rows apart.
        if not baseline.is_set and (request.feeds.per_row or not all(o.apart(request) for o in self._oracles)):
            count = n
        rows = [np.broadcast_to(b, (count,) + b.shape[1:]) for b in rows]
        feeds = request.feeds if count == n else request.feeds.at(np.zeros(count, int))
        return self.values(replace(request, arrays=rows, feeds=feeds), batch_size)

    def _of_own_sets(self, rows: List[Array], request: Request, batch_size: Optional[int]) -> List[Array]:
        """The same where each sample has a set of its own: shape (samples, k, ...)."""
        n, k = rows[0].shape[:2]
        feeds = request.feeds.at(np.repeat(np.arange(n), k))
        flat = [b.reshape((n * k,) + b.shape[2:]) for b in rows]
        found = self.values(replace(request, arrays=flat, feeds=feeds), batch_size)
        return [value.reshape((n, k) + value.shape[1:]) for value in found]

    def run_above(
        self,
        request: Request,
        fetches: Sequence[Tensor],
        of: Any,
        rows: List[Array],
        extra: Iterable[Tuple[Tensor, Any]] = (),
    ) -> List[Array]:
        """Evaluate tensors that are computed from the layer, and no further back, at rows of X."""
        above = replace(request, inputs=self.tensors)
        names = {x.name for x in self.beside}
        fed = [(x, request.fit(row)) for x, row in zip(self.problem.inputs, rows) if x.name in names]
        return above.run(fetches, of, self.at(request, of, rows), [*extra, *fed])

    def at(self, request: Request, of: Any, rows: List[Array]) -> List[Array]:
        """What the tensors are at rows of X, in one run; ``of``: the sample that each belongs to."""
        for part, oracle in zip(self._parts, self._oracles):
            self._check_rows(part, oracle, request)
        found = replace(request, weights=()).run(self.tensors, of, rows)
        return [_of_rows(z, [value], rows[0]) for z, value in zip(self.tensors, found)]

    def feeds_beside(self, request: Request) -> List[Tuple[Tensor, Array, bool]]:
        """What to feed for the inputs that T reads besides, as entries of :class:`~..runtime.session.Feeds`."""
        names = {x.name for x in self.beside}
        every = zip(self.problem.inputs, request.samples(slice(None)) if names else [])
        return [(x, array, True) for x, array in every if x.name in names]

    def takes_copies(self, request: Request) -> bool:
        """Whether samples may follow each other in any number, as far as the layer goes."""
        return all(oracle.may_cut(request, request.n) for oracle in self._oracles)

    @staticmethod
    def _check_rows(part: Problem, oracle: RowOracle, request: Request) -> None:
        known = oracle.proof.known(request)
        if isinstance(known, Rows) and not (known.axis == 0 and known.outer == ONE and known.inner == ONE):
            raise ArgumentError(
                f"layer '{part.target.name}' has not one row for each sample, along its first axis (is that time, or "
                'are samples and places one axis?), so nobody can tell which values are whose: take a tensor before '
                'that is transposed or reshaped, or behind where it is undone.'
            )


def at_layer(problem: Problem, layer: Any) -> Problem:
    """The problem of explaining T by a layer in place of X; its ``layer`` is a :class:`Layer`.

    Parameters
    ----------
    problem : Problem
    layer : tf.Tensor or str, or a list of them
        Between X and T: computed from X, and T from it. X itself is one, too.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        It is no tensor of the graph, or T itself.
    GraphError
        It is not between X and T, or inside a loop.
    """
    several = isinstance(layer, (list, tuple))
    tensors = [tensor_named(problem.graph, z, 'layer') for z in (layer if several else [layer])]
    check_tensors(problem.target, tensors, problem.graph, 'layer')
    target = problem.target
    with graph_lock(problem.graph):
        between = ops_between(target, tensors)
        for z in tensors:
            if z.name == target.name:
                raise ArgumentError(f"layer '{z.name}' is T itself: give a tensor that T is computed from.")
            if z.name not in {x.name for x in problem.inputs} and not ops_between(z, problem.inputs):
                names = ', '.join(f"'{x.name}'" for x in problem.inputs)
                raise GraphError(f"layer '{z.name}' is not between X and T: it does not depend on X ({names}).")
            check_reaches(target, z, ops_between(target, [z]) if several else between, 'layer')
        made = Layer(problem, tensors, several)
    rows = fixed_rows(target, [*tensors, *made.beside])
    return Problem(problem.session, target, tensors, several, specs_of(tensors), between, rows, made, problem.facts)


def _reaching(problem: Problem, tensor: Tensor) -> Problem:
    """The problem that has a tensor for its target."""
    between, rows = ops_between(tensor, problem.inputs), fixed_rows(tensor, problem.inputs)
    return Problem(problem.session, tensor, problem.inputs, problem.several, problem.specs, between, rows)


def _no_rows(tensor: Tensor) -> Callable[..., List[Array]]:
    """What an oracle asks where the tensor's own rows say nothing."""

    def observe(request: Request, of: Any, rows: List[Array]) -> List[Array]:
        raise ArgumentError(f"layer '{tensor.name}' must have one row for each sample.")

    return observe


def _of_rows(tensor: Tensor, values: List[Any], rows: Any) -> Array:
    (value,) = values
    count = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
    if value.shape[:1] != (count,):
        raise ArgumentError(
            f"layer '{tensor.name}' must have one row for each sample; it has shape {value.shape} for {count} samples."
        )
    array: Array = value
    return array

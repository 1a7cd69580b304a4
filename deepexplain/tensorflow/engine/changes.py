"""The plan of a method that changes samples and reads what T becomes, and the engine that runs it."""

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, Dict, Hashable, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from ...errors import DeepExplainError, warn
from ...types import Array, ArrayLike, Shape
from ..rules.book import Decisions, RuleBook
from ..rules.plain import EVALUATED
from ..runtime.graph import steps_of
from ..runtime.perturbed import Perturbed
from ..runtime.progress import progress_bar
from .adding import adding_to, check_not_finalized
from .audit import Audit
from .baselines import Baselines
from .first_layer import FirstLayers
from .gradients import check_each_fits, completed
from .network import Network
from .promise import NOTHING, Promise
from .randomness import Randomness
from .regions import RegionPlans
from .rows import Cut, RowOracle, cut_for_changes
from .undefined import warn_of_baseline

if TYPE_CHECKING:
    from .problem import Problem
    from .request import Request

#: Outputs of changed samples to keep at a time: samples x changes x outputs. In double precision, 8 MB.
MOST_OUTPUTS = 1 << 20


@dataclass(frozen=True, eq=False)
class Changes:
    """The plan of a method that replaces parts of a sample by those of a baseline, and reads how T changes.

    Parameters
    ----------
    parts : function of the shape of a sample
        What can be taken away of each sample of a call, see :mod:`~deepexplain.tensorflow.runtime.parts`.
    count : function of the parts
        Through how many changes a sample goes, that of nothing included.
    explain : function of a :class:`~deepexplain.tensorflow.runtime.perturbed.Perturbed` and the parts
        A list: the attributions of these samples, and what is returned with them; outputs last. Or an iterator over
        such lists, each of further outputs.
    baseline : Baselines or None
        What parts become that are taken away; None where they say so themselves.
    promise : Promise
        What a sample's attributions add up to, if anything.
    rules : RuleBook
        What :meth:`~deepexplain.tensorflow.Explainer.describe` says of each op.
    key : hashable, optional
        Parts of one key and shape are made once, and kept for further calls. Default: made for each call.
    first : function of the shape of a sample, optional
        Where in a sample, made flat, the attributions are that count once in its sum; default: everywhere.
    held : function of the parts, optional
        Bytes that are held for each output of a sample meanwhile. Default: its outputs at all changes.
    finish : function of a list of results
        Warns of what is wrong with them, and returns those that were asked for.
    in_graph : function of samples and the parts, optional
        Like ``explain``, with tensors, of one output, in a graph that is exported. What it gets has ``active``,
        ``evaluate``, as a :class:`~deepexplain.tensorflow.runtime.perturbed.Perturbed` has.
    regions : 'auto', True or False
        Whether of a row is computed only what a part reaches; see :mod:`~deepexplain.tensorflow.engine.regions`.
    in_orders : bool
        Whether parts go one after the other, so that each only adds to what those before it changed; then see
        :mod:`~deepexplain.tensorflow.engine.first_layer`.
    """

    parts: Callable[[Any], Any]
    count: Callable[[Any], int]
    explain: Callable[[Any, Any], Iterable[Any]]
    baseline: Optional[Baselines]
    promise: Promise = NOTHING
    rules: RuleBook = EVALUATED
    key: Optional[Hashable] = None
    first: Optional[Callable[[Any], Any]] = None
    held: Optional[Callable[[Any], int]] = None
    finish: Callable[[List[Any]], List[Any]] = list
    in_graph: Optional[Callable[[Any, Any], List[Any]]] = None
    regions: Any = False
    in_orders: bool = False


class ChangeEngine:
    """Runs a :class:`Changes` plan. Parameters: as those of :class:`~.gradients.GradientEngine`."""

    network: Network
    oracle: RowOracle
    _decisions: Decisions
    _made: Dict[Any, Any]  # the last parts that were made, by their key
    _partial: Union[RegionPlans, FirstLayers]  # what gives evaluators of what changes alone

    def __init__(
        self,
        name: str,
        plan: Changes,
        problem: 'Problem',
        strict: bool = False,
        built: 'Optional[ChangeEngine]' = None,
    ) -> None:
        self.name, self.plan, self.problem = name, plan, problem
        if problem.several:
            if problem.layer is not None:
                names = ', '.join(f"'{z.name}'" for z in problem.inputs)
                raise DeepExplainError(
                    f"'{name}' changes the values of one layer: layer must be a tensor, or its name; got a list of "
                    f'{names}. Explain one after the other, each with the others at what X makes of them.'
                )
            raise DeepExplainError(f"Multiple inputs not yet supported for perturbation methods ('{name}').")
        if built is not None:
            self.network, self.oracle, self._decisions = built.network, built.oracle, built._decisions
            self._made, self._partial = built._made, built._partial
            self.randomness: Randomness = built.randomness
        else:
            check_not_finalized(problem.graph)
            self._decisions = Decisions(plan.rules)
            self._decisions.enter(steps_of(problem.between, problem.inputs))
            with adding_to(problem.graph):
                self.network = Network(problem)
            self.oracle = RowOracle(problem, self._observe, by_row=True)
            self.randomness = Randomness(problem)
            self._made = {}
            self._partial = (FirstLayers if plan.in_orders else RegionPlans)(problem, self.network, self.oracle)
        self.target, self.between = problem.target, problem.between

    def audit(self) -> Audit:
        """What each op between X and T gets."""
        spec, regions = self.problem.specs[0].shape, None
        shape = [d for d in (spec or ())[1:] if d is not None]
        if self.plan.regions and spec is not None and len(shape) == len(spec) - 1:
            regions = self._partial.text(self.plan.regions, tuple(shape), self._parts)
        return Audit(self.name, self.plan.promise.text, self._decisions.listed, regions)

    def request(
        self, xs: ArrayLike, ys: ArrayLike, feed_dict: Optional[Dict[Any, Any]], batch_size: Optional[int] = None
    ) -> 'Request':
        """The checked arguments of a call."""
        request = self.network.request(xs, ys, feed_dict, [self.problem.target], [], batch_size)
        self.problem.check_has_rows(f"'{self.name}'", request.n)
        return completed(request, self.plan.baseline, self.oracle, self.problem, batch_size)

    def cut(self, request: 'Request', batch_size: Optional[int]) -> 'Cut':
        """How the call is cut into session runs: a :class:`~.rows.Cut`."""
        if self.randomness.found(request) and request.fixed_rows is None:
            rows = min(batch_size or request.n, request.n)
            return Cut(rows, rows, batch_size != 1, True)
        return cut_for_changes(self.oracle, self.problem, self.name, request, batch_size)

    def explain(self, request: 'Request', cut: 'Cut', progress: bool) -> Tuple[List[Array], List[Array]]:
        """A list with the attributions, shape (outputs, samples, ...); and a list of what is returned with them."""
        parts, outputs = self._parts(request.sample_shapes[0]), request.outputs or 1
        changes = self.plan.count(parts)
        dtype = self.problem.specs[0].dtype if self.problem.inputs[0].dtype.is_floating else np.float32
        bar = progress_bar(progress, request.n * changes, self.name)
        request = replace(request, progress=bar)
        at_once = cut.rows if cut.in_step else min(cut.rows, max(1, MOST_OUTPUTS // (changes * outputs)))
        own: Any = np.float64 if request.outputs is None else self.problem.target.dtype.as_numpy_dtype
        self._check_fits(request, parts, min(at_once, request.n), np.dtype(dtype).itemsize, np.dtype(own).itemsize)
        results: Any = None
        # What is computed once of a random network would be the same for all that is compared with it.
        wish = False if self.randomness.found(request) else self.plan.regions
        regional = self._partial.evaluator(wish, request, parts, changes, cut)
        with closing(bar):
            for part in request.parts(at_once):
                samples = Perturbed(self.network.score, request, part, cut.rows, cut.in_step, own, regional)
                found = self.plan.explain(samples, parts)
                first = 0
                for some in [found] if isinstance(found, list) else found:
                    if results is None:
                        results = [np.empty((outputs, request.n) + value.shape[1:-1], dtype) for value in some]
                    for result, value in zip(results, some):
                        result[first : first + value.shape[-1], part] = np.moveaxis(value, -1, 0)
                    first += some[0].shape[-1]
                if samples.undefined:
                    warn_of_baseline(self.problem, request)
        if not request.said and getattr(parts, 'covers_all', True) and not np.isfinite(results[0]).all():
            warn(
                f"Attributions to '{self.problem.inputs[0].name}' contain nan or infinite values: T "
                f"'{self.problem.target.name}' is nan or infinite at these samples."
            )
        attributions, *more = self.plan.finish(results)
        return [attributions], more

    def sums(self, results: Sequence[Array], request: 'Request') -> Array:
        """The sum of each sample's attributions, in which a group counts once: shape (outputs, samples)."""
        flat = results[0].reshape(results[0].shape[:2] + (-1,))
        if self.plan.first is not None:
            flat = flat[..., self.plan.first(request.sample_shapes[0])]
        result: Array = flat.astype(np.float64).sum(axis=-1)
        return result

    def is_delta_its_own(self, request: 'Request', cut: 'Cut') -> bool:
        """Yes: a sample's attributions are of its own T, which a random network has none of."""
        return not self.randomness.found(request)

    def _check_fits(self, request: 'Request', parts: Any, samples: int, itemsize: int, own: int) -> None:
        """Raise where the attributions, and what so many samples at a time take, do not fit in memory."""
        shape = getattr(getattr(parts, 'features', parts), 'shape', request.sample_shapes[0])
        held = self.plan.count(parts) * own if self.plan.held is None else self.plan.held(parts)
        size = float(np.prod(shape, dtype=float)) * itemsize * request.n + float(held) * samples
        check_each_fits(request, size, self.name)

    def _parts(self, shape: Shape) -> Any:
        if self.plan.key is None:
            return self.plan.parts(shape)
        key = self.plan.key, shape
        made = self._made.get(key)
        if made is None:
            made = self.plan.parts(shape)
            self._made.clear()
            self._made[key] = made
        return made

    def _observe(self, request: 'Request', of: slice, rows: List[Array]) -> List[Array]:
        return [self.network.score(request, of, rows)]

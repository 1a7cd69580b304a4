"""One call of an explainer: its request, how it is cut into session runs, and what these give."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from ...errors import ArgumentError, MemoryLimitError, warn
from ...types import Array, ArrayLike
from ..runtime.facts import check_same_rows
from ..runtime.targets import one_hot_of
from .deltas import check_has_delta, warn_of_deltas
from .promise import at_baseline_of

if TYPE_CHECKING:
    from .problem import Problem
    from .request import Request
    from .rows import Cut


class Call:
    """The arguments of a call, checked, and what there is to say of these samples.

    Parameters
    ----------
    engine : GradientEngine or ChangeEngine
    xs, ys, target, feed_dict, batch_size
        As those of :meth:`Explainer.run`.

    Attributes
    ----------
    request : Request
        As the engine has it: padded to a batch that the graph fixes.
    """

    def __init__(
        self,
        engine: Any,
        xs: ArrayLike,
        ys: ArrayLike = None,
        target: Any = None,
        feed_dict: Optional[Dict[Any, Any]] = None,
        batch_size: Optional[int] = None,
    ) -> None:
        if ys is not None and target is not None:
            raise ArgumentError(
                'Give target (which output of each sample is explained) or ys (weights of all outputs), not both.'
            )
        self._engine, problem = engine, engine.problem
        self._batch_size = batch_size = problem.batch_size(batch_size)
        self._cut: Optional[Cut] = None
        tables = _tables(problem, xs)
        for name, table, what in tables:
            problem.facts.check_columns(name, table, what)
            check_same_rows(table, ys)
        request = engine.request(xs, ys, feed_dict, batch_size)
        for name, table, _ in tables:
            problem.facts.keep_columns(name, table)
        self.request: Request = request
        if target is not None:
            self.request = self._of_target(target)
        elif ys is None and problem.facts.says_sums:
            _say_that_sums_are_explained(problem, engine.network.row_shape(request))

    @property
    def cut(self) -> 'Cut':
        """How the call is cut into session runs, once that is asked for."""
        if self._cut is None:
            self._cut = self._engine.cut(self.request, self._batch_size)
        return self._cut

    @property
    def running(self) -> 'Request':
        """The request as session runs take it."""
        return self.request if self.cut.padded else self.request.unpadded()

    def _of_target(self, target: Any) -> 'Request':
        """The request with a weight of 1 for the target of each sample."""
        network, request = self._engine.network, self.request
        problem: Problem = network.problem

        def scores() -> Array:
            problem.check_has_rows("target='top'", request.n)
            found: Array = network.scores(self.running.with_outputs(row_shape), self.cut.samples).T
            return found

        row_shape = network.row_shape(request)
        dtype = network.Y.dtype.as_numpy_dtype
        weights, per_row = one_hot_of(target, request.n, row_shape, dtype, problem.facts.class_names, scores)
        return request.weighted(network.Y, weights, per_row)

    def explain(self, progress: bool = False) -> Tuple[List[Array], List[Array]]:
        """Attributions, shape (outputs, samples, ...) for each input; and what the method returns with them.

        Raises
        ------
        MemoryLimitError
            They do not fit in memory.
        """
        try:
            found: Tuple[List[Array], List[Array]] = self._engine.explain(self.running, self.cut, progress)
            return found
        except MemoryLimitError:
            raise
        except MemoryError as error:
            raise MemoryLimitError(
                f"'{self._engine.name}' does not fit in memory: {error or 'a session run failed'}. Give fewer samples "
                'at a time, or a smaller batch_size.'
            ) from None

    def outputs(self) -> Array:
        """T of the samples, weighted by ys: shape (samples,), or (outputs, samples)."""
        self._engine.problem.check_has_rows('outputs()', self.request.n)
        scores: Array = self._engine.network.scores(self.running, self.cut.samples)
        return scores

    def at_baseline(self) -> Array:
        """The same at what the samples are compared with: of a set, the mean."""
        self._engine.problem.check_has_rows('at_baseline()', self.request.n)
        return at_baseline_of(self._engine.network, self.running, self.cut.samples)

    def has_delta(self) -> bool:
        """Whether there is a sum that attributions can be compared with."""
        no_rows = self._engine.problem.target.shape.ndims == 0 and self.request.n != 1
        return self._engine.plan.promise.refusal(self.request) is None and not no_rows

    def check_delta(self) -> None:
        """Raise unless there is a sum that attributions can be compared with."""
        check_has_delta(self._engine, self.request)

    def delta(self, results: List[Array], leaks: Callable[[], Any]) -> Array:
        """By how much sums of attributions differ from what they should be; ``leaks`` says where, for a warning."""
        engine, request = self._engine, self.running
        promised = engine.plan.promise.value(engine.network, request, self.cut.samples)
        sums = engine.sums(results, request)
        delta: Array = (sums[0] if request.outputs is None else sums) - promised
        if engine.is_delta_its_own(request, self.cut):
            warn_of_deltas(engine, request, results, promised, delta, leaks)
        return delta


def takes_copies(engine: Any, request: 'Request', batch_size: Optional[int] = None) -> bool:
    """Whether copies of all samples may follow each other in one call, as if they were more samples.

    Not where attributions of a sample depend on its place, or on what is beside it: a baseline for each sample or
    computed from all of them, feeds for all samples together, networks that mix samples.
    """
    problem, baseline = engine.problem, engine.plan.baseline
    own = request.has_baseline_for_each or request.has_own_sets
    of_all = baseline is not None and (baseline.is_function or own)
    if request.behind is not None and not problem.layer.takes_copies(request.behind):
        return False
    if of_all or request.has_whole_feeds or problem.target.shape.ndims == 0 or request.fixed_rows is not None:
        return False
    return batch_size == 1 or bool(engine.oracle.may_cut(request, request.n))


def _tables(problem: 'Problem', xs: Any) -> List[Tuple[str, Any, str]]:
    """The name of each input, what was given for it, and what to call that."""
    given = problem if problem.layer is None else problem.layer.problem
    if not given.several:
        return [(given.specs[0].name, xs, 'xs')]
    if not isinstance(xs, (list, tuple)) or len(xs) != len(given.specs):
        return []
    return [(spec.name, x, f'xs[{i}]') for i, (spec, x) in enumerate(zip(given.specs, xs))]


def _say_that_sums_are_explained(problem: 'Problem', row_shape: Any) -> None:
    """Say, once for a model, that nobody chose among several outputs."""
    count, name = int(np.prod(row_shape or ())), problem.target.name
    if count > 1 and name not in problem.facts.said:
        problem.facts.said.add(name)
        warn(
            f"T '{name}' has {count} outputs for each sample, and their sum is explained: choose one by target ('top', "
            "an int, or one for each sample), weigh them by ys, or explain each of them by itself, ys='each'; "
            f'ys=np.ones({tuple(row_shape)}) explains the sum without this note.'
        )

"""The engine of plans that go back from T to X: how a call runs, whatever the method."""

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from ...errors import ArgumentError, warn
from ...types import Array, ArrayLike
from ..compat import Tensor
from ..runtime.memory import check_fits
from ..runtime.progress import progress_bar
from .backward import BackwardPass
from .explosions import warn_of_explosions
from .network import Network
from .path import Walk
from .randomness import Randomness
from .request import Request, of_set, set_size
from .rows import Cut, RowOracle, cut_for_gradients
from .undefined import Undefined

if TYPE_CHECKING:
    from .audit import Audit
    from .backward import Backward
    from .baselines import Baselines
    from .problem import Problem


class GradientEngine:
    """Runs a :class:`~.backward.Backward` plan.

    Parameters
    ----------
    name : str
        Of the method.
    plan : Backward
    problem : Problem
    strict : bool
        Whether a broken promise is an error.
    built : GradientEngine, optional
        One of the same problem, and of a plan that builds the same graph, which is then shared.
    """

    back: BackwardPass
    network: Network
    oracle: RowOracle

    def __init__(
        self,
        name: str,
        plan: 'Backward',
        problem: 'Problem',
        strict: bool = False,
        built: 'Optional[GradientEngine]' = None,
    ) -> None:
        if plan.path is not None and plan.baseline is None:
            raise ArgumentError(f"'{name}' follows a path, which begins at a baseline: give its Backward one.")
        self.name, self.plan, self.problem = name, plan, problem
        below = problem if plan.at is None else plan.at
        self.layer: Any = None if plan.at is None else plan.at.layer
        if plan.path is not None:
            problem.check_floating()
        self.back = BackwardPass(name, plan, below, strict) if built is None else built.back
        self.dtypes = [x.dtype.as_numpy_dtype for x in self.back.inputs]
        if built is not None:
            self.network = built.network
        else:
            self.network = self.back.network if plan.at is None else Network(problem, self.back.network.Y)
        self._times: Optional[GradientEngine] = None
        if plan.times is not None:
            self._times = GradientEngine(name, plan.times, problem, strict, None if built is None else built._times)
        self.oracle = RowOracle(problem, self._observe, plan.by_row) if built is None else built.oracle
        self.target, self.between = self.back.target, self.back.between
        self.randomness: Randomness = Randomness(problem) if built is None else built.randomness
        self._undefined = Undefined(name, plan, problem)

    def audit(self) -> 'Audit':
        """What each op between X and T gets."""
        return self.back.audit()

    def request(
        self, xs: ArrayLike, ys: ArrayLike, feed_dict: Optional[Dict[Any, Any]], batch_size: Optional[int] = None
    ) -> 'Request':
        """The checked arguments of a call."""
        back = self.back
        request = self.network.request(xs, ys, feed_dict, back.passes[0][1], back.placeholders, batch_size)
        self.plan.check(request)
        return completed(request, self.plan.baseline, self.oracle, self.problem, batch_size)

    def cut(self, request: 'Request', batch_size: Optional[int]) -> 'Cut':
        """How the call is cut into session runs: a :class:`~.rows.Cut`."""
        # What a random network says of its rows is noise, too.
        if self.randomness.found(request) and request.fixed_rows is None and self.problem.target.shape.ndims != 0:
            rows = min(batch_size or request.n, request.n)
            return Cut(rows, rows, False, True)
        return cut_for_gradients(self.oracle, self.problem, request, batch_size, self._rows_of_a_sample(request))

    def explain(self, request: 'Request', cut: 'Cut', progress: bool) -> Tuple[List[Array], List[Array]]:
        """Attributions, a list with an array of shape (outputs, samples, ...) for each input; and nothing more."""
        outputs = request.outputs or 1
        passes = 1 if request.outputs is None else self.back.build_passes(outputs)
        runs = -(-outputs // passes)
        values = sum(
            float(np.prod(shape, dtype=float)) * x.dtype.size
            for shape, x in zip(request.sample_shapes, self.problem.inputs)
        )
        check_each_fits(request, values * request.n, self.name)
        bar = progress_bar(progress, request.n * runs * self._rows_of_a_sample(request), self.name)
        request = replace(request, progress=bar)
        run = self._run()
        results: Any = None
        with closing(bar):
            for part in request.parts(cut.samples):
                for first in range(0, outputs, passes):
                    some = self._explain_part(run, self._selecting(request, first, passes), part, cut.rows)
                    if results is None:
                        results = [np.empty((outputs, request.n) + v.shape[1:], v.dtype) for v in some[0]]
                    for output, attributions in enumerate(some, start=first):
                        for result, value in zip(results, attributions):
                            result[output, part] = value
        self._undefined.check(request, cut, results)
        may_explode = self.plan.references is not None and self.plan.references.finite
        if may_explode and not self.randomness.found(request):
            warn_of_explosions(self, results, request)
        run.warn_of_missed(self.name)
        results = self.plan.finish(results, request)
        if self._times is not None:
            weights = [(self._times.network.Y, value, per_row) for _, value, per_row in request.weights]
            others, _ = self._times.explain(replace(request, weights=weights), cut, False)
            # In double precision, as the product of two bfloat16 is a float16 to older NumPys.
            products = (a.astype(np.float64) * b for a, b in zip(results, (o.astype(np.float64) for o in others)))
            results = [product.astype(result.dtype) for product, result in zip(products, results)]
        return results, []

    def sums(self, results: Sequence[Array], request: 'Request') -> Array:
        """The sum of each sample's attributions, over all inputs: shape (outputs, samples)."""
        result: Array = sum(a.sum(axis=tuple(range(2, a.ndim)), dtype=np.float64) for a in results)
        return result

    def is_delta_its_own(self, request: 'Request', cut: 'Cut') -> bool:
        """Whether a delta is of its sample alone, with a warning where it is not."""
        if self.randomness.found(request):
            return False  # which was said, and is why samples seem to mix
        if cut.samples > 1 and request.n > 1 and not self.oracle.apart(request):
            warn(
                f"{self.oracle.proof.sentence(request)}: a sample's attributions are also of the outputs of others, so "
                'only the sum of delta over all samples says whether they add up.'
            )
            return False
        return True

    def _run(self) -> 'Union[Walk, _Once]':
        """What attributes rows in one call: a path, or single backward passes."""
        kept: Dict[Any, Any] = {}

        def evaluate(request: 'Request', of: Array, rows: List[Array], baselines: List[Array]) -> List[Array]:
            return self._evaluate(request, of, rows, baselines, kept)

        if self.plan.path is not None:
            return Walk(self.plan.path, evaluate, self)
        return _Once(evaluate, self.by_output)

    def _explain_part(
        self, run: 'Union[Walk, _Once]', request: 'Request', part: slice, most_rows: int
    ) -> List[List[Array]]:
        """Attributions of the samples of one slice: for each output of the request, a list with one for each input."""
        xs, of = request.samples(part), np.arange(part.start, part.stop)
        if not request.is_set:
            return run.attributions(request, of, xs, request.baselines_of(part), most_rows)
        # All samples beside the first baselines, then beside the next.
        count, at_once = set_size(request), max(1, most_rows // len(of))
        total: List[List[Array]] = []
        for start in range(0, count, at_once):
            copies = min(at_once, count - start)
            rows = [np.tile(x, (copies,) + (1,) * (x.ndim - 1)) for x in xs]
            beside = of_set(request, slice(start, start + copies), of)
            found = run.attributions(request, np.tile(of, copies), rows, beside, most_rows)
            sums = [
                [a.reshape((copies, len(of)) + a.shape[1:]).sum(axis=0, dtype=np.float64) for a in f] for f in found
            ]
            total = sums if not total else [[a + b for a, b in zip(*both)] for both in zip(total, sums)]
        return [[(a / count).astype(dtype) for a, dtype in zip(one, self.dtypes)] for one in total]

    def _evaluate(
        self, request: 'Request', of: Array, rows: List[Array], baselines: List[Array], kept: Dict[Any, Any]
    ) -> List[Array]:
        """What one session run gives, a list of arrays: those of the first output for each input, of the next, ..."""
        fed, references = self.plan.fed, self.back.plan.references
        built: Any = self.back.plan.fed
        extra: List[Tuple[Tensor, Any]] = [] if fed is None else [(built.tensor, fed.value)]
        if references is not None:
            extra += references.feed(request, self.oracle, of, baselines, kept)
        fetches = [tensor for _, attributions in self.back.passes[: request.at_once] for tensor in attributions]
        run: Callable[..., List[Array]] = request.run
        if self.layer is not None:
            run = partial(self.layer.run_above, request)
        return run(fetches, of, rows, extra)

    def _observe(self, request: 'Request', of: slice, rows: List[Array]) -> List[Array]:
        return self._evaluate(request, np.arange(request.n)[of], rows, [b[:1] for b in request.baselines], {})

    def by_output(self, values: List[Array]) -> List[List[Array]]:
        """Lists with one entry for each input, of a list of all."""
        count = len(self.back.inputs)
        return [values[i : i + count] for i in range(0, len(values), count)]

    def _rows_of_a_sample(self, request: 'Request') -> int:
        """How many rows go through the network for one sample and one output."""
        steps = 1 if self.plan.path is None else self.plan.path.steps
        return steps * set_size(request)

    def _selecting(self, request: 'Request', first: int, count: int) -> 'Request':
        """The request for this many outputs beginning at ``first``, or as it is where all are explained together."""
        if request.outputs is None:
            return request
        return request.selecting([Y for Y, _ in self.back.passes[:count]], first)


class _Once:
    """One backward pass for each row, in place of a path."""

    def __init__(
        self, evaluate: Callable[..., List[Array]], by_output: Callable[[List[Array]], List[List[Array]]]
    ) -> None:
        self._evaluate, self._by_output = evaluate, by_output

    def attributions(
        self, request: 'Request', of: Array, xs: List[Array], baselines: List[Array], most_rows: int
    ) -> List[List[Array]]:
        values = self._evaluate(request, of, xs, baselines)
        request.progress.update(len(of))
        return self._by_output(values)

    def warn_of_missed(self, name: str) -> None:
        """No point is missed where there is no path."""


def completed(
    request: 'Request',
    baseline: 'Optional[Baselines]',
    oracle: RowOracle,
    problem: 'Problem',
    batch_size: Optional[int],
) -> 'Request':
    """The request with the baselines of its samples, where the method has any, and with what is known of T's rows."""
    if oracle.proof.has_equal_parts(request):
        request = replace(request, equal_parts=True)
    if baseline is None:
        return request
    if problem.layer is None or request.behind is None:
        found = baseline.resolve(request.arrays)
    else:
        found = problem.layer.baselines(request.behind, baseline, batch_size)
    has_own_sets = baseline.is_set and found[0].ndim > len(request.arrays[0].shape)
    return replace(request, baselines=found, is_set=baseline.is_set, has_own_sets=has_own_sets)


def check_each_fits(request: 'Request', size: float, name: str) -> None:
    """Raise where the attributions of a call do not fit in memory: so many bytes for each output."""
    outputs = request.outputs or 1
    each = f' of each of {outputs} outputs' if outputs > 1 else ''
    fewer = 'explain some outputs at a time, with one-hot ys' if outputs > 1 else 'explain some samples at a time'
    check_fits(size * outputs, f"'{name}'{each} for {request.n} samples", fewer)

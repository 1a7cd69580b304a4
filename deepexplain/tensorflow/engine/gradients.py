"""The engine of plans that go back from T to X: how a call runs, whatever the method."""

from contextlib import closing
from dataclasses import replace

import numpy as np

from ...errors import warn
from ..runtime.progress import progress_bar
from .backward import BackwardPass
from .path import Walk
from .randomness import Randomness
from .rows import Cut, RowOracle, cut_for_gradients
from .undefined import is_finite_at_baseline, warn_of_baseline


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

    def __init__(self, name, plan, problem, strict=False, built=None):
        self.name, self.plan, self.problem = name, plan, problem
        self.back = BackwardPass(name, plan, problem, strict) if built is None else built.back
        self.network = self.back.network
        self.oracle = RowOracle(problem, self._observe) if built is None else built.oracle
        self.target, self.between = self.back.target, self.back.between
        self.randomness = Randomness(problem) if built is None else built.randomness
        self._finite = {}  # shapes of samples and baselines -> whether T is finite there

    def audit(self):
        """What each op between X and T gets."""
        return self.back.audit()

    def request(self, xs, ys, feed_dict):
        """The checked arguments of a call."""
        back = self.back
        request = self.network.request(xs, ys, feed_dict, back.passes[0][1], back.placeholders)
        return compared(request, self.plan.baseline)

    def cut(self, request, batch_size):
        """How the call is cut into session runs: a :class:`~.rows.Cut`."""
        # What a random network says of its rows is noise, too.
        if self.randomness.found(request) and request.fixed_rows is None and self.problem.target.shape.ndims != 0:
            rows = min(batch_size or request.n, request.n)
            return Cut(rows, rows, False, True)
        return cut_for_gradients(self.oracle, self.problem, request, batch_size, self._rows_of_a_sample(request))

    def explain(self, request, cut, progress):
        """Attributions, a list with an array of shape (outputs, samples, ...) for each input; and nothing more."""
        outputs = request.outputs or 1
        passes = 1 if request.outputs is None else self.back.build_passes(outputs)
        runs = -(-outputs // passes)
        bar = progress_bar(progress, request.n * runs * self._rows_of_a_sample(request), self.name)
        request = replace(request, progress=bar)
        run, results = self._run(), None
        with closing(bar):
            for part in request.parts(cut.samples):
                for first in range(0, outputs, passes):
                    some = self._explain_part(run, self._selecting(request, first, passes), part, cut.rows)
                    if results is None:
                        results = [np.empty((outputs, request.n) + v.shape[1:], v.dtype) for v in some[0]]
                    for output, attributions in enumerate(some, start=first):
                        for result, value in zip(results, attributions):
                            result[output, part] = value
        self._check_baseline(request, cut, results)
        self._warn_of_undefined(results, request)
        run.warn_of_missed(self.name)
        return results, []

    def sums(self, results, request):
        """The sum of each sample's attributions, over all inputs: shape (outputs, samples)."""
        return sum(a.sum(axis=tuple(range(2, a.ndim)), dtype=np.float64) for a in results)

    def warn_of_delta(self, request, cut):
        """Warn where a delta is not of its sample alone."""
        if self.randomness.found(request):
            return  # which was said, and is why samples seem to mix
        if cut.samples > 1 and request.n > 1 and not self.oracle.apart(request):
            warn(
                f"T '{self.problem.target.name}' mixes samples (batch statistics? dropout that is on?): a sample's "
                'attributions are also of the outputs of others, so only the sum of delta over all samples says '
                'whether they add up.'
            )

    def _run(self):
        """What attributes rows in one call: a path, or single backward passes."""
        kept = {}

        def evaluate(request, of, rows, baselines):
            return self._evaluate(request, of, rows, baselines, kept)

        if self.plan.path is not None:
            return Walk(self.plan.path, evaluate, self._by_output, self.network, self.oracle)
        return _Once(evaluate, self._by_output)

    def _explain_part(self, run, request, part, most_rows):
        """Attributions of the samples of one slice: for each output of the request, a list with one for each input."""
        xs, of = request.samples(part), np.arange(part.start, part.stop)
        if not request.is_set:
            return run.attributions(request, of, xs, request.baselines_of(part), most_rows)
        # All samples beside the first baselines, then beside the next.
        count, at_once, total = len(request.baselines[0]), max(1, most_rows // len(of)), None
        for start in range(0, count, at_once):
            some = [b[start : start + at_once] for b in request.baselines]
            copies = len(some[0])
            rows = [np.tile(x, (copies,) + (1,) * (x.ndim - 1)) for x in xs]
            beside = [np.repeat(b, len(of), axis=0) for b in some]
            found = run.attributions(request, np.tile(of, copies), rows, beside, most_rows)
            sums = [
                [a.reshape((copies, len(of)) + a.shape[1:]).sum(axis=0, dtype=np.float64) for a in f] for f in found
            ]
            total = sums if total is None else [[a + b for a, b in zip(*both)] for both in zip(total, sums)]
        return [[(a / count).astype(x.dtype) for a, x in zip(one, xs)] for one in total]

    def _evaluate(self, request, of, rows, baselines, kept):
        """What one session run gives, a list of arrays: those of the first output for each input, of the next, ..."""
        fed, references = self.plan.fed, self.back.plan.references
        extra = [] if fed is None else [(self.back.plan.fed.tensor, fed.value)]
        if references is not None:
            extra += references.feed(request, self.oracle, of, baselines, kept)
        fetches = [tensor for _, attributions in self.back.passes[: request.at_once] for tensor in attributions]
        return request.run(fetches, of, rows, extra)

    def _observe(self, request, of, rows):
        return self._evaluate(request, np.arange(request.n)[of], rows, [b[:1] for b in request.baselines], {})

    def _by_output(self, values):
        """Lists with one entry for each input, of a list of all."""
        count = len(self.problem.inputs)
        return [values[i : i + count] for i in range(0, len(values), count)]

    def _rows_of_a_sample(self, request):
        """How many rows go through the network for one sample and one output."""
        steps = 1 if self.plan.path is None else self.plan.path.steps
        return steps * (len(request.baselines[0]) if request.is_set else 1)

    def _selecting(self, request, first, count):
        """The request for this many outputs beginning at ``first``, or as it is where all are explained together."""
        if request.outputs is None:
            return request
        return request.selecting([Y for Y, _ in self.back.passes[:count]], first)

    def _check_baseline(self, request, cut, results):
        """Warn where T is not finite at the baseline: asked once of one for all; of others where results are broken."""
        plan, baselines = self.plan, request.baselines
        if not plan.promise.minus_baseline or 'baseline' in request.said:
            return
        constant = not plan.baseline.is_function and not request.has_baseline_for_each
        if constant and plan.references is not None and plan.references.sees_target and not request.is_set:
            return  # it is among what was asked of the baseline anyway
        key = request.sample_shapes, tuple(len(b) for b in baselines), request.outputs is None
        if not constant and all(np.isfinite(result).all() for result in results):
            return
        if not constant or key not in self._finite:
            self._finite[key] = is_finite_at_baseline(self.problem, request, cut.rows)
        if not self._finite[key]:
            warn_of_baseline(self.problem, request)

    def _warn_of_undefined(self, results, request):
        if 'baseline' in request.said:
            return  # which says why
        broken = [x.name for x, result in zip(self.problem.inputs, results) if not np.isfinite(result).all()]
        if broken:
            warn(
                f"Attributions to '{broken[0]}' contain nan or infinite values: between X and T, '{self.name}' divides "
                'by something near 0, or a number overflows.'
            )


class _Once:
    """One backward pass for each row, in place of a path."""

    def __init__(self, evaluate, by_output):
        self._evaluate, self._by_output = evaluate, by_output

    def attributions(self, request, of, xs, baselines, most_rows):
        values = self._evaluate(request, of, xs, baselines)
        request.progress.update(len(of))
        return self._by_output(values)

    def warn_of_missed(self, name):
        """No point is missed where there is no path."""


def compared(request, baseline):
    """The request with the baselines of its samples, where the method has any."""
    if baseline is None:
        return request
    return replace(request, baselines=baseline.resolve(request.arrays), is_set=baseline.is_set)

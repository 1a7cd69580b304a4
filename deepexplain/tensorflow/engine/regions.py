"""Evaluates T without a part of a sample by what that part can reach of each tensor, where that is less work."""

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional, Tuple

import numpy as np

from ...types import Array, Shape
from ..runtime.axes import ONE, Rows
from ..runtime.building import building
from ..runtime.memory import aligned_empty, bounded_parts
from ..runtime.regions.boxes import Box, Reach, places_of, trailing
from ..runtime.regions.build import Build
from ..runtime.regions.endings import slots_of
from ..runtime.regions.reach import Regions, most_multiplications
from ..runtime.session import Runner
from .adding import adding_to

if TYPE_CHECKING:
    from .network import Network
    from .problem import Problem
    from .request import Request
    from .rows import Cut, RowOracle

#: Regions are used where a window costs less than so much of a row; and where a call saves so many multiplications, and
#: such a part of what building their graph takes: two calls of its kind pay for it, as counted, and five as measured.
#: That depends on nothing but the call, whose last bits must not depend on those before it.
MOST_SHARE, LEAST_SAVED, OF_BUILDING = 0.75, 1.5e9, 1 / 2
#: A session run saves so many, where the user says how many rows it has: what its more ops take.
LEAST_OF_RUN = 2e7
#: Of the rows of a run, how many may have to be run again, until the rest of a call is not tried.
MOST_AGAIN = 0.1
#: Bytes of what is kept of the samples at a time.
MOST_KEPT = 1 << 26
#: The last plans that are kept; and how many are added to a graph in all, which keeps them.
MOST_PLANS, MOST_BUILT = 8, 32


class RegionPlans:
    """The plans of a problem, each made once.

    Parameters
    ----------
    problem : Problem
    network : Network
    oracle : RowOracle
    """

    def __init__(self, problem: 'Problem', network: 'Network', oracle: 'RowOracle') -> None:
        self._problem, self._network, self._oracle = problem, network, oracle
        self._plans: OrderedDict[Any, Plan] = OrderedDict()
        self._built = 0
        self._most_of_row = most_multiplications(problem.between)

    def plan(self, parts: Any, shape: Shape) -> Optional['Plan']:
        """How parts of a sample of this shape are evaluated; None where it has no axes, or no parts."""
        if not shape or not hasattr(parts, 'bounds') or not parts.count:
            return None
        if parts.key not in self._plans:
            with building(self._problem.graph):
                if parts.key not in self._plans:
                    x = self._problem.inputs[0]
                    regions = Regions(self._problem.target, x, self._problem.between, shape, Reach(*parts.bounds()))
                    self._plans[parts.key] = Plan(regions)
                    while len(self._plans) > MOST_PLANS:
                        self._plans.popitem(last=False)
        return self._plans.get(parts.key)

    def text(self, wish: Any, shape: Shape, parts: Callable[[Shape], Any]) -> Optional[str]:
        """How much less work that is, in words; None where whole rows are run."""
        plan = self.plan(parts(shape), shape)
        if plan is None or not plan.is_possible or (wish == 'auto' and plan.regions.share > MOST_SHARE):
            return None
        last = ', '.join(f"'{op.name}' ({op.type})" for op in plan.regions.ends)
        return (
            f'What a part of a sample reaches is computed alone, up to {last}: about {plan.regions.share:.1%} of a '
            "row's multiplications (what is moved counts as some), in calls large enough to be worth it."
        )

    def evaluator(
        self, wish: Any, request: 'Request', parts: Any, changes: int, cut: 'Cut'
    ) -> 'Optional[RegionEvaluator]':
        """What evaluates the parts of a call's samples; None where that is better done with whole rows.

        ``wish`` is True, False or 'auto'; a sample goes through so many ``changes``.
        """
        if cut.in_step and not request.n == cut.rows == 1:
            return None
        batch_size = 1 if cut.in_step else cut.given
        if wish is False or request.fixed_rows is not None or request.feeds.per_row:
            return None
        rows = parts.count * request.n
        if wish == 'auto' and self._most_of_row * rows < LEAST_SAVED:
            return None  # and no time goes into a plan
        known = self._oracle.proof.known(request)
        if isinstance(known, Rows) and known.inner != ONE:
            return None
        plan = self.plan(parts, request.sample_shapes[0])
        if plan is None or not plan.is_possible:
            return None
        if wish == 'auto':
            of_row = plan.regions.whole - plan.regions.cost
            if plan.regions.share > MOST_SHARE:
                return None
            if of_row * rows < max(LEAST_SAVED, OF_BUILDING * plan.regions.building):
                return None
            if batch_size is not None and of_row * batch_size < LEAST_OF_RUN:
                return None
        if plan.build is None and not self._build(plan):
            return None
        return RegionEvaluator(self._network, plan, batch_size, cut.rows)

    def _build(self, plan: 'Plan') -> bool:
        graph = self._problem.graph
        with building(graph):
            if plan.build is None:
                if graph.finalized or self._built >= MOST_BUILT:
                    return False
                self._built += 1
                with adding_to(graph):
                    build = Build(plan.regions)
                plan.regions.release()
                plan.runner = Runner(self._problem.session)
                # Not where it reads X all the same: what is computed of its shape and is no shape.
                plan.is_possible = not build.reads(plan.regions.x)
                plan.build = build if plan.is_possible else None
        return plan.build is not None


class Plan:
    """What windows reach, and the graph that computes it once there is one."""

    def __init__(self, regions: Regions) -> None:
        self.regions, self.is_possible = regions, regions.is_possible
        self.build: Any = None
        self.runner: Any = None


class RegionEvaluator:
    """Evaluates T at samples and without their parts.

    Parameters
    ----------
    network : Network
    plan : Plan
        With its graph.
    batch_size : int or None
        The most rows of a session run, where the user says so.
    whole_rows : int
        The most of one that runs whole rows.
    """

    def __init__(self, network: 'Network', plan: Plan, batch_size: Optional[int], whole_rows: int) -> None:
        self._network, self._plan, self._build = network, plan, plan.build
        self._rows = batch_size or bounded_parts(plan.build.row_bytes)
        self._whole_rows = whole_rows
        self._given_up = False  # the rest of the call is run as whole rows

    def fill(
        self, outputs: Array, request: 'Request', part: slice, x: Array, baseline: Array, parts: Any, wanted: Array
    ) -> None:
        """Set T's outputs, shape (samples, 1 + parts, outputs), of samples as they are and without the parts wanted.

        Parameters
        ----------
        outputs : ndarray
        request : Request
        part : slice
            Which of its samples these are.
        x, baseline : ndarray
            They, and what they become: one, or one for each of them.
        parts : Windows, Groups or Replaced
        wanted : bool ndarray, shape (samples, parts)
        """
        for first, count, kept, whole in self._kept(request, part, x):
            some = slice(first, first + count)
            of = part.start + np.arange(first, first + count)
            outputs[some, 0] = self._network.score_of(request, of, whole, count).reshape(count, -1)
            request.progress.update(count)
            if not all(np.isfinite(kept[name]).all() for name in self._build.checked):
                self._given_up = True
            sample, number = np.nonzero(wanted[some])
            for start in range(0, len(sample), self._rows):
                here = sample[start : start + self._rows], number[start : start + self._rows]
                base = baseline if len(baseline) == 1 else baseline[first + here[0]]
                values = self._values(request, of, kept, x[some], base, parts, *here)
                scores = self._network.score_of(request, of[here[0]], values, len(here[0]))
                outputs[first + here[0], 1 + here[1]] = scores.reshape(len(here[0]), -1)
                request.progress.update(len(here[0]))

    def _values(
        self,
        request: 'Request',
        of: Array,
        kept: Any,
        x: Array,
        baseline: Array,
        parts: Any,
        sample: Array,
        number: Array,
    ) -> Array:
        """T of some rows: again of whole rows where it is not finite, or too many digits are lost."""
        rows = len(sample)
        again = np.arange(rows)
        values: Any = None
        if not self._given_up:
            values, doubted = self._some(request, kept, x, baseline, parts, sample, number)
            again = np.flatnonzero(~np.isfinite(values.reshape(rows, -1)).all(axis=1) | doubted)
            self._given_up = len(again) > MOST_AGAIN * rows
        found = []
        for start in range(0, len(again), self._whole_rows):
            some = again[start : start + self._whole_rows]
            copies = x[sample[some]]
            parts.replace(copies, baseline if len(baseline) == 1 else baseline[some], number[some])
            found.append(self._whole(request, of[sample[some]], copies))
        if len(again) == rows:
            values = found[0] if len(found) == 1 else np.concatenate(found)  # T of one row may have any shape
        elif found:
            values = values.copy()
            values[again] = np.concatenate(found)
        rows_of_t: Array = values
        return rows_of_t

    def _kept(self, request: 'Request', part: slice, x: Array) -> Iterator[Tuple[int, int, Any, Array]]:
        """Samples a few at a time: the first, their number, what the graph needs of them by its name, and their T."""
        names = list(self._build.kept)
        graph = self._plan.regions.target.graph
        tensors = [graph.as_graph_element(name) for name in names]
        shapes = self._plan.regions.shapes
        size = sum(float(np.prod(shapes[z.name])) * z.dtype.size for z in tensors)
        at_once = int(min(self._rows, self._whole_rows, max(1, MOST_KEPT // max(1.0, size))))
        unweighted = replace(request, weights=())
        for first in range(0, len(x), at_once):
            rows = x[first : first + at_once]
            of = part.start + np.arange(first, first + len(rows))
            whole, *values = unweighted.run([self._plan.regions.target, *tensors], of, [rows])
            yield first, len(rows), dict(zip(names, values)), whole

    def _whole(self, request: 'Request', of: Array, copies: Array) -> Array:
        unweighted = replace(request, weights=())
        rows: Array = unweighted.run([self._plan.regions.target], of, [copies])[0]
        return rows

    def _some(
        self, request: 'Request', kept: Any, x: Array, baseline: Array, parts: Any, sample: Array, number: Array
    ) -> Tuple[Array, Array]:
        """T of some rows, and of which of them too many digits are lost."""
        build, regions = self._build, self._plan.regions
        box: Box = regions.boxes[regions.x.name]
        at = number % len(box.start)  # where the part is; several may lie in one place, see Replaced
        start = box.start[at]
        places = places_of(start, box.size, box.shape)
        flat, values = x.reshape(len(x), -1), baseline.reshape(len(baseline), -1)
        there = values[np.arange(len(values))[:, None] if len(values) > 1 else 0, places]
        changed = aligned_empty((len(sample), *box.size), x.dtype)
        changed.reshape(len(sample), -1)[:] = parts.replaced(flat[sample[:, None], places], there, number, places)
        first, end = int(sample[0]), int(sample[-1]) + 1
        feed: List[Any] = [
            (build.changed, changed),
            (build.sample, (sample - first).astype(np.int32)),
            (build.starts, build.table[at]),
        ]
        feed.extend((build.kept[name], value[first:end]) for name, value in kept.items())
        for name, placeholders in build.slots.items():
            box = regions.boxes[regions.endings[name].tensor.name]
            feed.extend(zip(placeholders, slots_of(box.start[at], box, trailing(box))))
        feed.extend((tensor, value) for tensor, value, _ in request.feeds.entries)
        fetches = [build.target] if build.doubt is None else [build.target, build.doubt]
        found = self._plan.runner.run(fetches, feed)
        none = np.zeros(len(sample), bool)
        return found[0], none if build.doubt is None else found[1]

"""May rows be put together otherwise than the user did? What the network answered, and how a call is cut by it."""

from itertools import islice
from typing import TYPE_CHECKING, Any, Callable, Dict, Hashable, List, NamedTuple, Optional

import numpy as np

from ...errors import ArgumentError, warn
from ...types import Array
from ..compat import tf
from ..runtime.memory import bounded_rows
from ..runtime.rows import alone, independent, interchangeable, made_up_pairs, separable, summed
from .problem import first_dimension
from .proof import RowProof

if TYPE_CHECKING:
    from .problem import Problem
    from .request import Request


class Cut(NamedTuple):
    """How a call is cut.

    The samples of a session run; the most rows of one, copies of samples included; whether its rows are in step (every
    run holds each sample of its part once, in order, and all of them changed alike); whether runs of fewer rows
    than the graph fixes are padded; and the most rows that the user allows, if he said so.
    """

    samples: int
    rows: int
    in_step: bool
    padded: bool
    given: Optional[int] = None


#: How many rows a network sees at once that is asked whether it mixes them.
ROWS_TOGETHER = 13


class RowOracle:
    """What is known of rows: proven from the graph, or else asked of the network, at most once each.

    Parameters
    ----------
    problem : Problem
    observe : function of a Request, the samples that rows belong to, and rows
        What one session run says of them: attributions or outputs, a list of arrays with a row for each row.
    by_row : bool
        Whether rows that the network keeps apart are apart in what ``observe`` gives, too.
    """

    def __init__(self, problem: 'Problem', observe: Callable[..., List[Array]], by_row: bool) -> None:
        self._problem, self._observe_rows, self._by_row = problem, observe, by_row
        self.proof = RowProof(problem)
        self._apart: Dict[int, bool] = {}  # by the number of rows that were tried together
        self._answers: Dict[Any, Any] = {}

    def once(self, key: Hashable, find_out: Callable[[], Any]) -> Any:
        """What ``find_out()`` returned when it was first asked for."""
        if key not in self._answers:
            self._answers[key] = find_out()
        return self._answers[key]

    def ask(self, question: Callable[..., bool], request: 'Request', *count: Optional[int], pairs: int = 2) -> bool:
        """The network's answer to a question of ``runtime.rows``."""
        first, last = request.samples(slice(0, 1)), request.samples(slice(request.n - 1, request.n))

        def answer(ids: bool = False) -> bool:
            made_up = islice(made_up_pairs(first, last, ids), pairs)
            return question(lambda rows: self._observe(request, rows), made_up, *count)

        def answer_of_ids_too() -> bool:
            try:
                return answer()
            except tf.errors.InvalidArgumentError:  # ids come as floats, too, and then noise is not among them
                if any((x != np.round(x)).any() for x in first + last):
                    raise
                return answer(ids=True)

        return bool(self.once((question, count, pairs), answer_of_ids_too))

    def _observe(self, request: 'Request', rows: List[Array]) -> List[Array]:
        """What a run of made-up rows says: T and what is behind an op that is not understood, if they have these rows.

        Otherwise their attributions, too, though these are less to be trusted: some gradients are nothing but rounding.
        """
        count = len(rows[0])
        probe = request.probe([0] * count)
        fetches = [self._problem.target, *self.proof.not_understood(request)]
        seen = [z for z in probe.run(fetches, slice(0, count), rows, trim=False) if z.shape[:1] == (count,)]
        if self._by_row and self._problem.target.shape.ndims != 0 and seen:
            return seen
        return seen + self._observe_rows(probe, slice(0, count), rows)

    def is_proven(self, request: 'Request') -> bool:
        """Whether the graph says that every sample's rows of T are of that sample alone, and so what is observed."""
        return self._by_row and self.proof.is_apart(request)

    def independent(self, request: 'Request', count: int) -> bool:
        """Whether, among so many rows, a change of one leaves the others as they were."""
        if self.is_proven(request) or self.proof.is_mixed(request):
            return self.is_proven(request)
        return self.ask(independent, request, count, pairs=3)

    def apart(self, request: 'Request', most: Optional[int] = None) -> bool:
        """Whether a sample gets the same, alone or beside others; in a fixed batch, whatever the others are.

        ``most`` is the most rows that a session run may hold. Default: what was found out before, be it by fewer.
        """
        if self.is_proven(request) or self.proof.is_mixed(request):
            return self.is_proven(request)
        try:
            if request.fixed_rows is not None:
                return self.independent(request, request.fixed_rows)
            if most is None and self._apart:
                return self._apart[max(self._apart)]
            count = ROWS_TOGETHER if most is None else max(2, min(ROWS_TOGETHER, most))
            self._apart[count] = self.ask(alone, request, count, pairs=3)
            return self._apart[count]
        except (tf.errors.OpError, ArgumentError):
            return False  # a network that does not take any number of rows, or has none of T for each

    def may_cut(self, request: 'Request', rows: int) -> bool:
        """Whether the samples may be cut into parts of this many rows although the user did not ask for it.

        Thirteen rows show if a network mixes samples, but not if it does so further apart: hence the second question.
        """
        if self.is_proven(request):
            return True
        if any(request.n in value.shape for _, value, per_row in request.feeds.entries if not per_row):
            return False
        try:
            return self.apart(request, rows) and (
                rows >= request.n or self.ask(separable, request, max(2, rows // 2), pairs=1)
            )
        except tf.errors.OpError:
            return False  # a network that does not take any number of rows

    def may_part(self, request: 'Request') -> bool:
        """Whether a sample is explained alike in every row, whatever is beside it, so that others may be left out."""
        if request.fixed_rows is None:
            return self.may_cut(request, request.n)
        return self.apart(request) and self._interchangeable(request)

    def _interchangeable(self, request: 'Request') -> bool:
        return self.is_proven(request) or self.ask(interchangeable, request, self._problem.fixed_rows)

    def check_interchangeable(self, request: 'Request') -> None:
        """Raise unless a fixed batch may be filled with any number of samples.

        A mask with one row a sample (``T * mask``) makes rows differ: its rows must meet exactly their samples.
        """
        target, fixed = self._problem.target, self._problem.fixed_rows
        if first_dimension(target) not in (None, fixed):
            raise ArgumentError(
                f"X has a fixed batch dimension of {fixed}, but T '{target.name}' one of {first_dimension(target)}, so "
                f'rows cannot be told apart for {request.n} samples: give T one row a sample, or exactly {fixed} '
                'samples.'
            )
        if not self._interchangeable(request):
            raise ArgumentError(
                f"T '{target.name}' has a fixed batch dimension of {fixed} and treats one and the same sample "
                'differently in different rows (a mask with one row a sample?), so rows cannot be told apart for '
                f'{request.n} samples: give exactly {fixed}, in order.'
            )

    def takes_one_row(self, request: 'Request') -> bool:
        """Whether the network runs with a single row, though T has another number of them."""

        def runs() -> bool:
            try:
                request.unpadded().run([self._problem.target], slice(0, 1))
            except tf.errors.OpError:
                return False
            return True

        return bool(self.once('takes one row', runs))

    def bounded(self, request: 'Request', backward: bool = False) -> int:
        """How many rows a session run holds where nobody says."""
        return bounded_rows(self.row_bytes(request), backward)

    def row_bytes(self, request: 'Request') -> float:
        """Of the largest tensor between X and T, for one sample."""
        shapes = request.sample_shapes
        found: float = self.once(('bytes', shapes), lambda: self._problem.row_bytes(shapes))
        return found

    def warn_that_samples_mix(self, request: 'Request', how: str) -> None:
        """Warn that attributions of a sample depend on the others of its run, and so on ``how``."""
        warn(
            f'{self.proof.sentence(request)}: attributions of a sample depend on the others in its session run, and so '
            f'on {how}. '
            'Put the network in its inference mode; or leave batch_size out, to explain all samples of xs together.'
        )


def cut_for_gradients(
    oracle: RowOracle, problem: 'Problem', request: 'Request', batch_size: Optional[int], rows_of_a_sample: int
) -> Cut:
    """How to cut a call of a backward pass, with so many rows for each sample and output.

    Raises where cutting the samples into batches, or padding them, would change the numbers; warns where that is the
    network's own doing.
    """
    fixed = problem.fixed_rows
    if fixed is not None and request.n == fixed:
        return _of_samples(fixed)
    if _is_all_of_one_sample(oracle, problem, request):
        return Cut(1, 1, False, False)
    if fixed is not None and problem.inputs_fix_rows:
        oracle.check_interchangeable(request)
        if fixed > 1 and not oracle.independent(request, fixed):
            oracle.warn_that_samples_mix(request, 'the rows that fill the batch')
        return _of_samples(fixed)
    if fixed is not None and fixed > 1 and oracle.independent(request, fixed):
        oracle.check_interchangeable(request)
        return _of_samples(fixed)
    if fixed is not None or problem.target.shape.ndims == 0:
        return _cut_of_reduced_target(oracle, problem, request, batch_size)
    rows = batch_size or oracle.bounded(request, backward=True)
    samples = min(rows, request.n)
    copies = min(rows // samples, rows_of_a_sample)
    if batch_size == 1 or (samples == request.n and copies == 1):
        return _of_samples(samples)
    if oracle.may_cut(request, rows) if batch_size is None else oracle.apart(request, batch_size):
        return Cut(samples, rows, False, True)
    if batch_size is not None and samples < request.n:
        oracle.warn_that_samples_mix(request, f'batch_size={batch_size}')
    return _of_samples(min(batch_size or request.n, request.n))


def _is_all_of_one_sample(oracle: 'RowOracle', problem: 'Problem', request: 'Request') -> bool:
    """Whether there is one sample, to which all of T belongs, whatever its shape: its axes are none of samples."""
    if request.n != 1 or problem.inputs_fix_rows:
        return False
    is_written_for_one = problem.fixed_rows is not None and oracle.proof.has_equal_parts(request)
    if oracle.is_proven(request) and not is_written_for_one:
        return False
    return problem.target.shape.ndims == 0 or oracle.takes_one_row(request)


def _of_samples(samples: int) -> 'Cut':
    return Cut(samples, samples, False, True)


def _cut_of_reduced_target(oracle: RowOracle, problem: 'Problem', request: 'Request', batch_size: Optional[int]) -> Cut:
    """The same for a T that is reduced over the samples: they must stay together, unless T is their sum."""
    if batch_size is None or batch_size >= request.n:
        return Cut(request.n, request.n, False, False)
    name, advice = problem.target.name, 'give T one row a sample, or leave batch_size out'
    if batch_size == 1:
        raise ArgumentError(f"T '{name}' is a scalar, so rows cannot be told apart in batches of one: {advice}.")
    if not oracle.ask(summed, request.unpadded()):
        raise ArgumentError(
            f"T '{name}' is a scalar that is not a sum over the samples (a mean?): a sample's attributions "
            f'depend on its batch, and rows cannot be told apart; {advice}.'
        )
    return Cut(batch_size, 1, False, False)


def cut_for_changes(
    oracle: RowOracle, problem: 'Problem', name: str, request: 'Request', batch_size: Optional[int]
) -> Cut:
    """How to cut a call of a method that changes samples and reads T.

    Raises where a row of T does not belong to the sample in the same row of X. Rows are in step, as in 0.3, for
    networks in which they are not independent.
    """
    fixed = problem.fixed_rows
    if _is_all_of_one_sample(oracle, problem, request):
        return Cut(1, 1, True, False)
    if fixed is not None:
        if request.n != fixed:
            oracle.check_interchangeable(request)
        if fixed > 1 and not oracle.independent(request, fixed):
            raise ArgumentError(
                f"T '{problem.target.name}' has {fixed} rows that do not each belong to one sample: a change of the "
                f"first sample changes other rows. '{name}' cannot tell rows apart; give T one row for each sample."
            )
        return Cut(fixed, fixed, request.n == fixed, True)
    if batch_size == 1 or oracle.apart(request, batch_size or oracle.bounded(request)):
        rows = batch_size or oracle.bounded(request)
        return Cut(rows, rows, False, True, batch_size)
    if batch_size is not None and batch_size < request.n:
        oracle.warn_that_samples_mix(request, f'batch_size={batch_size}')
    rows = min(batch_size or request.n, request.n)
    return Cut(rows, rows, True, True)

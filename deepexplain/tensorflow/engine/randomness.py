"""Does T differ between two runs of the same rows? Asked of the network only where an op in the graph may be why."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, List

import numpy as np

from ...errors import warn
from ...types import Array
from ..compat import Operation, tf
from ..runtime.graph import ancestors
from ..runtime.hidden import hidden_ops

if TYPE_CHECKING:
    from .problem import Problem
    from .request import Request

#: Ops that draw numbers in each run, from a state of their own. Stateless ones draw the same for the same seed.
RANDOM = frozenset(
    """AllCandidateSampler FixedUnigramCandidateSampler FractionalAvgPool FractionalMaxPool
    LearnedUnigramCandidateSampler LogUniformCandidateSampler Multinomial NonDeterministicInts
    ParameterizedTruncatedNormal RandomCrop RandomGamma RandomPoisson RandomPoissonV2 RandomShuffle
    RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip RngSkip SampleDistortedBoundingBox
    SampleDistortedBoundingBoxV2 StatefulRandomBinomial StatefulStandardNormal StatefulStandardNormalV2
    StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt
    ThreadUnsafeUnigramCandidateSampler TruncatedNormal UniformCandidateSampler""".split()
)
#: Python code, of which nobody can tell.
UNKNOWN = frozenset('EagerPyFunc PyFunc PyFuncStateless'.split())
#: Runs of the same rows: more than two, as a small network may draw the same twice.
RUNS = 4
#: What is remembered of a fed value: a switch or a rate may turn randomness on.
MOST_VALUES = 16


class Randomness:
    """Whether a problem's T is random, found out once for each combination of what is fed.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: 'Problem') -> None:
        self._problem = problem
        self._ops: Dict[Any, List[Operation]] = {}
        self._answers: Dict[Any, bool] = {}
        self._warned = False

    def found(self, request: 'Request') -> bool:
        """Whether T of the samples of a call is random; warns of it, once."""
        ops = self._drawing(request)
        if not ops:
            return False
        fed = request.feeds.entries
        key = tuple((z.name, v.tobytes() if v.size <= MOST_VALUES else None) for z, v, _ in fed)
        if key not in self._answers:
            self._answers[key] = self._differs(request)
        if self._answers[key] and not self._warned:
            self._warned = True
            self._warn(ops)
        return self._answers[key]

    def _drawing(self, request: 'Request') -> List[Operation]:
        """Ops that may be random and that T is computed from, where nothing is fed in their place."""
        fed = request.feeds.tensors
        key = tuple(z.name for z in fed)
        if key not in self._ops:
            above = ancestors([self._problem.target], self._problem.inputs + fed)
            found = {op for op in above if op.type in RANDOM or op.type in UNKNOWN}
            found.update(op for op, types in hidden_ops(above) if types & (RANDOM | UNKNOWN))
            self._ops[key] = sorted(found, key=lambda op: op._id)
        return self._ops[key]

    def _differs(self, request: 'Request') -> bool:
        """Whether runs of the same rows say different things."""
        asked, some = replace(request, weights=()), slice(0, min(request.n, request.fixed_rows or 8))
        if self._problem.target.shape.ndims == 0 or request.has_whole_feeds:
            some = slice(0, request.n)
        try:
            first, *more = [asked.run([self._problem.target], some, trim=False)[0] for _ in range(2)]
            for _ in range(RUNS - 2):
                if not all(_agree(first, other) for other in more):
                    break
                more.append(asked.run([self._problem.target], some, trim=False)[0])
        except tf.errors.OpError:
            return False  # what is wrong with these rows, the call itself will say
        return not all(_agree(first, other) for other in more)

    def _warn(self, ops: List[Operation]) -> None:
        op = ops[0]
        more = f' and {len(ops) - 1} more' if len(ops) > 1 else ''
        fed = f", or feed what it draws: feed_dict={{'{op.outputs[0].name}': ...}}" if op.type in RANDOM else ''
        warn(
            f"T '{self._problem.target.name}' is random: two runs of the same rows differ, for it depends on op "
            f"'{op.name}' ({op.type}){more}. Attributions are those of one draw, and partly noise. Put the network in "
            'its inference mode (training=False; dropout with keep_prob fed 1, or rate fed 0); where it samples by '
            f'design, explain the mean that it samples around{fed}. A seed does not help: each run draws anew.'
        )


def _agree(a: Array, b: Array) -> bool:
    """Whether two runs agree, but for the order in which threads add up."""
    if a.shape != b.shape:
        return False
    rounding = 2.0**-7 if a.dtype.kind == 'V' or a.dtype.name == 'bfloat16' else float(np.finfo(a.dtype).eps)
    a, b = a.astype(np.float64), b.astype(np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    scale = np.abs(a[finite]).max(initial=0)
    return np.array_equal(np.isfinite(a), np.isfinite(b)) and bool(
        (np.abs(a - b)[finite] <= 64 * rounding * scale).all()
    )

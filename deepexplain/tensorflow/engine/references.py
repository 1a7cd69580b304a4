"""What rules read of the baseline: computed beside the values at x, in the same graph; or fed."""

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import numpy as np

from ...types import Array
from ..compat import Operation, Tensor, tf, with_shape
from ..runtime.clone import beside, hides_activations
from ..runtime.rows import made_up_pairs
from ..runtime.samples import nearly_equal
from .undefined import is_finite, warn_of_baseline

if TYPE_CHECKING:
    from .problem import Problem
    from .request import Request
    from .rows import RowOracle


class Fed:
    """A number that rules read and every run feeds, so that explainers with different ones share a graph.

    Attributes
    ----------
    value : float
    tensor : tf.Tensor
        Its placeholder, once the graph is being built.
    """

    def __init__(self, name: str, value: float) -> None:
        self._name, self.value = name, value
        self.tensor = None

    def begin(self) -> Tensor:
        """Add the placeholder to the graph, and return it."""
        self.tensor = tf.placeholder_with_default(tf.constant(self.value, tf.float64), (), name=self._name)
        return self.tensor


class References:
    """The inputs of activations at the baseline.

    Parameters
    ----------
    in_graph : bool, default False
        Whether they must be computed in the graph, beside those at x. Otherwise they are where activations are inside
        loops and branches, from which nothing can be fetched; and else a run of the baseline alone, mostly of one row,
        computes them, and they are fed.

    finite : bool, default False
        Whether large numbers stand for infinite ones there, so that there are differences; see
        :mod:`~deepexplain.tensorflow.runtime.finite`.

    Attributes
    ----------
    baselines : list of tf.Tensor
        Placeholders of the baseline, one for each input; once :meth:`begin` was called.
    """

    def __init__(self, in_graph: bool = False, finite: bool = False) -> None:
        self.in_graph, self.finite = in_graph, finite
        self.baselines: List[Tensor] = []
        # Activation -> its input, placeholder for the value of that at the baseline.
        self._fed: Dict[Operation, Tuple[Tensor, Tensor]] = {}
        self._problem: Any = None

    def choose(self, problem: 'Problem') -> bool:
        """Whether values at the baseline are computed in the graph, so that it must be copied."""
        self.in_graph = self.in_graph or hides_activations(problem.between)
        return self.in_graph

    def begin(self, problem: 'Problem') -> Optional[List[Tensor]]:
        """Add the placeholders of the baseline, and return what a copy of the graph must compute beside x, if any."""
        self._problem = problem
        self.baselines = [
            tf.placeholder(x.dtype, [None] + x.shape.as_list()[1:] if x.shape.ndims else None) for x in problem.inputs
        ]
        if not self.in_graph:
            return None
        return [with_shape(tf.zeros_like(x) + b, x.shape) for x, b in zip(problem.inputs, self.baselines)]

    def of(self, op: Operation) -> Tensor:
        """What the input of an activation is at the baseline."""
        z = op.inputs[0]
        if self.in_graph:
            at_baseline = beside(op)  # none where it does not differ
            return at_baseline.inputs[0] if at_baseline else z
        if op not in self._fed:
            self._fed[op] = z, tf.placeholder(z.dtype, shape=None, name='reference')
        return self._fed[op][1]

    @property
    def sees_target(self) -> bool:
        """Whether the baseline has a run of its own, which says what T is there, too."""
        return bool(self._fed)

    @property
    def placeholders(self) -> List[Tensor]:
        """All that is fed."""
        return self.baselines + [z0 for _, z0 in self._fed.values()]

    def feed(
        self, request: 'Request', oracle: 'RowOracle', of: Array, baselines: List[Array], kept: Dict[Any, Any]
    ) -> List[Tuple[Tensor, Array]]:
        """What to feed for rows of these samples: (tensor, value) pairs.

        ``kept`` is a dict, in which what serves further rows of the same call is remembered.
        """
        extra = [(x, request.fit(b) if len(b) > 1 else b) for x, b in zip(self.baselines, baselines)]
        if self._fed:
            values = self._at_baseline(request, oracle, of, baselines, kept)
            extra += [(z0, value) for (_, z0), value in zip(self._fed.values(), values)]
        return extra

    def _at_baseline(
        self, request: 'Request', oracle: 'RowOracle', of: Array, baselines: List[Array], kept: Dict[Any, Any]
    ) -> List[Array]:
        """Values of all activation inputs at the baseline, in shapes that broadcast against those at the samples.

        With one baseline for all samples they are computed once: of one row if that serves every sample, else of as
        many rows as there are samples. Anew each time where the user feeds something that differs between samples.
        """
        one_for_all = not request.is_set and all(len(b) == 1 for b in request.baselines)
        if not one_for_all or request.feeds.per_row:
            return self._checked_inputs(request, of, baselines)
        may_be_one = len(of) > 1 and request.fixed_rows is None
        if may_be_one and oracle.once('one row serves', lambda: self._one_row_serves(request)):
            of = of[:1]
        if len(of) not in kept:
            kept[len(of)] = self._checked_inputs(request, of, baselines)
        values: List[Array] = kept[len(of)]
        return values

    def _one_row_serves(self, request: 'Request') -> bool:
        """Whether each activation has a row for each sample, and the same one whatever samples are beside it."""
        first = request.samples(slice(0, 1))
        a, b = next(made_up_pairs(first, first))
        try:
            alone, among = (
                self._inputs(request.probe([0] * len(rows[0])), np.arange(len(rows[0])), rows)
                for rows in (a, [np.concatenate(both) for both in zip(a, b)])
            )
        except tf.errors.OpError:
            return False  # a network that does not take any number of rows
        # An open first dimension that is 1 for one row is that of the samples.
        return all(
            z.shape.ndims and z.shape.as_list()[0] is None and len(x) == 1 and nearly_equal(x, y[:1])
            for (z, _), x, y in zip(self._fed.values(), alone, among)
        )

    def _inputs(self, request: 'Request', of: Array, baselines: List[Array]) -> List[Array]:
        rows = [np.broadcast_to(b, (len(of),) + b.shape[1:]) for b in baselines]
        return request.run([z for z, _ in self._fed.values()] + [self._problem.target], of, rows, trim=False)

    def _checked_inputs(self, request: 'Request', of: Array, baselines: List[Array]) -> List[Array]:
        """The same, with a warning where T is not finite there."""
        *values, target = self._inputs(request, of, baselines)
        if not is_finite(target, request):
            warn_of_baseline(self._problem, request)
        return values

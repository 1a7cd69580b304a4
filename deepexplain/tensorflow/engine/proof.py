"""What the graph itself says of T's rows, so that no network need be asked: see ``runtime.axes``."""

from typing import TYPE_CHECKING, Any, Dict, List

from ..compat import Tensor
from ..runtime.axes import ONE, Mixed, Rows, Unknown, rows_of_target, sentence
from ..runtime.building import graph_lock

if TYPE_CHECKING:
    from .problem import Problem
    from .request import Request


class RowProof:
    """Where the rows of T come from, found out once for each set of feeds.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: 'Problem') -> None:
        self._problem = problem
        self._known: Dict[Any, Any] = {}

    def known(self, request: 'Request') -> Any:
        """Rows, Mixed or Unknown: what the graph says of T."""
        feeds = request.feeds.entries
        key = tuple((tensor.name, per_row) for tensor, _, per_row in feeds)
        if key not in self._known:
            fed = [[tensor for tensor, _, per_row in feeds if per_row is which] for which in (True, False)]
            with graph_lock(self._problem.graph):  # no thread may add to the graph meanwhile
                self._known[key] = rows_of_target(self._problem.target, self._problem.inputs, *fed)
        return self._known[key]

    def is_apart(self, request: 'Request') -> bool:
        """Whether T has as many rows for each sample, in order and of that sample alone: one or several."""
        known = self.known(request)
        return isinstance(known, Rows) and known.axis == 0 and known.outer == ONE

    def has_equal_parts(self, request: 'Request') -> bool:
        """Whether these are several."""
        return self.is_apart(request) and self.known(request).inner != ONE

    def is_mixed(self, request: 'Request') -> bool:
        """Whether samples come together."""
        return isinstance(self.known(request), Mixed)

    def not_understood(self, request: 'Request') -> List[Tensor]:
        """What the op gives at which the proof ends, if a run can fetch it."""
        known, graph = self.known(request), self._problem.graph
        outputs = known.op.outputs[:1] if isinstance(known, Unknown) else []  # further ones may have no value
        return [z for z in outputs if z.dtype.is_floating and z.graph is graph and graph.is_fetchable(z)]

    def sentence(self, request: 'Request') -> str:
        """That samples mix, and where, to begin a warning with."""
        known = self.known(request)
        why = sentence(known) if isinstance(known, Mixed) else 'batch statistics? dropout that is on?'
        return f"T '{self._problem.target.name}' mixes samples ({why})"

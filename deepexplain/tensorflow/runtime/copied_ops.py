"""Copies of single ops, and the mark by which the rule of a copied activation finds what it needs besides."""

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ...errors import GraphError
from ..compat import Graph, Operation, Tensor, copied_op, text_attr, tf
from .bodies import is_closure, loses_gradient
from .dependence import ARRAYS
from .finite import DIVERGING, finite
from .frames import Frame
from .graph import OF_SHAPES, Step
from .hidden import OF_FRAMES
from .op_types import carries, is_continuous
from .overrides import GRADIENT_NAME, takes_rule
from .values import Value

#: Attribute of a copied activation: the name of the op, in its graph, that computes what its rule needs besides.
BESIDE = '_deepexplain_beside'


def beside(op: Operation) -> Optional[Operation]:
    """The op whose outputs a rule needs besides those of the copied activation ``op``, or None.

    Given ``baselines``, that is the same activation at the baseline; given ``beside``, an identity of that tensor.
    """
    name = text_attr(op, BESIDE)
    return None if name is None else op.graph.get_operation_by_name(name)


class CopiedOps:
    """Copies ops, and remembers of what.

    Parameters
    ----------
    graph : tf.Graph
        Whose ops stay as they are where nothing about them changes.
    twice : bool
        Whether there are baselines.
    beside, treated, finite
        As those of :class:`~deepexplain.tensorflow.runtime.clone.Clone`.

    Attributes
    ----------
    sources, origins, dropped
        As those of :class:`~deepexplain.tensorflow.runtime.clone.Clone`.
    in_frame : bool
        Whether ops of the graph are read as the body of a loop.
    """

    def __init__(
        self,
        graph: Graph,
        twice: bool,
        beside: Optional[Tensor],
        treated: Optional[Callable[[Step], bool]],
        finite: bool,
    ) -> None:
        self.sources: List[Step] = []
        self.dropped: List[Operation] = []
        self.origins: Dict[Tuple[Graph, str], Step] = {}
        self.in_frame, self._listing = False, True
        self._graph, self._twice, self._beside, self._finite = graph, twice, beside, finite
        self._treated = treated or (lambda step: takes_rule(step.op))
        self._copies: Dict[str, Operation] = {}  # name of an op of the graph -> its copy

    @contextmanager
    def inside(self, loop: Any) -> Iterator[None]:
        """Within this context, ops of the graph are read as the loop's body, if it is a loop of TensorFlow 1."""
        before, self.in_frame = self.in_frame, isinstance(loop, Frame)
        try:
            yield
        finally:
            self.in_frame = before

    @contextmanager
    def unlisted(self) -> Iterator[None]:
        """Within this context, what is copied is no source: it is not expected to run."""
        before, self._listing = self._listing, False
        try:
            yield
        finally:
            self._listing = before

    def is_made_twice(self, op: Operation) -> bool:
        """Whether the op has a copy at the baseline in any case: an array is written once."""
        return self._twice and op.type in ARRAYS

    def note(self, op: Operation, value: Value) -> None:
        """Remember the copy of an op of the graph, for those that wait for it."""
        if op.graph is self._graph and not self.in_frame:
            self._copies[op.name] = value.at_x.op

    def plain(self, op: Operation, inputs: Sequence[Value]) -> List[Value]:
        """The same op of other inputs, twice if they differ at the baseline."""
        varying = [i for i, value in enumerate(inputs) if value.of_x]
        step = Step(op, varying, tuple(i for i in varying if inputs[i].jumps and is_continuous(op.inputs[i])))
        of_x = bool(step.varying) and op.type not in OF_SHAPES
        takes = of_x and self._treated(step)
        if of_x and self._listing:
            self.sources.append(step)
        at_baseline, attrs = None, None
        anew = self.is_made_twice(op)
        if anew or (any(value.differs for value in inputs) and op.type not in OF_SHAPES):
            at_baseline = self._op_of(op, [value.at_baseline for value in inputs], {} if anew else None)
            if takes:
                attrs = {BESIDE: at_baseline.name}
        elif self._beside is not None and takes and tf.get_default_graph() is not self._graph:
            # In its body: the gradient of a loop of TensorFlow 1.15 takes no tensor from outside.
            attrs = {BESIDE: tf.identity(self._beside).op.name}
        at_x = self._op_of(op, [value.at_x for value in inputs], attrs, takes)
        self.origins[at_x.graph, at_x.name] = step
        jumps = of_x and not carries(op, [i for i in varying if not inputs[i].jumps])
        if self._finite and at_baseline is not None and at_x.type in DIVERGING:
            found = self._finite_value(at_x, at_baseline, of_x, jumps)
            if found is not None:
                return [found]
        return [Value(*both, of_x, jumps) for both in zip(at_x.outputs, (at_baseline or at_x).outputs)]

    def _finite_value(self, at_x: Operation, at_baseline: Operation, of_x: Any, jumps: bool) -> Optional[Value]:
        outputs = [finite(op.outputs[0]) for op in (at_x, at_baseline)]
        if outputs[0] is at_x.outputs[0]:
            return None
        self.origins[outputs[0].graph, outputs[0].op.name] = Step(outputs[0].op, [1], (1,) if jumps else ())
        return Value(outputs[0], outputs[1], of_x, jumps)

    def _op_of(
        self, op: Operation, inputs: Sequence[Tensor], attrs: Optional[Dict[str, Any]] = None, takes: bool = False
    ) -> Operation:
        """The op with these inputs: itself if it has them, and is asked for no attributes.

        ``takes`` says whether it takes the rule.
        """
        of_graph = op.graph is self._graph and not self.in_frame
        if of_graph and attrs is None and all(a.name == b.name for a, b in zip(inputs, op.inputs)):
            return op
        if op.type in OF_FRAMES and self.in_frame:
            raise GraphError(
                f"Op '{op.name}' ({op.type}) is part of a cond in a while loop of TensorFlow 1 and cannot be copied, "
                "as deeplift needs, and every method where the loop was frozen. Use 'occlusion' or 'shapley_sampling'; "
                "or 'intgrad', if the loop was not frozen."
            )
        if takes:
            attrs = dict(attrs or {}, _gradient_op_type=GRADIENT_NAME)
        elif not of_graph and is_closure(op):
            attrs = {'_gradient_op_type': None}
            self.dropped.extend([op] if loses_gradient(op) else [])
        control = [self._copies.get(other.name, other) for other in op.control_inputs] if of_graph else []
        return copied_op(op, inputs, control, attrs)

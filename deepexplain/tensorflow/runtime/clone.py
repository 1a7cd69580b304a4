"""A copy of what lies between X and T, in the same graph, in which nothing is hidden from a rule.

Calls of functions become the ops of their bodies, and loops and branches are made anew of copied ops. So an
activation takes the method's rule wherever it was, TensorFlow has a gradient for all of it, and what building that
gradient rewrites (the ops of loops and branches) is ours and has never run. X, the weights, and all that does not
depend on X are those of the user's graph.

Two things of a function body are not in the copy: what its ops wait for (assertions; an assignment before a read is an
error), and custom gradients, which know the tensors of that body (a warning).

With baselines, the copy computes everything twice, at X and at the baseline, in the same loops and branches: inside
them, the one is as near as the other. What is the same for both is computed once.
"""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Set

from ..compat import Operation, Tensor, with_shape
from .bodies import Bodies, check_writes, in_order, ops_of
from .control_flow import ControlFlow, check_branch
from .copied_ops import CopiedOps, beside
from .frames import frames_of
from .graph import ancestors
from .hidden import BRANCHES, LOOPS, hides_activations, is_frozen, is_opened
from .signals import let_through
from .values import Value

if TYPE_CHECKING:
    from .graph import Step

__all__ = ['BRANCHES', 'LOOPS', 'Clone', 'beside', 'hides_activations', 'is_frozen', 'is_opened']


class Clone:
    """The copy.

    Parameters
    ----------
    target : tf.Tensor
        What the copy computes.
    inputs : list of tf.Tensor
        What it is computed from.
    between : list of tf.Operation
        The ops between these, in order.
    baselines : list of tf.Tensor, optional
        One for each input, of the same shape.
    beside : tf.Tensor, optional
        What the rule of an activation reads besides.
    treated : function of a Step, optional
        Whether the op takes the rule, whatever gradient the user chose for it; default: see ``takes_rule``.

    finite : bool, default False
        Whether copies have large numbers in place of infinite ones; see :mod:`~.finite`.

    Attributes
    ----------
    target : tf.Tensor
        The copy of the target.
    sources : list of Step
        What computes the target from the inputs: ops of the graph, and those of function bodies.
    origins : dict
        Graph and name of a copied op at x -> the Step that it is a copy of.
    dropped : list of tf.Operation
        Ops of function bodies whose custom gradient the copy is without, as that knows the body's own tensors.

    Raises
    ------
    GraphError
        With baselines: the way through a loop or branch depends on the values of X. In a function body, a variable
        is assigned before it is read.
    """

    def __init__(
        self,
        target: Tensor,
        inputs: Sequence[Tensor],
        between: Sequence[Operation],
        baselines: Optional[Sequence[Tensor]] = None,
        beside: Optional[Tensor] = None,
        treated: 'Optional[Callable[[Step], bool]]' = None,
        finite: bool = False,
    ) -> None:
        self._twice = baselines is not None
        self._bodies = Bodies(target.graph)
        self._ops = CopiedOps(target.graph, self._twice, beside, treated, finite)
        self._control_flow = ControlFlow(self._bodies)
        self.sources, self.origins, self.dropped = self._ops.sources, self._ops.origins, self._ops.dropped
        values = {x.name: Value(x, baseline, True) for x, baseline in zip(inputs, baselines or inputs)}
        self._copy(between, [target], values)
        self.target = with_shape(values[target.name].at_x, target.shape)

    def _copy(self, ops: Sequence[Operation], targets: Sequence[Tensor], values: Dict[str, Value]) -> None:
        """Add to ``values``, which are kept by the name of a tensor, those that ``ops`` compute for the targets."""
        used = {tensor.name for tensor in targets}.union(tensor.name for op in ops for tensor in op.inputs)
        frames = [frame for frame in frames_of(ops) if self._is_copied(frame, set(ops))]
        inside = {op for frame in frames for op in frame.ops}
        frame_of: Dict[Operation, Any] = {exit_op: frame for frame in frames for exit_op in frame.exits}
        reads = {op: (frame_of.get(op) or op).inputs for op in ops if op not in inside}
        for op in in_order(reads):
            let_through()
            inputs = [self._value(tensor, values) for tensor in reads[op]]
            if op in frame_of:
                frame = frame_of[op]
                ends = [end for end in frame.exits if end.outputs[0].name in used]
                if any(end.outputs[0].name not in values for end in ends):  # once, for all of its exits
                    at_end = self._loop(frame, inputs, [frame.exits[end] for end in ends])
                    for end, value in zip(ends, at_end):
                        values[end.outputs[0].name] = value
                        self._ops.note(end, value)
                continue
            wanted = [i for i, tensor in enumerate(op.outputs) if tensor.name in used]
            for i, value in zip(wanted, self._outputs(op, inputs, wanted)):
                values.setdefault(op.outputs[i].name, value)  # one that is X stays X
                self._ops.note(op, value)

    def _is_copied(self, frame: Any, ops: Set[Operation]) -> bool:
        """Whether a loop of TensorFlow 1 must be made anew."""
        copied = any(is_opened(op) or is_frozen(op) for op in ancestors(frame.inputs, []) | frame.ops if op in ops)
        return copied or self._twice or self._ops.in_frame

    def _value(self, tensor: Tensor, values: Dict[str, Value]) -> Value:
        if tensor.name not in values:
            outputs = [Value(z, z, False) for z in tensor.op.outputs]
            if self._ops.is_made_twice(tensor.op):
                outputs = self._ops.plain(tensor.op, [self._value(z, values) for z in tensor.op.inputs])
            for z, value in zip(tensor.op.outputs, outputs):
                values.setdefault(z.name, value)
        return values[tensor.name]

    def _outputs(self, op: Operation, inputs: Sequence[Value], wanted: List[int]) -> List[Value]:
        if op.type in LOOPS:
            return self._loop(self._bodies.loop(op), inputs, wanted)
        if op.type in BRANCHES:
            return self._control_flow.branches(op, inputs, wanted, self._call, self._ops.unlisted)
        if is_opened(op):
            return self._call(self._bodies.called(op), inputs, wanted)
        if op.type == 'Switch':
            check_branch(op, inputs[1])
        outputs = self._ops.plain(op, inputs)
        return [outputs[i] for i in wanted]

    def _loop(self, loop: Any, inputs: Sequence[Value], wanted: List[int]) -> List[Value]:
        with self._ops.inside(loop):
            return self._control_flow.loop(loop, inputs, wanted, self._call)

    def _call(self, body: Any, inputs: Sequence[Value], wanted: Sequence[int]) -> List[Value]:
        """Values of some outputs of a body."""
        outputs = [body.outputs[i] for i in wanted]
        check_writes(outputs, body.inputs)
        values = dict(zip((tensor.name for tensor in body.inputs), inputs))
        self._copy(ops_of(outputs, body.inputs), outputs, values)
        return [values[tensor.name] for tensor in outputs]

"""Ops that hide others: loops, branches and calls of functions, and the ops of TensorFlow 1 that make them."""

from typing import Iterable

from ..compat import Operation, is_function
from .activations import ACTIVATIONS
from .frames import frames_of
from .graph import hidden_ops

LOOPS = frozenset(['While', 'StatelessWhile'])
#: Op types that run one of several bodies -> the attributes that name these, in the order of cond_v2.
BRANCHES = {
    'If': ('then_branch', 'else_branch'),
    'StatelessIf': ('then_branch', 'else_branch'),
    'Case': ('branches',),
    'StatelessCase': ('branches',),
}
CALLS = frozenset(['PartitionedCall', 'StatefulPartitionedCall'])

#: Ops that make loops and branches of TensorFlow 1.
OF_FRAMES = frozenset('Enter Exit LoopCond Merge NextIteration Switch'.split())


def is_opened(op: Operation) -> bool:
    """Whether a copy shows what is in the functions that the op calls."""
    return op.type in LOOPS or op.type in BRANCHES or op.type in CALLS or is_function(op.graph, op.type)


def hides_activations(ops: Iterable[Operation]) -> bool:
    """Whether any activation among or under these ops is in a loop or branch, where nothing can be fetched."""
    if any(op.type in ACTIVATIONS and not op.graph.is_fetchable(op.outputs[0]) for op in ops):
        return True
    if any(op.type in ACTIVATIONS for frame in frames_of(ops) for op in frame.ops.intersection(ops)):
        return True  # TensorFlow does not know it of a loop that was imported
    inside = LOOPS.union(BRANCHES, OF_FRAMES)
    return any(types & set(ACTIVATIONS) and inside & types.union([op.type]) for op, types in hidden_ops(ops))


def is_frozen(op: Operation) -> bool:
    """Whether the op is of a loop in a GraphDef, which does not say what TensorFlow needs to differentiate it."""
    return op.type == 'Enter' and op._get_control_flow_context() is None

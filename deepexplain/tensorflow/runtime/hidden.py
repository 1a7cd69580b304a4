"""Ops that hide others: loops, branches and calls of functions, and the ops of TensorFlow 1 that make them."""

from typing import Any, Iterable, Iterator, Set, Tuple

from ..compat import Graph, Operation, function_definition, is_function
from .activations import ACTIVATIONS
from .frames import frames_of
from .graph import takes_functions

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


def hidden_ops(ops: Iterable[Operation]) -> Iterator[Tuple[Operation, Set[str]]]:
    """Yield ``(op, types)`` for each op that calls functions: the types of the ops in their bodies.

    These are While, If, PartitionedCall and their like. Bodies that call further functions are followed.
    """
    for op in ops:
        names = called_functions(op.node_def) if takes_functions(op) else set()
        if is_function(op.graph, op.type):
            names.add(op.type)
        if names:
            yield op, _types_in(names, op.graph)


def _types_in(names: Set[str], graph: Graph) -> Set[str]:
    types, seen = set(), set()
    while names:
        name = names.pop()
        if name in seen or not is_function(graph, name):
            continue
        seen.add(name)
        for node in function_definition(graph, name).node_def:
            types.add(node.op)
            names |= called_functions(node)
            if is_function(graph, node.op):
                names.add(node.op)
    return types


def called_functions(node: Any) -> Set[str]:
    """Names of the functions that the attributes of a NodeDef name."""
    names = {value.func.name for value in node.attr.values() if value.HasField('func')}
    return names | {f.name for value in node.attr.values() for f in value.list.func}

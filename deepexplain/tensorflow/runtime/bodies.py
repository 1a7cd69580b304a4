"""Reading a body: part of a graph that computes ``outputs`` from ``inputs``, of a function or of a loop."""

from collections import OrderedDict
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set

from ...errors import GraphError
from ..compat import Graph, Operation, Tensor, function_body, function_definition, is_function
from .frames import Loop
from .graph import ancestors
from .hidden import BRANCHES, CALLS, called_functions
from .overrides import custom_gradient

#: How deep functions may call each other.
MOST_NESTED = 64


class Bodies:
    """The bodies of the functions that ops of a graph call, each read once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._read: Dict[Any, Any] = {}  # name of a function -> its body
        self._depths: Dict[str, int] = {}

    def named(self, name: str, shapes: Optional[Sequence[Any]] = None) -> Any:
        """The body of the function of this name, for inputs of these shapes.

        Raises
        ------
        GraphError
            The function calls itself, at once or through others, or such calls are too deep.
        """
        measure_calls(name, lambda callee: called_by(self._graph, callee), self._depths)
        key = name, None if shapes is None else tuple(map(str, shapes))
        if key not in self._read:
            self._read[key] = function_body(self._graph, name, shapes)
        return self._read[key]

    def called(self, op: Operation, shapes: Optional[Sequence[Any]] = None) -> Any:
        """The body that a call runs."""
        return self.named(op.get_attr('f').name if op.type in CALLS else op.type, shapes)

    def loop(self, op: Operation, shapes: Optional[Sequence[Any]] = None) -> Any:
        """The loop that a While is."""
        cond, body = (self.named(op.get_attr(name).name, shapes) for name in ('cond', 'body'))
        return Loop(op, cond, body, [output.shape for output in op.outputs])

    def branches(self, op: Operation, shapes: Optional[Sequence[Any]] = None) -> List[Any]:
        """The bodies that an If or Case chooses from."""
        functions = [op.get_attr(name) for name in BRANCHES[op.type]]
        return [self.named(f.name, shapes) for f in (functions[0] if isinstance(functions[0], list) else functions)]


def called_by(graph: Graph, name: str) -> Set[str]:
    """Names of the functions of a graph that are called in the body of this one."""
    names: Set[str] = set()
    for node in function_definition(graph, name).node_def:
        names |= called_functions(node) | {node.op}
    return {callee for callee in names if is_function(graph, callee)}


def measure_calls(first: str, calls: Callable[[str], Iterable[str]], depths: Dict[str, int]) -> None:
    """Add to ``depths`` how deep the calls in a function go, and those in all that it calls, the innermost first.

    ``calls`` are the names of the functions that one calls. Raises GraphError where it calls itself.
    """
    path: OrderedDict[str, Any] = OrderedDict()  # who called whom -> whom they have still to call
    if first not in depths:
        path[first] = [list(calls(first)), 0]
    while path:
        name = next(reversed(path))
        callees, done = path[name]
        if done == len(callees):
            depths[name] = 1 + max([depths[callee] for callee in callees], default=0)
            if depths[name] > MOST_NESTED:
                raise GraphError(f"Function '{name}' calls others, which call others, more than {MOST_NESTED} deep.")
            del path[name]
            continue
        path[name][1] += 1
        if callees[done] in path:
            raise GraphError(
                f"Function '{callees[done]}' calls itself, at once or through others, so there is no end to what "
                'would be looked at.'
            )
        if callees[done] not in depths:
            path[callees[done]] = [list(calls(callees[done])), 0]


def is_closure(op: Operation) -> bool:
    """Whether the op's gradient is a Python function that knows the tensors of one graph (tf.custom_gradient)."""
    return (custom_gradient(op) or '').startswith('CustomGradient')


def loses_gradient(op: Operation) -> bool:
    """Whether a copy elsewhere has another derivative: not that of swish (SiLU), whose closure only saves memory."""
    if not is_closure(op):
        return False
    product = op.inputs[0].op
    return not (product.type == 'Mul' and any(factor.op.type == 'Sigmoid' for factor in product.inputs))


def check_writes(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> None:
    """Raise where outputs of a body wait for an assignment, which the copy is without.

    What is returned waits for all that a function does, and does not read it; hence the tensors behind that.
    """
    behind = [tensor.op.inputs[0] if tensor.op.type == 'Identity' else tensor for tensor in outputs]
    for op in ancestors(behind, inputs, control=True) - ancestors(behind, inputs):
        if op.type.startswith(('Assign', 'ResourceScatter', 'Scatter')) and op.type != 'ScatterNd':
            raise GraphError(
                f"In a function body or loop between X and T, op '{op.name}' ({op.type}) assigns to a variable before "
                "that is read, which no copy may do again: build that part without the assignment, or use 'occlusion' "
                "or 'shapley_sampling'."
            )


def handed_on(tensor: Tensor) -> str:
    """Name of the tensor that this one is, under another name perhaps."""
    while tensor.op.type == 'Identity':
        tensor = tensor.op.inputs[0]
    return tensor.name


def loop_variables(cond: Any, body: Any, wanted: Iterable[int]) -> List[int]:
    """Indices of the variables of a loop that the wanted ones depend on, and the number of steps."""
    found, before = set(wanted) | read_by(cond, cond.outputs), None
    while found != before:
        before = set(found)
        found |= read_by(body, [body.outputs[i] for i in before])
    return sorted(found)


def read_by(body: Any, outputs: Iterable[Tensor]) -> Set[int]:
    """Indices of the inputs of a body that these outputs depend on."""
    ops = ancestors(outputs, body.inputs)
    names = {tensor.name for tensor in outputs}.union(tensor.name for op in ops for tensor in op.inputs)
    return {i for i, tensor in enumerate(body.inputs) if tensor.name in names}


def in_order(reads: Mapping[Operation, Iterable[Tensor]]) -> List[Operation]:
    """Ops after those that they read from; ``reads`` are the tensors for each. Creation tells no order in a cond."""
    order: Dict[Operation, None] = {}
    for last in reads:
        path = [last]
        while path:
            ops = (tensor.op for tensor in reads[path[-1]])
            missing = [op for op in ops if op in reads and op not in order and op.type != 'NextIteration']
            path.extend(missing)
            if not missing:
                order[path.pop()] = None
    return list(order)


def ops_of(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> List[Operation]:
    """Ops that compute outputs of a body from its inputs, in order."""
    return sorted(ancestors(outputs, inputs), key=lambda op: op._id)

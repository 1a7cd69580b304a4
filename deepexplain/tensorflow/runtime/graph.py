"""Reading a graph: what lies between X and T, what a run needs, how large it is. Nothing here adds an op."""

import re
from difflib import get_close_matches
from typing import Any, Callable, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from ...arguments import MOST_TEXT
from ...errors import ArgumentError, GraphError
from ...types import Shape
from ..compat import Graph, Operation, Tensor, is_function, original_gradient
from .building import consumers
from .op_types import STEPS, carries, is_continuous
from .overrides import custom_gradient

#: TensorFlow says of runs in the caller's thread: only for simple graphs.
MOST_OPS_OF_SIMPLE_GRAPH = 200


def tensor_named(
    graph: Graph,
    tensor: Any,
    what: Optional[str] = None,
    where: str = 'in this graph',
    keys: Optional[Mapping[str, str]] = None,
) -> Tensor:
    """The tensor of this name ('dense/BiasAdd:0', 'dense/BiasAdd'), and what is no name as it is.

    Parameters
    ----------
    what, where : str
        What the tensor is to be, and where it must be: for the error, which has the names most like it.
    keys : dict, optional
        Further names -> names of tensors.
    """
    if not isinstance(tensor, str):
        return tensor
    keys = keys or {}
    full = keys.get(tensor, tensor)
    full = full if ':' in full else full + ':0'
    try:
        if ':-' not in full:  # which would count from the last
            return graph.as_graph_element(full, allow_operation=False)
        raise KeyError(full)
    except (KeyError, ValueError, TypeError, OverflowError):
        names = sorted(keys) + [z.name for op in graph.get_operations() for z in op.outputs]
        like = _like(full, names) if len(full) <= MOST_TEXT else []
        begin = f'{what}: there' if what else 'There'
        raise ArgumentError(
            f"{begin} is no tensor '{tensor[:MOST_TEXT]}' {where}. Names like it: {', '.join(like) or 'none'}."
        ) from None


def _like(name: str, known: List[str]) -> List[str]:
    """The names most like a wrong one: those that hold it, else those with many of its letters. None of our own."""
    known = [one for one in known if not re.match(r'deepexplain(_\d+)?/', one)]
    wanted = name.split(':')[0].lower()
    holding = sorted((one for one in known if wanted and wanted in one.lower()), key=len)
    near = get_close_matches(wanted, {one.split(':')[0].lower() for one in known}, 5, 0.5)
    return holding[:5] or [one for one in known if one.split(':')[0].lower() in near][:5]


def ops_between(target: Tensor, inputs: Sequence[Tensor]) -> List[Operation]:
    """Ops on a path from any of the input tensors to the target tensor, in order of creation."""
    upstream = ancestors([target], inputs)
    found, frontier = set(), list(inputs)
    while frontier:
        for op in consumers(frontier.pop()):
            if op in upstream and op not in found:
                found.add(op)
                frontier.extend(op.outputs)
    # _id is the order of creation in every TensorFlow there is; names carry no order.
    return sorted(found, key=lambda op: op._id)


class Step(NamedTuple):
    """An op; the indices of those of its inputs that vary with X (not merely with its shape); and of its indicators.

    These are those of the varying inputs that hold numbers made of conditions, ids and the like alone: they jump, and
    nothing can be attributed through them.
    """

    op: Operation
    varying: List[int]
    discrete: Tuple[int, ...] = ()

    @property
    def numbers(self) -> List[int]:
        """The indices of the varying inputs that hold numbers."""
        return [i for i in self.varying if is_continuous(self.op.inputs[i])]


def steps_of(between: Sequence[Operation], inputs: Sequence[Tensor]) -> List[Step]:
    """The ops that compute something of the values of the inputs, each a :class:`Step`, in order."""
    start = {x.name for x in inputs}
    names, carrying, before = set(start), set(start), None
    steps: List[Step] = []
    while (names, carrying) != before:  # once and again, as a loop of TensorFlow 1 goes in a circle
        before, steps = (set(names), set(carrying)), []
        for op in between:
            varying = [i for i, tensor in enumerate(op.inputs) if tensor.name in names]
            if varying and op.type not in OF_SHAPES:
                discrete = [i for i in varying if op.inputs[i].name not in carrying and is_continuous(op.inputs[i])]
                steps.append(Step(op, varying, tuple(discrete)))
                names.update(tensor.name for tensor in op.outputs)
                if carries(op, [i for i in varying if op.inputs[i].name in carrying]):
                    carrying.update(tensor.name for tensor in op.outputs if is_continuous(tensor))
    return steps


def ancestors(tensors: Iterable[Tensor], stop_at: Iterable[Tensor], control: bool = False) -> Set[Operation]:
    """Ops that must run to compute the tensors when those in ``stop_at`` are fed."""
    stop = {tensor.name for tensor in stop_at}
    found, frontier = set(), [tensor.op for tensor in tensors if tensor.name not in stop]
    while frontier:
        op = frontier.pop()
        if op in found:
            continue
        found.add(op)
        frontier.extend(tensor.op for tensor in op.inputs if tensor.name not in stop)
        if control:  # a fed op need not run, not even for those that wait for it
            frontier.extend(c for c in op.control_inputs if not (c.outputs and c.outputs[0].name in stop))
    return found


#: Ops that give other data each time they run.
CONSUMING = frozenset(
    """IteratorGetNext IteratorGetNextSync QueueDequeue QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo
    QueueDequeueUpToV2 QueueDequeueV2 ReaderRead ReaderReadV2""".split()
)


def data_sources(tensors: Iterable[Tensor], stop_at: Iterable[Tensor]) -> List[Operation]:
    """Ops that bring data into a run of the tensors: placeholders, with a default or without, and CONSUMING ones."""
    found = ancestors(tensors, stop_at, control=True)
    return sorted(
        (op for op in found if op.type.startswith('Placeholder') or op.type in CONSUMING), key=lambda op: op.name
    )


def check_reaches(target: Tensor, x: Tensor, between: Sequence[Operation], what: str = 'X') -> None:
    """Raise GraphError unless ``target`` depends on ``x`` (``between`` are the ops between these two)."""
    if not between and target.name != x.name:
        raise GraphError(
            f"{what} does not reach T: no path of ops leads from {what} '{x.name}' to T '{target.name}'. Explain a "
            'tensor that T is computed from.'
        )


def check_passes_gradient(
    target: Tensor,
    x: Tensor,
    between: Sequence[Operation],
    has_rule: Callable[[Operation], Any] = lambda op: False,
    what: str = 'X',
) -> None:
    """Raise GraphError unless a gradient can run from ``target`` back to ``x``, naming the op where paths end.

    ``has_rule`` says of an op that stops gradients whether a rule takes their place there.
    """
    passes = {op: not stops_gradient(op) or has_rule(op) for op in between}
    reached, frontier = {x.name}, [x]
    while frontier:
        for op in consumers(frontier.pop()):
            if passes.get(op):
                frontier.extend(tensor for tensor in op.outputs if tensor.name not in reached)
                reached.update(tensor.name for tensor in op.outputs)
    if target.name not in reached:
        ends = [op for op in between if not passes[op] and any(z.name in reached for z in op.inputs)]
        if not ends:
            raise GraphError(f"{what} '{x.name}' reaches T '{target.name}' only through another {what}, fed itself.")
        raise GraphError(
            f"{what} '{x.name}' reaches T '{target.name}' only through ops that pass no gradient; the first is op "
            f"'{ends[0].name}' ({ends[0].type}). Gradients stop at lookups of ids, casts to integers, rounding, argmax "
            f'and stop_gradient: {advice_behind(target, x)}'
        )


def advice_behind(target: Tensor, x: Tensor) -> str:
    """What to explain where a gradient of ``target`` does not arrive at ``x``, for an error message."""
    behind = tensors_behind(target, x)
    if not ops_between(target, [x]):
        return 'explain a tensor that T is computed from.'
    if not behind:
        return 'no tensor behind it has a gradient either; use occlusion or shapley_sampling.'
    names = ' or '.join(repr(tensor.name) for tensor in behind[:3])
    values = f"session.run('{behind[0].name}', {{'{x.name}': ...}})"
    return f'explain {names} instead, with the values that {values} gives; or use occlusion or shapley_sampling.'


def tensors_behind(target: Tensor, x: Tensor) -> List[Tensor]:
    """The tensors nearest to ``x`` that are computed from it and have a gradient of ``target`` where it has none.

    For token ids, that is the output of their embedding.
    """
    passed, frontier = dict.fromkeys(ops_between(target, [x]), False), [x]
    while frontier:
        for op in consumers(frontier.pop()):
            if passed.get(op) is False and op.type not in OF_SHAPES:
                passed[op] = True
                frontier.extend(op.outputs)
    between = [op for op in passed if passed[op]]
    dependent = {z.name for op in between for z in op.outputs} | {x.name}
    # The inputs by which an op passes a gradient on towards x.
    ways = {op: [z for z in op.inputs if z.name in dependent and is_continuous(z)] for op in between}
    ways.update((op, []) for op in between if stops_gradient(op))
    arrives, frontier = {target.name}, [target]
    while frontier:
        for z in ways.get(frontier.pop().op, ()):
            if z.name not in arrives:
                arrives.add(z.name)
                frontier.append(z)
    behind = [z for op in between if not ways[op] for z in op.outputs if z.name in arrives and z.dtype.is_floating]
    behind = [z for z in behind if z.name != target.name]
    lookups = [z for z in behind if z.op.type in LOOKUPS]  # what else there is, such as a mask, says less
    return lookups or behind


#: Ops that make vectors of ids.
LOOKUPS = frozenset('Gather GatherNd GatherV2 OneHot ResourceGather ResourceGatherNd'.split())

#: Ops whose outputs depend on shapes, not on values.
OF_SHAPES = frozenset(
    'OnesLike Rank Shape ShapeN Size TensorArraySizeV3 TensorListElementShape TensorListLength ZerosLike'.split()
)

#: Ops whose gradient is zero, or none, wherever they have one.
FLAT = STEPS | {'StopGradient'}


def stops_gradient(op: Operation) -> bool:
    """Whether no gradient passes the op, whatever its values."""
    if op.type in FLAT and custom_gradient(op) is None:
        return True
    if op.outputs and not any(map(is_continuous, op.outputs)):
        return True
    calls = takes_functions(op) or is_function(op.graph, op.type)
    return not calls and custom_gradient(op) is None and original_gradient(op.type) is None


def takes_functions(op: Operation) -> bool:
    """Whether the op calls functions: While, If, PartitionedCall and their like."""
    return op.op_def is not None and any(attr.type in ('func', 'list(func)') for attr in op.op_def.attr)


def has_control_flow(ops: Iterable[Operation]) -> bool:
    """Whether any op is part of a loop or a branch, or calls functions."""
    types = {op.type for op in ops}
    return bool(types & {'Enter', 'Switch'}) or any(takes_functions(op) or is_function(op.graph, op.type) for op in ops)


def is_simple(ops: Sequence[Operation]) -> bool:
    """Whether there are few ops, and neither loops nor functions."""
    return len(ops) <= MOST_OPS_OF_SIMPLE_GRAPH and not has_control_flow(ops)


def row_bytes(between: Sequence[Operation], inputs: Sequence[Tensor], row_shapes: Sequence[Shape]) -> float:
    """Bytes of the largest tensor between X and T for one sample, an estimate from static shapes.

    ``row_shapes`` are the shapes of one sample of each input; they stand in for dimensions that the graph
    leaves open: the largest open dimension of X is assumed for every open one.
    """
    open_dim = 1
    for x, shape in zip(inputs, row_shapes):
        if x.shape.ndims is not None:
            open_dim = max([open_dim] + [n for dim, n in zip(x.shape.as_list()[1:], shape) if dim is None])
    largest = max(float(np.prod(shape)) * x.dtype.size for x, shape in zip(inputs, row_shapes))
    for op in between:
        for output in op.outputs:
            if output.shape.ndims:
                dims = [open_dim if dim is None else dim for dim in output.shape.as_list()[1:]]
                largest = max(largest, float(np.prod(dims)) * output.dtype.size)
    return largest

"""Reading a graph: what lies between X and T, what a run needs, how large it is. Nothing here adds an op."""

import numpy as np

from ...errors import GraphError
from ..compat import is_function, original_gradient
from .overrides import custom_gradient


def ops_between(target, inputs):
    """Ops on a path from any of the input tensors to the target tensor, in order of creation."""
    upstream = ancestors([target], inputs)
    found, frontier = set(), list(inputs)
    while frontier:
        for op in frontier.pop().consumers():
            if op in upstream and op not in found:
                found.add(op)
                frontier.extend(op.outputs)
    # _id is the order of creation in every TensorFlow there is; names carry no order.
    return sorted(found, key=lambda op: op._id)


def ancestors(tensors, stop_at, control=False):
    """Ops that must run to compute the tensors when those in ``stop_at`` are fed."""
    stop = {tensor.name for tensor in stop_at}
    found, frontier = set(), [tensor.op for tensor in tensors if tensor.name not in stop]
    while frontier:
        op = frontier.pop()
        if op in found:
            continue
        found.add(op)
        frontier.extend(tensor.op for tensor in op.inputs if tensor.name not in stop)
        if control:
            frontier.extend(op.control_inputs)
    return found


def placeholders(tensors, stop_at):
    """Placeholder ops, with a default or without, that a run of the tensors reads, by name."""
    found = (op for op in ancestors(tensors, stop_at, control=True) if op.type.startswith('Placeholder'))
    return sorted(found, key=lambda op: op.name)


def check_reaches(target, x, between):
    """Raise GraphError unless ``target`` depends on ``x`` (``between`` are the ops between these two)."""
    if not between and target.name != x.name:
        raise GraphError(
            f"X does not reach T: no path of ops leads from X '{x.name}' to T '{target.name}'. Explain a tensor that "
            'T is computed from.'
        )


def no_gradient_error(target, x, between):
    """The GraphError for a T that depends on X through ops without a gradient, naming the first of them."""
    blocking = [op for op in between if _stops_gradient(op)]
    where = f"op '{blocking[0].name}' ({blocking[0].type})" if blocking else 'an op without a gradient'
    return GraphError(
        f"X '{x.name}' reaches T '{target.name}' only through ops that pass no gradient; the first is {where}. "
        'Gradients stop at lookups of ids, casts to integers, argmax and stop_gradient: explain the tensor after '
        'that op (for text, the output of the embedding), or use occlusion or shapley_sampling.'
    )


def _stops_gradient(op):
    if op.type == 'StopGradient':
        return True
    if op.outputs and not any(output.dtype.is_floating or output.dtype.is_complex for output in op.outputs):
        return True
    return custom_gradient(op) is None and original_gradient(op.type) is None


def hidden_ops(ops):
    """Yield ``(op, types)`` for each op that calls functions: the types of the ops in their bodies.

    These are While, If, PartitionedCall and their like. Bodies that call further functions are followed.
    """
    with_functions, library = {}, None
    for op in ops:
        if op.type not in with_functions:
            attrs = op.op_def.attr if op.op_def is not None else ()
            with_functions[op.type] = any(attr.type in ('func', 'list(func)') for attr in attrs)
        names = _called_functions(op.node_def) if with_functions[op.type] else set()
        if is_function(op.graph, op.type):
            names.add(op.type)
        if names:
            if library is None:  # serialises the graph: once, and only where there is a call
                library = {f.signature.name: f for f in op.graph.as_graph_def().library.function}
            yield op, _types_in(names, library)


def _types_in(names, library):
    types, seen = set(), set()
    while names:
        name = names.pop()
        if name in seen or name not in library:
            continue
        seen.add(name)
        for node in library[name].node_def:
            types.add(node.op)
            names |= _called_functions(node)
    return types


def _called_functions(node):
    names = {value.func.name for value in node.attr.values() if value.HasField('func')}
    return names | {f.name for value in node.attr.values() for f in value.list.func}


def row_bytes(between, inputs, row_shapes):
    """Bytes of the largest tensor between X and T for one sample, an estimate from static shapes.

    ``row_shapes`` are the shapes of one sample of each input; they stand in for dimensions that the graph
    leaves open: the largest open dimension of X is assumed for every open one.
    """
    open_dim = 1
    for x, shape in zip(inputs, row_shapes):
        if x.shape.ndims is not None:
            dims = x.shape.as_list()[1:]
            open_dim = max([open_dim] + [actual for dim, actual in zip(dims, shape) if dim is None])
    largest = max(float(np.prod(shape)) * x.dtype.size for x, shape in zip(inputs, row_shapes))
    for op in between:
        for output in op.outputs:
            if output.shape.ndims:
                dims = [open_dim if dim is None else dim for dim in output.shape.as_list()[1:]]
                largest = max(largest, float(np.prod(dims)) * output.dtype.size)
    return largest

"""What a network computes, as a hash: its ops, constants and what its variables hold. Not the names of its ops."""

import hashlib
from typing import Any, Dict, List, Sequence

import numpy as np

from ..compat import Graph, Operation, Session, Tensor, function_definition, is_function, tf
from .building import building, consumers

#: Attributes that change no number: where an op is placed, what it or its loop is called, how it is run; names of code.
MERE = frozenset(
    """_class _gradient_op_type _output_shapes config config_proto container executor_type
    frame_name shared_name""".split()
)
#: Op types that hold a variable.
VARIABLES = frozenset(['VarHandleOp', 'Variable', 'VariableV2'])


def network_digest(target: Tensor, inputs: Sequence[Tensor], session: Session) -> str:
    """The sha256, in hexadecimal, of all that T is computed from, but for the inputs.

    Equal for equal networks in other graphs and processes, wherever variables or constants hold the same.
    """
    digest, graph = hashlib.sha256(), session.graph
    with building(graph):
        variables = _walk(digest, target, inputs)
        readers = [_reader(op) for op in variables]
    for reader in readers:  # one after the other: together they may be large
        _add_array(digest, session.run(reader))
    return digest.hexdigest()


def _walk(digest: Any, target: Tensor, inputs: Sequence[Tensor]) -> List[Operation]:
    """Hash the ops above a target, from it upward, and return those of variables."""
    given = {x.name: f'X{i}' for i, x in enumerate(inputs)}
    for x in inputs:
        digest.update(f'{x.dtype.base_dtype.name} {x.shape}\n'.encode())
    functions: Dict[str, str] = {}
    numbers = {target.op: 0}
    ops, variables = [target.op], []
    for op in ops:  # which grows
        sources = []
        for tensor in op.inputs:
            if tensor.name not in given and tensor.op not in numbers:
                numbers[tensor.op] = len(ops)
                ops.append(tensor.op)
            at = given.get(tensor.name) or f'{numbers[tensor.op]}:{tensor.value_index}'
            sources.append(at)
        digest.update(f'{_op_type(op.graph, op.type, functions)}({",".join(sources)})\n'.encode())
        _add_attributes(digest, op.node_def, op.graph, functions)
        if op.type in VARIABLES:
            variables.append(op)
    return variables


def _op_type(graph: Graph, name: str, functions: Dict[str, str]) -> str:
    return _function(graph, name, functions) if is_function(graph, name) else name


def _add_attributes(digest: Any, node: Any, graph: Graph, functions: Dict[str, str]) -> None:
    for key in sorted(set(node.attr) - MERE):
        value = node.attr[key]
        names = [value.func.name] if value.HasField('func') else [f.name for f in value.list.func]
        digest.update(key.encode() + b'=')
        if names:
            digest.update(','.join(_function(graph, name, functions) for name in names).encode())
        else:
            digest.update(value.SerializeToString(deterministic=True))


def _function(graph: Graph, name: str, functions: Dict[str, str]) -> str:
    """A hash in place of the name of a function, in which tracing counts."""
    if name not in functions:
        functions[name] = ''  # where it calls itself
        digest, definition = hashlib.sha256(), function_definition(graph, name)
        # What is in it has names in which tracing counts, too.
        names = [arg.name for arg in definition.signature.input_arg] + [node.name for node in definition.node_def]
        numbers = {known: str(number) for number, known in enumerate(names)}

        def numbered(source: str) -> str:
            head, *rest = source.split(':')
            return ':'.join([numbers.get(head.lstrip('^'), head), *rest])

        for node in definition.node_def:
            sources = ','.join(map(numbered, node.input))
            digest.update(f'{_op_type(graph, node.op, functions)}({sources})\n'.encode())
            _add_attributes(digest, node, graph, functions)
        digest.update(repr([numbered(definition.ret[arg.name]) for arg in definition.signature.output_arg]).encode())
        functions[name] = digest.hexdigest()
    return functions[name]


def _reader(op: Operation) -> Tensor:
    """A tensor that gives what a variable holds: one that is there, if any, so that nothing is added."""
    handle = op.outputs[0]
    if op.type != 'VarHandleOp':
        return handle
    for reader in consumers(handle):
        if reader.type == 'ReadVariableOp' and op.graph.is_fetchable(reader.outputs[0]):
            return reader.outputs[0]
    with op.graph.as_default(), tf.control_dependencies(None):
        return tf.raw_ops.ReadVariableOp(resource=handle, dtype=op.get_attr('dtype'))


def _add_array(digest: Any, value: Any) -> None:
    array = np.asarray(value)
    digest.update(f'{array.dtype} {array.shape}\n'.encode())
    digest.update(array.tobytes() if array.dtype.kind in 'OV' else np.ascontiguousarray(array).data)

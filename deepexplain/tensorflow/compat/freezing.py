"""A function of TensorFlow 2 as a graph without variables, and the lookup tables that it reads."""

from collections import namedtuple
from typing import Any, Callable, Container, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from ...types import Array
from .api import tf, tf2
from .types import Operation, Session, Tensor

#: What :func:`frozen` returns: a graph; names of its inputs and outputs; keys -> names of outputs, where they are a
#: dict; the content of lookup tables, as (name of the handle's placeholder, keys, values); and the values of large
#: constants by their names, which the graph is without.
Frozen = namedtuple('Frozen', 'graph inputs outputs keys tables large')

#: From this many bytes on, a weight is no constant: TensorFlow copies those a dozen times, and holds 2 GB of them.
LARGE = 1 << 20
#: But in a frozen graph that holds no more of these together: people copy it, constants and all, into their own.
MANY = 1 << 25

#: The ops of loops and branches whose bodies are functions.
OF_FUNCTIONS = frozenset('Case If StatelessIf StatelessWhile While'.split())


def frozen(call: Callable[..., Any], specs: Sequence[Any]) -> Frozen:
    """Trace ``call`` for these TensorSpecs: a graph without variables or calls.

    Loops and branches keep their functions: TensorFlow does not differentiate the lowered ones.
    """
    function = tf2.function(lambda *tensors: call(*tensors), autograph=False).get_concrete_function(*specs)
    captured = zip(function.graph.internal_captures, function.captured_inputs)
    handles = {inside.op.name: outside for inside, outside in captured if outside.dtype == tf.resource}
    structure = function.structured_outputs
    function.graph.as_graph_def = _unlowered(function.graph.as_graph_def)  # that graph is ours: it was traced here
    function, large = _without_variables(function)
    names_out = [tensor.name for tensor in function.outputs]
    keys, rest = {}, iter(names_out)
    for key in sorted(structure) if isinstance(structure, dict) else ():
        names = [next(rest) for leaf in tf.nest.flatten(structure[key], expand_composites=True) if leaf is not None]
        keys.update({key: names[0]} if len(names) == 1 else {})
    names_in = [tensor.name for tensor in function.inputs[: len(specs)]]
    tables = _tables(function.graph.as_graph_def(), handles)
    return Frozen(function.graph, names_in, names_out, keys, tables, large)


def _without_variables(function: Any) -> Tuple[Any, Dict[str, Array]]:
    """``convert_variables_to_constants_v2``, but for large values, which come beside it: a stand-in has their shape."""
    from tensorflow.python.framework import convert_to_constants as tf_convert

    large = {}

    class Data(tf_convert._FunctionConverterDataInEager):  # type: ignore[misc]
        def _build_tensor_data(self) -> None:
            super()._build_tensor_data()
            for name, data in self._tensor_data.items():
                if data.numpy.nbytes >= LARGE and data.numpy.dtype != object:
                    large[name] = data.numpy
                    self._tensor_data[name] = data._replace(numpy=_StandIn(data.numpy))

    data = Data(func=function, lower_control_flow=False, aggressive_inlining=False)
    graph_def, converted = tf_convert._replace_variables_by_constants(converter_data=data)
    return tf_convert._construct_concrete_function(function, graph_def, converted), large


class _StandIn:
    """One zero that TensorFlow takes for an array of the same shape, and writes down as one."""

    def __init__(self, array: Array) -> None:
        self.shape, self._zero = array.shape, np.zeros((), array.dtype)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return self._zero.astype(dtype or self._zero.dtype)


def take_large(graph_def: Any, at_least: int = 0) -> Dict[str, Array]:
    """Take the values of large constants out of a GraphDef, if there are so many bytes of them: by names of nodes."""
    found = [node for node in graph_def.node if node.op == 'Const' and node.attr['value'].tensor.ByteSize() >= LARGE]
    large = {}
    if sum(node.attr['value'].tensor.ByteSize() for node in found) >= at_least:
        for node in found:
            value = tf.make_ndarray(node.attr['value'].tensor)
            if value.dtype != object:
                large[node.name] = value
                del node.attr['value']
    return large


def as_variables(graph_def: Any, large: Mapping[str, Array]) -> Any:
    """Make variables of large constants in a GraphDef, and return it. The op that reads one has the constant's name."""
    nodes = {node.name: node for node in graph_def.node}
    for name, value in large.items():
        node, handle = nodes[name], graph_def.node.add()
        handle.name, handle.op = _free(name + '/variable', nodes), 'VarHandleOp'
        handle.device = node.device
        handle.attr['dtype'].type = tf.as_dtype(value.dtype).as_datatype_enum
        handle.attr['shape'].shape.CopyFrom(tf.TensorShape(value.shape).as_proto())
        handle.attr['shared_name'].s = handle.name.encode()
        inputs = [waited for waited in node.input if waited.startswith('^')]
        node.Clear()
        node.name, node.op = name, 'ReadVariableOp'
        node.input.extend([handle.name, *inputs])
        node.attr['dtype'].CopyFrom(handle.attr['dtype'])
    return graph_def


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += '_'
    return name


def assign_large(session: Session, large: Mapping[str, Array]) -> None:
    """Give the variables that :func:`as_variables` made, in the graph of this session, their values."""
    for name, value in large.items():
        read = session.graph.get_tensor_by_name(name + ':0')  # fed, so that no placeholder stays behind
        session.run(tf.raw_ops.AssignVariableOp(resource=read.op.inputs[0], value=read), {read: value})


def _unlowered(as_graph_def: Callable[..., Any]) -> Callable[..., Any]:
    """``as_graph_def`` of a graph whose loops and branches keep their functions, as ``lower_control_flow=False`` says.

    TensorFlow (2.21) forgets Case there, which becomes _SwitchN and Merge, without a gradient; and it does not follow
    variables into the branches of a StatelessCase, which is a Case whose branches have no side effects.
    """

    def unlowered(*args: Any, **kwargs: Any) -> Any:
        graph_def = as_graph_def(*args, **kwargs)
        for nodes in [graph_def.node] + [function.node_def for function in graph_def.library.function]:
            for node in nodes:
                node.op = 'Case' if node.op == 'StatelessCase' else node.op
                if node.op in OF_FUNCTIONS:
                    node.attr['_lower_using_switch_merge'].b = False
        return graph_def

    return unlowered


def _tables(graph_def: Any, handles: Any) -> List[Tuple[Any, ...]]:
    """What lookup tables hold, as (name of the handle's placeholder, keys, values)."""
    nodes, tables = {node.name: node for node in graph_def.node}, {}
    for node in graph_def.node:
        if node.op == 'LookupTableFindV2':
            handle = nodes[node.input[0]]
            while handle.op == 'Identity':
                handle = nodes[handle.input[0]]
            content = tf.raw_ops.LookupTableExportV2(
                table_handle=handles[handle.name], Tkeys=node.attr['Tin'].type, Tvalues=node.attr['Tout'].type
            )
            tables[handle.name] = [tensor.numpy() for tensor in content]
    left = [node.name for node in graph_def.node if node.op == 'Placeholder' and node.name in handles]
    if set(left) - set(tables):
        raise ValueError(
            f"the resource '{(set(left) - set(tables)).pop()}' (a lookup table in a loop?) cannot be frozen"
        )
    return [(name, *content) for name, content in tables.items()]


def lookup_table(keys: Array, values: Array) -> Tuple[Tensor, Operation]:
    """Add a lookup table to the default graph: its handle, and the op that fills it."""
    handle = tf.raw_ops.MutableHashTableV2(key_dtype=_dtype_of(keys), value_dtype=_dtype_of(values))
    return handle, tf.raw_ops.LookupTableImportV2(table_handle=handle, keys=keys, values=values)


def _dtype_of(array: Array) -> Any:
    return tf.string if array.dtype == object else tf.as_dtype(array.dtype)

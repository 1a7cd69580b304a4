"""A function of TensorFlow 2 as a graph without variables, and the lookup tables that it reads."""

from collections import namedtuple
from typing import Any, Callable, List, Sequence, Tuple

from ...types import Array
from .api import tf, tf2
from .types import Operation, Tensor

#: What :func:`frozen` returns: a graph; names of its inputs and outputs; keys -> names of outputs, where they are a
#: dict; and the content of lookup tables, as (name of the handle's placeholder, keys, values).
Frozen = namedtuple('Frozen', 'graph inputs outputs keys tables')

#: The ops of loops and branches whose bodies are functions.
OF_FUNCTIONS = frozenset('Case If StatelessIf StatelessWhile While'.split())


def frozen(call: Callable[..., Any], specs: Sequence[Any]) -> Frozen:
    """Trace ``call`` for these TensorSpecs: a graph without variables or calls.

    Loops and branches keep their functions: TensorFlow does not differentiate the lowered ones.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    function = tf2.function(lambda *tensors: call(*tensors), autograph=False).get_concrete_function(*specs)
    captured = zip(function.graph.internal_captures, function.captured_inputs)
    handles = {inside.op.name: outside for inside, outside in captured if outside.dtype == tf.resource}
    structure = function.structured_outputs
    function.graph.as_graph_def = _unlowered(function.graph.as_graph_def)  # that graph is ours: it was traced here
    function = convert_variables_to_constants_v2(function, lower_control_flow=False)
    names_out = [tensor.name for tensor in function.outputs]
    keys, rest = {}, iter(names_out)
    for key in sorted(structure) if isinstance(structure, dict) else ():
        names = [next(rest) for leaf in tf.nest.flatten(structure[key], expand_composites=True) if leaf is not None]
        keys.update({key: names[0]} if len(names) == 1 else {})
    names_in = [tensor.name for tensor in function.inputs[: len(specs)]]
    return Frozen(function.graph, names_in, names_out, keys, _tables(function.graph.as_graph_def(), handles))


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

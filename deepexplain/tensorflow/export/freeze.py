"""The explained graph without its variables, to be made anew in another graph, piece by piece."""

from typing import Any, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

import numpy as np

from ...errors import GraphError
from ...types import Array
from ..compat import Graph, Session, Tensor, new_graph_def, strip_hints, tf, without_variables
from ..runtime.building import building
from .copies import Copy
from .nodes import node_of, reachable

#: Constants of so many bytes are shared by all pieces of a graph. Smaller ones are where they are read.
SHARED = 1 << 16
#: What protocol buffers hold, but for what else there is in a graph.
MOST_BYTES = (1 << 31) - (1 << 26)
#: Ops that keep something between runs, beginnings of their types.
_KEEPING = {
    'lookup table': ('HashTable', 'MutableHashTable', 'MutableDenseHashTable', 'LookupTable', 'InitializeTable'),
    'Python function': ('PyFunc', 'EagerPyFunc'),
    'queue or iterator': ('Iterator', 'OneShotIterator', 'QueueDequeue', 'ReaderRead'),
    'variable in a function or loop': ('VarHandleOp', 'VariableV2', 'Variable', 'AssignVariableOp', 'Assign'),
}
_OF_REFS = {'RefIdentity': 'Identity', 'RefEnter': 'Enter', 'RefSwitch': 'Switch', 'RefMerge': 'Merge'}


class Frozen:
    """Nodes that compute some tensors of a session's graph, with constants for variables.

    Parameters
    ----------
    session : tf.compat.v1.Session
    fetches : list of tf.Tensor
        What copies will compute.
    feeds : list of tf.Tensor
        What each copy is given.
    constants : dict of names of tensors to arrays
        What takes the place of further placeholders.

    Raises
    ------
    GraphError
        Something keeps its state between runs, or is too large.
    """

    def __init__(
        self, session: Session, fetches: Sequence[Tensor], feeds: Sequence[Tensor], constants: Mapping[str, Array]
    ) -> None:
        with building(session.graph):
            self._def = session.graph.as_graph_def()
        self.fed = {z.name for z in feeds}
        self._nodes = {node.name: node for node in self._def.node}
        self._functions = {function.signature.name: function for function in self._def.library.function}
        self.dtypes = {z.name: z.dtype.base_dtype for z in [*fetches, *feeds]}
        names = [z.name for z in fetches]
        for name in constants:
            self._set_constant(name, constants[name])
        for node in self._reachable(names, self.fed):
            if node.op == 'PlaceholderWithDefault' and node.name + ':0' not in self.fed:
                dtype = node.attr['dtype'].type
                node.op = 'Identity'
                node.ClearField('attr')
                node.attr['T'].type = dtype
        self._check_size(session, names)
        self._without_variables(session, names)
        used = self._reachable(names, self.fed)
        for nodes in [used] + [function.node_def for function in self.functions_of(used)]:
            strip_hints(nodes)
            _check(nodes)
        self._shared = {
            node.name for node in used if node.op == 'Const' and node.attr['value'].tensor.ByteSize() >= SHARED
        }
        self._in_graph: Dict[Any, Dict[str, Tensor]] = {}  # graph -> the shared constants that it has, by name
        self.copies = 0

    def _reachable(self, names: Iterable[str], stop: Iterable[str]) -> List[Any]:
        """The nodes that compute tensors, where those to stop at are given."""
        return reachable(self._nodes, names, set(stop))

    def _set_constant(self, tensor: str, value: Array) -> None:
        node = self._nodes[tensor.split(':')[0]]
        constant = tf.make_tensor_proto(value, dtype=node.attr['dtype'].type)
        node.op = 'Const'
        del node.input[:]
        node.attr.pop('shape', None)
        node.attr['value'].tensor.CopyFrom(constant)

    def _check_size(self, session: Session, names: Sequence[str]) -> None:
        size = 0.0
        for node in self._reachable(names, self.fed):
            if node.op == 'Const':
                size += node.attr['value'].tensor.ByteSize()
            elif node.op in ('VarHandleOp', 'VariableV2', 'Variable'):
                dims = [dim.size for dim in node.attr['shape'].shape.dim]
                size += float(np.prod(dims, dtype=float)) * tf.as_dtype(node.attr['dtype'].type).size
        if size > MOST_BYTES:
            raise GraphError(
                f'The weights take {size / (1 << 30):.1f} GiB, and a graph that holds them as constants at most 2 GiB: '
                'export cannot keep them as variables yet.'
            )

    def _without_variables(self, session: Session, names: Sequence[str]) -> None:
        """Put values in the place of variables: ours where ops of the graph read them, else TensorFlow's own way."""
        used = self._reachable(names, self.fed)
        readers = {  # handle -> an op of the graph that reads it
            node_of(node.input[0]): node.name for node in self._def.node if node.op == 'ReadVariableOp'
        }
        of, shapes = {}, {}  # node -> what to fetch for it, or its value
        for node in used:
            handle = node_of(node.input[0]) if node.input else ''
            is_read = node.op == 'ReadVariableOp' and self._nodes[handle].op == 'VarHandleOp'
            if is_read or node.op in ('VariableV2', 'Variable'):
                of[node.name] = node.name + ':0'
            elif node.op in ('ResourceGather', 'ResourceGatherNd') and handle in readers:
                of[handle] = readers[handle] + ':0'
            elif node.op == 'VariableShape':  # of what is handed through a loop
                dims = [dim.size for dim in self._variable(node.input[0]).attr['shape'].shape.dim]
                shapes[node.name] = np.array(dims, tf.as_dtype(node.attr['out_type'].type or 3).as_numpy_dtype)
        try:
            values = session.run(of)
        except tf.errors.FailedPreconditionError as error:
            raise GraphError(f'A variable has no value yet: {error.message.splitlines()[0]}') from None
        for name, value in [*values.items(), *shapes.items()]:
            self._nodes[name].op = 'Const'
            _make_constant(self._nodes[name], value)
        for node in used:
            node.op = _OF_REFS.get(node.op, node.op)
            if node.op in ('ResourceGather', 'ResourceGatherNd') and node_of(node.input[0]) in values:
                self._as_gather(node)
        used = self._reachable(names, self.fed)
        if any(node.op == 'VarHandleOp' for node in used):
            self._convert(session, names)

    def _variable(self, ref: str) -> Any:
        """The node of the variable that a tensor is the handle of, behind loops that hand it on."""
        node = self._nodes[node_of(ref)]
        while node.op in ('Identity', 'Enter', 'While', 'StatelessWhile'):
            ref = node.input[int(ref.split(':')[1]) if ':' in ref else 0]
            node = self._nodes[node_of(ref)]
        return node

    def _as_gather(self, node: Any) -> None:
        dtype, indices, dims = node.attr['dtype'].type, node.attr['Tindices'].type, node.attr['batch_dims'].i
        is_nd = node.op == 'ResourceGatherNd'
        node.op = 'GatherNd' if is_nd else 'GatherV2'
        node.ClearField('attr')
        node.attr['Tparams'].type, node.attr['Tindices'].type = dtype, indices
        if not is_nd:
            axis = self._def.node.add(name=node.name + '/deepexplain_axis', op='Const')
            _make_constant(axis, np.int32(dims))
            self._nodes[axis.name] = axis
            node.attr['Taxis'].type = tf.int32.as_datatype_enum
            node.attr['batch_dims'].i = dims
            node.input.append(axis.name)

    def _convert(self, session: Session, names: Sequence[str]) -> None:
        """Let TensorFlow follow variables into functions."""
        part = self.graph_def(self._reachable(names, ()))  # with what computes that which will be given
        try:
            converted = without_variables(session, part, sorted({name.split(':')[0] for name in names}))
        except (AssertionError, KeyError, ValueError, RuntimeError, tf.errors.OpError) as error:
            raise GraphError(
                f'A variable that a function or loop reads cannot be made a constant: {error}. Export an explainer of '
                'open_model(...), which freezes models as it opens them.'
            ) from None
        self._def = converted
        self._nodes = {node.name: node for node in converted.node}
        self._functions = {function.signature.name: function for function in converted.library.function}

    def functions_of(self, nodes: Iterable[Any]) -> List[Any]:
        """The functions that nodes call, and those that these call, sorted by name."""
        found: Set[str] = set()
        open_nodes = list(nodes)
        while open_nodes:
            node = open_nodes.pop()
            names = {node.op}
            for attr in node.attr.values():
                names.update([attr.func.name, *[one.name for one in attr.list.func]])
            for name in names & set(self._functions) - found:
                found.add(name)
                open_nodes.extend(self._functions[name].node_def)
        return [self._functions[name] for name in sorted(found)]

    def part(self, tensors: Sequence[Tensor], given: Sequence[Tensor]) -> Any:
        """A GraphDef of what computes tensors where others are given."""
        return self.graph_def(self._reachable([z.name for z in tensors], {z.name for z in given}))

    def add(self, graph_def: Any, scope: str) -> None:
        """Add the nodes of this scope, which read each other and those that are here."""
        strip_hints(graph_def.node)
        self._nodes.update((node.name, node) for node in graph_def.node if node.name.startswith(scope + '/'))

    def graph_def(self, nodes: Sequence[Any]) -> Any:
        """A GraphDef of copies of these nodes."""
        part = new_graph_def()
        part.versions.CopyFrom(self._def.versions)
        part.node.extend(nodes)
        part.library.function.extend(self.functions_of(nodes))
        return part

    def shared(self, root: Graph, name: str) -> Tensor:
        """A large constant, in the graph in which it is once."""
        known = self._in_graph.setdefault(root, {})
        if name not in known:
            with root.as_default():
                part = self.graph_def([self._nodes[name]])
                del part.node[0].input[:]
                (known[name],) = tf.import_graph_def(part, return_elements=[name + ':0'], name='weights')
        return known[name]

    def at(self, root: Graph, values: Mapping[str, Tensor]) -> Copy:
        """A copy in the default graph, a function's perhaps, whose large constants are in ``root``."""
        self.copies += 1
        return Copy(self, root, values, f'/{self.copies}')

    def missing(self, names: Sequence[str], known: Mapping[str, Any]) -> Tuple[List[Any], Set[str]]:
        """What to make for tensors where others are known: nodes, and names of shared constants that they read."""
        found = reachable(self._nodes, names, set(known) | {name + ':0' for name in self._shared})
        found = [node for node in found if node.name + ':0' not in known and node.name not in self._shared]
        read = {node_of(ref) for node in found for ref in node.input if not ref.startswith('^')}
        read |= {name.split(':')[0] for name in names}
        return found, (read & self._shared) - {name.split(':')[0] for name in known}


def _check(nodes: Iterable[Any]) -> None:
    """Raise where one of them keeps something between runs."""
    for node in nodes:
        for what, types in _KEEPING.items():
            if node.op.startswith(types):
                raise GraphError(
                    f"Between X and T there is a {what}, '{node.name}' ({node.op}), which a SavedModel of constants "
                    'does not hold. Explain a tensor behind it.'
                )


def _make_constant(node: Any, value: Any) -> None:
    proto = tf.make_tensor_proto(value)
    del node.input[:]
    node.ClearField('attr')
    node.attr['dtype'].type = proto.dtype
    node.attr['value'].tensor.CopyFrom(proto)

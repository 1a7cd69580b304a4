"""The weights of a network: what is read between X and T that does not come from X, and can be fed in a run."""

from collections import OrderedDict, namedtuple
from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

import numpy as np

from ...errors import GraphError, warn
from ..compat import Operation, Session, Tensor, function_definition, is_function, tf
from .bodies import in_order
from .frames import frames_of
from .graph import OF_SHAPES

#: Op types whose output is a weight. A resource variable is read by ops of its own, perhaps several.
HOLDING = frozenset(['Const', 'ReadVariableOp', 'Variable', 'VariableV2'])


class Weight(namedtuple('Weight', 'name value tensors')):
    """A constant or a variable that a network multiplies, adds or looks up.

    Attributes
    ----------
    name : str
        That of the constant's or variable's op.
    value : ndarray
        What it holds now.
    tensors : tuple of tf.Tensor
        What to feed for another value. Several, where a variable is read several times.
    """

    def feed(self, value: Any) -> Dict[str, Any]:
        """Return what ``feed_dict`` must hold so that the network computes with this value instead."""
        return {tensor.name: value for tensor in self.tensors}


def weights_of(
    target: Tensor, inputs: Sequence[Tensor], between: Sequence[Operation], session: Session
) -> List[Weight]:
    """The weights of the ops between X and T, nearest to T first: a list of :class:`Weight`.

    They are float constants and variables of more than one element. Nearest is what the fewest ops lie behind,
    counted along the longest path. Nothing is added to the graph.

    Parameters
    ----------
    target : tf.Tensor
    inputs : list of tf.Tensor
    between : list of tf.Operation
        The ops between these.
    session : tf.compat.v1.Session
        Holds the values.

    Raises
    ------
    GraphError
        There are none that can be fed. Those that a function body or a loop holds itself cannot; where there are
        others, a warning names the op.
    """
    found, hidden = _Reading(inputs, between).tensors(target)
    fetched = [tensors[0] for tensors in found.values()]
    values = session.run(fetched) if fetched else []
    pairs = zip(found.items(), values)
    weights = [Weight(name, value, tuple(tensors)) for (name, tensors), value in pairs if np.size(value) > 1]
    if hidden:
        message = (
            f"Op '{hidden[0].name}' ({hidden[0].type}) reads weights where no run can feed them (in a function body, "
            'in a loop, or by a lookup in a variable)'
        )
        if not weights:
            raise GraphError(
                f'{message}, and there are no others between X and T. Open the model by open_model, which makes '
                'constants of its variables, or take a method of the gradient, for which calls of functions are opened.'
            )
        warn(f'{message}: these are left out of the weights.')
    if not weights:
        raise GraphError(
            f"There are no weights between X and T '{target.name}': no float constant or variable of more than one "
            'element is read there.'
        )
    return weights


class _Reading:
    """A walk from the ops between X and T to what they read besides."""

    def __init__(self, inputs: Sequence[Tensor], between: Sequence[Operation]) -> None:
        self._between = between
        self._stop = {x.name for x in inputs}
        self._inside = {op for frame in frames_of(between) for op in frame.ops}  # of loops of TensorFlow 1
        self._seen = set(between)
        self._found: OrderedDict[str, List[Tensor]] = OrderedDict()  # name -> tensors
        self._hidden: List[Operation] = []

    def tensors(self, target: Tensor) -> Tuple[Dict[str, List[Tensor]], List[Operation]]:
        """Feedable tensors by the name of what they hold, and ops with weights that cannot be fed."""
        for op in _nearest_first(target, self._between):
            if any(_is_weight(node) for node in _nodes_of_bodies(op)):
                self._hidden.append(op)
            self._walk(op)
        return self._found, self._hidden

    def _walk(self, reader: Operation) -> None:
        tensors = list(reader.inputs)
        while tensors:
            tensor = tensors.pop()
            op = tensor.op
            if op.type == 'VarHandleOp' and op.get_attr('dtype').is_floating:
                self._hidden.append(reader)
            if tensor.name in self._stop or op in self._seen:
                continue
            self._seen.add(op)
            if op.type in HOLDING:
                self._hold(tensor)
            elif not op.type.startswith('Placeholder') and op.type not in OF_SHAPES:
                tensors.extend(op.inputs)

    def _hold(self, tensor: Tensor) -> None:
        if not tensor.dtype.is_floating or tensor.shape.num_elements() in (0, 1):
            return
        op = tensor.op
        if op in self._inside or not (op.graph.is_feedable(tensor) and op.graph.is_fetchable(tensor)):
            self._hidden.append(op)
            return
        name = _handle(op).name if op.type == 'ReadVariableOp' else op.name
        self._found.setdefault(name, []).append(tensor)


def _nearest_first(target: Tensor, between: Sequence[Operation]) -> List[Operation]:
    """The ops, by the length of the longest path from each to the target."""
    ordered = in_order({op: op.inputs for op in between})
    distance = dict.fromkeys(ordered, 0)
    for op in reversed(ordered):
        for tensor in op.inputs:
            if tensor.op in distance and tensor.op.type != 'NextIteration':
                distance[tensor.op] = max(distance[tensor.op], distance[op] + 1)
    return sorted(ordered, key=lambda op: distance[op])


def _handle(op: Operation) -> Operation:
    """The op of the variable that is read."""
    while op.type in ('ReadVariableOp', 'Identity', 'Enter'):
        op = op.inputs[0].op
    return op


def _nodes_of_bodies(op: Operation) -> Iterator[Any]:
    """The nodes of all functions that the op calls, and those call."""
    nodes = [op.node_def]
    seen: Set[str] = set()
    while nodes:
        node = nodes.pop()
        names = {value.func.name for value in node.attr.values() if value.HasField('func')}
        names |= {function.name for value in node.attr.values() for function in value.list.func} | {node.op}
        for name in names - seen:
            seen.add(name)
            if is_function(op.graph, name):
                body = function_definition(op.graph, name).node_def
                nodes.extend(body)
                yield from body


def _is_weight(node: Any) -> bool:
    """Whether a node of a function body is a float constant of more than one element."""
    if node.op != 'Const' or not tf.as_dtype(node.attr['dtype'].type).is_floating:
        return False
    return int(np.prod([dim.size for dim in node.attr['value'].tensor.tensor_shape.dim])) > 1

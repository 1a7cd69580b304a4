"""Where a graph begins and ends: its inputs, its outputs, and what is before a softmax."""

from typing import Any, List, Optional, Sequence

from ...errors import GraphError
from ..compat import Graph, Operation, Tensor, tf
from ..runtime.building import consumers
from ..runtime.graph import ancestors


def placeholders(graph: Graph) -> List[Tensor]:
    """Placeholders that may have an axis of samples: not those of flags and rates, such as is_training."""
    return [
        op.outputs[0]
        for op in graph.get_operations()
        if op.type == 'Placeholder' and op.outputs[0].shape.ndims != 0 and op.outputs[0].dtype != tf.bool
    ]


def inputs_of(graph: Graph, outputs: Sequence[Tensor]) -> List[Tensor]:
    """Of these, those that the outputs are computed from: not the labels of a graph that was trained."""
    read, fed = ancestors(outputs, ()), placeholders(graph)
    return [tensor for tensor in fed if tensor.op in read] or fed


def ends(graph: Graph) -> List[Tensor]:
    """Float tensors with an axis of samples that are computed from a placeholder, and that nothing is computed from.

    Not those of a backward pass, which a graph that was trained still holds.
    """
    fed = placeholders(graph)
    rows = {None} | {_first_dimension(tensor) for tensor in fed}
    reached, found = {tensor.op for tensor in fed}, []
    for op in graph.get_operations():  # in order of creation: inputs first, but for the back edges of loops
        if any(tensor.op in reached for tensor in op.inputs):
            reached.add(op)
            if 'gradients' not in op.name.split('/') and not any(consumers(tensor) for tensor in op.outputs):
                found += [z for z in op.outputs if z.dtype.is_floating and z.shape.ndims != 0]
    return [tensor for tensor in found if not tensor.dtype._is_ref_dtype and _first_dimension(tensor) in rows]


def _first_dimension(tensor: Tensor) -> Optional[int]:
    return tensor.shape.as_list()[0] if tensor.shape.ndims else None


#: Ops that give a tensor another name or shape.
RENAMING = ('Identity',)
RESHAPING = ('Identity', 'Reshape', 'Squeeze', 'ExpandDims')


def producer(tensor: Tensor, skipped: Sequence[str] = RENAMING) -> Operation:
    """The op that computes a tensor, behind those that only rename it."""
    while tensor.op.type in skipped:
        tensor = tensor.op.inputs[0]
    return tensor.op


def before_squashing(op: Operation) -> Optional[Tensor]:
    """The logits of an op that computes their softmax or sigmoid, None where it does not."""
    if op.type in ('Softmax', 'Sigmoid'):
        return op.inputs[0]
    if op.type in ('RealDiv', 'Div'):  # a softmax in pieces: e / sum(e), with e = exp(x - max(x))
        e, total = op.inputs[0].op, op.inputs[1].op
        if e.type == 'Exp' and total.type == 'Sum' and total.inputs[0].op == e:
            difference = e.inputs[0].op
            shifted = difference.type == 'Sub' and difference.inputs[1].op.type in ('Max', 'StopGradient')
            return difference.inputs[0] if shifted else e.inputs[0]
    return None


def default_target(model: Any) -> Tensor:
    """What is explained where nobody says: the logits, where there are, or the only output."""
    try:
        logits: Tensor = model.logits
        return logits
    except GraphError:
        return only_output(model)


def only_output(model: Any) -> Tensor:
    """The output of a model that has one."""
    if len(model.outputs) != 1:
        names = ', '.join(repr(tensor.name) for tensor in model.outputs)
        raise GraphError(
            f'The model has {len(model.outputs)} outputs: say by T which is explained, of {names}, or another tensor '
            "of the graph, such as what is before a softmax. repr(m) has the model's own names for them."
        ) from None
    output: Tensor = model.outputs[0]
    return output

"""Lookups by index, and lists of tensors."""

from typing import Any, Sequence

from ...compat import Operation
from .kinds import kind, only, rank
from .lengths import static
from .states import Mixed, Unknown, at


@kind('Gather', 'GatherV2', 'ResourceGather')
def _gather(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    axis = int(static(op.inputs[2])) % rank(op.inputs[0]) if op.type == 'GatherV2' else 0
    batch = op.get_attr('batch_dims') % max(1, rank(op.inputs[1])) if op.type == 'GatherV2' else 0
    of_values, of_indices = states[:2]
    if op.type == 'ResourceGather' and op.get_attr('batch_dims'):
        return Unknown(op)
    if of_indices is None:
        if of_values.axis < batch:
            return Unknown(op)  # indices that tell one place from another
        if of_values.axis == axis:
            return Mixed(op, 'takes some of the samples')
        return of_values._replace(axis=of_values.axis + (rank(op.inputs[1]) - 1 - batch) * (axis < of_values.axis))
    if of_values is None:
        if batch and of_indices.axis < batch:
            return Unknown(op)
        out = axis + of_indices.axis - batch
        indices = [a - axis + batch for a in range(rank(op.outputs[0]))]
        names = [a if axis <= i < axis + rank(op.inputs[1]) - batch else None for i, a in enumerate(indices)]
        walk.name_sizes(op, names, source=1)
        return of_indices._replace(axis=out)
    return of_values if of_values == of_indices and of_values.axis < batch else Unknown(op)


@kind('GatherNd')
def _gather_nd(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows = only(states, 1)
    return rows if rows.axis < rank(op.inputs[1]) - 1 else Unknown(op)


@kind('OneHot')
def _one_hot(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, axis = only(states, 0), op.get_attr('axis') % rank(op.outputs[0])
    walk.name_sizes(op, [None if a == axis else a - (a > axis) for a in range(rank(op.outputs[0]))])
    return rows._replace(axis=rows.axis + (axis <= rows.axis))


@kind('InTopKV2', 'InTopK')
def _in_top_k(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    return at(0) if states[:2] == [at(0)] * 2 else Unknown(op)


@kind('SparseSoftmaxCrossEntropyWithLogits', 'SoftmaxCrossEntropyWithLogits')
def _cross_entropy(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    return [at(0)] * 2 if set(states) == {at(0)} else Unknown(op)


# Lists and arrays of tensors: along axis 0 are their entries, so what is rows of an entry is one axis further there.


@kind('TensorListFromTensor', 'TensorListStack', 'TensorListGather', 'TensorListResize', 'TensorArrayGatherV3')
def _as_it_is(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    if op.type in ('TensorListGather', 'TensorArrayGatherV3') and states[1] is not None:
        return Unknown(op)  # which entries depends on samples
    if op.type == 'TensorListFromTensor' and walk.sizes(op.inputs[0])[0] is None:
        return Unknown(op)
    rows = states[2] if op.type == 'TensorArrayGatherV3' else states[0]
    return rows if rows is not None and rows.axis > 0 else Unknown(op)


@kind('TensorListGetItem', 'TensorArrayReadV3')
def _get_item(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows = states[2] if op.type == 'TensorArrayReadV3' else states[0]
    if states[1] is not None:
        return Unknown(op)
    return rows._replace(axis=rows.axis - 1) if rows is not None and rows.axis > 0 else Unknown(op)


@kind('TensorListSetItem', 'TensorListPushBack', 'TensorArrayWriteV3')
def _set_item(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    held, put = {'TensorListSetItem': (0, 2), 'TensorListPushBack': (0, 1), 'TensorArrayWriteV3': (3, 2)}[op.type]
    before, item = states[held], states[put]
    after = None if item is None else item._replace(axis=item.axis + 1)
    return after if before in (None, after) else Unknown(op)


@kind('TensorArrayScatterV3')
def _scatter(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows = states[2]
    known = walk.sizes(op.inputs[2])[0] is not None
    return rows if rows is not None and rows.axis > 0 and known and states[1] is None else Unknown(op)


@kind('TensorListPopBack')
def _pop_back(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    return [states[0], states[0]._replace(axis=states[0].axis - 1)] if states[0].axis > 0 else Unknown(op)

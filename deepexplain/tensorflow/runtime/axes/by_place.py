"""Ops that leave values where they are: elementwise, of images, along an axis, reductions."""

from typing import Any, Sequence

from ...compat import Operation
from .kinds import kind, only, rank
from .lengths import static
from .states import Mixed, Rows, Unknown, at
from .tables import ALONG, ARG, BY_PLACE, LAST_AXES, OF_IMAGES, OF_IMAGES_BACKWARD, REDUCTIONS


@kind(*BY_PLACE)
def _by_place(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    out = op.outputs[0].shape.ndims
    if out is None:
        return only(states, 0) if len(states) == 1 else Unknown(op)
    found = set()
    for tensor, state in zip(op.inputs, states):
        if isinstance(state, Rows):
            found.add(state._replace(axis=state.axis + out - rank(tensor)))
    if len(found) > 1:
        return Mixed(op, 'pairs samples with each other') if _only_axes_differ(found) else Unknown(op)
    (rows,) = found
    for tensor, state in zip(op.inputs, states):
        axis = rows.axis - out + rank(tensor)
        if state is None and axis >= 0 and tensor.shape.as_list()[axis] != 1:
            return Unknown(op)  # it tells one place from another
    walk.name_sizes(op)
    return rows


def _only_axes_differ(found: Any) -> bool:
    return len({rows._replace(axis=0) for rows in found}) == 1


@kind('Select')
def _select(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    condition = op.inputs[0]
    if rank(condition) == rank(op.outputs[0]):
        return _by_place(walk, op, states)
    if rank(condition) == 0 and states[0] is None:
        rows = {state for state in states[1:] if state is not None}
        return rows.pop() if len(rows) == 1 and None not in states[1:] else Unknown(op)
    same = all(state in (states[0], at(0)) for state in states)  # a flag for each row
    return at(0) if states[0] == at(0) and same else Unknown(op)


@kind('IdentityN')
def _each(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    return states


@kind('BiasAdd', 'BiasAddV1')
def _bias(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows = only(states, 0)
    channels = 1 if op.type == 'BiasAdd' and op.get_attr('data_format') == b'NCHW' else rank(op.inputs[0]) - 1
    walk.name_sizes(op)
    return rows if rows.axis != channels else Unknown(op)


@kind(*OF_IMAGES)
def _image(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    return _images_first(walk, op, only(states, 0))


@kind(*OF_IMAGES_BACKWARD)
def _image_backward(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    return _images_first(walk, op, only([None, *states[1:]], 2))


@kind('MaxPoolWithArgmax')
def _places_of_maxima(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows = _images_first(walk, op, only(states, 0))
    return [rows, Unknown(op) if op.get_attr('include_batch_in_index') else rows]


def _images_first(walk: Any, op: Operation, rows: Any) -> Any:
    for name in ('ksize', 'strides', 'rates'):
        if name in op.node_def.attr and op.node_def.attr[name].list.i and op.node_def.attr[name].list.i[0] != 1:
            return Unknown(op)
    walk.name_anew(op)
    return rows if rows.axis == 0 else Unknown(op)


@kind('FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3')
def _batch_norm(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows = only(states, 0)
    if rows.axis != 0:
        return Unknown(op)
    walk.name_sizes(op)
    return Mixed(op, 'takes the mean over the samples') if op.get_attr('is_training') else [rows] + [None] * 5


@kind(*REDUCTIONS)
def _reduction(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, out = only(states, 0), op.inputs[0].shape.ndims
    axes = {int(a) % out for a in static(op.inputs[1]).ravel()}
    if rows.axis in axes:
        return Mixed(op, REDUCTIONS[op.type])
    if op.get_attr('keep_dims'):
        walk.name_sizes(op, [None if a in axes else a for a in range(out)])
        return rows
    walk.name_sizes(op, [a for a in range(out) if a not in axes])
    return rows._replace(axis=rows.axis - sum(a < rows.axis for a in axes))


@kind('L2Loss')
def _whole(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    return Mixed(op, 'adds up the samples')


@kind(*ARG)
def _arg(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, axis = only(states, 0), int(static(op.inputs[1])) % rank(op.inputs[0])
    return Mixed(op, ARG[op.type]) if axis == rows.axis else rows._replace(axis=rows.axis - (axis < rows.axis))


@kind(*ALONG)
def _along(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, axes = only(states, 0), static(op.inputs[1]).ravel()
    if op.type == 'Reverse':  # it has flags for all axes
        axes = [i for i, flag in enumerate(axes) if flag]
    walk.name_sizes(op)
    return Mixed(op, ALONG[op.type]) if rows.axis in [int(a) % rank(op.inputs[0]) for a in axes] else rows


@kind(*LAST_AXES)
def _last_axes(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows = only(states, 0)
    if op.type != 'TopKV2':
        walk.name_sizes(op)
    if rows.axis >= rank(op.inputs[0]) - LAST_AXES[op.type]:
        return Mixed(op, 'goes along the samples')
    return [rows] * len(op.outputs)

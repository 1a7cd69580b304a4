"""Ops that give a tensor another shape, or other axes."""

from typing import Any, List, Sequence

from ...compat import Operation, Tensor
from .kinds import kind, only, rank
from .lengths import lengths_of, static
from .states import Mixed, N, Rows, Size, Unknown, product, size


def _target_sizes(walk: Any, op: Operation) -> Any:
    """The lengths of an op's output as its static shape and the lengths that it is told say; None for others."""
    told = lengths_of(op.inputs[1], walk.state(op.inputs[1]))
    known = op.outputs[0].shape.as_list()
    told = told if told is not None and len(told) == len(known) else [None] * len(known)
    return [size(dim) if dim is not None else one for dim, one in zip(known, told)]


@kind('Reshape')
def _reshape(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    """Find the axis with as much before it and behind it as the samples had, up to whole factors.

    Before the samples are ``before`` places for each of those that follow, and each sample has ``after`` places.
    """
    rows = states[0]
    if len([state for state in states if isinstance(state, Rows)]) > 1 or op.outputs[0].shape.ndims is None:
        return Unknown(op)
    lengths = walk.sizes(op.inputs[0])
    before = product(lengths[: rows.axis]) * rows.outer
    after = rows.inner * product(lengths[rows.axis + 1 :])
    sizes = _target_sizes(walk, op)
    if sizes.count(None) == 1:
        rest = (before * N * after).over(product(one for one in sizes if one is not None))
        sizes[sizes.index(None)] = rest
    for axis in range(len(sizes)):
        beside = sizes[:axis] + sizes[axis + 1 :]
        if None in beside:
            continue
        outer, inner = before.over(product(sizes[:axis])), after.over(product(sizes[axis + 1 :]))
        if outer is not None and inner is not None:
            walk.name(op.outputs[0], sizes)
            return Rows(axis, outer, inner)
    return Unknown(op)


@kind('BroadcastTo')
def _broadcast(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    """Broadcasting: axes are counted from the right."""
    rows, tensor = states[0], op.inputs[0]
    axis, sizes = rows.axis + op.outputs[0].shape.ndims - tensor.shape.ndims, _target_sizes(walk, op)
    if not all(map(_is_free_entry, sizes[:axis] + sizes[axis + 1 :])):
        return Unknown(op)
    walk.name(op.outputs[0], _target_sizes(walk, op))
    return rows._replace(axis=rows.axis + op.outputs[0].shape.ndims - tensor.shape.ndims)


@kind('ExpandDims')
def _expand_dims(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, out = only(states, 0), rank(op.outputs[0])
    axis = int(static(op.inputs[1]).ravel()[0]) % out
    walk.name_sizes(op, [None if a == axis else a - (a > axis) for a in range(out)])
    return rows._replace(axis=rows.axis + (axis <= rows.axis))


@kind('Squeeze')
def _squeeze(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, shape = only(states, 0), op.inputs[0].shape.as_list()
    axes = [a % len(shape) for a in op.get_attr('squeeze_dims')] or [a for a, d in enumerate(shape) if d == 1]
    if rows.axis in axes or (not op.get_attr('squeeze_dims') and None in shape):
        return Unknown(op)
    walk.name_sizes(op, [a for a in range(len(shape)) if a not in axes])
    return rows._replace(axis=rows.axis - sum(a < rows.axis for a in axes))


@kind('Transpose', 'ConjugateTranspose')
def _transpose(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, order = only(states, 0), [int(a) for a in static(op.inputs[1])]
    walk.name_sizes(op, order)
    return rows._replace(axis=order.index(rows.axis))


@kind('Pack')
def _pack(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    axis, rows = op.get_attr('axis') % rank(op.outputs[0]), set(states)
    if len(rows) > 1:
        return Unknown(op)
    walk.name_sizes(op, [None if a == axis else a - (a > axis) for a in range(rank(op.outputs[0]))])
    return states[0]._replace(axis=states[0].axis + (axis <= states[0].axis))


@kind('Unpack')
def _unpack(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, axis = states[0], op.get_attr('axis') % rank(op.inputs[0])
    if axis == rows.axis:
        return Unknown(op)
    return [rows._replace(axis=rows.axis - (axis < rows.axis))] * len(op.outputs)


@kind('ConcatV2', 'Concat')
def _concat(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    at_end = op.type == 'ConcatV2'
    parts, which = (states[:-1], op.inputs[-1]) if at_end else (states[1:], op.inputs[0])
    axis, rows = int(static(which)) % rank(op.outputs[0]), set(parts)
    if len(rows) > 1 or axis == parts[0].axis:
        return Unknown(op)
    return parts[0]


@kind('Split', 'SplitV')
def _split(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    value, which = (1, 0) if op.type == 'Split' else (0, 2)
    rows = only(states, value)
    axis = int(static(op.inputs[which])) % rank(op.inputs[value])
    return Unknown(op) if axis == rows.axis else [rows] * len(op.outputs)


@kind('StridedSlice')
def _strided_slice(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, strides = only(states, 0), static(op.inputs[3])
    begin, end = (lengths_of(z, walk.state(z)) or [None] * len(strides) for z in list(op.inputs)[1:3])
    masks = {name: op.get_attr(name) for name in _MASKS}
    entries = len(strides)
    in_axis = 0
    sources: List[Any] = []
    for i in range(entries):
        has = {name: mask >> i & 1 for name, mask in masks.items()}
        if has['ellipsis_mask']:
            new = sum(masks['new_axis_mask'] >> j & 1 for j in range(i + 1, entries))
            skipped = rank(op.inputs[0]) - in_axis - (entries - i - 1 - new)
            sources += range(in_axis, in_axis + skipped)
            in_axis += skipped
        elif has['new_axis_mask']:
            sources.append(None)
        else:
            if in_axis == rows.axis:
                starts = has['begin_mask'] or begin[i] == size(0)
                ends = has['end_mask'] or _is_whole(walk, op, in_axis, end[i])
                if not (starts and ends and strides[i] == 1) or has['shrink_axis_mask']:
                    is_read = (has['begin_mask'] or static(op.inputs[1]) is not None) and (
                        has['end_mask'] or static(op.inputs[2]) is not None
                    )
                    return Mixed(op, 'takes some of the samples') if is_read else Unknown(op)
                sources.append(in_axis)
            elif not all(_is_constant(walk, z) for z in list(op.inputs)[1:3]) and not (
                (has['begin_mask'] or _is_free_entry(begin[i])) and (has['end_mask'] or _is_free_entry(end[i]))
            ):
                return Unknown(op)
            elif not has['shrink_axis_mask']:
                full = has['begin_mask'] and has['end_mask'] and strides[i] == 1
                sources.append(in_axis if full else ~in_axis)  # of another length
            in_axis += 1
    sources += range(in_axis, rank(op.inputs[0]))
    walk.name_sizes(op, [a if a is None or a >= 0 else None for a in sources])
    return rows._replace(axis=sources.index(rows.axis))


def _is_whole(walk: Any, op: Operation, axis: int, end: Any) -> bool:
    """Whether samples up to here are all of them."""
    dim = op.inputs[0].shape.as_list()[axis]
    known = isinstance(end, Size) and not end.symbols and dim is not None and end.number >= dim
    return known or (end is not None and end == walk.sizes(op.inputs[0])[axis])


def _is_constant(walk: Any, tensor: Tensor) -> bool:
    return walk.state(tensor) is None


def _is_free_entry(one: Any) -> bool:
    return one is not None and 'n' not in one.symbols


_MASKS = ('begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask')


@kind('Slice')
def _slice(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows = only(states, 0)
    begin, told = static(op.inputs[1]), static(op.inputs[2])
    length = lengths_of(op.inputs[2], walk.state(op.inputs[2]))
    if begin is None or length is None:
        return Unknown(op)
    beside = [axis for axis in range(len(length)) if axis != rows.axis]
    if told is None and not all(_is_free_entry(length[axis]) for axis in beside):
        return Unknown(op)
    whole = (told is not None and told[rows.axis] == -1) or _is_whole(walk, op, rows.axis, length[rows.axis])
    if begin[rows.axis] == 0 and whole:
        return rows
    return Mixed(op, 'takes some of the samples') if told is not None else Unknown(op)


@kind('Tile')
def _tile(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, times = only(states, 0), lengths_of(op.inputs[1], walk.state(op.inputs[1]))
    if times is None or not all(map(_is_free_entry, times)):
        return Unknown(op)
    return rows._replace(outer=times[rows.axis] * rows.outer)


@kind('Pad', 'PadV2', 'MirrorPad')
def _pad(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows, added = only(states, 0), static(op.inputs[1])
    return Unknown(op) if added is None or added[rows.axis].any() else rows


@kind('SpaceToBatchND', 'BatchToSpaceND')
def _space_to_batch(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    rows = only(states, 0)
    blocks = product(size(block) for block in static(op.inputs[1]))
    outer = rows.outer * blocks if op.type == 'SpaceToBatchND' else rows.outer.over(blocks)
    return Unknown(op) if outer is None or rows.axis != 0 else rows._replace(outer=outer)

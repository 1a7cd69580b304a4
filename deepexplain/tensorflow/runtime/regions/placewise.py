"""Rules of ops that leave values in their places, or rename these: elementwise ops, shapes, reductions."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from ....types import Shape
from ...compat import Operation, Tensor, copied_op
from ..axes.tables import BY_PLACE, REDUCTIONS
from .boxes import Along
from .rules import Local, Read, again, beside, broadcast, in_place, rule, static
from .windowed import channel_axis

#: Elementwise ops whose attributes say a shape.
WITH_SHAPE = frozenset({'EnsureShape', 'PlaceholderWithDefault'})


@rule(*BY_PLACE - {'StopGradient'}, 'StopGradient', 'Select')
def _by_place(op: Operation, shapes: Dict[str, Shape]) -> Any:
    if op.type in WITH_SHAPE:
        return _identity(op, shapes)
    of_x = [z for z in op.inputs if z.name in shapes]
    if len({len(shapes[z.name]) for z in of_x}) != 1:
        return None  # the axis of the samples would not be the first of all of them
    shape = tuple(map(max, zip(*[shapes[z.name] for z in of_x])))
    if op.type == 'Select' and op.inputs[0].shape.ndims != len(shape) + 1:
        return None
    reads: List[Read] = []
    places: List[Any] = []  # for each input the number of its read, or the tensor itself
    for z in op.inputs:
        read = Read(z, broadcast(shapes[z.name], shape)) if z.name in shapes else beside(z, shape)
        if read is None:
            places.append(z)
        else:
            places.append(len(reads))
            reads.append(read)

    def make(inputs: List[Tensor], at: Any) -> Tensor:
        return copied_op(op, [inputs[p] if isinstance(p, int) else p for p in places]).outputs[0]

    return Local(shape, reads, make)


@rule('IdentityN')
def _identities(op: Operation, shapes: Dict[str, Shape]) -> Any:
    return [
        Local(shapes[z.name], [Read(z, in_place(shapes[z.name]))], lambda inputs, at: inputs[0])
        if z.name in shapes
        else None
        for z in op.inputs
    ]


def _identity(op: Operation, shapes: Dict[str, Shape]) -> Any:
    (x,) = op.inputs
    return Local(shapes[x.name], [Read(x, in_place(shapes[x.name]))], lambda inputs, at: inputs[0])


@rule('BiasAdd', 'BiasAddV1')
def _bias(op: Operation, shapes: Dict[str, Shape]) -> Any:
    return _along_channels(op, shapes)


@rule('FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3')
def _batch_norm(op: Operation, shapes: Dict[str, Shape]) -> Any:
    return None if op.get_attr('is_training') else _along_channels(op, shapes)


def _along_channels(op: Operation, shapes: Dict[str, Shape]) -> Any:
    """An op whose further inputs have one number for each channel."""
    x, *others = op.inputs
    if any(z.name in shapes for z in others):
        return None
    shape = shapes[x.name]
    alongs = list(in_place(shape))
    at = channel_axis(op, len(shape))
    alongs[at] = Along(shape[at])
    return Local(shape, [Read(x, tuple(alongs))], again(op))


@rule('Softmax', 'LogSoftmax')
def _along_the_last(op: Operation, shapes: Dict[str, Shape]) -> Any:
    (x,) = op.inputs
    *before, last = in_place(shapes[x.name])
    return Local(shapes[x.name], [Read(x, (*before, Along(last.size)))], again(op))


@rule('LRN')
def _near_channels(op: Operation, shapes: Dict[str, Shape]) -> Any:
    return _along_the_last(op, shapes)


@rule('ConcatV2')
def _concat(op: Operation, shapes: Dict[str, Shape]) -> Any:
    parts = list(op.inputs)[:-1]
    own = next(shapes[z.name] for z in parts if z.name in shapes)
    axis = int(static(op.inputs[-1])) % (len(own) + 1) - 1
    if axis < 0 or any(z.name not in shapes for z in parts):
        return None
    lengths = [shapes[z.name][axis] for z in parts]
    shape = (*own[:axis], sum(lengths), *own[axis + 1 :])
    alongs = tuple(Along(size, None if a == axis else a) for a, size in enumerate(shape))

    def make(inputs: List[Tensor], at: Any) -> Tensor:
        return copied_op(op, [*inputs, op.inputs[-1]]).outputs[0]

    return Local(shape, [Read(z, alongs) for z in parts], make)


@rule('Transpose')
def _transpose(op: Operation, shapes: Dict[str, Shape]) -> Any:
    x, order = op.inputs[0], [int(axis) for axis in static(op.inputs[1])]
    if order[0] != 0:
        return None
    alongs = tuple(Along(shapes[x.name][axis - 1], axis - 1) for axis in order[1:])
    return Local(tuple(a.size for a in alongs), [Read(x, alongs)], again(op))


@rule(*REDUCTIONS)
def _reduction(op: Operation, shapes: Dict[str, Shape]) -> Any:
    x, shape = op.inputs[0], shapes[op.inputs[0].name]
    axes = {int(axis) % (len(shape) + 1) - 1 for axis in np.ravel(static(op.inputs[1]))}
    if -1 in axes:
        return None
    kept = [Along(1) if axis in axes else Along(n, axis) for axis, n in enumerate(shape)]
    kept = kept if op.get_attr('keep_dims') else [along for axis, along in enumerate(kept) if axis not in axes]
    return Local(tuple(along.size for along in kept), [Read(x, tuple(kept))], again(op))


@rule('ExpandDims', 'Squeeze', 'Reshape')
def _other_axes(op: Operation, shapes: Dict[str, Shape]) -> Any:
    x, dims = op.inputs[0], op.outputs[0].shape.as_list()[1:]
    shape, alongs = shapes[x.name], None
    if op.type == 'ExpandDims':
        axis = int(static(op.inputs[1])) % (len(shape) + 2) - 1
        if axis < 0:
            return None
        alongs = [*in_place(shape)[:axis], Along(1), *[Along(n, a) for a, n in enumerate(shape) if a >= axis]]
    else:
        if op.type == 'Squeeze':
            axes = [axis % (len(shape) + 1) - 1 for axis in op.get_attr('squeeze_dims')]
            if not axes or -1 in axes:
                return None
            dims = [n for axis, n in enumerate(shape) if axis not in axes]
        alongs = regrouped(shape, known(dims, shape))
    if alongs is None:
        return None

    def make(inputs: List[Tensor], at: Any) -> Tensor:
        return at.shaped(inputs[0])

    return Local(tuple(a.size for a in alongs), [Read(x, tuple(alongs))], make)


def known(dims: Sequence[Optional[int]], shape: Shape) -> List[int]:
    """A shape of which one length at most is open, of as many values as another."""
    size, rest = int(np.prod(shape)), int(np.prod([d for d in dims if d is not None]))
    found = [size // rest if d is None else int(d) for d in dims]
    if list(dims).count(None) > 1 or int(np.prod(found)) != size:
        raise ValueError('a sample does not stay one')
    return found


def regrouped(shape: Shape, dims: Sequence[int]) -> Optional[List[Along]]:
    """The axes of a reshaped tensor: of each group of axes that becomes another group, the first is followed.

    None where a group of several becomes several others. Where one becomes several, boxes are whole along all but the
    first of these; where several become one, they are read whole along all but the first.
    """
    alongs: List[Along] = []
    i, j = 0, 0
    while i < len(shape) or j < len(dims):
        if j < len(dims) and dims[j] == 1 and not (i < len(shape) and shape[i] == 1):
            alongs.append(Along(1))
            j += 1
            continue
        if i < len(shape) and shape[i] == 1 and not (j < len(dims) and dims[j] == 1):
            i += 1
            continue
        of, to = [i], [j]
        i, j = i + 1, j + 1
        while int(np.prod([shape[a] for a in of])) != int(np.prod([dims[b] for b in to])):
            if int(np.prod([shape[a] for a in of])) < int(np.prod([dims[b] for b in to])):
                of.append(i)
                i += 1
            else:
                to.append(j)
                j += 1
        inner = int(np.prod([dims[b] for b in to[1:]]))
        outer = int(np.prod([shape[a] for a in of[1:]]))
        if len(of) > 1 and len(to) > 1:
            return None
        first = Along(dims[to[0]], of[0], kernel=inner, stride=inner, up=outer)
        alongs.extend([first, *[Along(dims[b]) for b in to[1:]]])
    return alongs

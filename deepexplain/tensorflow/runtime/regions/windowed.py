"""Rules of ops that read a window of their input: convolutions, pooling, padding, slices, enlarging."""

from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from ....types import Shape
from ...compat import Operation, Tensor, copied_op, tf
from .boxes import Along, same_padding
from .known import known_value
from .rules import Local, Read, again, in_place, rule, static

#: The op itself, of a patch that has what it pads with.
VALID = {'padding': 'VALID', 'explicit_paddings': None}


def _attr(op: Operation, name: str, default: Any = None) -> Any:
    return op.get_attr(name) if name in op.node_def.attr else default


def channel_axis(op: Operation, ndims: int) -> int:
    """The axis of the channels, that of the samples not counted."""
    return 0 if _attr(op, 'data_format', b'NHWC') in (b'NCHW', b'NCDHW') else ndims - 1


def _windows(op: Operation, shape: Shape, kernel: Sequence[int], channels: int) -> Tuple[List[Along], bool]:
    """The axes of what slides windows over an input of this shape, channels last in ``kernel``'s order of axes."""
    at = channel_axis(op, len(shape))
    strides = list(op.get_attr('strides'))[1:]
    dilations = list(_attr(op, 'dilations') or [1] * (len(shape) + 1))[1:]
    padding = op.get_attr('padding')
    explicit = np.reshape(_attr(op, 'explicit_paddings') or np.zeros(2 * len(shape) + 2, int), (-1, 2))[1:]
    spatial = [axis for axis in range(len(shape)) if axis != at]
    alongs: List[Along] = [Along(channels)] * len(shape)
    for axis, length in zip(spatial, kernel):
        wide, stride = (length - 1) * dilations[axis] + 1, strides[axis]
        if padding == b'SAME':
            out, pad = same_padding(shape[axis], wide, stride)
        else:
            pad = int(explicit[axis, 0]) if padding == b'EXPLICIT' else 0
            out = (shape[axis] + pad + (int(explicit[axis, 1]) if padding == b'EXPLICIT' else 0) - wide) // stride + 1
        alongs[axis] = Along(out, axis, wide, stride, pad)
    return alongs, padding != b'VALID'


@rule('Conv2D', 'Conv3D', 'DepthwiseConv2dNative')
def _convolution(op: Operation, shapes: Dict[str, Shape]) -> Any:
    x, weights = op.inputs
    if weights.name in shapes:
        return None
    *kernel, channels, out = weights.shape.as_list()
    out = channels * out if op.type == 'DepthwiseConv2dNative' else out
    alongs, _ = _windows(op, shapes[x.name], kernel, out)
    shape = tuple(along.size for along in alongs)
    each = float(np.prod(shape, dtype=float)) * float(np.prod(weights.shape.as_list()[:-1], dtype=float))
    each = each / channels if op.type == 'DepthwiseConv2dNative' else each
    return Local(shape, [Read(x, tuple(alongs))], again(op, VALID), each)


@rule('MaxPool', 'MaxPool3D', 'AvgPool', 'AvgPool3D')
def _pooling(op: Operation, shapes: Dict[str, Shape]) -> Any:
    (x,), shape = op.inputs, shapes[op.inputs[0].name]
    at = channel_axis(op, len(shape))
    sizes = list(op.get_attr('ksize'))[1:]
    if sizes[at] != 1:
        return None
    kernel = [size for axis, size in enumerate(sizes) if axis != at]
    alongs, is_padded = _windows(op, shape, kernel, shape[at])
    alongs[at] = Along(shape[at], at)
    out = tuple(along.size for along in alongs)
    lowest = float(x.dtype.min) if op.type.startswith('Max') else 0.0
    make = again(op, VALID)
    if is_padded and op.type.startswith('Avg'):
        make = _mean_of_those_there(make, alongs, shape, x.dtype)
    return Local(out, [Read(x, tuple(alongs), lowest)], make)


def _mean_of_those_there(make: Any, alongs: Sequence[Along], shape: Shape, dtype: Any) -> Any:
    """What is not in the tensor does not count in a mean: times the size of windows, divided by how much is there."""
    factor = np.ones((1,) * len(alongs))
    for axis, along in enumerate(alongs):
        first = np.arange(along.size) * along.stride - along.pad
        there = np.minimum(first + along.kernel, shape[axis]) - np.maximum(first, 0)
        factor = factor * np.reshape(along.kernel / there, [-1 if a == axis else 1 for a in range(len(alongs))])

    def of_those(inputs: List[Tensor], at: Any) -> Tensor:
        constant = tf.constant(factor[None], dtype)
        alongs_of = tuple(Along(n, axis if d == n else None) for axis, (n, d) in enumerate(zip(out, factor.shape)))
        return make(inputs, at) * at.read(Read(constant, alongs_of, dims=factor.shape))

    out = tuple(along.size for along in alongs)
    return of_those


@rule('BatchToSpaceND')
def _dilated(op: Operation, shapes: Dict[str, Shape]) -> Any:
    """A dilated convolution as TensorFlow 1 makes it: between SpaceToBatchND and BatchToSpaceND."""
    block, crops, inner = static(op.inputs[1]), known_value(op.inputs[2], shapes), op.inputs[0].op
    lifted = inner.type == 'Squeeze'
    conv = inner.inputs[0].op if lifted else inner
    first = conv.inputs[0].op.inputs[0].op if lifted and conv.inputs[0].op.type == 'ExpandDims' else conv.inputs[0].op
    if conv.type not in ('Conv2D', 'DepthwiseConv2dNative') or first.type != 'SpaceToBatchND':
        return None
    x, weights = first.inputs[0], conv.inputs[1]
    if (
        list(static(first.inputs[1])) != list(block)
        or conv.get_attr('padding') != b'VALID'
        or set(conv.get_attr('strides')) != {1}
        or set(_attr(conv, 'dilations') or [1]) != {1}
        or channel_axis(conv, 3) != 2
        or weights.name in shapes
    ):
        return None
    shape, pads = shapes[x.name], known_value(first.inputs[2], shapes)
    count = len(block)
    if count != len(shape) - 1 or (lifted and weights.shape.as_list()[0] != 1):
        return None
    kernel = weights.shape.as_list()[2 - count : 2]
    channels = op.outputs[0].shape.as_list()[-1]
    alongs = []
    for axis in range(count):
        wide = (kernel[axis] - 1) * int(block[axis]) + 1
        out = shape[axis] + int(pads[axis].sum() - crops[axis].sum()) - wide + 1
        alongs.append(Along(out, axis, wide, 1, int(pads[axis][0] - crops[axis][0])))
    alongs.append(Along(channels))
    rates = [1] * (2 - count) + [int(b) for b in block]

    def make(inputs: List[Tensor], at: Any) -> Tensor:
        patch = tf.expand_dims(inputs[0], 1) if count == 1 else inputs[0]
        if conv.type == 'Conv2D':
            found = tf.nn.conv2d(patch, weights, [1, 1, 1, 1], 'VALID', dilations=[1, *rates, 1])
        else:
            found = tf.nn.depthwise_conv2d_native(patch, weights, [1, 1, 1, 1], 'VALID', dilations=[1, *rates, 1])
        return tf.squeeze(found, [1]) if count == 1 else found

    each = float(np.prod([a.size for a in alongs], dtype=float) * np.prod(kernel))
    each *= weights.shape.as_list()[2] if conv.type == 'Conv2D' else 1
    return Local(tuple(a.size for a in alongs), [Read(x, tuple(alongs))], make, each)


@rule('Pad', 'PadV2')
def _pad(op: Operation, shapes: Dict[str, Shape]) -> Any:
    x, pads = op.inputs[0], static(op.inputs[1])
    fill = float(static(op.inputs[2])) if op.type == 'PadV2' else 0.0
    if pads[0].any() or (pads < 0).any():
        return None
    alongs = tuple(
        Along(n + int(sum(pad)), axis, pad=int(pad[0])) for axis, (n, pad) in enumerate(zip(shapes[x.name], pads[1:]))
    )
    return Local(tuple(a.size for a in alongs), [Read(x, alongs, fill)], lambda inputs, at: inputs[0])


@rule('ResizeNearestNeighbor')
def _enlarge(op: Operation, shapes: Dict[str, Shape]) -> Any:
    x, shape = op.inputs[0], shapes[op.inputs[0].name]
    size = [int(n) for n in op.outputs[0].shape.as_list()[1:3]]
    if any(n % d for n, d in zip(size, shape)) or op.get_attr('align_corners'):
        return None
    up = [n // d for n, d in zip(size, shape)]
    alongs = (*[Along(n, axis, up=up[axis]) for axis, n in enumerate(size)], Along(shape[2], 2))

    def make(inputs: List[Tensor], at: Any) -> Tensor:
        return copied_op(op, [inputs[0], tf.constant(at.box.size[:2], tf.int32)]).outputs[0]

    return Local((*size, shape[2]), [Read(x, alongs)], make)


@rule('Slice')
def _slice(op: Operation, shapes: Dict[str, Shape]) -> Any:
    x, begin, size = op.inputs[0], static(op.inputs[1]), static(op.inputs[2])
    shape = shapes[x.name]
    if begin[0] != 0 or size[0] != -1:
        return None
    sizes = [n - b if s < 0 else s for n, b, s in zip(shape, begin[1:], size[1:])]
    alongs = tuple(Along(int(s), axis, pad=-int(b)) for axis, (s, b) in enumerate(zip(sizes, begin[1:])))
    return Local(tuple(a.size for a in alongs), [Read(x, alongs)], lambda inputs, at: inputs[0])


@rule('Split', 'SplitV')
def _split(op: Operation, shapes: Dict[str, Shape]) -> Any:
    x = op.inputs[1 if op.type == 'Split' else 0]
    shape = shapes[x.name]
    axis = int(static(op.inputs[0 if op.type == 'Split' else 2])) % (len(shape) + 1) - 1
    if axis < 0:
        return None
    found, start = [], 0
    sizes = static(op.inputs[1]) if op.type == 'SplitV' else [shape[axis] // len(op.outputs)] * len(op.outputs)
    for size in sizes:
        alongs = list(in_place(shape))
        alongs[axis] = Along(int(size), axis, pad=-start)
        out = tuple(along.size for along in alongs)
        found.append(Local(out, [Read(x, tuple(alongs))], lambda inputs, at: inputs[0]))
        start += int(size)
    return found if start == shape[axis] else None


@rule('StridedSlice')
def _strided_slice(op: Operation, shapes: Dict[str, Shape]) -> Any:
    x, (begin, end, step) = op.inputs[0], (static(z) for z in list(op.inputs)[1:])
    mask = {name: op.get_attr(f'{name}_mask') for name in ('begin', 'end', 'ellipsis', 'new_axis', 'shrink_axis')}
    has = {name: [bool(bits >> i & 1) for i in range(len(begin))] for name, bits in mask.items()}
    lengths = [1, *shapes[x.name]]  # one sample
    alongs: List[Along] = []
    squeezed: List[int] = []  # axes of the input of which one place is left
    axis = 0
    for i in range(len(begin)):
        if has['ellipsis'][i]:
            more = sum(not has['new_axis'][j] for j in range(i + 1, len(begin)))
            for _ in range(len(lengths) - more - axis):
                alongs.append(Along(lengths[axis], axis - 1))
                axis += 1
        elif has['new_axis'][i]:
            if axis == 0:
                return None
            alongs.append(Along(1))
        else:
            first, stop, by, n = int(begin[i]), int(end[i]), int(step[i]), lengths[axis]
            takes_all = (has['begin'][i] or first == 0) and has['end'][i] and by == 1 and not has['shrink_axis'][i]
            if axis == 0 and not takes_all:
                return None
            if has['shrink_axis'][i]:
                alongs.append(Along(1, axis - 1, pad=-(first % n)))
                squeezed.append(len(alongs) - 1)
            else:
                if by <= 0:
                    return None
                first = 0 if has['begin'][i] else min(max(first + n if first < 0 else first, 0), n)
                stop = n if has['end'][i] else min(max(stop + n if stop < 0 else stop, 0), n)
                alongs.append(Along(max(0, -(-(stop - first) // by)), axis - 1, 1, by, -first))
            axis += 1
    alongs.extend(Along(lengths[a], a - 1) for a in range(axis, len(lengths)))
    alongs = alongs[1:]
    kept = [a for i, a in enumerate(alongs, 1) if i not in squeezed]
    shape = tuple(a.size for a in kept)
    if 0 in shape:
        return None
    # An axis of which one place is left is read as a whole.
    taken: List[Any] = [slice(None)] * len(lengths)
    for i, along in enumerate(alongs, 1):
        if along.source is not None:
            taken[along.source + 1] = -along.pad if i in squeezed else slice(None, None, along.stride)

    def make(inputs: List[Tensor], at: Any) -> Tensor:
        return at.shaped(inputs[0][tuple(taken)])

    return Local(shape, [Read(x, tuple(kept))], make)

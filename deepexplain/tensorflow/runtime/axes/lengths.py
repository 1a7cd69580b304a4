"""Arithmetic with lengths: what a graph computes of shapes, as far as it can be told from numbers of samples."""

from typing import Any, Sequence

import numpy as np

from ...compat import Operation, Tensor, tf
from .states import Lengths, Size, product, size

#: Ops that hand lengths on as they are, perhaps as another type of number.
SAME = frozenset('Cast EnsureShape ExpandDims Identity Reshape Snapshot Squeeze StopGradient'.split())
ARITHMETIC = frozenset('Add AddV2 Div FloorDiv FloorMod Maximum Minimum Mod Mul RealDiv Sub TruncateDiv'.split())
COMPARING = frozenset('Equal Greater GreaterEqual Less LessEqual NotEqual'.split())


def static(tensor: Tensor) -> Any:
    """The value of a tensor that the graph knows, None where it does not."""
    return tf.get_static_value(tensor)


def lengths_of(tensor: Tensor, state: Any) -> Any:
    """The entries of a tensor of lengths: Sizes, and None for what may be anything. None for other tensors."""
    if isinstance(state, Lengths):
        return state.sizes
    if state is not None or not tensor.dtype.is_integer:
        return None
    value = static(tensor)
    if value is not None:
        return tuple(size(v) if v >= 0 else None for v in np.ravel(value))
    if tensor.op.type == 'Pack' and all(entry.shape.ndims == 0 for entry in tensor.op.inputs):
        return tuple(one for entry in tensor.op.inputs for one in lengths_of(entry, None) or (None,))
    count = tensor.shape.num_elements()
    # It is computed of constants, and so always the same.
    return None if count is None else tuple(Size(1, (f'{tensor.name}[{i}]',)) for i in range(count))


def is_free(state: Any) -> bool:
    """Whether none of these lengths depends on how many samples there are."""
    return all(one is not None and 'n' not in one.symbols for one in state.sizes)


def computed(op: Operation, states: Sequence[Any]) -> Any:
    """The lengths that an op computes of lengths, None where it is not one that is known to."""
    kind, first = op.type, states[0]
    if kind not in SAME and any(tensor.shape.ndims not in (0, 1) for tensor in op.inputs):
        return None  # entries are counted along one axis
    if kind in SAME:
        return Lengths(first.sizes, op.outputs[0].shape.ndims == 0) if isinstance(first, Lengths) else None
    if kind in ARITHMETIC:
        return _arithmetic(op, states)
    if kind == 'Prod' and isinstance(first, Lengths):
        return Lengths((None if None in first.sizes else product(first.sizes),), True)
    if kind in ('GatherV2', 'Gather') and isinstance(first, Lengths):
        at = static(op.inputs[1])
        return None if at is None else Lengths(tuple(first.sizes[i] for i in np.ravel(at)), np.ndim(at) == 0)
    if kind in ('StridedSlice', 'Slice') and isinstance(first, Lengths):
        return _sliced(op, first)
    if kind in ('Pack', 'ConcatV2'):
        parts = op.inputs if kind == 'Pack' else list(op.inputs)[:-1]
        if any(part.shape.ndims != (kind == 'ConcatV2') for part in parts):
            return None
        entries = [lengths_of(tensor, state) for tensor, state in zip(parts, states)]
        return None if any(e is None for e in entries) else Lengths(tuple(s for e in entries for s in e), False)
    return None


def _arithmetic(op: Operation, states: Sequence[Any]) -> Any:
    entries = [_numbers(tensor, state) for tensor, state in zip(op.inputs, states)]
    if any(e is None for e in entries):
        return None
    a, b = (e * max(map(len, entries)) if len(e) == 1 else e for e in entries)
    return Lengths(
        tuple(_one(op, *both) for both in zip(a, b)), all(isinstance(s, Lengths) and s.is_scalar for s in states)
    )


def _numbers(tensor: Tensor, state: Any) -> Any:
    """Those of a tensor of lengths, in which a negative number is one like others."""
    value = static(tensor) if state is None and tensor.dtype.is_integer else None
    if value is None:
        return lengths_of(tensor, state)
    return tuple(size(v) if v >= 0 else Size(1, (f'{tensor.name}[{i}]',)) for i, v in enumerate(np.ravel(value)))


def _one(op: Operation, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return None
    if op.type == 'Mul':
        return a * b
    if op.type in ('FloorDiv', 'Div', 'RealDiv', 'TruncateDiv') and a.over(b) is not None:
        return a.over(b)
    if a == b and op.type in ('Maximum', 'Minimum'):
        return a
    if 'n' in a.symbols + b.symbols:
        return None
    return Size(1, (f'{op.name} of {a} and {b}',))


def _sliced(op: Operation, lengths: Any) -> Any:
    begin, end = static(op.inputs[1]), static(op.inputs[2])
    if begin is None or end is None or len(begin) != 1:
        return None
    if op.type == 'Slice':
        stop = None if end[0] < 0 else begin[0] + end[0]
        return Lengths(lengths.sizes[begin[0] : stop], False)
    if op.get_attr('shrink_axis_mask') & 1:
        return Lengths((lengths.sizes[begin[0]],), True)
    step = static(op.inputs[3])
    if step is None or op.get_attr('new_axis_mask') or op.get_attr('ellipsis_mask'):
        return None
    start = None if op.get_attr('begin_mask') & 1 else begin[0]
    stop = None if op.get_attr('end_mask') & 1 else end[0]
    return Lengths(lengths.sizes[start : stop : step[0]], False)

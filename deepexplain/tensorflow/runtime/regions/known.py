"""Values that a graph computes of nothing but constants and shapes, where the shapes are known."""

from typing import Any, Callable, Dict, List

import numpy as np

from ....types import Shape
from ...compat import Tensor, tf

#: How deep such a computation may be.
DEEPEST = 40

#: Op type -> what it computes, of the op and the values of its inputs.
COMPUTED: Dict[str, Callable[..., Any]] = {
    'Add': lambda op, a, b: a + b,
    'AddV2': lambda op, a, b: a + b,
    'Cast': lambda op, a: np.asarray(a).astype(op.outputs[0].dtype.as_numpy_dtype),
    'ConcatV2': lambda op, *parts: np.concatenate(parts[:-1], axis=int(parts[-1])),
    'ExpandDims': lambda op, a, axis: np.expand_dims(a, int(axis)),
    'FloorDiv': lambda op, a, b: a // b,
    'FloorMod': lambda op, a, b: a % b,
    'Identity': lambda op, a: a,
    'Maximum': lambda op, a, b: np.maximum(a, b),
    'Minimum': lambda op, a, b: np.minimum(a, b),
    'Mul': lambda op, a, b: a * b,
    'Pack': lambda op, *parts: np.stack(parts, axis=op.get_attr('axis')),
    'Squeeze': lambda op, a: np.squeeze(a),
    'StridedSlice': lambda op, a, begin, end, step: _sliced(op, a, begin, end, step),
    'Sub': lambda op, a, b: a - b,
}


def known_value(tensor: Tensor, shapes: Dict[str, Shape], depth: int = 0) -> Any:
    """The value of a tensor; raises where that is not known, or depends on the number of samples.

    ``shapes`` are those of one sample, by the name of the tensor.
    """
    value = tf.get_static_value(tensor)
    if value is not None:
        return value
    op = tensor.op
    if depth > DEEPEST or op.type not in COMPUTED:
        raise ValueError(f'{tensor.name} is computed')
    if op.type == 'StridedSlice' and op.inputs[0].op.type == 'Shape':
        return _of_shape(op, shapes)
    return COMPUTED[op.type](op, *[known_value(z, shapes, depth + 1) for z in op.inputs])


def _of_shape(op: Any, shapes: Dict[str, Shape]) -> Any:
    """Entries of the shape of a tensor, those of the samples left out."""
    shape = shapes[op.inputs[0].op.inputs[0].name]
    places = _sliced(op, np.arange(len(shape) + 1), *[tf.get_static_value(z) for z in list(op.inputs)[1:]])
    if (np.asarray(places) == 0).any():
        raise ValueError('the number of samples')
    return np.array([0, *shape], np.int32)[places]


def _sliced(op: Any, a: Any, begin: Any, end: Any, step: Any) -> Any:
    """A slice, as NumPy writes it."""
    index: List[Any] = []
    for i in range(len(begin)):
        has = {name: op.get_attr(f'{name}_mask') >> i & 1 for name in ('begin', 'end', 'ellipsis', 'new_axis')}
        if has['ellipsis'] or has['new_axis']:
            index.append(Ellipsis if has['ellipsis'] else None)
        elif op.get_attr('shrink_axis_mask') >> i & 1:
            index.append(int(begin[i]))
        else:
            first, last = None if has['begin'] else int(begin[i]), None if has['end'] else int(end[i])
            index.append(slice(first, last, int(step[i])))
    return a[tuple(index)]

"""Whether two tensors of a graph are one, or computed alike: h(x) that was built twice."""

import numpy as np

from ..compat import Tensor, tf


def alike(a: Tensor, b: Tensor, depth: int = 6) -> bool:
    """Whether two tensors are one, or computed by ops of one type of the same inputs, some steps back."""
    if a.name == b.name and a.graph is b.graph:
        return True
    if a.op.type != b.op.type or a.value_index != b.value_index or a.dtype != b.dtype or depth == 0:
        return False
    if a.op.type == 'Const':
        return np.array_equal(tf.get_static_value(a), tf.get_static_value(b))
    pairs = list(zip(a.op.inputs, b.op.inputs))
    return bool(pairs) and len(a.op.inputs) == len(b.op.inputs) and all(alike(*both, depth - 1) for both in pairs)

"""Which branches are taken, as far as the graph says: by constants, and by flags for which a default stands."""

from typing import Any, Callable, Dict, Optional, Set

import numpy as np

from ..compat import Operation, Tensor, tf

#: Ops of few small values that choose a branch, as NumPy computes them.
_COMPUTED: Dict[str, Callable[..., Any]] = {
    'Cast': lambda x: x,
    'Equal': np.equal,
    'Greater': np.greater,
    'GreaterEqual': np.greater_equal,
    'Identity': lambda x: x,
    'Less': np.less,
    'LessEqual': np.less_equal,
    'LogicalAnd': np.logical_and,
    'LogicalNot': np.logical_not,
    'LogicalOr': np.logical_or,
    'NotEqual': np.not_equal,
    'StopGradient': lambda x: x,
    'ToBool': lambda x: x if x.ndim == 0 else np.asarray(x.size > 0),
}


def proven(tensor: Tensor) -> Any:
    """The value of a tensor that is the same in every run, or None."""
    return tf.get_static_value(tensor)


def expected(tensor: Tensor) -> Any:
    """The value of a tensor in runs that feed no flag, as far as constants and the defaults of placeholders say.

    The learning phase of Keras, where it has no default, is that of a network that is not being trained.
    """
    value, op = proven(tensor), tensor.op
    if value is not None:
        return value
    if op.type == 'PlaceholderWithDefault':
        return expected(op.inputs[0])
    if op.type == 'Placeholder' and op.name.split('/')[-1] == 'keras_learning_phase':
        return np.zeros([], tensor.dtype.as_numpy_dtype)
    if op.type not in _COMPUTED:
        return None
    values = [expected(z) for z in op.inputs]
    return None if any(v is None for v in values) else np.asarray(_COMPUTED[op.type](*values))


def branch_of(op: Operation, which: Any, count: int, value: Callable[[Tensor], Any]) -> Optional[int]:
    """Index of the branch, of so many, that an If or Case takes given this value of ``which``; None if that is None."""
    found = value(which)
    if found is None or np.ndim(found):
        return None
    if op.type.endswith('If'):
        return 0 if found else 1
    return int(found) if 0 <= found < count else count - 1


def never_run(ops: Any) -> Set[Any]:
    """Those of the ops that are in branches of TensorFlow 1 which no run takes that feeds no flag."""
    switches = [(op, expected(op.inputs[1])) for op in ops if op.type in ('Switch', 'RefSwitch')]
    dead = {op.outputs[0 if taken else 1].name for op, taken in switches if taken is not None}
    found: Set[Any] = set()
    before: Optional[Set[Any]] = None
    while dead and found != before:  # once and again: creation tells no order in a cond
        before = set(found)
        for op in ops:
            of_dead = [z.name in dead for z in op.inputs]
            if of_dead and (all if op.type == 'Merge' else any)(of_dead):
                found.add(op)
                dead.update(z.name for z in op.outputs)
    return found

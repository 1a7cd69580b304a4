"""How rules of ``rules='complete'`` are registered, and what several of them need."""

from typing import Any, Callable, Dict, Iterable, List, Tuple, TypeVar, Union

import numpy as np

from ...compat import Operation, Tensor, same_op, tf
from ...runtime.activations import ACTIVATIONS
from ...runtime.finite import is_large

#: Op type -> (name of the rule, function of an op, the same op at the baseline, and the multipliers of its outputs).
RULES: Dict[str, Tuple[str, Callable[..., Any]]] = {}


Function = TypeVar('Function', bound=Callable[..., Any])


def rule(name: str, op_types: Union[str, Iterable[str]]) -> Callable[[Function], Function]:
    """Decorator: make ``function(op, op_at_baseline, *grads)`` the rule of these op types, a set or a text of them."""

    def add(function: Function) -> Function:
        names = op_types.split() if isinstance(op_types, str) else op_types
        RULES.update((op_type, (name, function)) for op_type in names)
        return function

    return add


def rule_of(op_type: str) -> Any:
    """Name and rule of an op type, None where there is none; what a user added to the activations is one."""
    return RULES.get(op_type, RULES['Elu'] if op_type in ACTIVATIONS else (None, None))


def varying(op: Operation, at_baseline: Operation) -> List[int]:
    """Indices of the inputs that differ at the baseline."""
    return [i for i, (z, z0) in enumerate(zip(op.inputs, at_baseline.inputs)) if z.name != z0.name]


def as_list(gradients: Any) -> List[Tensor]:
    """Gradients as a list, of an op with one input or more."""
    return list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]


def half_way(op: Operation, at_baseline: Operation) -> Operation:
    """The op at the middle between its inputs and those at the baseline."""
    inputs = [z if z.name == z0.name else 0.5 * (z + z0) for z, z0 in zip(op.inputs, at_baseline.inputs)]
    return same_op(op, *inputs)


def sum_to(gradient: Tensor, z: Tensor) -> Tensor:
    """The gradient of ``z`` from that of ``z`` broadcast."""
    if gradient.shape.is_fully_defined() and z.shape.is_fully_defined() and gradient.shape == z.shape:
        return gradient
    _, axes = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(gradient), s1=tf.shape(z))
    return tf.reshape(tf.reduce_sum(gradient, axes), tf.shape(z))


def times(grad: Tensor, slope: Tensor) -> Tensor:
    """``grad * slope``, and 0 where grad is: what does not reach T brings nothing, be its slope infinite."""
    return tf.where(tf.equal(grad, tf.zeros_like(grad)), tf.zeros_like(grad), grad * slope)


def of_finite(multiplier: Tensor, difference: Tensor) -> Tensor:
    """Their product, infinite where it was made of a large number that stands for an infinite one."""
    product = times(multiplier, difference)
    return tf.where(is_large(product), product * tf.cast(np.inf, product.dtype), product)


def ratio(a: Tensor, b: Tensor) -> Tensor:
    """``a / b``, and 0 where one of them is: what did not change gets nothing, also where it is infinite."""
    none = tf.equal(a, tf.zeros_like(a)) | tf.equal(b, tf.zeros_like(b))
    return tf.where(none, tf.zeros_like(a), a / tf.where(none, tf.ones_like(b), b))

"""The registry of gradients, and the one that an op asks for."""

from contextlib import contextmanager
from typing import Any, Callable, Iterable, Iterator, Optional

from tensorflow.python.framework import ops as _ops

from .api import tf
from .ops import text_attr
from .types import Operation


def register_gradient(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Register ``function(op, grad)`` as gradient ``name`` and return the function that is registered.

    TensorFlow's registry lives as long as the process and refuses a second entry, so when this package is
    loaded again (autoreload in a notebook), the function registered first is returned and goes on serving.
    """
    try:
        tf.RegisterGradient(name)(function)
    except KeyError:
        return _ops._gradient_registry.lookup(name)
    return function


@contextmanager
def asked_for_gradient(ops: Iterable[Operation], name: str) -> Iterator[None]:
    """Within this context, ``tf.gradients`` takes gradient ``name`` for these ops.

    It asks the Python object of an op for the attribute that ``gradient_override_map`` sets, and here that object
    answers. The op itself stays as it is: TensorFlow does not forgive a change of an op that a session has run.
    """
    changed = []

    def answer(op: Operation) -> Callable[[str], Any]:
        own = op.get_attr
        return lambda attribute: name.encode() if attribute == '_gradient_op_type' else own(attribute)

    try:
        for op in ops:
            if gradient_name(op) != name:  # not within another such context
                op.get_attr = answer(op)
                changed.append(op)
        yield
    finally:
        for op in changed:
            del op.get_attr


def gradient_name(op: Operation) -> Optional[str]:
    """Name of the gradient that ``op`` asks for instead of its type's, or None."""
    return text_attr(op, '_gradient_op_type')


def original_gradient(op_type: str) -> Optional[Callable[..., Any]]:
    """TensorFlow's own gradient function of an op type, or None where the op has no gradient.

    The registry is private but the same in 1.15 and 2.21, and holds what ``tf.gradients`` itself uses.
    """
    try:
        return _ops._gradient_registry.lookup(op_type)
    except LookupError:
        return None

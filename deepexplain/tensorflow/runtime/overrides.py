"""Give activations another gradient while one explainer is being built, and leave everything else alone.

Nothing in the graph is changed for it, so that any graph will do, also one that is built, trained, restored or
running: TensorFlow is only told another name when ``tf.gradients`` asks an op for its gradient. That name,
``DeepExplainGrad``, stands for TensorFlow's own gradient, except inside :func:`gradient_rule`, where the rule of the
explainer under construction takes its place. The rule belongs to the thread.
"""

import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterable, Iterator, Optional

from ..compat import (
    Operation,
    Tensor,
    asked_for_gradient,
    gradient_name,
    original_gradient,
    register_gradient,
    text_attr,
)
from .activations import ACTIVATIONS
from .arrays import WITH_GRADIENT, array_gradient
from .signals import let_through

GRADIENT_NAME = 'DeepExplainGrad'
#: Attribute of choices of ours that pass all on to the first of their values.
PASSES = '_deepexplain_passes'


def original_grad(op: Operation, *grads: Tensor) -> Any:
    """TensorFlow's own gradient of ``op``, given those of its outputs: times the true derivative.

    None for each input where TensorFlow has no gradient for ops of this type.
    """
    gradient = original_gradient(op.type)
    return [None] * len(op.inputs) if gradient is None else gradient(op, *grads)


def _dispatch(op: Operation, *grads: Tensor) -> Any:
    let_through()
    if op.type in WITH_GRADIENT:
        return array_gradient(op, *grads)
    if text_attr(op, PASSES):
        return [None, grads[0], None]
    rules = getattr(_registered.thread, 'rules', None)
    return rules[-1](op, *grads) if rules else original_grad(op, *grads)


# The thread's rules are an attribute of the function TensorFlow holds: were they a variable of this module,
# then after a reload the registered function and this module would look at different ones.
setattr(_dispatch, 'thread', threading.local())  # noqa: B010 - mypy knows no attributes of functions
_registered: Any = register_gradient(GRADIENT_NAME, _dispatch)


@contextmanager
def gradient_rule(rule: Callable[..., Any], ops: Iterable[Operation]) -> Iterator[None]:
    """Use ``rule(op, *grads)`` as the gradient of these ops, in ``tf.gradients`` calls of this thread.

    Those of tensor arrays get ours, which TensorFlow 2 lacks for graphs of TensorFlow 1. Copied ops that ask for our
    gradient by their own attribute come to the rule, too.

    Within ``building``: another thread that asks for gradients meanwhile gets TensorFlow's own.
    """
    thread = _registered.thread
    thread.rules = getattr(thread, 'rules', []) + [rule]
    try:
        with asked_for_gradient(ops, GRADIENT_NAME):
            yield
    finally:
        thread.rules = thread.rules[:-1]


def takes_rule(op: Operation) -> bool:
    """Whether ``op`` is an activation whose gradient is ours to choose, not one that the user chose."""
    return op.type in ACTIVATIONS and custom_gradient(op) is None


def custom_gradient(op: Operation) -> Optional[str]:
    """Name of the gradient that the user chose for ``op`` instead of its type's, or None.

    Ours is none: graphs that were saved from within a context of DeepExplain 0.3 ask for it.
    """
    name = gradient_name(op)
    return None if name == GRADIENT_NAME else name

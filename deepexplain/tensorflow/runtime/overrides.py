"""Give activations another gradient while one explainer is being built, and leave everything else alone.

Inside a ``DeepExplain`` context, new activation ops carry ``_gradient_op_type = 'DeepExplainGrad'``. That
gradient is TensorFlow's own, in training too, except inside :func:`gradient_rule`, where the rule of the
explainer under construction takes its place. The rule belongs to the thread, so explainers can be built
in many threads at once.
"""

import threading
import weakref
from contextlib import contextmanager
from typing import Any, List

from ..compat import original_gradient, register_gradient
from .activations import ACTIVATIONS

GRADIENT_NAME = 'DeepExplainGrad'


def original_grad(op, grad):
    """TensorFlow's own gradient of ``op``: grad times the true derivative."""
    return original_gradient(op.type)(op, grad)


def _dispatch(op, grad):
    rules = getattr(_registered.thread, 'rules', None)
    return rules[-1](op, grad) if rules else original_grad(op, grad)


# The thread's rules are an attribute of the function TensorFlow holds: were they a variable of this module,
# then after a reload the registered function and this module would look at different ones.
setattr(_dispatch, 'thread', threading.local())  # noqa: B010 - mypy knows no attributes of functions
_registered = register_gradient(GRADIENT_NAME, _dispatch)


@contextmanager
def gradient_rule(rule):
    """Use ``rule(op, grad)`` for overridden activations in ``tf.gradients`` calls of this thread."""
    thread = _registered.thread
    thread.rules = getattr(thread, 'rules', []) + [rule]
    try:
        yield
    finally:
        thread.rules = thread.rules[:-1]


def is_overridden(op):
    """Whether the gradient of ``op`` is ours to choose."""
    return custom_gradient(op) == GRADIENT_NAME


def custom_gradient(op):
    """Name of the gradient that ``op`` asks for instead of its type's, or None."""
    try:
        return op.get_attr('_gradient_op_type').decode()
    except ValueError:
        return None


_locks: 'weakref.WeakKeyDictionary[Any, Any]' = weakref.WeakKeyDictionary()
_locks_lock = threading.Lock()


def graph_lock(graph):
    """The lock to hold while adding to a graph: TensorFlow's gradients are not made for several threads in one."""
    with _locks_lock:
        return _locks.setdefault(graph, threading.RLock())


# graph -> [contexts open on it, TensorFlow's own context manager]
_open: 'weakref.WeakKeyDictionary[Any, List[Any]]' = weakref.WeakKeyDictionary()
_open_lock = threading.Lock()


@contextmanager
def overridden_activations(graph):
    """Within this context, new activation ops of ``graph`` carry our gradient.

    Several contexts may be open on one graph, in any order and in several threads: the override goes with
    the last. TensorFlow's own ``gradient_override_map`` restores what it found, which is wrong when
    contexts overlap, and restores nothing after an exception: hence the count and the plain exit.
    """
    with _open_lock:
        if graph not in _open:
            override = graph.gradient_override_map(dict.fromkeys(ACTIVATIONS, GRADIENT_NAME))
            override.__enter__()
            _open[graph] = [0, override]
        _open[graph][0] += 1
    try:
        yield
    finally:
        with _open_lock:
            _open[graph][0] -= 1
            if not _open[graph][0]:
                _open.pop(graph)[1].__exit__(None, None, None)

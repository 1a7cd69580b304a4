"""A graph in which an explainer is built: one thread at a time reads and adds to it, and is not interrupted.

TensorFlow's gradients are not made for several threads in one graph, and its ``consumers()`` not for one in which
another thread is adding an op: that is in TensorFlow's graph before it is among its Python objects.

Of the locks, that of the graph comes first: whoever holds it may wait for TensorFlow's own, never the other way round.
"""

import threading
import weakref
from contextlib import contextmanager
from typing import Any, ContextManager, Iterator, List

from ..compat import Graph, Operation, Tensor
from .signals import held_signals

_locks: 'weakref.WeakKeyDictionary[Any, Any]' = weakref.WeakKeyDictionary()
_locks_lock = threading.Lock()


@contextmanager
def building(graph: Graph) -> Iterator[None]:
    """A context in which to walk through a graph and to add to it; perhaps within another.

    Waiting for it can be interrupted, and what is done in it cannot.
    """
    with graph_lock(graph), held_signals():
        yield


def graph_lock(graph: Graph) -> ContextManager[Any]:
    """The lock of those who add to a graph, or read what changes meanwhile."""
    with _locks_lock:
        return _locks.setdefault(graph, threading.RLock())


def consumers(tensor: Tensor) -> List[Operation]:
    """The ops that read a tensor."""
    with graph_lock(tensor.graph):
        return list(tensor.consumers())

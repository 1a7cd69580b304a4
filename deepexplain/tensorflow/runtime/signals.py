"""Signals held back while TensorFlow adds to a graph, which it cannot take back half-way.

Where that is interrupted, an op is in TensorFlow's graph and not among its Python objects, and every later
``tensor.consumers()`` of that graph fails. So a signal that Python would answer meanwhile, be it Ctrl-C or the alarm of
a timeout, waits until the work is done, and comes to the handler that the user has, once.
"""

import inspect
import signal
import threading
from contextlib import contextmanager
from typing import Any, Iterator, List

#: Signals that came and were not passed on yet.
_came: 'List[_Held]' = []


class _Held:
    """What stands in the place of a handler, and notes that the signal came."""

    def __init__(self, number: int, handler: Any) -> None:
        self.number, self.handler, self.holds = number, handler, True

    def __call__(self, number: int, frame: Any) -> None:
        if not self.holds:  # code of the user's kept it, and set it again
            self.handler(number, frame)
        elif self not in _came:
            _came.append(self)

    def put_back(self) -> None:
        """Let the handler be the user's again, unless code of the user's set another one meanwhile."""
        try:
            now: Any = signal.getsignal(self.number)
            if now is self:
                signal.signal(self.number, self.handler)  # what came before this is noted still
        finally:
            self.holds = False

    def pass_on(self) -> None:
        """Call the handler if its signal came."""
        if self in _came:
            _came.remove(self)
            self.handler(self.number, inspect.currentframe())


@contextmanager
def held_signals() -> Iterator[None]:
    """Within this context no signal handler runs. It comes after it, or where :func:`let_through` is called.

    Only the main thread runs handlers of Python: in others, and for signals that have none, nothing is done.
    """
    held: List[_Held] = []
    try:
        if threading.current_thread() is threading.main_thread():
            _hold(held)
        yield
    finally:
        _release(held)


def let_through() -> None:
    """Run the handlers of signals that came: between two ops, where an exception spoils nothing."""
    if _came and threading.current_thread() is threading.main_thread():
        while _came:
            _came[0].pass_on()


def _hold(held: List[_Held]) -> None:
    for number in range(1, signal.NSIG):
        handler: Any = signal.getsignal(number)
        if callable(handler) and not (isinstance(handler, _Held) and handler.holds):
            one = _Held(number, handler)
            held.append(one)  # before it is set: a handler that is not held yet may raise
            signal.signal(number, one)


def _release(held: List[_Held]) -> None:
    """All handlers are put back, then those called whose signals came, whatever any of them raises."""
    try:
        for one in held:
            one.put_back()
        for one in held:
            one.pass_on()
    except BaseException:  # of a handler that is back already, at any place: go on where it stopped
        _release(held)
        raise

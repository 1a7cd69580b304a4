"""What the library raises and warns with.

Every error is a ``RuntimeError``, because DeepExplain 0.3 raised that, and also the built-in type that says
what is wrong (``ValueError``, ``TypeError``, and ``AssertionError`` where 0.3 used ``assert``), so that old
and new ``except`` clauses both catch it.
"""

import sys
import warnings
from types import FrameType
from typing import Optional


class DeepExplainError(RuntimeError):
    """Base class of all errors raised by this library."""

    def __init__(self, message: str = '', *more: object) -> None:
        # A name that came may hold half a character, which no terminal and no log file would take.
        super().__init__(str(message).encode('utf-8', 'backslashreplace').decode('utf-8'), *more)


class ArgumentError(DeepExplainError, ValueError):
    """An argument has a value that cannot be explained with: a wrong shape, range or combination."""


class ArgumentTypeError(DeepExplainError, TypeError):
    """An argument is of the wrong kind, or has a name that the method does not know."""


class AssertedArgumentError(ArgumentError, AssertionError):
    """An :class:`ArgumentError` that was an ``assert`` in DeepExplain 0.3."""


class MemoryLimitError(DeepExplainError, MemoryError):
    """What was asked for does not fit in memory; the message says how large it is."""


class ReadOnlyError(DeepExplainError, AttributeError):
    """An attribute was set that nothing would read."""


class GraphError(DeepExplainError, ValueError):
    """The graph between X and T does not allow what the method needs; the message names the op."""


class ModelError(DeepExplainError, ValueError):
    """A model that was read cannot be opened for explaining, or does not compute what its source computes."""


class OutputError(DeepExplainError, OSError):
    """A file cannot be written: the disk is full, the folder is read-only, or somebody else writes it."""


class DeepExplainWarning(UserWarning):
    """The numbers may not mean what the method promises; the message names the reason."""


def warn(message: str) -> None:
    """Warn with a DeepExplainWarning that points at the line of the user's code that led here."""
    level = 1
    frame: Optional[FrameType] = sys._getframe()
    while frame is not None and frame.f_globals.get('__name__', '').split('.')[0] == __name__.split('.')[0]:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, DeepExplainWarning, stacklevel=level)

"""What an op does to rows: one function for each kind of op, in the file of its family, registered by its op types.

A function gets the walk, the op and what is known of its inputs, at least one of which has rows; it returns what is
known of the output, or a list with that of each output. What raises is an op in a form that it does not foresee.
"""

from typing import Any, Callable, Dict, Sequence

from ...compat import Tensor

#: Op type -> its function.
KINDS: Dict[str, Callable[..., Any]] = {}


def kind(*op_types: str) -> Callable[[Any], Any]:
    """Decorator: make a function that of these op types."""

    def add(function: Any) -> Any:
        KINDS.update(dict.fromkeys(op_types, function))
        return function

    return add


def rank(tensor: Tensor) -> int:
    """How many axes a tensor has."""
    if tensor.shape.ndims is None:
        raise ValueError('the rank is unknown')  # then nothing is known of the op
    return tensor.shape.ndims


def only(states: Sequence[Any], *places: int) -> Any:
    """The rows of the first of these inputs; a ValueError where any other has rows, too."""
    if any(state is not None for i, state in enumerate(states) if i not in places):
        raise ValueError('another input has rows')
    return states[places[0]]

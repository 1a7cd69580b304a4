"""What can be known of a tensor: that it has rows of samples, or numbers of them, or that samples come together."""

from collections import namedtuple
from typing import Any, Iterable, Sequence

from ...compat import Operation, Tensor


class Size(namedtuple('Size', 'number symbols')):
    """A length: a number times symbols for lengths that the graph leaves open. ``'n'`` is the number of samples."""

    __slots__ = ()

    def __mul__(self, other: Any) -> Any:
        return Size(self.number * other.number, tuple(sorted(self.symbols + other.symbols)))

    def over(self, other: Any) -> Any:
        """The quotient, None where it is not known to be whole."""
        rest = list(self.symbols)
        for symbol in other.symbols:
            if symbol not in rest:
                return None
            rest.remove(symbol)
        if other.number == 0 or self.number % other.number:
            return None
        return Size(self.number // other.number, tuple(rest))


ONE = Size(1, ())
N = Size(1, ('n',))


def size(number: int) -> 'Size':
    """A length that is a number."""
    return Size(int(number), ())


def product(sizes: 'Iterable[Size]') -> 'Size':
    """That of several lengths."""
    total = ONE
    for one in sizes:
        total = total * one
    return total


#: Rows of samples along an axis, which is ``outer`` times the samples, each with ``inner`` places: in order.
Rows = namedtuple('Rows', 'axis outer inner')

#: An array of lengths, some of which may depend on how many samples there are; None is one that nobody knows.
#: ``sizes`` is a tuple of Size or None; ``is_scalar`` says whether there is one of them, and no axis.
Lengths = namedtuple('Lengths', 'sizes is_scalar')

#: Samples come together here: a sentence about the op says how.
Mixed = namedtuple('Mixed', 'op how')

#: An op (or its place in the graph) that is not understood.
Unknown = namedtuple('Unknown', 'op')


def at(axis: int, outer: 'Size' = ONE, inner: 'Size' = ONE) -> Rows:
    """Rows along an axis; by default one place for each sample."""
    return Rows(axis, outer, inner)


def sentence(mixed: Any) -> str:
    """What a Mixed says."""
    return f"op '{mixed.op.name}' ({mixed.op.type}) {mixed.how}"


def joined(op: Operation, states: Sequence[Any], output: Tensor) -> Any:
    """What is known of an op's output that is one of several tensors: of a branch, or of a variable of a loop."""
    if all(state == states[0] for state in states):
        return states[0]
    rows = [state for state in set(states) if state is not None]
    # A list of tensors (a variant, or in TensorFlow 1 a number that stands for it) may be empty where the other is not.
    is_list = output.dtype.name == 'variant' or output.shape.ndims == 0
    return rows[0] if is_list and len(rows) == 1 and isinstance(rows[0], Rows) else Unknown(op)

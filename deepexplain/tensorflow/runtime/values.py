"""What a copy has for a tensor, and how that goes through loops and branches, which take flat lists of tensors."""

from typing import Any, Iterable, List, NamedTuple

from ..compat import Tensor


class Value(NamedTuple):
    """What the copy has for a tensor: two tensors, or twice the same; and whether it is computed from X.

    ``jumps`` says whether it holds numbers made of conditions and the like alone; see :class:`~.graph.Step`.
    """

    at_x: Tensor
    at_baseline: Tensor
    of_x: bool
    jumps: bool = False

    @property
    def differs(self) -> bool:
        """Whether the value at the baseline is another than that at X."""
        return self.at_x is not self.at_baseline


class Pairs:
    """Values as a flat list of tensors and back: both tensors of a value for which ``differ`` says so, else one.

    ``of_x`` says which of the values are computed from X.
    """

    def __init__(self, differ: Iterable[bool], of_x: Iterable[bool]) -> None:
        self._differ, self._of_x = differ, of_x

    def tensors(self, values: Iterable[Value]) -> List[Tensor]:
        """The flat list."""
        return [t for value, both in zip(values, self._differ) for t in (value[:2] if both else value[:1])]

    def each(self, entries: Iterable[Any]) -> List[Any]:
        """An entry for each tensor of the flat list, given one for each value."""
        return [entry for entry, both in zip(entries, self._differ) for _ in range(1 + both)]

    def values(self, tensors: Iterable[Tensor]) -> List[Value]:
        """The values of a flat list."""
        rest = iter(tensors)
        at_x = [(next(rest), next(rest)) if both else (next(rest),) * 2 for both in self._differ]
        return [Value(*both, of_x) for both, of_x in zip(at_x, self._of_x)]

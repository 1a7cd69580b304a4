"""The baseline arguments of a method: checked against the inputs once, and resolved for the samples of each call."""

from typing import TYPE_CHECKING, List, Sequence

from ...errors import ArgumentError
from ...types import Array, ArrayLike, Baseline, BaselineSet
from ..runtime.baselines import given, given_set, resolve, resolve_set

if TYPE_CHECKING:
    from .problem import Problem


class Baselines:
    """What samples are compared with.

    Parameters
    ----------
    problem : Problem
    baseline : number, array, function, or a list of these where X is a list; optional
        One for all samples, or one for each; default 0.
    baselines : array with a row for each baseline, or function of xs, optional
        A set in its place, to average over.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        One of them does not fit the inputs, or both are given.
    """

    def __init__(self, problem: 'Problem', baseline: Baseline = None, baselines: BaselineSet = None) -> None:
        if baseline is not None and baselines is not None:
            raise ArgumentError(
                'Give a baseline (one for all samples, or one for each), or baselines (a set), not both.'
            )
        problem = problem if problem.layer is None else problem.layer.problem  # they are those of X
        self._specs, self._several = problem.specs, problem.several
        self.is_set = baselines is not None
        self._value = (given_set if self.is_set else given)(
            baselines if self.is_set else baseline, self._specs, self._several
        )

    @property
    def is_function(self) -> bool:
        """Whether they are computed from the samples of a call."""
        return callable(self._value)

    @property
    def values(self) -> List[Array]:
        """As they were given, an array for each input: a number, one of a sample's shape, or with several rows."""
        return list(self._value) if self._several else [self._value]

    def resolve(self, arrays: Sequence[ArrayLike]) -> List[Array]:
        """Those of the samples of a call: an array for each input, with one row or more."""
        find = resolve_set if self.is_set else resolve
        return find(self._value, arrays if self._several else arrays[0], self._specs, self._several)

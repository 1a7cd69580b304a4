"""The baseline arguments of a method: checked against the inputs once, and resolved for the samples of each call."""

from typing import TYPE_CHECKING, Any, List, Sequence, Set

import numpy as np

from ...errors import ArgumentError, warn
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
        A set in its place, to average over: one for all samples, or, of shape (samples, k, ...), one for each.

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
        value = baselines if self.is_set else baseline
        self._value = (given_set if self.is_set else given)(value, self._specs, self._several)
        what, self._has_said = 'baselines' if self.is_set else 'baseline', False
        for spec, one in zip(self._specs, value if self._several and isinstance(value, (list, tuple)) else [value]):
            problem.facts.check_columns(spec.name, one, what, of_row=not self.is_set)
            problem.facts.keep_columns(spec.name, one, of_row=not self.is_set)

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
        found = find(self._value, arrays if self._several else arrays[0], self._specs, self._several)
        if self.is_set and self.is_function and not self._has_said:
            self._say_what_a_set_costs(found, arrays)
        return found

    def _say_what_a_set_costs(self, found: Sequence[Array], arrays: Sequence[ArrayLike]) -> None:
        """Warn, once, where a function seems to mean a set for each sample, and gave one that all of them share.

        It gave as many rows as there are samples, or several for each, and these are not the samples themselves.
        """
        n, size = arrays[0].shape[0], len(found[0])
        is_shared = found[0].ndim == len(arrays[0].shape)
        if not is_shared or n == 1 or size % n or _rows(found[0]) <= _rows(arrays[0], found[0].dtype):
            return
        self._has_said = True
        warn(
            f'baselines: the function returned {size} rows for {n} samples: they are one set, which all samples share, '
            f'so {n} x {size} = {n * size} pairs of a sample and a baseline are computed. For a set for each sample it '
            'must return shape (samples, k, ...); for one baseline a sample, give the function as baseline; a set '
            'that does not depend on xs can be given as an array.'
        )


def _rows(array: ArrayLike, dtype: Any = None) -> Set[bytes]:
    return {np.asarray(row, dtype).tobytes() for row in array}

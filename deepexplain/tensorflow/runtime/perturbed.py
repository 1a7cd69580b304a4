"""Samples of a call, and what the target says of changed copies of them. NumPy only."""

from typing import Any, Callable

import numpy as np

from ...types import Array
from .memory import aligned_empty
from .parts import keep


class Perturbed:
    """Some samples of a call, and T at changed copies of them.

    Parameters
    ----------
    score : function of the request, the samples that rows belong to, and a list with these rows
        T's outputs there, as one session run gives them.
    request : Request
        With ``baselines``.
    part : slice
        Which samples.
    rows : int
        The most rows of a session run.
    in_step : bool
        Whether every run must hold each of these samples once, in order, and all of them changed alike.
    dtype : dtype, default float64
        One that has room for T's outputs as they are.
    regional : optional
        What evaluates the target where the parts of samples are taken away, by what these reach alone; see
        :mod:`~deepexplain.tensorflow.engine.regions`. Of orders, by what each feature adds; see
        :mod:`~deepexplain.tensorflow.engine.first_layer`.

    Attributes
    ----------
    count : int
        How many samples.
    outputs : int
        How many outputs of a sample are explained, each by itself.
    undefined : bool
        Whether T was finite at a sample, but not at a changed copy of it; see :meth:`note`.
    active : bool ndarray, shape (samples, ...)
        Where a sample differs from its baseline (-0.0 and 0.0 do not). Replacing anything else changes nothing.
    """

    def __init__(
        self,
        score: Callable[..., Array],
        request: Any,
        part: slice,
        rows: int,
        in_step: bool,
        dtype: Any = np.float64,
        regional: Any = None,
    ) -> None:
        self._score, self._request, self._part, self._in_step = score, request, part, in_step
        self._dtype, self._regional = dtype, regional
        self._x = request.samples(part)[0]
        # Where parts are not replaced by a baseline, nothing reads it.
        baseline = request.baselines[0] if request.baselines else np.zeros((1, *self._x.shape[1:]), self._x.dtype)
        self._baseline = baseline if len(baseline) == 1 else baseline[part]
        self.count = len(self._x)
        self._rows = self.count if in_step else rows
        self.outputs = request.outputs or 1
        self.undefined = False
        self.active = self._x != self._baseline
        if in_step:  # what changes one sample may change the outputs of all
            self.active = np.broadcast_to(self.active.any(axis=0), self._x.shape)

    def differing(self, parts: Any) -> Array:
        """Which of the parts that become something of their own change by it: bool, shape (samples, parts)."""
        found: Array = parts.differs(self._x)
        return np.broadcast_to(found.any(axis=0), found.shape) if self._in_step else found

    def expect(self, rows: int) -> None:
        """Let the bar know of rows that it did not count on."""
        self._request.progress.total += rows

    def note(self, changed: Array, whole: Array) -> None:
        """Remember whether outputs of changed samples are undefined where those of the samples are not."""
        self.undefined = self.undefined or bool((~np.isfinite(changed) & np.isfinite(whole)).any())

    def without(self, parts: Any, wanted: Array) -> Array:
        """T's outputs at the samples and without their parts, shape (samples, 1 + parts, outputs); 0 where not wanted.

        Parameters
        ----------
        parts : Windows or Groups
        wanted : bool ndarray, shape (samples, parts)
        """
        if self._regional is not None:
            outputs = np.zeros((self.count, 1 + parts.count, self.outputs), self._dtype)
            self._request.progress.total -= wanted.size - int(wanted.sum())
            self._regional.fill(outputs, self._request, self._part, self._x, self._baseline, parts, wanted)
            return outputs
        whole = np.ones((self.count, 1), bool)
        # State 0 is the sample as it is.
        return self.evaluate(
            np.concatenate([whole, wanted], axis=1),
            lambda copies, values, state: parts.replace(copies, values, state - 1),
            as_they_are=True,
        )

    def along(self, features: Any, ranks: Array, wanted: Array) -> Array:
        """T's outputs as features go, shape (samples, orders, 1 + features, outputs); 0 where not wanted.

        Parameters
        ----------
        features : Features or Groups
        ranks : int ndarray, shape (orders, features)
            ``ranks[i, f]`` features go before feature f in the i-th order.
        wanted : bool ndarray, shape (samples, orders, 1 + features)
            The last axis says how many are gone.
        """

        def remove(copies: Array, values: Array, order: Array, gone: Array) -> None:
            keep(copies, features.mask(ranks[order] >= gone[:, None].astype(ranks.dtype)), values)

        if self._regional is None:
            return self.evaluate(wanted, remove)
        outputs = np.zeros(wanted.shape + (self.outputs,))
        again = self._regional.fill(
            outputs, self._request, self._part, self._x, self._baseline, features, ranks, wanted
        )
        whole = self.evaluate(again, remove)
        outputs[again] = whole[again]
        return outputs

    def evaluate(self, wanted: Array, change: Callable[..., None], as_they_are: bool = False) -> Array:
        """T's outputs, shape (samples, changes ..., outputs), in double precision; 0 where not wanted.

        Parameters
        ----------
        wanted : bool ndarray, shape (samples, changes ...)
        change : function of an array of copies of samples, of their baselines (one, or one for each copy), and of an
            int array for each further axis of wanted
            Makes these changes to the copies, in place.
        as_they_are : bool
            Whether outputs stay in T's own dtype, where they fit in it: in half the memory.
        """
        if self._in_step:
            wanted = np.broadcast_to(wanted.any(axis=0), wanted.shape)
            places = np.nonzero(np.moveaxis(wanted, 0, -1))
            places = places[-1:] + places[:-1]
        else:
            places = np.nonzero(wanted)
        request, total = self._request, len(places[0])
        request.progress.total -= wanted.size - total
        buffer = aligned_empty((min(self._rows, total),) + self._x.shape[1:], self._x.dtype)
        outputs = np.zeros(wanted.shape + (self.outputs,), self._dtype if as_they_are else np.float64)
        for start in range(0, total, self._rows):
            here = tuple(axis[start : start + self._rows] for axis in places)
            copies = buffer[: len(here[0])]
            np.take(self._x, here[0], axis=0, out=copies, mode='clip')  # clip: without it NumPy copies twice
            change(copies, self._baseline if len(self._baseline) == 1 else self._baseline[here[0]], *here[1:])
            outputs[here] = self._score(request, self._part.start + here[0], [copies]).reshape(len(copies), -1)
            request.progress.update(len(copies))
        return outputs

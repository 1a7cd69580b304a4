"""One call of ``run``: its samples, what they are weighted by and compared with, and what else each run feeds."""

from dataclasses import dataclass, field, replace
from typing import Any, Iterable, List, Optional, Sequence, Set, Tuple

import numpy as np

from ...types import Array
from ..compat import Tensor
from ..runtime.progress import NoProgress
from ..runtime.session import Feeds, Runner


@dataclass(frozen=True, eq=False)
class Request:
    """The checked arguments of a call, and the session runs that they need.

    Attributes
    ----------
    runner : Runner
    inputs : list of tensors
    arrays : list of array-likes
        The samples of each input.
    feeds : Feeds
    fixed_rows : int or None
        Rows that every session run must have; shorter ones are padded with copies of their last row.
    weights : sequence of (placeholder, ndarray, bool)
        Output weights to feed, and whether they have one row a sample.
    selected : (int ndarray, ndarray) or None
        Where each sample has a weight for one of its outputs alone: which, of T made flat, and the weight.
    outputs : int or None
        How many outputs a sample has, where each of them is explained by itself.
    row_shape : tuple or None
        Then the shape of one sample's T.
    first, at_once : int
        Which of these outputs a session run explains: ``at_once`` of them, beginning with the ``first``.
    baselines : list of ndarray
        For each input, what samples are compared with: one row, or one for each sample, or the rows of a set; or, of
        shape (samples, k, ...), the rows of a set for each sample.
    is_set : bool
        Whether every sample is compared with all rows of a set.
    has_own_sets : bool
        Whether that is a set of its own.
    behind : Request or None
        That of X, where the samples are the values of a layer.
    equal_parts : bool
        Whether T is known to have as many rows for each sample, in order.
    progress : tqdm
        Counts the rows that were run.
    said : set of str
        What the call has warned of.
    """

    runner: Runner
    inputs: List[Any]
    arrays: List[Any]
    feeds: Feeds
    fixed_rows: Optional[int]
    weights: Sequence[Tuple[Any, Any, bool]] = ()
    selected: Optional[Tuple[Array, Array]] = None
    outputs: Optional[int] = None
    row_shape: Optional[Tuple[int, ...]] = None
    first: int = 0
    at_once: int = 1
    baselines: Sequence[Any] = ()
    is_set: bool = False
    has_own_sets: bool = False
    behind: 'Optional[Request]' = None
    equal_parts: bool = False
    progress: Any = field(default_factory=NoProgress)
    said: Set[str] = field(default_factory=set)

    @property
    def n(self) -> int:
        """How many samples there are."""
        result: int = self.arrays[0].shape[0]
        return result

    @property
    def sample_shapes(self) -> Tuple[Tuple[int, ...], ...]:
        """The shape of one sample of each input."""
        return tuple(tuple(array.shape[1:]) for array in self.arrays)

    @property
    def has_baseline_for_each(self) -> bool:
        """Whether samples are compared with baselines of their own."""
        return not self.is_set and any(len(b) == self.n > 1 for b in self.baselines)

    @property
    def has_whole_feeds(self) -> bool:
        """Whether an array is fed to all samples together."""
        return any(value.ndim and not per_row for _, value, per_row in self.feeds.entries)

    def weighted(self, placeholder: Tensor, weights: Array, per_row: bool) -> 'Request':
        """A copy with weights of the outputs, for all samples alike or with one row a sample."""
        selected = _selected(weights) if per_row else None
        return replace(self, weights=[(placeholder, weights, per_row)], selected=selected)

    def with_outputs(self, row_shape: Optional[Tuple[int, ...]]) -> 'Request':
        """A copy that explains every output by itself, of samples whose T has this shape (None: a scalar T)."""
        return replace(self, outputs=int(np.prod(row_shape or ())), row_shape=row_shape)

    def unpadded(self) -> 'Request':
        """A copy whose runs have as many rows as there are samples, whatever the graph fixes."""
        return replace(self, fixed_rows=None)

    def parts(self, rows: int) -> List[slice]:
        """Cut the samples into slices of at most ``rows``."""
        return [slice(start, min(start + rows, self.n)) for start in range(0, self.n, rows)]

    def samples(self, of: Any) -> List[Array]:
        """The samples of a slice, one array an input, in the inputs' dtypes."""
        return [np.asarray(a[of]).astype(x.dtype.as_numpy_dtype, copy=False) for a, x in zip(self.arrays, self.inputs)]

    def baselines_of(self, part: slice) -> List[Array]:
        """What the samples of a slice are compared with, each with one row or a row for each of them."""
        return [b if len(b) == 1 else b[part] for b in self.baselines]

    def probe(self, indices: Sequence[int]) -> 'Request':
        """A request for the samples at these indices, without ys."""
        arrays = [np.concatenate([np.asarray(array[i : i + 1]) for i in indices]) for array in self.arrays]
        baselines = [b[0] if self.has_own_sets else b[:1] for b in self.baselines]
        return Request(
            self.runner,
            self.inputs,
            arrays,
            self.feeds.at(indices),
            self.fixed_rows,
            baselines=baselines,
            is_set=self.is_set,
            said={'baseline'},  # of a sample that nobody asked about
        )

    def fit(self, array: Array) -> Array:
        """Rows as many as every run must have: with copies of the last one, where there are fewer."""
        padding = 0 if self.fixed_rows is None else max(0, self.fixed_rows - len(array))
        return np.concatenate([array, np.repeat(array[-1:], padding, axis=0)]) if padding else array

    def selecting(self, placeholders: Sequence[Tensor], first: int) -> 'Request':
        """A copy for single outputs, ``first`` and those after it: one for each placeholder of weights."""
        weights, outputs = [], self.outputs or 0
        for output, placeholder in zip(range(first, outputs), placeholders):
            one_hot = np.zeros(outputs, placeholder.dtype.as_numpy_dtype)
            one_hot[output] = 1
            weights.append((placeholder, one_hot.reshape(self.row_shape or ()), False))
        return replace(self, weights=weights, selected=None, first=first, at_once=len(weights))

    @property
    def whole(self) -> 'Request':
        """The request that this one explains some outputs of, or itself."""
        return self if self.outputs is None else replace(self, weights=())

    def run(
        self,
        fetches: Sequence[Tensor],
        of: Any,
        rows: Optional[List[Array]] = None,
        extra: Iterable[Tuple[Tensor, Any]] = (),
        trim: bool = True,
    ) -> List[Array]:
        """Evaluate a list of tensors: arrays with one row for each row fed.

        Parameters
        ----------
        fetches : list of tensors
        of : slice or int array
            The sample that each row belongs to; ys and the user's feeds take theirs with them.
        rows : list of arrays, one for each input
            What to feed instead of these samples themselves: changed copies of them.
        extra : list of (tensor, value)
            Fed too.
        trim : bool
            False keeps the rows of the padding, for tensors whose rows are elsewhere.
        """
        rows = self.samples(of) if rows is None else rows
        count = len(rows[0])
        feed = [(x, self.fit(row)) for x, row in zip(self.inputs, rows)]
        for tensor, value, per_row in (*self.weights, *self.feeds.entries):
            feed.append((tensor, self.fit(value[of]) if per_row else value))
        feed.extend((tensor, np.asarray(value, tensor.dtype.as_numpy_dtype)) for tensor, value in extra)
        results = self.runner.run(fetches, feed)
        return [result[:count] for result in results] if trim and count < (self.fixed_rows or 0) else results


def _selected(weights: Array) -> Optional[Tuple[Array, Array]]:
    """See :class:`Request`, of weights that have one row a sample."""
    flat = weights.reshape(len(weights), -1)
    if not flat.size or (np.count_nonzero(flat, axis=1) > 1).any():
        return None
    output = (flat != 0).argmax(axis=1)
    return output, flat[np.arange(len(flat)), output]


def set_size(request: Request) -> int:
    """With how many baselines each sample is compared."""
    if not request.is_set:
        return 1
    first = request.baselines[0]
    return int(first.shape[1] if request.has_own_sets else first.shape[0])


def of_set(request: Request, which: slice, of: Any) -> List[Array]:
    """Some baselines of a set, for samples at these indices: all samples beside the first, then beside the next, ..."""
    if not request.has_own_sets:
        return [np.repeat(b[which], len(of), axis=0) for b in request.baselines]
    found = [np.swapaxes(b[of, which], 0, 1) for b in request.baselines]
    return [b.reshape((-1,) + b.shape[2:]) for b in found]

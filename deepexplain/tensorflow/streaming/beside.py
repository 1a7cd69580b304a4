"""What goes with the samples of a long run: weights or targets, feeds and baselines, cut as these are."""

import hashlib
from typing import Any, Dict, Tuple

import numpy as np

from ...arguments import as_array, as_mapping, has, is_list, text_of
from ...errors import ArgumentError, ArgumentTypeError
from ..runtime.session import Feeds
from ..runtime.targets import FORMS, is_word, one_hot_of
from .cutting import baseline_rows, with_baseline
from .pieces import MOST_ROWS, Piece, Pieces


class Beside:
    """What goes with each sample of a long run, and what is the same for all: ys, feeds and baselines.

    Parameters
    ----------
    explainer : Explainer
    pieces : Pieces
    ys, feed_dict, target
        As those of :meth:`Explainer.run`; ``ys='each'`` is refused.
    """

    def __init__(self, explainer: Any, pieces: Pieces, ys: Any, feed_dict: Any, target: Any = None) -> None:
        self._explainer, problem = explainer, explainer.problem
        if isinstance(ys, str):
            raise ArgumentError(
                f'ys must be an array of weights here; got {text_of(ys)}. Of several outputs write each by a call of '
                "its own: run_to('output_3.npy', xs, ys=one_hot)."
            )
        self.rows = pieces.rows
        self._ys: Any = None
        self._ys_per_row = False
        if ys is not None:
            self._ys = as_array(ys, 'ys', explainer.T.dtype.as_numpy_dtype, finite=True)
            ndims = explainer.T.shape.ndims
            if ndims is None:
                request = explainer.request(pieces.samples(pieces.first()), None, feed_dict)
                ndims = 1 + len(explainer.engine.network.row_shape(request))
            self._ys_per_row = self._ys.ndim == ndims > 0
        if self._ys_per_row:
            self._check_length(len(self._ys), 'ys')
        self._target, self._target_per_row = target_rows(target)
        if self._target_per_row:
            self._check_length(len(self._target), 'target')
        given = problem if problem.layer is None else problem.layer.problem
        if feed_dict is not None:
            as_mapping(feed_dict, 'feed_dict')
        count = -1 if self.rows is None else self.rows
        self._feeds = Feeds(problem.graph, feed_dict, count, given.inputs, problem.fixed_rows).entries
        self._baselines = baseline_rows(explainer, pieces.axes)
        for rows in self._baselines or []:
            if rows is not None:
                self._check_length(len(rows), 'baseline')
        self._check_whole_feeds(pieces.chunk)

    def _check_length(self, length: int, what: str) -> None:
        if self.rows is None:  # of an iterator
            self.rows = length
        if length != self.rows:
            raise ArgumentError(f'{what} must have a row for each of the {self.rows} samples of xs; got {length}.')

    def _check_whole_feeds(self, chunk: int) -> None:
        """Raise where a chunk has as many rows as a value that is fed whole, and would be fed a row for each sample."""
        lengths = {chunk} if self.rows is None else {min(chunk, self.rows), self.rows % chunk}
        for tensor, value, per_row in self._feeds:
            if not per_row and value.ndim and len(value) in lengths and value.shape[0] != self.rows:
                raise ArgumentError(
                    f"feed_dict: the value of '{tensor.name}' has {len(value)} rows, as many as a chunk of the samples "
                    'has, and would be taken for one with a row for each sample: give another chunk.'
                )

    def of(self, piece: Piece) -> Tuple[Any, Dict[str, Any]]:
        """An explainer for a piece, and further arguments of its ``run``."""
        part = slice(piece.start, piece.stop)
        if self.rows is not None and piece.stop > self.rows:
            raise ArgumentError(f'xs has more samples than ys, target or baseline have rows, which are {self.rows}.')
        explainer = self._explainer
        if self._baselines is not None:
            given = explainer.method.baseline
            entries = list(given) if len(self._baselines) > 1 else [given]
            cut = [entry if rows is None else rows[part] for entry, rows in zip(entries, self._baselines)]
            explainer = with_baseline(explainer, cut if explainer.has_multiple_inputs else cut[0])
        ys = self._ys[part] if self._ys_per_row else self._ys
        feeds = {tensor.name: value[part] if per_row else value for tensor, value, per_row in self._feeds}
        target = self._target[part] if self._target_per_row else self._target
        return explainer, {'ys': ys, 'feed_dict': feeds or None, 'target': target}

    def check_targets(self, request: Any) -> None:
        """Raise where there is no such output, of any sample; ``request`` is that of some."""
        network, names = self._explainer.engine.network, self._explainer.problem.facts.class_names
        shape, dtype = network.row_shape(request), network.Y.dtype.as_numpy_dtype
        for start in range(0, len(self._target) if self._target_per_row else 0, MOST_ROWS):
            some = self._target[start : start + MOST_ROWS]
            one_hot_of(some, len(some), shape, dtype, names, np.empty(0).copy)  # no scores: they choose all

    def described(self) -> Dict[str, Any]:
        """The part of a job that says what these are."""
        feeds = {tensor.name: described(value) for tensor, value, _ in self._feeds}
        return {'ys': described(self._ys), 'target': described(self._target), 'feed_dict': feeds}


def target_rows(target: Any) -> Tuple[Any, bool]:
    """A target, as an array where it has an entry for each sample, and whether it has."""
    target = target.to_numpy() if has(target, 'to_numpy') else target
    if isinstance(target, (str, tuple)) or not (is_list(target) or getattr(target, 'shape', None)):
        return target, False
    entries = target.tolist() if isinstance(target, np.ndarray) and target.dtype.kind in 'OSU' else target
    if isinstance(entries, list) and any(map(is_word, entries)):
        others = [entry for entry in entries if not is_word(entry)]
        if others:
            raise ArgumentTypeError(f'target must be {FORMS}; got {text_of(others[0])} among names.')
        return np.array(entries), True
    array = as_array(entries, 'target')
    return (array.astype(np.int64) if array.dtype.kind in 'iu' else array), True


def described(value: Any) -> Any:
    """What tells a value of a job from others: arrays by a hash of their content, tensors by name, others as text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return f'{value.dtype} {value.shape} sha256 {digest}'
    if isinstance(value, (list, tuple)):
        return [described(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): described(value[key]) for key in value}
    if has(value, 'graph') and has(value, 'name'):
        return str(value.name)
    try:
        return repr(value)
    except Exception:  # whatever that of an object raises: it will be refused
        return text_of(value)

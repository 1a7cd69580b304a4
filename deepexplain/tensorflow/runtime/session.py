"""One call of ``run``: its samples, cut into the rows of single session runs, and everything else to feed."""

import copy

import numpy as np

from ...errors import ArgumentError
from ..compat import is_graph_tensor
from .graph import CONSUMING, data_sources

LEARNING_PHASE = 'keras_learning_phase'
MOST_BYTES = 1 << 25
MOST_ROWS = 512


class Feeds:
    """What a user feeds besides xs and ys: ``(tensor, array, one row a sample?)`` for each entry.

    A value has one row a sample when its placeholder leaves the first dimension open (or fixes it as X does) and
    there are as many rows as samples; it is then batched with the samples. Any other is fed whole in every run.
    """

    def __init__(self, graph, feed_dict, n, not_theirs, fixed_rows=None):
        self.entries = []
        not_theirs = {tensor.name for tensor in not_theirs}
        for key, value in (feed_dict or {}).items():
            tensor = _feedable(graph, key)
            if tensor.name in not_theirs:
                raise ArgumentError(f"feed_dict must not hold '{tensor.name}': it is fed from xs or ys.")
            try:
                array = np.asarray(value, tensor.dtype.as_numpy_dtype)
            except (TypeError, ValueError) as error:
                raise ArgumentError(f"feed_dict: the value of '{tensor.name}' does not fit: {error}") from None
            first = tensor.shape.as_list()[0] if tensor.shape.ndims else None
            has_rows = array.ndim > 0 and tensor.shape.ndims != 0 and first in (None, fixed_rows)
            self.entries.append((tensor, array, has_rows and len(array) == n))

    def at(self, indices):
        """The same feeds for the samples at these indices."""
        other = copy.copy(self)
        other.entries = [(t, value[indices] if per_row else value, per_row) for t, value, per_row in self.entries]
        return other

    @property
    def tensors(self):
        """The fed tensors."""
        return [tensor for tensor, _, _ in self.entries]

    @property
    def per_row(self):
        """Whether any value has one row for each sample."""
        return any(per_row for _, _, per_row in self.entries)

    def complete(self, fetches, fed_anyway):
        """Add the Keras learning phase (0: inference), and raise for placeholders without a value."""
        given = list(fed_anyway) + self.tensors
        missing = []
        for op in data_sources(fetches, given):
            tensor = op.outputs[0]
            if op.type in CONSUMING:
                raise ArgumentError(
                    f"The target also reads '{tensor.name}', which gives other data in every session run, not those "
                    f"of xs. Pass feed_dict={{'{tensor.name}': ...}}."
                )
            if LEARNING_PHASE in op.name:
                self.entries.append((tensor, np.zeros((), tensor.dtype.as_numpy_dtype), False))
            elif op.type != 'PlaceholderWithDefault':
                missing.append(tensor)
        if missing:
            names = ', '.join(f"'{t.name}' ({t.dtype.name}, shape {t.shape})" for t in missing)
            raise ArgumentError(
                f'The target also depends on placeholders that have no value: {names}. Pass '
                f"feed_dict={{'{missing[0].name}': ...}}."
            )
        return self


def _feedable(graph, key):
    """The tensor that a key of feed_dict names."""
    if isinstance(key, str):
        try:
            return graph.as_graph_element(key, allow_operation=False)
        except (KeyError, ValueError) as error:
            raise ArgumentError(f'feed_dict: {error.args[0]}') from None
    if not is_graph_tensor(key) or key.graph is not graph:
        raise ArgumentError(f'feed_dict: keys must be tensors of the explained graph, or their names; got {key!r}.')
    return key


class Call:
    """The checked arguments of one call of ``run``.

    Parameters
    ----------
    session, inputs, Y : the session, the input tensors and the placeholder of the output weights
    arrays : list of array-likes
        The samples of each input.
    weights : (ndarray, bool) or None
        ys, and whether it has one row a sample.
    feeds : Feeds
    fixed_rows : int or None
        Rows that every session run must have; shorter ones are padded with copies of their last row.
    """

    def __init__(self, session, inputs, Y, arrays, weights, feeds, fixed_rows):
        self.session, self.inputs, self.Y = session, inputs, Y
        self.arrays, self.weights, self.feeds, self.fixed_rows = arrays, weights, feeds, fixed_rows
        self.n = arrays[0].shape[0]
        self.references = {}  # what deeplift computed of the baseline, for the length of this call

    def parts(self, rows):
        """Cut the samples into slices of at most ``rows``."""
        return [slice(start, min(start + rows, self.n)) for start in range(0, self.n, rows)]

    def samples(self, part):
        """The samples of a slice, one array an input, in the inputs' dtypes."""
        return [
            np.asarray(a[part]).astype(x.dtype.as_numpy_dtype, copy=False) for a, x in zip(self.arrays, self.inputs)
        ]

    def probe(self, indices):
        """A call on the samples at these indices, without ys."""
        arrays = [np.concatenate([np.asarray(array[i : i + 1]) for i in indices]) for array in self.arrays]
        feeds = self.feeds.at(indices)
        return Call(self.session, self.inputs, self.Y, arrays, None, feeds, self.fixed_rows)

    def run(self, fetches, part, rows=None, extra=(), trim=True):
        """Evaluate a list of tensors on the samples of ``part``: arrays with one row for each row fed.

        ``rows`` replaces the samples by changed copies: k copies of the whole part after one another, for any
        k; ys and the user's feeds are repeated with them. ``extra`` are further (tensor, value) pairs.
        Without ``trim`` the results keep the rows of the padding, for tensors whose rows are elsewhere.
        """
        rows = self.samples(part) if rows is None else rows
        size = part.stop - part.start
        count = len(rows[0])

        def fit(array):
            """Repeat what belongs to the part's samples for each copy, and pad to the fixed rows."""
            if len(array) != count:
                array = np.tile(array, (count // size,) + (1,) * (array.ndim - 1))
            if self.fixed_rows is not None and count < self.fixed_rows:
                array = np.concatenate([array, np.repeat(array[-1:], self.fixed_rows - count, axis=0)])
            return array

        # Names, because tensors cannot be dictionary keys where TensorFlow 2 runs eagerly.
        feed = {x.name: fit(row) for x, row in zip(self.inputs, rows)}
        if self.weights is not None:
            ys, per_row = self.weights
            feed[self.Y.name] = fit(ys[part]) if per_row else ys
        for tensor, value, per_row in self.feeds.entries:
            feed[tensor.name] = fit(value[part]) if per_row else value
        feed.update((tensor.name, value) for tensor, value in extra)
        results = self.session.run(fetches, feed)
        if trim and self.fixed_rows is not None and count < self.fixed_rows:
            results = [result[:count] for result in results]
        return results


def chunks(items, size):
    """Yield lists of at most ``size`` items."""
    chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def bounded_rows(row_bytes):
    """How many rows to put through the network at once where the user does not say.

    ``row_bytes`` is the size of the largest tensor for one row. More rows than fit the processor's caches
    gain nothing, and memory stays bounded for any image size.
    """
    return int(np.clip(MOST_BYTES // row_bytes, 1, MOST_ROWS))

"""One call of ``run``: its samples, cut into the rows of single session runs, and everything else to feed."""

import copy

import numpy as np

from ...errors import ArgumentError
from ..compat import fast_run, is_graph_tensor, tf
from .graph import CONSUMING, tensor_named
from .progress import NoProgress

LEARNING_PHASE = 'keras_learning_phase'


class Runner:
    """Runs the session, each combination of fetches and feeds compiled once.

    Parameters
    ----------
    session : the session
    one_thread : bool
        Whether runs may stay in the caller's thread: for graphs that are simple, see ``is_simple``.
    """

    def __init__(self, session, one_thread=False):
        self._session, self._one_thread = session, one_thread
        self._compiled = {}

    def run(self, fetches, feed):
        """Evaluate a list of tensors; ``feed`` is a list of (tensor, array of its dtype)."""
        # Names, because tensors cannot be dictionary keys where TensorFlow 2 runs eagerly.
        fed = {tensor.name: value for tensor, value in feed}
        wanted = [tensor for tensor in fetches if tensor.name not in fed]
        results = iter(self._run(wanted, fed) if wanted else [])
        return [fed[tensor.name] if tensor.name in fed else next(results) for tensor in fetches]

    def _run(self, fetches, fed):
        key = tuple(tensor.name for tensor in fetches) + ('',) + tuple(fed)
        try:
            if key not in self._compiled:
                self._compiled[key] = fast_run(self._session, fetches, list(fed), self._one_thread)
            if self._compiled[key] is not None:
                return self._compiled[key](*fed.values())
        except tf.errors.ResourceExhaustedError:
            raise
        except tf.errors.OpError:
            pass  # The same error once more, from where its message says which line of the user's built the op.
        return self._session.run(fetches, fed)


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
            per_row = has_rows and len(array) == n
            if not tensor.shape.is_compatible_with(((first,) if per_row else array.shape[:1]) + array.shape[1:]):
                raise ArgumentError(
                    f"feed_dict: the value of '{tensor.name}' must have shape {tensor.shape}; got {array.shape}."
                )
            self.entries.append((tensor, array, per_row))

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

    def complete(self, sources):
        """Add the Keras learning phase (0: inference), and raise for placeholders without a value.

        ``sources`` are the ops that bring further data into the run.
        """
        missing = []
        for op in sources:
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
    key = tensor_named(graph, key, 'feed_dict')
    if not is_graph_tensor(key) or key.graph is not graph:
        raise ArgumentError(f'feed_dict: keys must be tensors of the explained graph, or their names; got {key!r}.')
    return key


class Call:
    """The checked arguments of one call of ``run``.

    Parameters
    ----------
    runner : Runner
    inputs : list of tensors
    arrays : list of array-likes
        The samples of each input.
    feeds : Feeds
    fixed_rows : int or None
        Rows that every session run must have; shorter ones are padded with copies of their last row.

    Attributes
    ----------
    weights : list of (placeholder, ndarray, bool)
        Output weights to feed, and whether they have one row a sample.
    outputs : int or None
        How many outputs a sample has, where each of them is explained by itself.
    row_shape : tuple or None
        Then the shape of one sample's T.
    at_once : int
        How many of them a session run explains.
    first : int
        Which of them comes first.
    whole : Call
        The call that this one explains some outputs of, or itself.
    baselines : list of ndarray
        For each input, what samples are compared with: one row, or one for each sample.
    progress : tqdm
        Counts the rows that were run.
    """

    def __init__(self, runner, inputs, arrays, feeds, fixed_rows):
        self.runner, self.inputs, self.arrays, self.feeds, self.fixed_rows = runner, inputs, arrays, feeds, fixed_rows
        self.n = arrays[0].shape[0]
        self.weights = []
        self.outputs = self.row_shape = None
        self.first, self.at_once, self.whole = 0, 1, self
        self.baselines = []
        self.progress = NoProgress()
        self.references = {}  # what deeplift computed of the baseline, for the length of this call

    @property
    def sample_shapes(self):
        """The shape of one sample of each input."""
        return tuple(tuple(array.shape[1:]) for array in self.arrays)

    def parts(self, rows):
        """Cut the samples into slices of at most ``rows``."""
        return [slice(start, min(start + rows, self.n)) for start in range(0, self.n, rows)]

    def samples(self, of):
        """The samples of a slice, one array an input, in the inputs' dtypes."""
        return [np.asarray(a[of]).astype(x.dtype.as_numpy_dtype, copy=False) for a, x in zip(self.arrays, self.inputs)]

    def probe(self, indices):
        """A call on the samples at these indices, without ys."""
        arrays = [np.concatenate([np.asarray(array[i : i + 1]) for i in indices]) for array in self.arrays]
        probe = Call(self.runner, self.inputs, arrays, self.feeds.at(indices), self.fixed_rows)
        probe.baselines = [b[:1] for b in self.baselines]
        return probe

    def fit(self, array):
        """Rows as many as every run must have: with copies of the last one, where there are fewer."""
        padding = 0 if self.fixed_rows is None else max(0, self.fixed_rows - len(array))
        return np.concatenate([array, np.repeat(array[-1:], padding, axis=0)]) if padding else array

    def selecting(self, placeholders, first):
        """A copy for single outputs, ``first`` and those after it: one for each placeholder of weights."""
        other = copy.copy(self)
        other.weights = []
        for output, placeholder in zip(range(first, self.outputs), placeholders):
            one_hot = np.zeros(self.outputs, placeholder.dtype.as_numpy_dtype)
            one_hot[output] = 1
            other.weights.append((placeholder, one_hot.reshape(self.row_shape or ()), False))
        other.first, other.at_once = first, len(other.weights)
        return other

    def run(self, fetches, of, rows=None, extra=(), trim=True):
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
        for tensor, value, per_row in self.weights + self.feeds.entries:
            feed.append((tensor, self.fit(value[of]) if per_row else value))
        feed.extend((tensor, np.asarray(value, tensor.dtype.as_numpy_dtype)) for tensor, value in extra)
        results = self.runner.run(fetches, feed)
        return [result[:count] for result in results] if trim and count < (self.fixed_rows or 0) else results

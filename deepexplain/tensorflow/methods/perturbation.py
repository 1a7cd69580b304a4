"""Family 3, the input changed and the output watched: occlusion, shapley_sampling."""

import numpy as np
from skimage.util import view_as_windows

from ...errors import ArgumentError, ArgumentTypeError, AssertedArgumentError, warn
from ..compat import tf
from ..runtime.graph import row_bytes
from ..runtime.samples import as_count, as_integer
from ..runtime.session import bounded_rows, chunks
from .base import AttributionMethod, register


class PerturbationBasedMethod(AttributionMethod):
    """A method that sets parts of the input to zero and reads how the target changes.

    Subclasses give the parts, as masks, and make attributions of the outputs.
    """

    takes_several_inputs = False
    takes_integers = True

    def run(self, xs, ys=None, batch_size=None, feed_dict=None):  # noqa: D102 - as in the base class
        if self._target.shape.ndims == 0:
            raise ArgumentError(
                f"'{self.name}' needs one value of T for each sample, but T '{self._target.name}' is a scalar, in "
                'which rows cannot be told apart. Leave out the reduction over the samples.'
            )
        batch_size = self._check_batch_size(batch_size)
        call = self._call(xs, ys, feed_dict)
        rows = self._rows(call, batch_size)
        plan = self._plan(call.arrays[0].shape[1:])
        parts = [self._explain_part(call, part, rows, plan) for part in call.parts(rows)]
        dtype = self._specs[0].dtype if self._inputs[0].dtype.is_floating else np.float32
        return self._finish(np.concatenate(parts).astype(dtype, copy=False))

    def _plan(self, shape):
        """What all samples share: which parts of an input of this shape are changed, in which order."""
        raise NotImplementedError

    def _explain_part(self, call, part, rows, plan):
        """Attributions of the samples of one slice."""
        raise NotImplementedError

    def _finish(self, attributions):
        return attributions

    def _outputs(self, call, part, rows, masks):
        """Yield T's sum over outputs, shape (samples of part,), for each boolean mask of what is kept."""
        x = call.samples(part)[0]
        zero = np.zeros((), x.dtype)
        for chunk in chunks(masks, max(1, rows // len(x))):
            keep = np.stack(chunk)[:, None]
            changed = np.where(keep, x, zero).reshape((-1,) + x.shape[1:])
            yield from self._evaluate(call, part, [changed])[0].reshape(len(chunk), len(x))

    def _build(self):
        # In double precision: attributions are small differences of these sums.
        outputs = tf.cast(self.T, tf.float64)
        axes = tf.range(1, tf.rank(outputs)) if outputs.shape.ndims is None else list(range(1, outputs.shape.ndims))
        self._sums = [tf.reduce_sum(outputs, axis=axes)]

    def _fetches(self):
        return self._sums

    def _evaluate(self, call, part, rows=None):
        values = super()._evaluate(call, part, rows)
        count = (part.stop - part.start) if rows is None else len(rows[0])
        if values[0].shape != (count,):
            raise ArgumentError(
                f"'{self.name}' needs one row of T for each sample, but T '{self._target.name}' has {len(values[0])} "
                f'rows for {count} samples.'
            )
        return values

    def _rows(self, call, batch_size):
        """How many rows a session run may hold, copies of samples included.

        Raises where a row of T does not belong to the sample in the same row of X.
        """
        if self._fixed_rows is not None:
            if call.n != self._fixed_rows:
                self._check_interchangeable(call)
            if self._fixed_rows > 1 and not self._independent(call, self._fixed_rows):
                raise ArgumentError(
                    f"T '{self._target.name}' has {self._fixed_rows} rows that do not each belong to one sample: a "
                    f"change of the first sample changes other rows. '{self.name}' cannot tell rows apart; give T "
                    'one row for each sample.'
                )
            return self._fixed_rows
        if batch_size == 1 or self._independent(call, 2):
            shape = call.arrays[0].shape[1:]
            return batch_size or bounded_rows(row_bytes(self._between, self._inputs, [shape]))
        if batch_size is not None and batch_size < call.n:
            self._warn_that_samples_mix(f'batch_size={batch_size}')
        return min(batch_size or call.n, call.n)  # one copy of each sample in a run, as in 0.3


@register('occlusion')
class Occlusion(PerturbationBasedMethod):
    """Set windows of the input to zero, one after the other; what the target loses goes to the window.

    A value's attribution is the mean, over the windows that cover it, of T(x) - T(x with the window zeroed),
    divided by the window's size. Values that no window covers are nan, with a warning.

    References
    ----------
    Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014.
    https://doi.org/10.1007/978-3-319-10590-1_53
    """

    arguments_in_graph = False

    def configure(self, window_shape=None, step=None):
        """Set the arguments.

        Parameters
        ----------
        window_shape : int or tuple of ints, one for each axis of one sample, default 1
            An int is used for every axis that is as long, and the whole axis where it is shorter.
        step : int or tuple of ints, default 1
            Distance between windows, along each axis.
        """
        ndims = self._inputs[0].shape.ndims
        self.window_shape = _one_or_each(1 if window_shape is None else window_shape, 'window_shape', ndims)
        self.step = _one_or_each(1 if step is None else step, 'step', ndims)

    def _plan(self, shape):
        index = np.arange(int(np.prod(shape))).reshape(shape or (1,))
        window = self.window_shape
        window = tuple(min(window, d) for d in index.shape) if isinstance(window, int) else window
        for name, value in [('window_shape', window), ('step', self.step)]:
            if isinstance(value, tuple) and len(value) != index.ndim:
                raise AssertedArgumentError(_wrong_length(name, index.ndim, value))
        if any(w > d for w, d in zip(window, index.shape)):
            raise AssertedArgumentError(f'window_shape {window} is larger than one sample, {index.shape}.')
        # A view: the windows of a large image would not fit in memory.
        return view_as_windows(index, window, self.step)

    def _explain_part(self, call, part, rows, windows):
        size, features = part.stop - part.start, int(np.prod(call.arrays[0].shape[1:]))
        grid = windows.shape[: windows.ndim // 2]

        def covered():
            return (windows[place].ravel() for place in np.ndindex(*grid))

        def masks():
            yield np.ones(call.arrays[0].shape[1:], bool)
            for window in covered():
                keep = np.ones(features, bool)
                keep[window] = False
                yield keep.reshape(call.arrays[0].shape[1:])

        outputs = self._outputs(call, part, rows, masks())
        whole = next(outputs)
        total, count = np.zeros((features, size)), np.zeros((features, 1))
        for window, output in zip(covered(), outputs):
            total[window] += (whole - output) / window.size
            count[window] += 1
        with np.errstate(invalid='ignore'):
            return (total / count).T.reshape((size,) + call.arrays[0].shape[1:])

    def _finish(self, attributions):
        if np.isnan(attributions).any():
            warn(
                'Attributions generated by Occlusion method contain nans, probably because window_shape and step do '
                f'not allow to cover the all input: window_shape={self.window_shape}, step={self.step}.'
            )
        return attributions


@register('shapley_sampling')
class ShapleySampling(PerturbationBasedMethod):
    """Shapley values, estimated: features go to zero one after the other, in random orders.

    Each step's loss is the contribution of the feature that went. For every sample of the input and every
    order drawn, contributions sum to T(x) - T(0) exactly. One set of orders, from NumPy's global
    generator (``np.random.seed``), serves all samples of a call.

    References
    ----------
    Castro et al., Polynomial calculation of the Shapley value based on sampling, Computers & Operations
    Research 36(5), 2009. https://doi.org/10.1016/j.cor.2008.04.004
    """

    arguments_in_graph = False

    def configure(self, samples=5, sampling_dims=None):
        """Set the arguments.

        Parameters
        ----------
        samples : int, default 5
            Random orders. Each costs one forward pass per feature.
        sampling_dims : list of ints, default all axes but the first
            Axes of X whose positions are features; what else there is at a position goes to zero with it.
            The result has the shape of the batch and these axes, in the order given: ``[1, 2]`` of an
            image gives one number for each pixel instead of one for each channel of each pixel.
        """
        self.samples = as_count(samples, 'samples')
        ndims = self._inputs[0].shape.ndims
        if sampling_dims is None:
            self.sampling_dims = None
            return
        if not isinstance(sampling_dims, (list, tuple, range, np.ndarray)) or len(sampling_dims) == 0:
            raise ArgumentTypeError(f'sampling_dims must be a list of axes of X; got {sampling_dims!r}.')
        self.sampling_dims = [as_integer(dim, 'Each of sampling_dims') for dim in sampling_dims]
        if 0 in self.sampling_dims:
            raise ArgumentError(f'Cannot sample batch dimension: remove 0 from sampling_dims; got {sampling_dims}.')
        if min(self.sampling_dims) < 0 or (ndims is not None and max(self.sampling_dims) >= ndims):
            last = 'the last' if ndims is None else ndims - 1
            raise ArgumentError(f'Invalid value in sampling_dims: axes go from 1 to {last}; got {sampling_dims}.')
        if len(set(self.sampling_dims)) < len(self.sampling_dims):
            raise ArgumentError(f'sampling_dims holds an axis twice: {sampling_dims}.')

    def _plan(self, shape):
        dims = range(1, len(shape) + 1) if self.sampling_dims is None else self.sampling_dims
        features = Features(shape, [dim - 1 for dim in dims])
        return features, [np.random.permutation(features.count) for _ in range(self.samples)]

    def _explain_part(self, call, part, rows, plan):
        features, orders = plan

        def masks():
            yield features.mask(np.ones(features.count, bool))
            yield features.mask(np.zeros(features.count, bool))
            for order in orders:
                keep = np.ones(features.count, bool)
                for feature in order[:-1]:
                    keep[feature] = False
                    yield features.mask(keep)

        outputs = self._outputs(call, part, rows, masks())
        whole, empty = next(outputs), next(outputs)
        total = np.zeros((features.count, part.stop - part.start))
        for order in orders:
            before = whole
            for feature in order[:-1]:
                after = next(outputs)
                total[feature] += before - after
                before = after
            total[order[-1]] += before - empty
        return (total / self.samples).T.reshape((-1,) + features.shape)


class Features:
    """The features of one sample of an input: the positions along some of its axes.

    Parameters
    ----------
    sample_shape : tuple of int
    axes : list of int
        Axes of the sample, in any order; ``shape`` is theirs in that order.
    """

    def __init__(self, sample_shape, axes):
        if any(axis >= len(sample_shape) for axis in axes):
            raise ArgumentError(f'sampling_dims {[axis + 1 for axis in axes]} are not all axes of xs.')
        self.shape = tuple(sample_shape[axis] for axis in axes)
        self.count = int(np.prod(self.shape))
        self._sample_shape = sample_shape
        self._order = np.argsort(axes) if len(axes) else []
        self._spread = tuple(d if axis in axes else 1 for axis, d in enumerate(sample_shape))

    def mask(self, keep):
        """A boolean of the sample's shape (or one that broadcasts to it), from one for each feature."""
        return keep.reshape(self.shape).transpose(self._order).reshape(self._spread).copy()


def _one_or_each(value, name, ndims):
    """An int, or a tuple with an int for each axis of one sample."""
    if np.ndim(value) == 0:
        return as_count(value, name, AssertedArgumentError)
    if ndims is not None and len(value) != ndims - 1:
        raise AssertedArgumentError(_wrong_length(name, ndims - 1, value))
    return tuple(as_count(entry, name, AssertedArgumentError) for entry in value)


def _wrong_length(name, axes, value):
    return f'{name} must have one entry for each axis of one sample ({axes}); got {tuple(value)}.'

"""Family 3, the input changed and the output watched: occlusion, shapley_sampling."""

from contextlib import closing

import numpy as np

from ...errors import ArgumentError, ArgumentTypeError, AssertedArgumentError, warn
from ..compat import tf
from ..runtime.memory import aligned_empty
from ..runtime.parts import Features, Orders, Windows
from ..runtime.progress import progress_bar
from ..runtime.samples import as_count, as_integer
from .base import AttributionMethod, register

#: Outputs of changed samples to keep at a time: samples x changes x outputs. In double precision, 8 MB.
MOST_OUTPUTS = 1 << 20


class PerturbationBasedMethod(AttributionMethod):
    """A method that sets parts of the input to zero and reads how the target changes.

    Subclasses number what can be done to a sample, say what of it they want to see, and make attributions of
    the outputs.
    """

    takes_several_inputs = False
    takes_integers = True

    def run(self, xs, ys=None, batch_size=None, feed_dict=None, progress=False):  # noqa: D102 - as in the base class
        if self._target.shape.ndims == 0:
            raise ArgumentError(
                f"'{self.name}' needs one value of T for each sample, but T '{self._target.name}' is a scalar, in "
                'which rows cannot be told apart. Leave out the reduction over the samples.'
            )
        batch_size = self._check_batch_size(batch_size)
        call = self._call(xs, ys, feed_dict)
        rows, in_step = self._rows(call, batch_size)
        plan = self._plan(call.sample_shapes[0])
        outputs = call.outputs or 1
        dtype = self._specs[0].dtype if self._inputs[0].dtype.is_floating else np.float32
        result = np.empty((outputs, call.n) + plan.shape, dtype)
        call.progress = progress_bar(progress, call.n * plan.changes, self.name)
        with closing(call.progress):
            for part in call.parts(rows if in_step else min(rows, max(1, MOST_OUTPUTS // (plan.changes * outputs)))):
                attributions = self._explain_part(Perturbed(self, call, part, rows, in_step), plan)
                result[:, part] = np.moveaxis(attributions, -1, 0)
        return self._finish(result[0] if call.outputs is None else result)

    def _plan(self, shape):
        """What all samples of this shape share: ``.shape`` of their attributions, ``.changes`` they go through."""
        raise NotImplementedError

    def _explain_part(self, samples, plan):
        """Attributions of some samples (:class:`Perturbed`), with an axis for the outputs at the end."""
        raise NotImplementedError

    def _finish(self, attributions):
        return attributions

    def _build(self):
        # In double precision: attributions are small differences of these.
        outputs = tf.cast(self.T, tf.float64)
        axes = tf.range(1, tf.rank(outputs)) if outputs.shape.ndims is None else list(range(1, outputs.shape.ndims))
        self._sum = tf.reduce_sum(outputs, axis=axes)
        if outputs.shape.ndims != 0:
            self._each = tf.reshape(outputs, [tf.shape(outputs)[0], -1])

    def _fetches(self, call):
        return [self._sum if call.outputs is None else self._each]

    def _evaluate(self, call, of, rows=None):
        (value,) = super()._evaluate(call, of, rows)
        count = (of.stop - of.start) if rows is None else len(rows[0])
        if value.shape[:1] != (count,):
            raise ArgumentError(
                f"'{self.name}' needs one row of T for each sample, but T '{self._target.name}' has "
                f'{len(value) if value.ndim else "no"} rows for {count} samples.'
            )
        return [value]

    def _rows(self, call, batch_size):
        """How many rows a session run may hold, copies of samples included, and whether rows are in step.

        In step means that every run holds each sample of its part once, in order, and all of them changed alike:
        as in 0.3, for networks in which rows are not independent. Raises where a row of T does not belong to
        the sample in the same row of X.
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
            return self._fixed_rows, call.n == self._fixed_rows
        if batch_size == 1 or self._independent(call, 2):
            return batch_size or self._bounded_rows(call), False
        if batch_size is not None and batch_size < call.n:
            self._warn_that_samples_mix(f'batch_size={batch_size}')
        return min(batch_size or call.n, call.n), True


class Perturbed:
    """Some samples of a call, and T at changed copies of them.

    Attributes
    ----------
    count : int
        How many samples.
    active : bool ndarray, shape (samples, ...)
        Where a sample is not zero already (-0.0 is). Setting anything else to zero changes nothing.
    """

    def __init__(self, method, call, part, rows, in_step):
        self._method, self._call, self._part, self._in_step = method, call, part, in_step
        self._x = call.samples(part)[0]
        self.count = len(self._x)
        self._rows = self.count if in_step else rows
        self.outputs = call.outputs or 1
        self.active = self._x != 0
        if in_step:  # what changes one sample may change the outputs of all
            self.active = np.broadcast_to(self.active.any(axis=0), self._x.shape)

    def evaluate(self, wanted, change):
        """T's outputs, shape (samples, changes ..., outputs); 0 where not wanted.

        Parameters
        ----------
        wanted : bool ndarray, shape (samples, changes ...)
        change : function of an array of copies of samples, and an int array for each further axis of wanted
            Makes these changes to the copies, in place.
        """
        if self._in_step:
            wanted = np.broadcast_to(wanted.any(axis=0), wanted.shape)
            places = np.nonzero(np.moveaxis(wanted, 0, -1))
            places = places[-1:] + places[:-1]
        else:
            places = np.nonzero(wanted)
        call, total = self._call, len(places[0])
        call.progress.total -= wanted.size - total
        buffer = aligned_empty((min(self._rows, total),) + self._x.shape[1:], self._x.dtype)
        outputs = np.zeros(wanted.shape + (self.outputs,))
        for start in range(0, total, self._rows):
            here = tuple(axis[start : start + self._rows] for axis in places)
            copies = buffer[: len(here[0])]
            np.take(self._x, here[0], axis=0, out=copies, mode='clip')  # clip: without it NumPy copies twice
            change(copies, *here[1:])
            outputs[here] = self._method._evaluate(call, self._part.start + here[0], [copies])[0].reshape(
                len(copies), -1
            )
            call.progress.update(len(copies))
        return outputs


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
        axes = max(1, len(shape))
        window, step = ((v,) * axes if isinstance(v, int) else v for v in (self.window_shape, self.step))
        for name, value in [('window_shape', window), ('step', step)]:
            if len(value) != axes:
                raise AssertedArgumentError(_wrong_length(name, axes, value))
        if isinstance(self.window_shape, int):
            window = tuple(min(w, d) for w, d in zip(window, shape or (1,)))
        if any(w > d for w, d in zip(window, shape or (1,))):
            raise AssertedArgumentError(f'window_shape {window} is larger than one sample, {shape}.')
        kept = self._answers.get('windows')
        if kept is None or kept.key != (shape, window, step):
            kept = self._answers['windows'] = Windows(shape, window, step)
        return kept

    def _explain_part(self, samples, windows):
        changes = windows.any_in(samples.active)
        whole = np.ones((samples.count, 1), bool)
        # State 0 is the sample as it is.
        outputs = samples.evaluate(
            np.concatenate([whole, changes], axis=1), lambda copies, state: windows.clear(copies, state - 1)
        )
        # Where nothing changes the output stays what it is, which may be nan.
        with np.errstate(invalid='ignore'):
            losses = outputs[:, :1] - np.where(changes[..., None], outputs[:, 1:], outputs[:, :1])
        return windows.mean(losses)

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
        return Orders(features, [np.random.permutation(features.count) for _ in range(self.samples)])

    def _explain_part(self, samples, plan):
        active = plan.features.any_of(samples.active)
        total = np.zeros((samples.count, plan.features.count, samples.outputs))
        whole = None
        at_once = max(1, MOST_OUTPUTS // max(1, total.size))
        for first in range(0, len(plan.orders), at_once):
            orders, ranks = plan.orders[first : first + at_once], plan.ranks[first : first + at_once]
            # Whether the feature that goes n-th changes anything: shape (samples, orders, n).
            moves = active[:, orders]
            done = moves.cumsum(axis=-1)
            begins, ends = moves & (done == 1), moves & (done == done[..., -1:])
            # Outputs with 0 .. all features gone. All orders begin and end alike.
            wanted = np.concatenate([np.zeros_like(moves[..., :1]), moves & ~ends], axis=-1)
            if whole is None:
                wanted[:, 0, [0, -1]] = True

            def remove(copies, order, gone, ranks=ranks):
                stays = plan.features.mask(ranks[order] >= gone[:, None].astype(ranks.dtype))
                copies *= stays.astype(copies.dtype)  # several times as fast as an assignment where not stays
                copies += 0  # -1 times 0 is -0.0

            outputs = samples.evaluate(wanted, remove)
            if whole is None:
                whole, empty = outputs[:, 0, 0].copy(), outputs[:, 0, -1].copy()
                with np.errstate(invalid='ignore'):
                    total += (whole - whole)[:, None]  # 0, or nan where T is
            # The moves in their order (sample by sample, order by order), so that the one before is one place before.
            of = np.nonzero(moves)
            after = outputs[:, :, 1:]
            after = np.where(ends[of][:, None], empty[of[0]], after[of])
            before = np.where(begins[of][:, None], whole[of[0]], np.roll(after, 1, axis=0))
            losses = np.zeros(moves.shape + (samples.outputs,))
            losses[of] = before - after
            for i, order in enumerate(orders):
                total[:, order] += losses[:, i]
        return (total / self.samples).reshape((samples.count,) + plan.shape + (samples.outputs,))


def _one_or_each(value, name, ndims):
    """An int, or a tuple with an int for each axis of one sample."""
    if np.ndim(value) == 0:
        return as_count(value, name, AssertedArgumentError)
    if ndims is not None and len(value) != ndims - 1:
        raise AssertedArgumentError(_wrong_length(name, ndims - 1, value))
    return tuple(as_count(entry, name, AssertedArgumentError) for entry in value)


def _wrong_length(name, axes, value):
    return f'{name} must have one entry for each axis of one sample ({axes}); got {tuple(value)}.'

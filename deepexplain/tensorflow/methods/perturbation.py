"""Family 3, the input changed and the output watched: occlusion, shapley_sampling."""

from contextlib import closing

import numpy as np

from ...arguments import as_count, as_flag, as_seed
from ...errors import ArgumentError, AssertedArgumentError, warn
from ..runtime import baselines
from ..runtime.arguments import as_axes, as_positive, as_sizes, check_length
from ..runtime.orders import Contributions, Orders, RunningMean
from ..runtime.parts import Features, Groups, Windows, as_feature_mask
from ..runtime.perturbed import Perturbed
from ..runtime.progress import progress_bar
from .base import AttributionMethod, register

#: Outputs of changed samples to keep at a time: samples x changes x outputs. In double precision, 8 MB.
MOST_OUTPUTS = 1 << 20


class PerturbationBasedMethod(AttributionMethod):
    """A method that replaces parts of the input by those of a baseline and reads how the target changes.

    Subclasses say what the parts are, what of a sample without some of them they want to see, and make attributions
    of the outputs.
    """

    takes_several_inputs = False
    takes_integers = True
    baseline = feature_mask = None

    def run(  # noqa: D102 - as in the base class
        self, xs, ys=None, batch_size=None, feed_dict=None, progress=False, return_convergence_delta=False
    ):
        self._check_rows_of_target(f"'{self.name}'")
        batch_size = self._check_batch_size(batch_size)
        call = self._call(xs, ys, feed_dict)
        if return_convergence_delta:
            self._check_delta(call)
        rows, in_step = self._rows(call, batch_size)
        plan = self._plan(call.sample_shapes[0])
        changes, outputs = self._changes(plan), call.outputs or 1
        dtype = self._specs[0].dtype if self._inputs[0].dtype.is_floating else np.float32
        results = None
        call.progress = progress_bar(progress, call.n * changes, self.name)
        with closing(call.progress):
            for part in call.parts(rows if in_step else min(rows, max(1, MOST_OUTPUTS // (changes * outputs)))):
                found = self._explain_part(Perturbed(self, call, part, rows, in_step), plan)
                if results is None:
                    results = [np.empty((outputs, call.n) + value.shape[1:-1], dtype) for value in found]
                for result, value in zip(results, found):
                    result[:, part] = np.moveaxis(value, -1, 0)
        found = self._finish([result[0] for result in results] if call.outputs is None else results)
        if return_convergence_delta:
            found.append(self._total(found[0], call) - self._promised(call, rows))
        return tuple(found) if len(found) > 1 else found[0]

    def _plan(self, shape):
        """What all samples of a call share; this is the shape of one."""
        raise NotImplementedError

    def _changes(self, plan):
        """Through how many changes each of them goes, that of nothing included."""
        raise NotImplementedError

    def _explain_part(self, samples, plan):
        """Of some samples (:class:`Perturbed`) a list: attributions, and what is returned with them. Outputs last."""
        raise NotImplementedError

    def _finish(self, results):
        """Warn of what is wrong with these results, and return those that were asked for."""
        return results

    def _total(self, attributions, call):
        """The sum of each sample's attributions, in which a group counts once: shape (samples,), outputs first."""
        lead = attributions.shape[: 1 if call.outputs is None else 2]
        flat = attributions.reshape(lead + (-1,))
        if self.feature_mask is not None:
            flat = flat[..., Groups(self.feature_mask, call.sample_shapes[0]).first()]
        return flat.astype(np.float64).sum(axis=-1)

    def _promised(self, call, most_rows):
        baseline = np.broadcast_to(call.baselines[0], (call.n,) + call.sample_shapes[0])
        return self._scores(call, most_rows) - self._scores(call, most_rows, [baseline])

    def _call(self, xs, ys, feed_dict):
        call = super()._call(xs, ys, feed_dict)
        call.baselines = baselines.resolve(self.baseline, call.arrays[0], self._specs, multiple=False)
        return call

    def _fetches(self, call):
        return [self._sum if call.outputs is None else self._each]

    def _evaluate(self, call, of, rows=None):
        return [self._score(call, of, rows)]

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


@register('occlusion')
class Occlusion(PerturbationBasedMethod):
    """Replace windows of the input by the baseline, one after the other; what the target loses goes to the window.

    A value's attribution is the mean, over the windows that cover it, of T(x) - T(x without the window),
    divided by the window's size. Values that no window covers are nan, with a warning.

    With a ``feature_mask``, groups of values are replaced instead, and every value of a group holds all that T
    loses with it.

    References
    ----------
    Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014.
    https://doi.org/10.1007/978-3-319-10590-1_53
    """

    arguments_in_graph = False

    def configure(self, window_shape=None, step=None, baseline=None, feature_mask=None):
        """Set the arguments.

        Parameters
        ----------
        window_shape : int or tuple of ints, one for each axis of one sample, default 1
            An int is used for every axis that is as long, and the whole axis where it is shorter.
        step : int or tuple of ints, default 1
            Distance between windows, along each axis.
        baseline : number, array or function, default 0
            What values become that are taken away, in the units of xs: a number; an array of the shape of one
            sample, or of xs' shape, with one row for each sample; or a function that is called with xs, once in
            a run, and returns one of these. Integers, where X holds integers.
        feature_mask : array of ints, of one sample's shape or one that broadcasts to it, optional
            Values with the same number are replaced together: superpixels, words, the columns of a one-hot code.
            Not together with ``window_shape`` and ``step``.
        """
        ndims = self._inputs[0].shape.ndims
        self.window_shape = as_sizes(1 if window_shape is None else window_shape, 'window_shape', ndims)
        self.step = as_sizes(1 if step is None else step, 'step', ndims)
        self.baseline = baselines.given(baseline, self._specs, multiple=False)
        windows = {'window_shape': window_shape, 'step': step}
        self.feature_mask = as_feature_mask(feature_mask, self._specs[0].shape, windows)

    def _plan(self, shape):
        if self.feature_mask is not None:
            return Groups(self.feature_mask, shape)
        axes = max(1, len(shape))
        window, step = ((v,) * axes if isinstance(v, int) else v for v in (self.window_shape, self.step))
        check_length(window, 'window_shape', axes)
        check_length(step, 'step', axes)
        if isinstance(self.window_shape, int):
            window = tuple(min(w, d) for w, d in zip(window, shape or (1,)))
        if any(w > d for w, d in zip(window, shape or (1,))):
            raise AssertedArgumentError(f'window_shape {window} is larger than one sample, {shape}.')
        kept = self._answers.get('windows')
        if kept is None or kept.key != (shape, window, step):
            kept = self._answers['windows'] = Windows(shape, window, step)
        return kept

    def _changes(self, parts):
        return 1 + parts.count

    def _explain_part(self, samples, parts):
        changes = parts.any_of(samples.active)
        whole = np.ones((samples.count, 1), bool)
        # State 0 is the sample as it is.
        outputs = samples.evaluate(
            np.concatenate([whole, changes], axis=1),
            lambda copies, values, state: parts.replace(copies, values, state - 1),
        )
        # Where nothing changes the output stays what it is, which may be nan.
        with np.errstate(invalid='ignore'):
            losses = outputs[:, :1] - np.where(changes[..., None], outputs[:, 1:], outputs[:, :1])
        return [parts.spread(losses)]

    def _finish(self, results):
        if self.feature_mask is None and np.isnan(results[0]).any():
            warn(
                'Attributions generated by Occlusion method contain nans, probably because window_shape and step do '
                f'not allow to cover the all input: window_shape={self.window_shape}, step={self.step}.'
            )
        return results

    def _treatment(self, step):
        return 'evaluated', None

    def _delta_refusal(self, call):
        if self._plan(call.sample_shapes[0]).covers_once:
            return None
        return (
            'its windows overlap or leave values out, so attributions do not add up to what T loses: set step to '
            'window_shape, with windows that fill each axis exactly, or give a feature_mask.'
        )


@register('shapley_sampling')
class ShapleySampling(PerturbationBasedMethod):
    """Shapley values, estimated: features become the baseline one after the other, in random orders.

    Each step's loss is the contribution of the feature that went, and its attribution is the mean over the orders.
    For every sample of the input and every order drawn, contributions sum to T(x) - T(baseline) exactly. One set of
    orders serves all samples of a call.

    With a ``feature_mask``, groups of values are the features. The result keeps the shape of xs, and every value of a
    group holds the attribution of the whole group: the sum over all values is **not** T(x) - T(baseline), that over
    groups is. One number for each group, in the order of the groups' numbers:

    >>> import numpy as np
    >>> mask = np.array([7, 7, 2])
    >>> attributions = np.array([[1.5, 1.5, 4.0], [2.0, 2.0, 0.0]])  # of two samples, with feature_mask=mask
    >>> numbers, first = np.unique(mask, return_index=True)
    >>> numbers.tolist(), attributions.reshape(2, -1)[:, first].tolist()
    ([2, 7], [[4.0, 1.5], [0.0, 2.0]])

    (of a mask that broadcasts: ``np.unique(np.broadcast_to(mask, xs.shape[1:]), return_index=True)``).

    References
    ----------
    Castro et al., Polynomial calculation of the Shapley value based on sampling, Computers & Operations
    Research 36(5), 2009. https://doi.org/10.1016/j.cor.2008.04.004
    Mitchell et al., Sampling Permutations for Shapley Value Estimation, JMLR 23, 2022 (antithetic orders).
    https://doi.org/10.48550/arXiv.2104.12199
    """

    arguments_in_graph = False
    promise = 'T(x) - T(baseline)'

    def configure(
        self,
        samples=5,
        sampling_dims=None,
        baseline=None,
        feature_mask=None,
        seed=None,
        antithetic=False,
        return_standard_error=False,
        tolerance=None,
        max_samples=1000,
    ):
        """Set the arguments.

        Parameters
        ----------
        samples : int, default 5
            Random orders. Each costs one forward pass per feature.
        sampling_dims : list of ints, default all axes but the first
            Axes of X whose positions are features; what else there is at a position goes with it.
            The result has the shape of the batch and these axes, in the order given: ``[1, 2]`` of an
            image gives one number for each pixel instead of one for each channel of each pixel.
        baseline : number, array or function, default 0
            What values become that are taken away, in the units of xs: a number; an array of the shape of one
            sample, or of xs' shape, with one row for each sample; or a function that is called with xs, once in
            a run, and returns one of these. Integers, where X holds integers.
        feature_mask : array of ints, of one sample's shape or one that broadcasts to it, optional
            Values with the same number are one feature: superpixels, words, the columns of a one-hot code. Not
            together with ``sampling_dims``.
        seed : int, optional
            Of the orders, the same in each run then. Default: they come from NumPy's global generator
            (``np.random.seed``).
        antithetic : bool, default False
            Draw orders in pairs, each with its reverse, in which any two features go once this way round and once the
            other: exact where features interact only two by two, and usually nearer elsewhere. ``samples`` must be
            even.
        return_standard_error : bool, default False
            ``run`` returns (attributions, standard error of each), in units of T: how far the estimate lies from the
            Shapley value, as a standard deviation over draws of orders. Needs two orders, or two pairs.
        tolerance : float, optional
            Draw orders, ``samples`` at a time, until the standard error of each attribution of a sample is at most
            this, in units of T. With few samples at a time an error may seem small by chance: take 10 or more.
        max_samples : int, default 1000
            The most orders that ``tolerance`` may take, with a warning where they are not enough.
        """
        ndims = self._inputs[0].shape.ndims
        self.samples = as_count(samples, 'samples')
        self.sampling_dims = None if sampling_dims is None else as_axes(sampling_dims, 'sampling_dims', ndims)
        self.baseline = baselines.given(baseline, self._specs, multiple=False)
        self.feature_mask = as_feature_mask(feature_mask, self._specs[0].shape, {'sampling_dims': sampling_dims})
        self.seed = None if seed is None else as_seed(seed, 'seed')
        self.antithetic = as_flag(antithetic, 'antithetic')
        self.return_standard_error = as_flag(return_standard_error, 'return_standard_error')
        self.tolerance = None if tolerance is None else as_positive(tolerance, 'tolerance')
        self.max_samples = as_count(max_samples, 'max_samples')
        self._check_counts()

    def _check_counts(self):
        """Raise where the numbers of orders do not fit each other or what is asked of them."""
        name, most = ('samples', self.samples) if self.tolerance is None else ('max_samples', self.max_samples)
        for which, count in [('samples', self.samples), (name, most)]:
            if self.antithetic and count % 2:
                raise ArgumentError(f'With antithetic=True orders come in pairs, so {which} must be even; got {count}.')
        if most < self.samples:
            raise ArgumentError(f'max_samples must be at least samples, {self.samples}; got {most}.')
        needed = 4 if self.antithetic else 2
        if self._needs_errors() and most < needed:
            pairs = ' (two pairs)' if self.antithetic else ''
            raise ArgumentError(f'A standard error needs {name} of at least {needed}{pairs}; got {most}.')

    def _needs_errors(self):
        return self.return_standard_error or self.tolerance is not None

    def _plan(self, shape):
        if self.feature_mask is not None:
            features = Groups(self.feature_mask, shape)
        else:
            dims = range(1, len(shape) + 1) if self.sampling_dims is None else self.sampling_dims
            features = Features(shape, [dim - 1 for dim in dims])
        random = np.random if self.seed is None else np.random.RandomState(self.seed)
        orders = Orders(features, random.permutation, self.antithetic)
        orders.draw(0, self.samples)  # at once, before the network runs, which may draw numbers of its own
        return orders

    def _changes(self, orders):
        return self.samples * (1 + orders.features.count)

    def _explain_part(self, samples, orders):
        contributions = Contributions(samples, orders.features)
        estimate = RunningMean(contributions.shape, errors=self._needs_errors())
        most = self.samples if self.tolerance is None else self.max_samples
        found, unsure = None, np.ones(samples.count, bool)
        for start in range(0, most, self.samples):
            stop = min(start + self.samples, most)
            if start:
                samples.expect(samples.count * (stop - start) * (1 + orders.features.count))
            self._follow(orders, start, stop, contributions, estimate)
            now = [estimate.mean()] + ([estimate.standard_error()] if self._needs_errors() else [])
            # A sample whose errors are small enough keeps its estimate, whatever the others still need: so it does not
            # depend on them.
            found = now if found is None else [np.where(unsure[:, None, None], n, f) for n, f in zip(now, found)]
            if self.tolerance is not None:
                with np.errstate(invalid='ignore'):  # where T is nan, no number of orders helps
                    unsure &= (now[1] > self.tolerance).any(axis=(1, 2))
                if not unsure.any():
                    break
                contributions.leave_out(~unsure)
        return [orders.features.spread(value + contributions.undefined()) for value in found]

    def _follow(self, orders, start, stop, contributions, estimate):
        """Take in the contributions along some orders, of as many at a time as fit in memory."""
        unit = 2 if self.antithetic else 1
        at_once = unit * max(1, MOST_OUTPUTS // (unit * max(1, int(np.prod(contributions.shape)))))
        for first in range(start, stop, at_once):
            along = contributions.along(*orders.draw(first, min(first + at_once, stop)))
            for one in along:
                estimate.add((one + next(along)) / 2 if self.antithetic else one)

    def _finish(self, results):
        if self.tolerance is not None:
            with np.errstate(invalid='ignore'):
                # In the dtype of the results, in which an error may have been rounded up.
                above = results[1][results[1] > np.asarray(self.tolerance).astype(results[1].dtype)]
            if above.size:
                warn(
                    f"The standard error of 'shapley_sampling' is still up to {above.max():.3g} after "
                    f'max_samples={self.max_samples} orders, above tolerance={self.tolerance:g}: raise one of them.'
                )
        return results if self.return_standard_error else results[:1]

    def _treatment(self, step):
        return 'evaluated', True

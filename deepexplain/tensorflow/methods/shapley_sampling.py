"""Shapley values, sampled: features become the baseline one after the other, in random orders."""

from typing import TYPE_CHECKING, List, Optional, Tuple, Union

import numpy as np

from ...arguments import as_flag, as_number, as_repeats, as_seed
from ...errors import ArgumentError, warn
from ...types import Array, ArrayLike, Baseline, Integers
from ..compat import Tensor, tf
from ..engine.baselines import Baselines
from ..engine.changes import Changes
from ..engine.promise import TO_DIFFERENCE
from ..rules.plain import EVALUATED_EXACTLY
from ..runtime.arguments import as_axes, as_regions
from ..runtime.orders import Contributions, Orders, RunningMean
from ..runtime.orders_in_graph import contributions_in_graph
from ..runtime.parts import Features, Groups, as_feature_mask
from ..runtime.parts_in_graph import spread
from .method import Method, at_run, own, register

if TYPE_CHECKING:
    from ..engine.problem import Problem
    from ..runtime.perturbed import Perturbed
    from ..runtime.perturbed_in_graph import PerturbedTensors

#: Contributions to keep at a time: orders x samples x features x outputs. In double precision, 8 MB.
MOST_CONTRIBUTIONS = 1 << 20
#: What a contribution takes while one order is followed: six numbers in double precision.
BYTES_OF_CONTRIBUTION = 48


@register('shapley_sampling', also_called='shapley shapley_values shapley_value_sampling sampling shap kernel_shap')
class ShapleySampling(Method):
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

    Parameters
    ----------
    samples : int, default 5
        Random orders, at most 2**24. Each costs one forward pass per feature.
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
    regions : 'auto', True or False, default 'auto'
        Compute only what changes, where X enters T by one dense layer: a feature that goes adds its row of the weights
        to the layer's sums, whose rest is as it was. The same but for rounding. ``'auto'``: where a count of
        operations says that it pays. True: where the graph allows it.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument is of the wrong kind, or does not fit X or the others.

    References
    ----------
    Castro et al., Polynomial calculation of the Shapley value based on sampling, Computers & Operations
    Research 36(5), 2009. https://doi.org/10.1016/j.cor.2008.04.004
    Mitchell et al., Sampling Permutations for Shapley Value Estimation, JMLR 23, 2022 (antithetic orders).
    https://doi.org/10.48550/arXiv.2104.12199
    """

    samples: int = at_run(default=5)
    sampling_dims: Optional[Integers] = at_run(default=None)
    baseline: Baseline = at_run(default=None)
    feature_mask: ArrayLike = at_run(default=None)
    seed: Optional[int] = at_run(default=None)
    antithetic: bool = at_run(default=False)
    return_standard_error: bool = at_run(default=False)
    tolerance: Optional[float] = at_run(default=None)
    max_samples: int = at_run(default=1000)
    regions: Union[str, bool] = at_run(default='auto')

    def __post_init__(self) -> None:
        self.keep(
            samples=as_repeats(self.samples, 'samples'),
            sampling_dims=own(self.sampling_dims),
            baseline=own(self.baseline),
            feature_mask=as_feature_mask(self.feature_mask, None, {'sampling_dims': self.sampling_dims}),
            seed=None if self.seed is None else as_seed(self.seed, 'seed'),
            antithetic=as_flag(self.antithetic, 'antithetic'),
            return_standard_error=as_flag(self.return_standard_error, 'return_standard_error'),
            tolerance=None if self.tolerance is None else as_number(self.tolerance, 'tolerance', above=0),
            max_samples=as_repeats(self.max_samples, 'max_samples'),
            regions=as_regions(self.regions),
        )
        self._check_counts()

    def _check_counts(self) -> None:
        """Raise where the numbers of orders do not fit each other or what is asked of them."""
        name, most = ('samples', self.samples) if self.tolerance is None else ('max_samples', self.max_samples)
        for which, count in [('samples', self.samples), (name, most)]:
            if self.antithetic and count % 2:
                raise ArgumentError(f'With antithetic=True orders come in pairs, so {which} must be even; got {count}.')
        if most < self.samples:
            raise ArgumentError(f'max_samples must be at least samples, {self.samples}; got {most}.')
        needed = 4 if self.antithetic else 2
        if self._needs_errors and most < needed:
            pairs = ' (two pairs)' if self.antithetic else ''
            raise ArgumentError(f'A standard error needs {name} of at least {needed}{pairs}; got {most}.')

    @property
    def _needs_errors(self) -> bool:
        return self.return_standard_error or self.tolerance is not None

    def plan(self, problem: 'Problem') -> Changes:
        """Follow orders of features, and average what each contributes as it goes."""
        ndims, shape = problem.inputs[0].shape.ndims, problem.specs[0].shape
        dims = None if self.sampling_dims is None else as_axes(self.sampling_dims, 'sampling_dims', ndims)
        mask = as_feature_mask(self.feature_mask, shape, {'sampling_dims': self.sampling_dims})

        def orders(shape: Tuple[int, ...]) -> Orders:
            if mask is not None:
                features: Union[Features, Groups] = Groups(mask, shape)
            else:
                features = Features(shape, [dim - 1 for dim in (dims or range(1, len(shape) + 1))])
            random = np.random if self.seed is None else np.random.RandomState(self.seed)
            drawn = Orders(features, random, self.antithetic)
            if self.seed is None:
                drawn.ahead(self.samples)  # before the network runs, which may draw numbers of its own
            return drawn

        return Changes(
            orders,
            lambda orders: self.samples * (1 + orders.features.count),
            self._explain,
            Baselines(problem, self.baseline),
            promise=TO_DIFFERENCE,
            rules=EVALUATED_EXACTLY,
            first=None if mask is None else lambda shape: Groups(mask, shape).first(),
            held=lambda orders: BYTES_OF_CONTRIBUTION * orders.features.count,
            finish=self._finish,
            in_graph=self._explain_in_graph,
            regions=self.regions,
            in_orders=True,
        )

    def _explain(self, samples: 'Perturbed', orders: Orders) -> List[Array]:
        """Attributions of some samples, and their standard errors where these are needed."""
        contributions = Contributions(samples, orders.features)
        estimate = RunningMean(contributions.shape, errors=self._needs_errors)
        most = self.samples if self.tolerance is None else self.max_samples
        found: List[Array] = []
        unsure = np.ones(samples.count, bool)
        for start in range(0, most, self.samples):
            stop = min(start + self.samples, most)
            if start:
                samples.expect(samples.count * (stop - start) * (1 + orders.features.count))
            self._follow(orders, start, stop, contributions, estimate)
            now = [estimate.mean()] + ([estimate.standard_error()] if self._needs_errors else [])
            # A sample whose errors are small enough keeps its estimate, whatever the others still need: so it does not
            # depend on them.
            found = [np.where(unsure[:, None, None], n, f) for n, f in zip(now, found)] if found else now
            if self.tolerance is not None:
                with np.errstate(invalid='ignore'):  # where T is nan, no number of orders helps
                    unsure &= (now[1] > self.tolerance).any(axis=(1, 2))
                if not unsure.any():
                    break
                contributions.leave_out(~unsure)
        return [orders.features.spread(value + contributions.undefined()) for value in found]

    def _explain_in_graph(self, samples: 'PerturbedTensors', orders: Orders) -> 'List[Tensor]':
        """The same in a graph, whose orders are constants."""
        along = contributions_in_graph(samples, orders, self.samples)
        if self.antithetic:
            along = (along[:, ::2] + along[:, 1::2]) / 2
        found = [tf.reduce_mean(along, axis=1)]
        if self._needs_errors:
            count = self.samples // (2 if self.antithetic else 1)
            squares = tf.reduce_sum(tf.square(along - found[0][:, None]), axis=1)
            found.append(tf.sqrt(squares / (count - 1) / count))
        return [spread(orders.features, value) for value in found]

    def _follow(
        self, orders: Orders, start: int, stop: int, contributions: Contributions, estimate: RunningMean
    ) -> None:
        """Take in the contributions along some orders, of as many at a time as fit in memory."""
        unit = 2 if self.antithetic else 1
        at_once = unit * max(1, MOST_CONTRIBUTIONS // (unit * max(1, int(np.prod(contributions.shape)))))
        for first in range(start, stop, at_once):
            along = contributions.along(*orders.draw(first, min(first + at_once, stop)))
            for one in along:
                estimate.add((one + next(along)) / 2 if self.antithetic else one)

    def _finish(self, results: List[Array]) -> List[Array]:
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

"""Attributions averaged over noise in the input: SmoothGrad, its square, VarGrad, of any gradient-based method."""

from contextlib import closing

import numpy as np

from ...arguments import as_count, as_integer
from ...errors import ArgumentError, ArgumentTypeError
from ..runtime.progress import progress_bar
from .gradient import GradientBasedMethod

#: Bytes of noisy copies that are handed to the explainer at a time.
MOST_BYTES = 1 << 26
#: Default standard deviation, as a share of the distance between the largest and the smallest value of a sample.
SPREAD = 0.15

KINDS = ('smoothgrad', 'smoothgrad_squared', 'vargrad')


class NoiseTunnel:
    """An explainer that averages another one over noisy copies of each sample.

    With attributions ``a_k`` of ``x + normal noise``, ``k = 1 .. samples``: 'smoothgrad' is the mean of ``a_k``,
    'smoothgrad_squared' that of ``a_k ** 2``, and 'vargrad' the variance, the mean of ``(a_k - mean(a)) ** 2``.

    Parameters
    ----------
    explainer : an explainer of a gradient-based method
        What ``de.get_explainer`` returned.
    kind : str, default 'smoothgrad'
        One of 'smoothgrad', 'smoothgrad_squared', 'vargrad'.
    samples : int, default 10
        Noisy copies of each sample.
    stdev : float, optional
        Standard deviation of the noise, in the units of X. Default: 0.15 times the distance between the largest and
        the smallest value of the sample, so none for a constant one. A list of these where X is a list.
    seed : int, optional
        Of ``np.random.RandomState``, drawn anew in each run. Default: NumPy's global generator.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit; the message says what came.

    References
    ----------
    Smilkov et al., SmoothGrad: removing noise by adding noise, 2017. https://doi.org/10.48550/arXiv.1706.03825
    Adebayo et al., Local explanation methods for deep neural networks lack sensitivity to parameter values, 2018
    (VarGrad). https://doi.org/10.48550/arXiv.1810.03307

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain, NoiseTunnel
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2])
    ...     explainer = de.get_explainer('saliency', 3 * tf.nn.relu(X), X)
    ...     print(NoiseTunnel(explainer, stdev=0.1, seed=0).run([[2.0, -2.0]]).tolist())
    [[3.0, 0.0]]
    """

    def __init__(self, explainer, kind='smoothgrad', samples=10, stdev=None, seed=None):
        if not isinstance(explainer, GradientBasedMethod):
            raise ArgumentTypeError(
                f'explainer must be one of a gradient-based method, from get_explainer; got {explainer!r}.'
            )
        if kind not in KINDS:
            raise ArgumentError(f'kind must be one of {", ".join(KINDS)}; got {kind!r}.')
        self.explainer, self.kind = explainer, kind
        self.samples = as_count(samples, 'samples')
        self.stdev = _as_stdevs(stdev, len(explainer._inputs) if explainer.has_multiple_inputs else None)
        self.seed = None if seed is None else as_integer(seed, 'seed')
        if seed is not None and not 0 <= self.seed < 2**32:
            raise ArgumentError(f'seed must be from 0 to 2**32 - 1; got {seed}.')

    def run(self, xs, ys=None, batch_size=None, feed_dict=None, progress=False):
        """Averaged attributions of the samples ``xs``.

        Parameters, errors, result: as those of the explainer's own ``run``.
        """
        call = self.explainer._call(xs, ys, feed_dict)
        random = np.random if self.seed is None else np.random.RandomState(self.seed)
        chunks = self._chunks(call, batch_size)
        first = None
        with closing(progress_bar(progress and len(chunks) > 1, call.n * self.samples, self.kind)) as bar:
            for copies in chunks:
                of = np.tile(np.arange(call.n), copies)
                rest = dict(self._rest(call, ys, of), batch_size=batch_size, progress=progress and len(chunks) == 1)
                found = self.explainer.run(self._noisy(call, random, copies), **rest)
                found = found if self.explainer.has_multiple_inputs else [found]
                # The samples' axis is the first, after that of the outputs with ys='each'.
                values = [_by_copy(a, copies, axis=0 if call.outputs is None else 1) for a in found]
                if first is None:
                    first = [value[0] for value in values]  # sums of what differs from it lose no digits
                    sums = [[np.zeros(a.shape), np.zeros(a.shape)] for a in first]
                for value, start, (total, squares) in zip(values, first, sums):
                    total += (value - start).sum(axis=0)
                    squares += ((value - start) ** 2).sum(axis=0)
                bar.update(len(of))
        dtypes = [x.dtype.as_numpy_dtype for x in self.explainer._inputs]
        results = [self._result(a, *both).astype(dtype) for a, both, dtype in zip(first, sums, dtypes)]
        return results if self.explainer.has_multiple_inputs else results[0]

    def _result(self, start, total, squares):
        mean, mean_square = total / self.samples, squares / self.samples  # of what differs from start
        if self.kind == 'smoothgrad':
            return start + mean
        if self.kind == 'vargrad':
            return np.maximum(mean_square - mean**2, 0)
        return mean_square + 2 * start * mean + start**2

    def _chunks(self, call, batch_size):
        """Numbers of copies of all samples to explain at a time."""
        size = sum(call.n * int(np.prod(x.shape[1:])) * 8 for x in call.arrays)
        at_once = max(1, MOST_BYTES // max(1, size)) if self._may_stack(call, batch_size) else 1
        return [min(at_once, self.samples - start) for start in range(0, self.samples, at_once)]

    def _may_stack(self, call, batch_size):
        """Whether copies of all samples may follow each other as if they were more samples."""
        explainer = self.explainer
        given = [getattr(explainer, name, None) for name in ('baseline', 'baselines')]
        is_for_each = given[1] is None and any(len(b) == call.n > 1 for b in call.baselines)
        whole = [value for _, value, per_row in call.feeds.entries if not per_row and value.ndim]
        if any(map(callable, given)) or is_for_each or whole or explainer._target.shape.ndims == 0:
            return False
        return call.fixed_rows is None and (batch_size == 1 or explainer._may_cut(call, call.n))

    def _noisy(self, call, random, copies):
        """Copies of all samples, and their noise, which does not depend on how many go together."""
        stdevs = self.stdev if isinstance(self.stdev, list) else [self.stdev] * len(call.arrays)
        arrays = [np.asarray(x[: call.n]).astype(np.float64) for x in call.arrays]
        spreads = [_spread(x) if stdev is None else stdev for x, stdev in zip(arrays, stdevs)]
        drawn = [[x + random.normal(size=x.shape) * s for x, s in zip(arrays, spreads)] for _ in range(copies)]
        noisy = [np.concatenate(rows) for rows in zip(*drawn)]
        return noisy if self.explainer.has_multiple_inputs else noisy[0]

    def _rest(self, call, ys, of):
        """Further arguments of the explainer's run: what has a row for each sample takes one for each copy."""
        for _, value, per_row in call.weights:
            ys = value[of] if per_row else value
        return {'ys': ys, 'feed_dict': {t.name: v[of] if per_row else v for t, v, per_row in call.feeds.entries}}


def _by_copy(attributions, copies, axis):
    """Attributions with the copies first, in double precision; ``axis`` is that of copies and samples."""
    shape = attributions.shape
    split = attributions.reshape(shape[:axis] + (copies, shape[axis] // copies) + shape[axis + 1 :])
    return np.moveaxis(split, axis, 0).astype(np.float64)


def _spread(x):
    """The default standard deviation of each sample."""
    if x[0].size == 1:
        raise ArgumentError('A sample of a single value has no spread to take the default stdev from: give stdev.')
    axes = tuple(range(1, x.ndim))
    return SPREAD * (x.max(axis=axes, keepdims=True) - x.min(axis=axes, keepdims=True))


def _as_stdevs(stdev, several):
    if several is not None and isinstance(stdev, (list, tuple)):
        if len(stdev) != several:
            raise ArgumentError(
                f'X is a list of {several} tensors, so stdev must be one number or a list of {several}; got {stdev!r}.'
            )
        return [_as_stdevs(value, None) for value in stdev]
    if stdev is None:
        return None
    if isinstance(stdev, (bool, str)) or not np.isscalar(stdev) or not np.isreal(stdev):
        raise ArgumentTypeError(f'stdev must be a number, in the units of X; got {stdev!r}.')
    if not 0 <= stdev < float('inf'):
        raise ArgumentError(f'stdev must not be negative or infinite; got {stdev!r}.')
    return float(stdev)

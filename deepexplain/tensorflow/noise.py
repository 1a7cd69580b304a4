"""Attributions averaged over noise in the input: SmoothGrad, its square, VarGrad, of any explainer."""

from contextlib import closing
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Union

import numpy as np

from ..arguments import as_count, as_flag, as_number, as_repeats, as_seed, one_of, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array, ArrayLike
from .runtime.progress import progress_bar

if TYPE_CHECKING:
    from .engine.request import Request

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
    explainer : Explainer
        What ``de.get_explainer`` returned, of any method.
    kind : str, default 'smoothgrad'
        One of 'smoothgrad', 'smoothgrad_squared', 'vargrad'.
    samples : int, default 10
        Noisy copies of each sample, at most 2**24.
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

    def __init__(
        self,
        explainer: Any,
        kind: str = 'smoothgrad',
        samples: int = 10,
        stdev: Union[float, Sequence[Optional[float]], None] = None,
        seed: Optional[int] = None,
    ) -> None:
        try:
            is_one = callable(explainer.run) and callable(explainer.request) and callable(explainer.takes_copies)
        except Exception:  # it has none; or whatever an object's own attributes raise
            is_one = False
        if not is_one:
            raise ArgumentTypeError(f'explainer must be what get_explainer returns; got {text_of(explainer)}.')
        self.explainer, self.kind = explainer, one_of(kind, 'kind', KINDS)
        self.samples = as_repeats(samples, 'samples')
        self.stdev = _as_stdevs(stdev, len(explainer.X) if explainer.has_multiple_inputs else None)
        self.seed = None if seed is None else as_seed(seed, 'seed')

    def describe(self) -> Any:
        """List what every op between X and T gets: as of the explainer, which is run at noisy copies of the samples."""
        return self.explainer.describe()

    def run(
        self,
        xs: ArrayLike,
        ys: ArrayLike = None,
        batch_size: Optional[int] = None,
        feed_dict: Optional[Dict[Any, Any]] = None,
        progress: bool = False,
        *,
        target: Any = None,
    ) -> Any:
        """Averaged attributions of the samples ``xs``.

        Parameters, errors, result: as those of the explainer's own ``run``.
        """
        progress = as_flag(progress, 'progress')
        batch_size = None if batch_size is None else as_count(batch_size, 'batch_size')
        choice = {} if target is None else {'target': target}
        request = self.explainer.request(xs, ys, feed_dict, **choice)  # the top of a sample, not of its noisy copies
        given = request if request.behind is None else request.behind  # the noise is in X, whatever is explained
        random = np.random if self.seed is None else np.random.RandomState(self.seed)
        chunks = self._chunks(request, batch_size)
        first: List[Array] = []
        with closing(progress_bar(progress and len(chunks) > 1, request.n * self.samples, self.kind)) as bar:
            for copies in chunks:
                of = np.tile(np.arange(request.n), copies)
                rest = dict(_rest(request, ys, of), batch_size=batch_size, progress=progress and len(chunks) == 1)
                found = self._attributions(self._noisy(given, random, copies), rest)
                is_list = isinstance(found, list)
                found = found if is_list else [found]
                # The samples' axis is the first, after that of the outputs with ys='each'.
                dtypes = [a.dtype for a in found]
                values = [_by_copy(a, copies, axis=0 if request.outputs is None else 1) for a in found]
                if not first:
                    first = [value[0] for value in values]  # sums of what differs from it lose no digits
                    sums = [[np.zeros(a.shape), np.zeros(a.shape)] for a in first]
                for value, start, (total, squares) in zip(values, first, sums):
                    total += (value - start).sum(axis=0)
                    squares += ((value - start) ** 2).sum(axis=0)
                bar.update(len(of))
        results = [self._result(a, *both).astype(dtype) for a, both, dtype in zip(first, sums, dtypes)]
        return results if is_list else results[0]

    def _attributions(self, xs: ArrayLike, rest: Dict[str, Any]) -> Any:
        # Only what is given: the run() of a method written for 0.3 may not know the others.
        given = {name: value for name, value in rest.items() if value is not None and value is not False}
        found = self.explainer.run(xs, **given)
        if isinstance(found, tuple):
            raise ArgumentError(
                'The explainer returns more than attributions (return_standard_error=True?), of which no mean is taken.'
            )
        return found

    def _result(self, start: Array, total: Array, squares: Array) -> Array:
        mean, mean_square = total / self.samples, squares / self.samples  # of what differs from start
        if self.kind == 'smoothgrad':
            return start + mean
        if self.kind == 'vargrad':
            return np.maximum(mean_square - mean**2, 0)
        result: Array = mean_square + 2 * start * mean + start**2
        return result

    def _chunks(self, request: 'Request', batch_size: Optional[int]) -> List[int]:
        """Numbers of copies of all samples to explain at a time."""
        size = sum(request.n * int(np.prod(x.shape[1:])) * 8 for x in request.arrays)
        stacks = self.explainer.takes_copies(request, batch_size)
        at_once = max(1, MOST_BYTES // max(1, size)) if stacks else 1
        return [min(at_once, self.samples - start) for start in range(0, self.samples, at_once)]

    def _noisy(self, request: 'Request', random: Any, copies: int) -> Any:
        """Copies of all samples, and their noise, which does not depend on how many go together."""
        stdevs = self.stdev if isinstance(self.stdev, list) else [self.stdev] * len(request.arrays)
        arrays = [np.asarray(x[: request.n]).astype(np.float64) for x in request.arrays]
        spreads = [_spread(x) if stdev is None else stdev for x, stdev in zip(arrays, stdevs)]
        drawn = [[x + random.normal(size=x.shape) * s for x, s in zip(arrays, spreads)] for _ in range(copies)]
        noisy = [np.concatenate(rows) for rows in zip(*drawn)]
        return noisy if self.explainer.has_multiple_inputs else noisy[0]


def _rest(request: 'Request', ys: ArrayLike, of: Array) -> Dict[str, Any]:
    """Further arguments of the explainer's run: what has a row for each sample takes one for each copy."""
    for _, value, per_row in request.weights:
        ys = value[of] if per_row else value
    own = set() if request.behind is None else {x.name for x in request.behind.inputs}
    feeds = {t.name: v[of] if per_row else v for t, v, per_row in request.feeds.entries if t.name not in own}
    return {'ys': ys, 'feed_dict': feeds or None}


def _by_copy(attributions: Array, copies: int, axis: int) -> Array:
    """Attributions with the copies first, in double precision; ``axis`` is that of copies and samples."""
    shape = attributions.shape
    split = attributions.reshape(shape[:axis] + (copies, shape[axis] // copies) + shape[axis + 1 :])
    return np.moveaxis(split, axis, 0).astype(np.float64)


def _spread(x: Array) -> Array:
    """The default standard deviation of each sample."""
    if x[0].size == 1:
        raise ArgumentError('A sample of a single value has no spread to take the default stdev from: give stdev.')
    axes = tuple(range(1, x.ndim))
    result: Array = SPREAD * (x.max(axis=axes, keepdims=True) - x.min(axis=axes, keepdims=True))
    return result


def _as_stdevs(stdev: Any, several: Optional[int]) -> Any:
    if several is not None and isinstance(stdev, (list, tuple)):
        if len(stdev) != several:
            raise ArgumentError(
                f'X is a list of {several} tensors, so stdev must be one number or a list of {several}; got '
                f'{text_of(stdev)}.'
            )
        return [_as_stdevs(value, None) for value in stdev]
    return None if stdev is None else as_number(stdev, 'stdev', at_least=0, units='X')

"""The sanity check of parameter randomization: whether attributions depend on what the network has learned."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..arguments import as_flag, as_generator, one_of, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array, ArrayLike
from .network import Explained, is_explainer, weights_of
from .samples import Samples
from .statistics import pearson

#: The least side of an image that SSIM takes.
LEAST_SIDE = 7


class Randomization(NamedTuple):
    """How similar attributions are to the original ones, after each step.

    Attributes
    ----------
    names : list of str
        The weights that were drawn anew, the one nearest to the output first. In a cascade, a step has those
        before it too.
    spearman, spearman_abs : ndarray, shape (steps, samples)
        Rank correlation of the values, and of the absolute values; nan where all of them are equal.
    ssim : ndarray, shape (steps, samples), or None
        Structural similarity of images: where attributions have shape (samples, height, width, channels), both sides
        at least 7. Channels are summed, and maps divided by their largest absolute value.
    """

    names: List[str]
    spearman: np.ndarray
    spearman_abs: np.ndarray
    ssim: Optional[np.ndarray]


def randomization(
    explainer: Any,
    xs: ArrayLike,
    *,
    ys: ArrayLike = None,
    target: Any = None,
    cascading: bool = True,
    redraw: str = 'permutation',
    batch_size: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
    seed: Optional[int] = 0,
) -> Randomization:
    """Similarity of attributions to those by the same network with other weights; near 0 is best.

    One weight tensor after the other is drawn anew, the one nearest to the output first. New weights are fed in each
    run: no variable is assigned, and nothing is left behind.

    Parameters
    ----------
    explainer : explainer
        Its ``weights()`` are drawn anew. It may be one of several inputs, then xs is a list.
    xs : array-like, shape (samples, ...)
    ys : array-like, optional
        Weights of the outputs, as in ``run``.
    target : int, 'top', or a list of one for each sample, optional
        Of an explainer, in place of ys: as in ``run``. It stays what it is for these samples, however they change.
    cascading : bool, default True
        Whether weights that were drawn anew stay so in the steps after. False: one at a time.
    redraw : 'permutation' or 'normal', default 'permutation'
        A random order of a weight tensor's own values, or normal numbers of their mean and standard deviation (some
        of them negative, which a variance must not be).
    batch_size, feed_dict : optional
        As in the explainer's ``run``.
    seed : int, default 0

    Returns
    -------
    Randomization

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit, or attributions by new weights are not finite.
    GraphError
        No weights can be fed.

    References
    ----------
    Adebayo et al., Sanity Checks for Saliency Maps, 2018. https://doi.org/10.48550/arXiv.1810.03292

    Examples
    --------
    >>> import numpy as np
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.metrics import randomization
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 3])
    ...     hidden = tf.nn.relu(tf.matmul(X, tf.constant(np.eye(3, 4), tf.float32, name='first')))
    ...     T = tf.matmul(hidden, tf.constant([[3.0], [2.0], [1.0], [0.0]], name='last'))
    ...     found = randomization(de.get_explainer('grad*input', T, X), [[1.0, 1.0, 1.0]])
    >>> found.names, found.spearman.shape
    (['last', 'first'], (2, 1))
    """
    if not (is_explainer(explainer) and callable(getattr(explainer, 'weights', None))):
        raise ArgumentTypeError(
            f'randomization needs an explainer, whose weights it can feed; got {text_of(explainer)}.'
        )
    cascading = as_flag(cascading, 'cascading')
    redraw = one_of(redraw, 'redraw', ['permutation', 'normal'])
    ys = weights_of(explainer, xs, ys, target, feed_dict)
    samples = Samples(xs, getattr(explainer, 'has_multiple_inputs', False))
    original, random = Explained(explainer, samples, ys, batch_size, feed_dict), as_generator(seed)
    before = original.attributions()
    weights = explainer.weights()
    drawn = [_redrawn(weight.value, redraw, random) for weight in weights]
    similarities = []
    for step, weight in enumerate(weights):
        changed = range(step + 1) if cascading else [step]
        feed = {} if feed_dict is None else dict(feed_dict)
        for i, other in enumerate(weights):  # all of them, so that all steps are one compiled session run
            feed.update(other.feed(drawn[i] if i in changed else other.value))
        after = original.attributions(feed_dict=feed)
        similarities.append(_similarities(before, after, samples, weight.name))
    spearman, spearman_abs, ssim = (np.array(values) for values in zip(*similarities))
    return Randomization(
        [weight.name for weight in weights], spearman, spearman_abs, ssim if _is_of_images(before) else None
    )


def _redrawn(value: Array, redraw: str, random: np.random.RandomState) -> Array:
    if redraw == 'permutation':
        return random.permutation(value.ravel()).reshape(value.shape)
    exact = value.astype(np.float64)
    return random.normal(exact.mean(), exact.std(), value.shape).astype(value.dtype)


def _similarities(before: Any, after: Any, samples: Samples, name: str) -> Tuple[Array, Array, Any]:
    try:
        a, b = (samples.rows_of(values, 'attributions') for values in (before, after))
    except ArgumentError as error:
        raise ArgumentError(f"With '{name}' drawn anew: {error}") from None
    ssim = _ssim(before, after) if _is_of_images(before) else np.nan
    return _spearman(a, b), _spearman(np.abs(a), np.abs(b)), ssim


def _spearman(a: Array, b: Array) -> Array:
    from scipy.stats import rankdata  # slow to import, and needed by few

    return pearson(rankdata(a, axis=1), rankdata(b, axis=1), axis=1)


def _is_of_images(attributions: Any) -> bool:
    shape = getattr(attributions, 'shape', ())  # those to several inputs are a list
    return len(shape) == 4 and min(shape[1:3]) >= LEAST_SIDE


def _ssim(before: Array, after: Array) -> List[float]:
    try:
        from skimage.metrics import structural_similarity  # slow to import, and needed by few
    except ImportError as error:
        raise ImportError(
            'The similarity of images, ssim, needs scikit-image, and found none: pip install scikit-image.'
        ) from error

    return [structural_similarity(_as_map(a), _as_map(b), data_range=2.0) for a, b in zip(before, after)]


def _as_map(attributions: Array) -> Array:
    values = attributions.sum(axis=-1, dtype=np.float64)
    result: Array = values / (np.abs(values).max() or 1)
    return result

"""Occlusion: parts of the input become the baseline, and what the target loses is theirs."""

from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional, Tuple, Union

import numpy as np

from ...errors import AssertedArgumentError, warn
from ...types import Array, ArrayLike, Baseline, Integers
from ..compat import Tensor, tf
from ..engine.baselines import Baselines
from ..engine.changes import Changes
from ..engine.promise import Promise
from ..runtime.arguments import as_regions, as_sizes, check_length
from ..runtime.baselines import numbers_for
from ..runtime.parts import Groups, Windows, as_feature_mask
from ..runtime.parts_in_graph import any_of, spread
from ..runtime.replaced import Replaced, as_replacements
from .method import Method, at_run, own, register

if TYPE_CHECKING:
    from ..engine.problem import Problem
    from ..engine.request import Request
    from ..runtime.perturbed import Perturbed
    from ..runtime.perturbed_in_graph import PerturbedTensors

#: Losses to hold in double precision at a time: samples x windows x outputs.
MOST_LOSSES = 1 << 18


@register('occlusion', also_called='feature_ablation ablation sliding_window')
class Occlusion(Method):
    """Replace windows of the input by the baseline, one after the other; what the target loses goes to the window.

    A value's attribution is the mean, over the windows that cover it, of T(x) - T(x without the window),
    divided by the window's size. Values that no window covers are nan, with a warning.

    With a ``feature_mask``, groups of values are replaced instead, and every value of a group holds all that T
    loses with it.

    With ``replacements``, each window becomes one thing after the other, such as every letter of the alphabet:
    in-silico mutagenesis. Then the result is not of xs' shape, but (samples, replacements, windows along the first axis
    of a sample, ... along its last); with a ``feature_mask`` (samples, replacements, groups). It holds T(x) - T(x with
    the replacement): what T loses, as everywhere here, and so the negative of what others call the effect of a
    mutation; not divided by the window's size. Where a window holds the replacement already it is 0, and costs nothing.

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
    replacements : array of real numbers, shape (replacements, ...), optional
        What each window becomes, in place of the baseline, in the units of xs (of the layer, where one is explained);
        all samples share them. Each has the shape of a window, or one that broadcasts to it: ``np.eye(4)`` with
        ``window_shape=(1, 4)`` puts each of four letters at each position of one-hot sequences. With a
        ``feature_mask`` each has the shape of a sample, or broadcasts to it, and a group becomes what lies in its
        place. Attributions then add up to nothing, so that metrics and ``export`` refuse them, and an Explanation of
        them holds no ``data``. Not together with ``baseline``.
    regions : 'auto', True or False, default 'auto'
        Compute of each row only what its window can reach, and take the rest from the sample as it is: the same but
        for rounding. ``'auto'``: where a count of operations says that it pays. True: where the graph allows it.

    Raises
    ------
    ArgumentError, ArgumentTypeError, AssertionError
        An argument is of the wrong kind, or does not fit X.

    References
    ----------
    Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014.
    https://doi.org/10.1007/978-3-319-10590-1_53
    Zhou and Troyanskaya, Predicting effects of noncoding variants with deep learning-based sequence model, Nature
    Methods 12, 2015 (in-silico mutagenesis). https://doi.org/10.1038/nmeth.3547

    Examples
    --------
    What T loses by each of three letters, at each of two positions; the sequence is A, C.

    >>> import numpy as np
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2, 3])
    ...     T = tf.reduce_sum(X * [[5.0, 1.0, 0.0], [2.0, 4.0, 3.0]], axis=[1, 2])
    ...     xs = [[[1, 0, 0], [0, 1, 0]]]
    ...     losses = de.explain('occlusion', T, X, xs, window_shape=(1, 3), replacements=np.eye(3))
    >>> losses.shape
    (1, 3, 2, 1)
    >>> losses[0, :, :, 0]
    array([[0., 2.],
           [4., 0.],
           [5., 1.]], dtype=float32)
    """

    window_shape: Union[int, Integers, None] = at_run(default=None)
    step: Union[int, Integers, None] = at_run(default=None)
    baseline: Baseline = at_run(default=None)
    feature_mask: ArrayLike = at_run(default=None)
    replacements: ArrayLike = at_run(default=None)
    regions: Union[str, bool] = at_run(default='auto')

    def __post_init__(self) -> None:
        given = {'window_shape': self.window_shape, 'step': self.step}
        self.keep(baseline=own(self.baseline), feature_mask=as_feature_mask(self.feature_mask, None, given))
        self.keep(regions=as_regions(self.regions), replacements=as_replacements(self.replacements, self.baseline))
        self.keep(**{name: None if value is None else as_sizes(value, name, None) for name, value in given.items()})

    def plan(self, problem: 'Problem') -> Changes:
        """Compare T at a sample with T at the sample without each window, or group of values."""
        ndims, shape = problem.inputs[0].shape.ndims, problem.specs[0].shape
        window = as_sizes(1 if self.window_shape is None else self.window_shape, 'window_shape', ndims)
        step = as_sizes(1 if self.step is None else self.step, 'step', ndims)
        given = {'window_shape': self.window_shape, 'step': self.step}
        mask = as_feature_mask(self.feature_mask, shape, given)

        def parts(shape: Tuple[int, ...]) -> Union[Groups, Windows]:
            return Groups(mask, shape) if mask is not None else _windows(shape, window, step)

        if self.replacements is not None:
            return self._by_replacements(problem, parts)

        def refusal(request: 'Request') -> Optional[str]:
            if parts(request.sample_shapes[0]).covers_once:
                return None
            return (
                'its windows overlap or leave values out, so attributions do not add up to what T loses: set step to '
                'window_shape, with windows that fill each axis exactly, or give a feature_mask.'
            )

        def finish(results: List[Array]) -> List[Array]:
            # Where all is covered it is T that is nan, which the engine says.
            if mask is None and np.isnan(results[0]).any() and not _covers_all(parts(results[0].shape[2:])):
                warn(
                    'Attributions generated by Occlusion method contain nans, probably because window_shape and step '
                    f'do not allow to cover the all input: window_shape={window}, step={step}.'
                )
            return results

        return Changes(
            parts,
            lambda parts: 1 + parts.count,
            lambda samples, parts: _losses(samples, parts, parts.any_of(samples.active)),
            Baselines(problem, self.baseline),
            promise=Promise(None, minus_baseline=True, refusal=refusal),
            key=(window, step) if mask is None else None,
            first=None if mask is None else lambda shape: Groups(mask, shape).first(),
            finish=finish,
            in_graph=_losses_in_graph,
            regions=self.regions,
        )

    def _by_replacements(self, problem: 'Problem', parts: Callable[[Any], Union[Groups, Windows]]) -> Changes:
        """The same with each replacement, of which each part has a result of its own."""
        spec = problem.specs[0]
        values = numbers_for(self.replacements, 'replacements', spec)
        if spec.shape is not None and None not in spec.shape[1:]:
            Replaced(parts(tuple(spec.shape[1:])), values)  # which checks that they fit
        return Changes(
            lambda shape: Replaced(parts(shape), values),
            lambda replaced: 1 + replaced.count,
            lambda samples, replaced: _losses(samples, replaced, samples.differing(replaced)),
            None,
            promise=Promise(None, refusal=_of_replacements, quantity=None),
            regions=self.regions,
        )


def _of_replacements(request: 'Request') -> str:
    return 'with replacements they are what T loses by each of these, and add up to nothing.'


def _windows(shape: Tuple[int, ...], window: Union[int, Tuple[int, ...]], step: Union[int, Tuple[int, ...]]) -> Windows:
    """The windows of a sample; one number stands for all axes."""
    axes = max(1, len(shape))
    is_number = isinstance(window, int)
    window, step = ((v,) * axes if isinstance(v, int) else v for v in (window, step))
    check_length(window, 'window_shape', axes)
    check_length(step, 'step', axes)
    step = tuple(min(s, d) for s, d in zip(step, shape or (1,)))  # there is one window along an axis, then
    if is_number:
        window = tuple(min(w, d) for w, d in zip(window, shape or (1,)))
    if any(w > d for w, d in zip(window, shape or (1,))):
        raise AssertedArgumentError(f'window_shape {window} is larger than one sample, {shape}.')
    return Windows(shape, window, step)


def _covers_all(parts: Union[Groups, Windows]) -> bool:
    return not isinstance(parts, Windows) or parts.covers_all


def _losses(samples: 'Perturbed', parts: Union[Groups, Windows, Replaced], changes: Array) -> Iterator[List[Array]]:
    """What T loses without each part, where that changes anything, spread over its values; a few outputs at a time."""
    outputs = samples.without(parts, changes)
    at_once = max(1, MOST_LOSSES // changes.size)
    for first in range(0, samples.outputs, at_once):
        some = outputs[..., first : first + at_once].astype(np.float64)
        samples.note(some[:, 1:], some[:, :1])
        # Where nothing changes the output stays what it is, which may be nan.
        with np.errstate(invalid='ignore'):
            losses = some[:, :1] - np.where(changes[..., None], some[:, 1:], some[:, :1])
        yield [parts.spread(losses)]


def _losses_in_graph(samples: 'PerturbedTensors', parts: Union[Groups, Windows]) -> 'List[Tensor]':
    """The same in a graph."""
    changes = any_of(parts, samples.active)
    outputs = samples.without(parts, changes)
    losses = outputs[:, :1] - tf.where_v2(changes, outputs[:, 1:], outputs[:, :1])
    return [spread(parts, losses)]

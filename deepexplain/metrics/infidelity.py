"""Infidelity: how wrong attributions are about what the output does when the input is changed."""

from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, Iterator, Optional, Union

import numpy as np

from ..arguments import as_count, as_flag, as_function, as_generator, as_number, one_of
from ..errors import ArgumentError, ArgumentTypeError
from ..explanation import Explanation
from ..types import Array, ArrayLike, Baseline
from .network import asked, check_asked, weights_of

if TYPE_CHECKING:
    from .samples import Samples


def infidelity(
    model: Any,
    xs: ArrayLike,
    attributions: ArrayLike = None,
    *,
    ys: ArrayLike = None,
    target: Any = None,
    perturbation: Union[str, Callable[..., Any]] = 'gaussian',
    scale: float = 0.2,
    size: int = 3,
    draws: int = 100,
    multiply_by_inputs: Optional[bool] = None,
    normalize: bool = False,
    baseline: Baseline = 0,
    batch_size: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
    seed: Optional[int] = 0,
) -> Array:
    """The expected squared error of attributions as a linear model of how the output changes; 0 is best.

    ``E[(sum(I * a) - (f(x) - f(x - I))) ** 2]`` over random perturbations I, where ``a`` is the attribution of a
    value for each unit of it: ``attributions / (x - baseline)``, or, where they are gradients, ``attributions``.

    Parameters
    ----------
    model : explainer, or function of rows that returns (rows,) or (rows, ...)
        f. An explainer may be one of several inputs, then xs, attributions, baseline and I are lists.
    xs : array-like, shape (samples, ...)
    attributions : array-like of xs' shape
        Default: those of the explainer.
    ys : array-like, optional
        Weights of the outputs, as in ``run``: of the outputs' shape, or of the shape of one sample's outputs.
    target : int, 'top', or a list of one for each sample, optional
        Of an explainer, in place of ys: as in ``run``. It stays what it is for these samples, however they change.
    perturbation : 'gaussian', 'square' or function, default 'gaussian'
        'gaussian': every value of I is normal noise. 'square': I takes one random square of an image, along axes 1
        and 2 of xs, to the baseline. A function gets xs and a ``np.random.RandomState``, and returns I of xs' shape.
    scale : float, default 0.2
        Standard deviation of the noise, in units of xs.
    size : int, default 3
        Side of the square.
    draws : int, default 100
        Perturbations of each sample.
    multiply_by_inputs : bool, optional
        Whether attributions are contributions, which have x - baseline as a factor. Such attributions say nothing of
        values at the baseline, which are then not perturbed. False for gradients. Default: what the method of the
        explainer says of its attributions (``explainer.quantity``), or the Explanation that is given; True for an
        array that is given.
    normalize : bool, default False
        Multiply attributions by the number that makes the error of a sample least, so that only their
        proportions count: ``E[sum(I * a) (f(x) - f(x - I))] / E[sum(I * a) ** 2]``.
    baseline : number, array-like of the shape of one sample or of xs, or function of xs that returns it, default 0
    batch_size : int, optional
        The most rows that go through the network at once. The result does not depend on it.
    feed_dict : dict, optional
        As in the explainer's ``run``.
    seed : int, default 0

    Returns
    -------
    ndarray, shape (samples,)
        In squared units of f.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit; the message gives both shapes.

    References
    ----------
    Yeh et al., On the (In)fidelity and Sensitivity of Explanations, 2019. https://doi.org/10.48550/arXiv.1901.09392

    Examples
    --------
    >>> import numpy as np
    >>> from deepexplain.metrics import infidelity
    >>> w, xs = np.array([2.0, -1.0, 0.5]), np.array([[1.0, 2.0, 4.0]])
    >>> infidelity(lambda rows: rows @ w, xs, xs * w).round(6)
    array([0.])
    """
    network, samples = asked(model, xs, weights_of(model, xs, ys, target, feed_dict), batch_size, feed_dict)
    draws, random = as_count(draws, 'draws'), as_generator(seed)
    multiply_by_inputs = _are_contributions(multiply_by_inputs, model, attributions)
    normalize = as_flag(normalize, 'normalize')
    check_asked(samples, 'draws', draws)
    differences = samples.values.astype(np.float64) - samples.baseline(baseline)
    draw = _drawing(perturbation, samples, differences, as_number(scale, 'scale', above=0), as_count(size, 'size'))
    slopes = samples.like_xs(network.attributions(attributions), 'attributions')
    if multiply_by_inputs:
        slopes = np.divide(slopes, differences, out=np.zeros_like(slopes), where=differences != 0)
    waiting: Deque[Array] = deque()  # what is expected of the draws whose outputs are not there yet

    def perturbed() -> Iterator[Array]:
        dtype = samples.values.dtype if samples.values.dtype.kind == 'f' else np.dtype(float)
        drawn = moved = False
        for _ in range(draws):
            change = draw(random)
            if multiply_by_inputs:
                change = np.where(differences != 0, change, 0)
            with np.errstate(over='ignore'):
                rows = (samples.values - change).astype(dtype)
            if not np.isfinite(rows).all():
                raise ArgumentError(f'xs with such perturbations (scale {scale}) has values beyond those of {dtype}.')
            drawn, moved = drawn or bool(change.any()), moved or bool((rows != samples.values).any())
            waiting.append(((samples.values.astype(np.float64) - rows) * slopes).sum(axis=1))
            yield rows
        if drawn and not moved:
            raise ArgumentError(
                f'No perturbation (scale {scale}) changes xs, whose dtype is {dtype}: all are too small.'
            )

    (f_x,) = network.outputs(iter([samples.values]))
    error = (_ScaledError if normalize else _Error)(samples.count)
    for output in network.each(perturbed()):
        error.add(waiting.popleft(), f_x - output)
    return error.sum / draws


def _are_contributions(given: Optional[bool], model: Any, attributions: Any) -> bool:
    """Whether attributions have x - baseline as a factor: as is said, or as what they come from says."""
    if given is not None:
        return as_flag(given, 'multiply_by_inputs')
    if attributions is not None and not isinstance(attributions, Explanation):
        return True
    says = model if attributions is None else attributions
    quantity = getattr(says, 'quantity', 'contribution')
    if quantity is None:
        raise ArgumentError(
            'These attributions are neither contributions, in the units of T, nor sensitivities, for each unit of xs '
            '(a map of a layer, a method of your own?): say by multiply_by_inputs which they are to be taken for.'
        )
    return bool(quantity == 'contribution')


class _Error:
    """The sum of squared errors of what was expected of each change of the output."""

    def __init__(self, count: int) -> None:
        self.sum: Array = np.zeros(count)

    def add(self, expected: Array, change: Array) -> None:
        self.sum += (expected - change) ** 2


class _ScaledError:
    """The same, with all that was expected times the number that makes the sum least.

    It is a least squares fit of one number, by QR with Givens rotations: one change after the other, without the loss
    of digits that sums of squares have.
    """

    def __init__(self, count: int) -> None:
        self._size, self._common, self._rest = np.zeros((3, count))

    def add(self, expected: Array, change: Array) -> None:
        size = np.hypot(self._size, expected)
        divisor = np.where(size == 0, 1, size)
        cos, sin = np.where(size == 0, 1, self._size / divisor), expected / divisor
        rest = cos * change - sin * self._common
        self._common = cos * self._common + sin * change
        self._size, self._rest = size, np.hypot(self._rest, rest)

    @property
    def sum(self) -> Array:
        result: Array = self._rest**2
        return result


def _drawing(
    perturbation: Union[str, Callable[..., Any]], samples: 'Samples', differences: Array, scale: float, size: int
) -> Callable[[np.random.RandomState], Array]:
    """A function of a random generator that returns I, shape (samples, values)."""
    if callable(perturbation):
        perturb = as_function(perturbation, 'perturbation', 'xs, random', or_else="'gaussian', 'square' or ")
        return lambda random: samples.like_xs(
            perturb(samples.shaped(samples.values.copy()), random), 'What the perturbation returns'
        )
    if one_of(perturbation, 'perturbation (or a function of xs)', ['gaussian', 'square']) == 'gaussian':
        return lambda random: random.normal(0, scale, differences.shape)
    if samples.several or len(samples.shape) < 3:
        shapes = [(samples.count,) + shape for shape in samples.shapes]
        raise ArgumentTypeError(
            f"perturbation='square' needs one input of images, (samples, height, width, ...); got {shapes}."
        )
    height, width = samples.shape[1:3]
    if size > min(height, width):
        raise ArgumentError(f'size must be at most the side of an image, {min(height, width)}; got {size}.')

    def square(random: np.random.RandomState) -> Array:
        top, left = (random.randint(0, side - size + 1, samples.count) for side in (height, width))
        in_rows, in_columns = (
            (np.arange(side) >= start[:, None]) & (np.arange(side) < start[:, None] + size)
            for side, start in ((height, top), (width, left))
        )
        inside = in_rows[:, :, None] & in_columns[:, None, :]
        inside = inside.reshape(inside.shape + (1,) * (len(samples.shape) - 3))
        return np.where(inside, differences.reshape(samples.shape), 0).reshape(differences.shape)

    return square

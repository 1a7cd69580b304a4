"""What flows through a layer on the path from a baseline of X to x: conductance, internal influence."""

from typing import TYPE_CHECKING, Any, Optional

from ...arguments import as_repeats, one_of
from ...types import Baseline, BaselineSet
from ..engine.backward import Backward
from ..engine.baselines import Baselines
from ..engine.layer import at_layer
from ..engine.path import Path
from ..engine.promise import SENSITIVITY, TO_DIFFERENCE, Promise
from ..rules.plain import GRADIENT, INTEGRATED_GRADIENT
from ..runtime.quadrature import QUADRATURES
from .grad_cam import check_given
from .method import Method, at_run, own, register

if TYPE_CHECKING:
    from ..engine.problem import Problem
    from ..engine.request import Request


@register('conductance', also_called='layer_conductance')
class Conductance(Method):
    """Conductance of a layer: what of T(x) - T(baseline) flows through each of its values.

    For a value ``y`` of the layer, with ``x(t)`` on the straight line from a baseline b of X to x: the integral of
    ``dT/dy dy(x(t))/dt`` over t from 0 to 1. It is summed over ``steps`` intervals: ``dT/dy`` at a point in each, times
    what y changes from its begin to its end.

    The result has the layer's shape (a list for a list of layers), and as steps grow it sums to T(x) - T(b) if T is
    computed from X through the layer alone.

    Parameters
    ----------
    layer : tf.Tensor or str, or a list of them
        Between X and T. Required.
    steps : int, default 100
        Intervals of the path: a forward and a backward pass each, and one more forward pass up to the layer.
    baseline : number, array of one sample's shape or with a row for each sample, or function of xs, default 0
        Where the path begins, in X. A list of these where X is a list.
    quadrature : str, default 'riemann_middle'
        Where the points lie in their intervals: in the middle, or 'riemann_right', 'riemann_left'; or the points and
        weights of 'riemann_trapezoid' or 'gausslegendre', with intervals as long as the weights.
    baselines : array with a row for each baseline, or function of xs that returns one, optional
        A set in place of ``baseline``, for all samples or, of shape (samples, k, ...), for each: attributions are the
        mean over paths from each of them.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        There is no layer; an argument is of the wrong kind, or out of its range.
    GraphError
        The layer is not between X and T.

    References
    ----------
    Dhamdhere et al., How Important Is a Neuron?, 2018. https://doi.org/10.48550/arXiv.1805.12233

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2])
    ...     layer = tf.nn.relu(X)
    ...     T = tf.reduce_sum(layer * [2.0, 3.0], axis=-1)
    ...     print(de.explain('conductance', T, X, [[1.0, 2.0], [1.0, -2.0]], layer=layer).round(4).tolist())
    [[2.0, 6.0], [2.0, 0.0]]
    """

    layer: Any = None
    steps: int = at_run(default=100)
    baseline: Baseline = at_run(default=None)
    quadrature: str = at_run(default='riemann_middle')
    baselines: BaselineSet = at_run(default=None)

    def __post_init__(self) -> None:
        self.keep(
            steps=as_repeats(self.steps, 'steps'),
            baseline=own(self.baseline),
            quadrature=one_of(self.quadrature, 'quadrature', QUADRATURES),
            baselines=own(self.baselines),
        )

    def plan(self, problem: 'Problem') -> Backward:
        """Follow the path from the baseline of X, with gradients at the layer."""
        check_given(self.name, self.layer)
        at: Any = at_layer(problem, self.layer)

        def refusal(request: 'Request') -> Optional[str]:
            names = ', '.join(f"'{x.name}'" for x in at.layer.beside)
            return (
                f'T also reads X ({names}) past the layer, so what flows through the layer is not all of T(x) - '
                'T(baseline). Give a list of layers through which all flows.'
            )

        return Backward(
            rules=INTEGRATED_GRADIENT if not at.layer.beside else GRADIENT,
            promise=Promise(None, minus_baseline=True, refusal=refusal) if at.layer.beside else TO_DIFFERENCE,
            baseline=Baselines(problem, self.baseline, self.baselines),
            path=Path(self.steps, self.quadrature, times='layer'),
            at_breaks="'conductance' integrates gradients, and {} jumps or passes none",
            by_row=True,
            at=at,
        )


@register('internal_influence', also_called='layer_internal_influence influence')
class InternalInfluence(Method):
    """Internal influence: the mean gradient at a layer, on the straight line from a baseline of X to x.

    For a value ``y`` of the layer: the integral of ``dT/dy`` at ``b + (x - b) t`` over t from 0 to 1, a mean over
    ``steps`` points. The result has the layer's shape (a list for a list of layers) and promises no sum.

    Parameters
    ----------
    layer : tf.Tensor or str, or a list of them
        Between X and T. Required.
    steps : int, default 100
        Points on the path, each one a forward and a backward pass.
    baseline : number, array of one sample's shape or with a row for each sample, or function of xs, default 0
        Where the path begins, in X. A list of these where X is a list.
    quadrature : str, default 'riemann_middle'
        How the points lie and what they weigh, as in ``intgrad``: 'riemann_right', 'riemann_left', 'riemann_middle',
        'riemann_trapezoid' or 'gausslegendre'.
    baselines : array with a row for each baseline, or function of xs that returns one, optional
        A set in place of ``baseline``, for all samples or, of shape (samples, k, ...), for each: attributions are the
        mean over paths from each of them.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        There is no layer; an argument is of the wrong kind, or out of its range.
    GraphError
        The layer is not between X and T.

    References
    ----------
    Leino et al., Influence-Directed Explanations for Deep Convolutional Networks, 2018.
    https://doi.org/10.48550/arXiv.1802.03788

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2])
    ...     layer = 3 * X
    ...     T = tf.reduce_sum(tf.square(layer), axis=-1)
    ...     print(de.explain('internal_influence', T, X, [[1.0, 2.0]], layer=layer).round(4).tolist())
    [[3.0, 6.0]]
    """

    layer: Any = None
    steps: int = at_run(default=100)
    baseline: Baseline = at_run(default=None)
    quadrature: str = at_run(default='riemann_middle')
    baselines: BaselineSet = at_run(default=None)

    def __post_init__(self) -> None:
        self.keep(
            steps=as_repeats(self.steps, 'steps'),
            baseline=own(self.baseline),
            quadrature=one_of(self.quadrature, 'quadrature', QUADRATURES),
            baselines=own(self.baselines),
        )

    def plan(self, problem: 'Problem') -> Backward:
        """Follow the path from the baseline of X, with gradients at the layer."""
        check_given(self.name, self.layer)
        return Backward(
            rules=GRADIENT,
            promise=SENSITIVITY,
            baseline=Baselines(problem, self.baseline, self.baselines),
            path=Path(self.steps, self.quadrature, times=None),
            by_row=True,
            at=at_layer(problem, self.layer),
        )

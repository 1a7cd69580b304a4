"""Class activation maps: where a convolutional layer sees what speaks for T."""

from typing import TYPE_CHECKING, Any, Callable, List, Optional, Tuple

from ...arguments import as_flag, one_of, text_of
from ...errors import ArgumentError, ArgumentTypeError
from ..compat import text_attr, tf
from ..engine.backward import Backward
from ..engine.layer import at_layer
from ..rules.guided import GUIDED
from ..runtime.resized import RESIZES, resized
from ..runtime.resized_in_graph import resized_in_graph
from .guided import warn_without_relu
from .method import Method, register

if TYPE_CHECKING:
    from ..compat import Tensor
    from ..engine.backward import BackwardPass
    from ..engine.problem import Problem
    from ..engine.request import Request

#: Ops behind a convolution that leave its axes as they are.
_KEEPING = frozenset('AddV2 Add BiasAdd Elu Identity LeakyRelu Mul Relu Relu6 Selu Sigmoid Softplus Sub Tanh'.split())


@register('grad_cam', also_called='gradcam cam class_activation_map')
class GradCAM(Method):
    """Grad-CAM: at each place of a convolutional layer, its channels, weighted by their mean gradient.

    With ``a_pc`` the layer's value at place p in channel c, and places counted along all axes between the first
    (samples) and the last (channels): ``map_p = sum_c a_pc mean_q(dT/da_qc)``.

    The result has shape (samples, places..., 1), with the places of the layer or, resized, of X. It promises no sum.
    With ``ys='each'``, shape (outputs, samples, places..., 1).

    Parameters
    ----------
    layer : tf.Tensor or str
        Of shape (samples, places..., channels), between X and T: mostly the output of the last convolution's
        activation. Required.
    relu : bool, default True
        Whether what is negative becomes 0, before it is resized.
    resize : str or None, default 'bilinear'
        To the places of X, which must have as many axes of them as the layer: 'bilinear' or 'nearest', see
        :func:`~deepexplain.tensorflow.runtime.resized.resized`. None leaves the places of the layer.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        There is no layer; it has no places, or its channels come first; X has other axes of places.
    GraphError
        The layer is not between X and T.

    References
    ----------
    Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based Localization, 2017.
    https://doi.org/10.1109/ICCV.2017.74

    Examples
    --------
    >>> import numpy as np
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2, 2, 1])
    ...     layer = tf.nn.relu(X * [1.0, -1.0])
    ...     T = tf.reduce_sum(tf.reduce_mean(layer, axis=[1, 2]) * [4.0, 8.0], axis=-1)
    ...     print(de.explain('grad_cam', T, X, [[[[1], [2]], [[0], [-1]]]], layer=layer, resize=None)[0, ..., 0])
    [[1. 2.]
     [0. 2.]]
    """

    layer: Any = None
    relu: bool = True
    resize: Optional[str] = 'bilinear'

    def __post_init__(self) -> None:
        self.keep(relu=as_flag(self.relu, 'relu'), resize=one_of(self.resize, 'resize', RESIZES))

    def plan(self, problem: 'Problem') -> Backward:
        """Take gradients at the layer."""
        return _cam(self.name, problem, self.layer, _mean_gradients, self.relu, self.resize)


@register('grad_cam++', also_called='grad_cam_plus_plus gradcamplusplus gradcam++')
class GradCAMPlusPlus(Method):
    """Grad-CAM++: as Grad-CAM, with a mean over places that favours those that hold little of a channel.

    With ``g_pc = dT/da_pc``: ``map_p = sum_c a_pc w_c``, ``w_c = sum_q alpha_qc relu(g_qc)``, ``alpha_qc = g_qc ** 2 /
    (2 g_qc ** 2 + sum_p(a_pc) g_qc ** 3 + 1e-6)``, and 0 where ``g_qc`` is 0.

    The result has shape (samples, places..., 1), with the places of the layer or, resized, of X. It promises no sum.
    The paper has ``exp(T)`` in place of T, for derivatives of which this is the formula.

    Parameters
    ----------
    layer : tf.Tensor or str
        Of shape (samples, places..., channels), between X and T. Required.
    relu : bool, default True
        Whether what is negative becomes 0, before it is resized.
    resize : str or None, default 'bilinear'
        To the places of X: 'bilinear' or 'nearest'; None: not at all. As in :class:`GradCAM`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, GraphError
        As in :class:`GradCAM`.

    References
    ----------
    Chattopadhay et al., Grad-CAM++: Generalized Gradient-Based Visual Explanations for Deep Convolutional Networks,
    2018. https://doi.org/10.1109/WACV.2018.00097

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2, 1])
    ...     layer = tf.nn.relu(X)
    ...     T = 2 * tf.reduce_sum(layer, axis=[1, 2])
    ...     print(de.explain('grad_cam++', T, X, [[[1.0], [2.0]]], layer=layer, resize=None).round(4).tolist())
    [[[0.5], [1.0]]]
    """

    layer: Any = None
    relu: bool = True
    resize: Optional[str] = 'bilinear'

    def __post_init__(self) -> None:
        self.keep(relu=as_flag(self.relu, 'relu'), resize=one_of(self.resize, 'resize', RESIZES))

    def plan(self, problem: 'Problem') -> Backward:
        """Take gradients at the layer."""
        return _cam(self.name, problem, self.layer, _weighted_gradients, self.relu, self.resize)


@register('guided_grad_cam', also_called='guidedgradcam')
class GuidedGradCAM(Method):
    """Guided Grad-CAM: guided backpropagation, times the Grad-CAM of a layer, resized to X.

    The result has X's shape, and promises no sum.

    Parameters
    ----------
    layer : tf.Tensor or str
        Of shape (samples, places..., channels), between X and T. Required.
    relu : bool, default True
        Whether what is negative in the map becomes 0, before it is resized.
    resize : str, default 'bilinear'
        How the map comes to the places of X: 'bilinear' or 'nearest'. None where the layer has those of X.

    Raises
    ------
    ArgumentError, ArgumentTypeError, GraphError
        As in :class:`GradCAM`; and X is a list of several inputs, or ``resize`` is None and the layer has other places
        than X.

    References
    ----------
    Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based Localization, 2017.
    https://doi.org/10.1109/ICCV.2017.74

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2, 1])
    ...     layer = tf.nn.relu(X)
    ...     T = tf.reduce_sum(layer, axis=[1, 2])
    ...     print(de.explain('guided_grad_cam', T, X, [[[3.0], [-1.0]]], layer=layer).tolist())
    [[[3.0], [0.0]]]
    """

    layer: Any = None
    relu: bool = True
    resize: Optional[str] = 'bilinear'

    def __post_init__(self) -> None:
        self.keep(relu=as_flag(self.relu, 'relu'), resize=one_of(self.resize, 'resize', RESIZES))

    def plan(self, problem: 'Problem') -> Backward:
        """Take gradients at X with the rule of ReLU, and gradients at the layer."""
        if len(problem.inputs) > 1:
            raise ArgumentError(
                f"'{self.name}' takes one X, whose places the map is resized to; got a list of {len(problem.inputs)}: "
                "explain them one by one, or take 'grad_cam'."
            )
        times = _cam(self.name, problem, self.layer, _mean_gradients, self.relu, self.resize, multiplies=True)
        warn_without_relu(self.name, problem)
        return Backward(rules=GUIDED, by_row=True, times=times)


def _cam(
    name: str,
    problem: 'Problem',
    layer: Any,
    weigh: 'Callable[[Tensor, Tensor, List[int]], Tensor]',
    relu: bool,
    resize: Optional[str],
    multiplies: bool = False,
) -> Backward:
    """The plan of a map."""
    at = one_layer(name, problem, layer)
    tensor = at.inputs[0]
    ndims = tensor.shape.ndims
    if ndims is None or ndims < 3:
        raise ArgumentError(
            f"layer '{tensor.name}' must have the shape (samples, places..., channels) for '{name}'; it has "
            f'{tensor.shape}. Take the output of a convolution.'
        )
    _check_channels_last(tensor)
    axes = list(range(1, ndims - 1))
    if resize is not None:
        for x in problem.inputs:
            if x.shape.ndims is not None:
                _places(x.shape.as_list()[1:], len(axes), x.name)

    def attributions(back: 'BackwardPass') -> 'List[Tensor]':
        (gradient,), (a,) = back.gradients(), back.inputs
        found = tf.reduce_sum(a * weigh(gradient, a, axes), axis=-1, keepdims=True)
        return [tf.nn.relu(found) if relu else found]

    def finish(results: List[Any], request: 'Request') -> List[Any]:
        shapes = request.sample_shapes
        places = _places(shapes[0], len(axes), problem.inputs[0].name) if resize or multiplies else ()
        results = [resized(result, places, resize, first=2) for result in results]
        if multiplies and results[0].shape[2:-1] != tuple(places):
            raise ArgumentError(
                f"layer '{tensor.name}' has the places {results[0].shape[2:-1]}, and X {tuple(places)}: with "
                "resize=None both must be the same; give resize='bilinear' or 'nearest'."
            )
        return [result[..., 0] for result in results] if multiplies and len(shapes[0]) == len(axes) else results

    def finish_in_graph(results: 'List[Tensor]', shapes: Any) -> 'List[Tensor]':
        if resize:
            places = _places(shapes[0], len(axes), problem.inputs[0].name)
            results = [resized_in_graph(result, places, resize) for result in results]
        return [result[..., 0] for result in results] if multiplies and len(shapes[0]) == len(axes) else results

    return Backward(attributions, by_row=True, at=at, finish=finish, finish_in_graph=finish_in_graph)


def one_layer(name: str, problem: 'Problem', layer: Any) -> 'Problem':
    """The problem of a method's own layer, which must be one tensor."""
    check_given(name, layer)
    if isinstance(layer, (list, tuple)):
        raise ArgumentTypeError(f"'{name}' takes one layer, a tensor or its name; got {text_of(layer)}.")
    return at_layer(problem, layer)


def check_given(name: str, layer: Any) -> None:
    """Raise where a method that needs a layer has none."""
    if layer is None:
        raise ArgumentTypeError(f"'{name}' needs layer=..., a tensor between X and T, or its name.")


def _places(shape: Any, axes: int, name: str) -> 'Tuple[int, ...]':
    """The lengths of the axes of places of a sample of X, whose channels come last, if it has any."""
    if len(shape) not in (axes, axes + 1):
        raise ArgumentError(
            f"A sample of X '{name}' has shape {tuple(shape)}, which are not the {axes} axes of places of the layer, "
            'with channels or without, so there is no size for the map: give resize=None.'
        )
    return tuple(shape[:axes])


def _check_channels_last(tensor: 'Tensor') -> None:
    """Refuse a layer whose channels come first, as far as the ops say."""
    op = tensor.op
    for _ in range(20):
        layout = text_attr(op, 'data_format') or ''
        if layout.startswith('NC') and layout != 'NC':
            raise ArgumentError(
                f"layer '{tensor.name}' has its channels first ({layout}), but they must come last: give a tensor "
                'behind a transposition, such as tf.transpose, to (samples, places..., channels).'
            )
        if layout or op.type not in _KEEPING:
            return
        op = op.inputs[0].op


def _mean_gradients(gradient: 'Tensor', a: 'Tensor', axes: List[int]) -> 'Tensor':
    return tf.reduce_mean(gradient, axis=axes, keepdims=True)


def _weighted_gradients(gradient: 'Tensor', a: 'Tensor', axes: List[int]) -> 'Tensor':
    squares = gradient * gradient
    denominator = 2 * squares + tf.reduce_sum(a, axis=axes, keepdims=True) * squares * gradient + 1e-6
    zero = tf.zeros_like(gradient)
    alphas = tf.where(tf.equal(gradient, 0), zero, squares / denominator)
    return tf.reduce_sum(alphas * tf.nn.relu(gradient), axis=axes, keepdims=True)

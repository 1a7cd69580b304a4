"""Methods that send back through each ReLU only what is positive: guided backpropagation and deconvnet."""

from typing import TYPE_CHECKING

from ...errors import warn
from ..engine.backward import Backward
from ..engine.promise import SENSITIVITY
from ..rules.guided import DECONVNET, GUIDED
from ..runtime.hidden import hidden_ops
from .method import Method, register

if TYPE_CHECKING:
    from ..engine.problem import Problem


@register('guided_backprop', also_called='guidedbackprop guided_backpropagation')
class GuidedBackprop(Method):
    """Guided backpropagation: the gradient, in which each ReLU passes back what is positive where it was active.

    At a ReLU of ``z``, ``g`` becomes ``g (z > 0) (g > 0)``. All other ops, other activations too, have their gradient;
    a warning says so where there is no ReLU. Attributions have X's shape and promise no sum. They show edges of the
    input rather than what the network learnt: they hardly change when its weights do (Adebayo et al.).

    References
    ----------
    Springenberg et al., Striving for Simplicity: The All Convolutional Net, 2014.
    https://doi.org/10.48550/arXiv.1412.6806
    Adebayo et al., Sanity Checks for Saliency Maps, 2018. https://doi.org/10.48550/arXiv.1810.03292

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2])
    ...     T = tf.matmul(tf.nn.relu(X), tf.constant([[2.0], [-1.0]]))
    ...     print(de.explain('guided_backprop', T, X, [[1.0, 1.0], [-1.0, 1.0]]).tolist())
    [[2.0, 0.0], [0.0, 0.0]]
    """

    def plan(self, problem: 'Problem') -> Backward:
        """Take gradients with the rule of ReLU."""
        warn_without_relu(self.name, problem)
        return Backward(rules=GUIDED, promise=SENSITIVITY, by_row=True)


@register('deconvnet', also_called='deconvolution deconv')
class Deconvnet(Method):
    """Deconvnet: the gradient, in which each ReLU passes back what is positive, whether it was active or not.

    At a ReLU, ``g`` becomes ``g (g > 0)``. All other ops, other activations too, have their gradient; a warning says so
    where there is no ReLU. Attributions have X's shape and promise no sum.

    References
    ----------
    Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014.
    https://doi.org/10.1007/978-3-319-10590-1_53

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2])
    ...     T = tf.matmul(tf.nn.relu(X), tf.constant([[2.0], [-1.0]]))
    ...     print(de.explain('deconvnet', T, X, [[1.0, 1.0], [-1.0, 1.0]]).tolist())
    [[2.0, 0.0], [2.0, 0.0]]
    """

    def plan(self, problem: 'Problem') -> Backward:
        """Take gradients with the rule of ReLU."""
        warn_without_relu(self.name, problem)
        return Backward(rules=DECONVNET, promise=SENSITIVITY, by_row=True)


def warn_without_relu(name: str, problem: 'Problem') -> None:
    """Warn where no op has the rule, so that the result is the gradient."""
    if any(op.type == 'Relu' for op in problem.between):
        return
    if not any('Relu' in types for _, types in hidden_ops(problem.between)):
        warn(f"There is no op of type Relu between X and T, and only to these '{name}' has a rule: it is the gradient.")

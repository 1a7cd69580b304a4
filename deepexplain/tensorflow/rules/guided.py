"""Two rules for ReLU that keep only what is positive on the way back: guided backpropagation and deconvnet."""

from typing import TYPE_CHECKING, Optional

from ..compat import tf
from ..runtime.overrides import takes_rule
from .book import Rule, RuleBook
from .plain import GRADIENT

if TYPE_CHECKING:
    from ..compat import Operation, Tensor
    from ..runtime.graph import Step


def guided(op: 'Operation', grad: 'Tensor') -> 'Tensor':
    """``g (z > 0) (g > 0)``: the gradient, where it is positive."""
    return tf.where(tf.logical_and(op.inputs[0] > 0, grad > 0), grad, tf.zeros_like(grad))


def deconv(op: 'Operation', grad: 'Tensor') -> 'Tensor':
    """``g (g > 0)``: ReLU itself, on the way back."""
    return tf.nn.relu(grad)


def _of_relu(rule: Rule) -> RuleBook:
    def entry(step: 'Step') -> Optional[Rule]:
        return rule if step.op.type == 'Relu' and takes_rule(step.op) else None

    return RuleBook(entry, GRADIENT)


GUIDED = _of_relu(Rule('guided', multiply=guided))
DECONVNET = _of_relu(Rule('deconvnet', multiply=deconv))

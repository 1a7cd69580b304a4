"""Methods that are one backward pass of the true gradient: saliency, grad*input; and zero, a test of the overrides."""

from typing import TYPE_CHECKING

from ...arguments import as_flag
from ..compat import tf
from ..engine.backward import Backward
from ..engine.promise import CONTRIBUTION, SENSITIVITY
from ..rules.book import Rule, RuleBook
from ..rules.plain import GRADIENT, activations
from .method import Method, register

if TYPE_CHECKING:
    from ..engine.problem import Problem


@register('zero')
class DummyZero(Method):
    """Zero for everything behind an activation: shows whether the overrides reach the activations."""

    def plan(self, problem: 'Problem') -> Backward:
        """Block every activation."""
        blocked = Rule('blocked', multiply=lambda op, grad: tf.zeros_like(grad))
        return Backward(rules=RuleBook(activations(blocked), GRADIENT), by_row=True)


@register('saliency', also_called='gradient vanilla_gradient sensitivity')
class Saliency(Method):
    """The absolute gradient, ``|dT/dx|``; or the gradient itself.

    Parameters
    ----------
    absolute : bool, default True
        False keeps the signs: ``dT/dx``.

    Raises
    ------
    ArgumentTypeError
        ``absolute`` is no bool.

    References
    ----------
    Simonyan et al., Deep Inside Convolutional Networks, 2014. https://doi.org/10.48550/arXiv.1312.6034
    """

    absolute: bool = True

    def __post_init__(self) -> None:
        self.keep(absolute=as_flag(self.absolute, 'absolute'))

    def plan(self, problem: 'Problem') -> Backward:
        """Take the gradient, or its absolute value."""
        if not self.absolute:
            return Backward(promise=SENSITIVITY, by_row=True)
        return Backward(
            lambda back: [tf.abs(gradient) for gradient in back.gradients()], promise=SENSITIVITY, by_row=True
        )


@register('grad*input', also_called='gradxinput input*gradient input_x_gradient gradient*input gradtimesinput')
class GradientXInput(Method):
    """The gradient times the input, ``x * dT/dx``.

    References
    ----------
    Shrikumar et al., Not Just a Black Box, 2016. https://doi.org/10.48550/arXiv.1605.01713
    """

    def plan(self, problem: 'Problem') -> Backward:
        """Multiply the gradient by the input."""
        return Backward(
            lambda back: [gradient * x for gradient, x in zip(back.gradients(), back.inputs)],
            promise=CONTRIBUTION,
            by_row=True,
        )

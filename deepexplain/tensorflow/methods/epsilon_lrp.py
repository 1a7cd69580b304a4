"""Layer-wise relevance propagation in the form of DeepExplain 0.3: the epsilon rule, as a chain rule."""

from typing import TYPE_CHECKING

import numpy as np

from ...arguments import as_number
from ...errors import AssertedArgumentError
from ..engine.backward import Backward
from ..engine.promise import TO_OUTPUT
from ..engine.references import Fed
from ..rules.epsilon import epsilon_book
from .method import Method, at_run, register

if TYPE_CHECKING:
    from ..engine.problem import Problem

#: What a method without a rule for an op does. As in 0.3, it begins with "Detected unsupported activation".
UNSUPPORTED = "Detected unsupported activation: '{}' has no rule for {{}} and uses the plain gradient there"


@register('elrp', also_called='epsilon_lrp e-lrp')
class EpsilonLRP(Method):
    """Layer-wise relevance propagation with the epsilon rule.

    As epsilon goes to 0, attributions sum to the explained output if no layer has a bias.
    ``f(z) / z`` diverges at 0 unless ``f(0) = 0``: not recommended for sigmoid or softplus.

    Parameters
    ----------
    epsilon : float, default 1e-4
        Greater than 0, in the units of a pre-activation.

    Raises
    ------
    ArgumentTypeError, AssertionError
        Epsilon is no number, or not greater than 0.

    References
    ----------
    Bach et al., PLoS ONE 10(7), 2015. https://doi.org/10.1371/journal.pone.0130140
    """

    epsilon: float = at_run(default=1e-4)

    def __post_init__(self) -> None:
        self.keep(epsilon=as_number(self.epsilon, 'epsilon', above=0, error=AssertedArgumentError))

    def plan(self, problem: 'Problem') -> Backward:
        """Take each activation's slope from 0 for its derivative, and multiply by the input."""
        epsilon = Fed('epsilon', self.epsilon)
        smallest = np.asarray(self.epsilon).astype(problem.target.dtype.as_numpy_dtype)
        if not 0 < smallest < float('inf'):
            raise AssertedArgumentError(f'epsilon must be greater than zero; got {self.epsilon}.')
        return Backward(
            lambda back: [gradient * x for gradient, x in zip(back.gradients(), back.inputs)],
            rules=epsilon_book(epsilon),
            promise=TO_OUTPUT,
            fed=epsilon,
            at_breaks=UNSUPPORTED.format(self.name),
            advice=lambda breaks: "No option of 'elrp' mends that; 'deeplift' with rules='complete' has more rules.",
            keeps_sums=True,
            by_row=True,
        )

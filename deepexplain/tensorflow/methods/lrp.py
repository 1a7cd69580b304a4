"""Layer-wise relevance propagation with its families of rules."""

from typing import TYPE_CHECKING, Any, Optional

from ...arguments import as_flag, as_number, one_of
from ..engine.backward import Backward
from ..engine.promise import TO_OUTPUT
from ..rules.lrp import COMPOSITES, RULES, LRPBook
from .method import Method, own, register

if TYPE_CHECKING:
    from ..engine.problem import Problem


@register('lrp', also_called='layerwise_relevance_propagation lrp-epsilon epsilon_plus lrp_epsilon')
class LRP(Method):
    """Layer-wise relevance propagation, with a rule for each layer."""

    composite: str = 'epsilon-plus'
    rules: Any = ()
    epsilon: float = 1e-6
    gamma: float = 0.25
    alpha: float = 2
    beta: float = 1
    low: Any = None
    high: Any = None
    bias: bool = True
    canonize: bool = True
    stabilizer: Optional[float] = None
    attention: str = 'attnlrp'
    gates: str = 'all'

    def __post_init__(self) -> None:
        self.keep(
            composite=one_of(self.composite, 'composite', [*COMPOSITES, *RULES]),
            rules=own(self.rules),
            epsilon=as_number(self.epsilon, 'epsilon', above=0),
            gamma=as_number(self.gamma, 'gamma', at_least=0),
            alpha=as_number(self.alpha, 'alpha', at_least=0),
            beta=as_number(self.beta, 'beta', at_least=0),
            low=own(self.low),
            high=own(self.high),
            bias=as_flag(self.bias, 'bias'),
            canonize=as_flag(self.canonize, 'canonize'),
            stabilizer=None if self.stabilizer is None else as_number(self.stabilizer, 'stabilizer', above=0),
            attention=one_of(self.attention, 'attention', ('attnlrp', 'cp')),
            gates=one_of(self.gates, 'gates', ('all', 'half')),
        )

    def plan(self, problem: 'Problem') -> Backward:
        """Hand relevance, T at first, from layer to layer."""
        names = 'epsilon gamma alpha beta low high bias canonize stabilizer attention gates'.split()
        return Backward(
            rules=LRPBook(self.composite, self.rules, {name: getattr(self, name) for name in names}),
            promise=TO_OUTPUT,
            at_breaks="'lrp' has no rule for {} and takes its linear part there",
            keeps_sums=True,
            by_row=True,
            relevance=True,
        )

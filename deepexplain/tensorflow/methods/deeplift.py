"""DeepLIFT: contributions of the difference between the input and a baseline."""

import operator
from typing import TYPE_CHECKING, Any, Callable, List

from ...arguments import as_flag, one_of
from ...types import Baseline, BaselineSet
from ..compat import Tensor
from ..engine.backward import Backward
from ..engine.baselines import Baselines
from ..engine.promise import MULTIPLIERS, TO_DIFFERENCE
from ..engine.references import References
from ..rules.book import RuleBook
from ..rules.complete import COMPLETE, complete, of_finite
from ..rules.rescale import rescale_book
from ..rules.reveal_cancel import FAMILIES, MAX_POOLING, RevealCancelBook
from .epsilon_lrp import UNSUPPORTED
from .method import Method, at_run, own, register

if TYPE_CHECKING:
    from ..engine.backward import BackwardPass
    from ..engine.problem import Problem
    from ..rules.book import Decision

NO_RULES_NEEDED = "'intgrad' and 'shapley_sampling' need no rules."


@register('deeplift', also_called='deep_lift rescale deepshap deep_explainer deepliftshap')
class DeepLIFTRescale(Method):
    """DeepLIFT: contributions of the difference between the input and a baseline, by the Rescale or RevealCancel rule.

    Attributions are multipliers times what the input differs from the baseline. That of an activation f is its slope
    ``(f(z) - f(z0)) / (z - z0)`` between baseline and x (Rescale). With RevealCancel it has two: one for the positive
    shares that the inputs of the layer before have of ``z - z0``, whose sum is d+, and one for the negative ones, d-:

        D+ = 1/2 [f(z0 + d+) - f(z0) + f(z0 + d+ + d-) - f(z0 + d-)],   m+ = D+ / d+,   and m- = D- / d- alike.

    So inputs that cancel each other in a unit get what they contribute: of the least of two numbers each gets half of
    it, where Rescale gives all to the smaller one.

    Attributions sum to T(x) - T(baseline) where all that lies between X and T is linear or one of the five
    overridden activations. With the default rules, those of 0.3, max pooling, products of two varying tensors and
    other nonlinear ops get their plain gradient, with a warning, and the sum then differs; with
    ``rules='complete'`` it holds.

    The activations at the baseline are computed in each ``run``, so they follow the weights.

    Parameters
    ----------
    baseline : number, array of one sample's shape or with a row for each sample, or function of xs, default 0
        The reference input. A list of these where X is a list.
    rules : str, default 'original'
        Which ops have a rule.

        - 'original': DeepExplain 0.3's five activations, and the plain gradient for all else that is not linear.
        - 'complete': every elementwise function, products and quotients, maxima, choices and softmax: attributions
          then sum to T(x) - T(baseline). See :mod:`deepexplain.tensorflow.rules.complete`.
        - 'reveal-cancel': as 'complete', but RevealCancel for activations behind a layer: a matrix product, a
          convolution, a pooling or a sum, with its bias and batch normalization. Those behind anything else have
          Rescale. Max pooling has its plain gradient, as in the authors' code, with a warning: where another value is
          the largest at the baseline than at x, the sum differs.
        - 'genomics': as 'reveal-cancel', but only behind dense layers; Rescale behind convolutions. The authors'
          default for networks on DNA; one of them has written since that with shuffled sequences as ``baselines``
          Rescale does as well.
    baselines : array with a row for each baseline, or function of xs that returns one, optional
        A set in place of ``baseline``, for all samples or, of shape (samples, k, ...), for each: attributions are the
        mean over all of them (DeepSHAP).
    multiply_by_inputs : bool, default True
        False: the multipliers, without the factor ``x - b``, such as hypothetical contributions are made of. They
        promise no sum: there is no convergence delta.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument is of the wrong kind, or does not fit X.

    References
    ----------
    Shrikumar et al., Learning Important Features Through Propagating Activation Differences, 2017.
    https://doi.org/10.48550/arXiv.1704.02685
    Ancona et al., Towards better understanding of gradient-based attribution methods, ICLR 2018.
    https://doi.org/10.48550/arXiv.1711.06104
    """

    baseline: Baseline = at_run(default=None)
    rules: str = 'original'
    baselines: BaselineSet = at_run(default=None)
    multiply_by_inputs: bool = True

    def __post_init__(self) -> None:
        rules = one_of(self.rules, 'rules', ('original', 'complete', *FAMILIES))
        multiply = as_flag(self.multiply_by_inputs, 'multiply_by_inputs')
        self.keep(baseline=own(self.baseline), rules=rules, baselines=own(self.baselines), multiply_by_inputs=multiply)

    def plan(self, problem: 'Problem') -> Backward:
        """Take slopes from the baseline for derivatives, and multiply by what the input differs from it."""
        is_original = self.rules == 'original'
        references = References(in_graph=not is_original, finite=not is_original)
        product: Callable[[Tensor, Tensor], Tensor] = operator.mul if is_original else of_finite

        def attributions(back: 'BackwardPass') -> List[Any]:
            if not self.multiply_by_inputs:
                return back.gradients()
            return [product(g, x - b) for g, x, b in zip(back.gradients(), back.inputs, back.baselines)]

        return Backward(
            attributions,
            rules=_book(self.rules, references),
            promise=TO_DIFFERENCE if self.multiply_by_inputs else MULTIPLIERS,
            baseline=Baselines(problem, self.baseline, self.baselines),
            references=references,
            at_breaks=UNSUPPORTED.format(self.name),
            advice=_ADVICE.get(self.rules, _beyond_reveal_cancel),
            keeps_sums=True,
            by_row=True,
        )


def _book(rules: str, references: References) -> RuleBook:
    if rules == 'original':
        return rescale_book(references)
    return COMPLETE if rules == 'complete' else RevealCancelBook(FAMILIES[rules])


def _beyond_complete(breaks: 'List[Decision]') -> str:
    return f'{NO_RULES_NEEDED} explainer.leaks(xs) says how much goes missing where.'


def _beyond_original(breaks: 'List[Decision]') -> str:
    broken = {decision.step.op.name for decision in breaks}
    mended = [decision for decision in breaks if complete(decision.step)]
    if not mended:
        return NO_RULES_NEEDED
    those = 'for all of these' if len(mended) == len(broken) else f'for {len(mended)} of these {len(broken)}'
    return f"rules='complete' has rules {those}; explainer.leaks(xs) says how much goes missing where."


def _beyond_reveal_cancel(breaks: 'List[Decision]') -> str:
    if all(decision.step.op.type in MAX_POOLING for decision in breaks):
        return "So does the authors' code; rules='complete' keeps the sum. explainer.leaks(xs) says what goes missing."
    return _beyond_complete(breaks)


_ADVICE = {'original': _beyond_original, 'complete': _beyond_complete}

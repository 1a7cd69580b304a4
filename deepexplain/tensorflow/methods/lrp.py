"""Layer-wise relevance propagation with its families of rules."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...arguments import as_flag, one_of
from ...errors import ArgumentError, warn
from ..engine.backward import Backward
from ..engine.promise import MULTIPLIERS, TO_OUTPUT
from ..rules.lrp import CHECKS, COMPOSITES, RULES, LRPBook
from .method import Method, own, register

if TYPE_CHECKING:
    from ...types import Array
    from ..compat import Tensor
    from ..engine.problem import Problem
    from ..engine.request import Request
    from ..rules.book import Decision

#: Outputs that are probabilities, and what only hands them on.
PROBABILITIES = frozenset(['LogSoftmax', 'Sigmoid', 'Softmax'])
HANDING_ON = frozenset(['Cast', 'Identity', 'Reshape', 'Squeeze'])


@register('lrp', also_called='layerwise_relevance_propagation lrp_epsilon epsilon_plus lrp_z lrp_alphabeta lrp_preset')
class LRP(Method):
    """Layer-wise relevance propagation: T is shared out among the inputs, layer by layer.

    A layer has inputs a, weights w and a bias b. Its shares are ``z_jk = a_j w_jk``; ``z_k`` is their sum with ``b_k``.
    Relevance R of its outputs goes to its inputs by a rule, ``R_j = sum_k [...] R_k``:

    - 'epsilon': ``z_jk / (z_k + epsilon s(z_k))``, with s(z) = 1 for z >= 0, else -1. (Bach et al. 2015)
    - 'zplus': ``z+_jk / z+_k``, of the shares above 0. 'alphabeta': ``alpha z+_jk / z+_k - beta z-_jk / z-_k``.
    - 'gamma': ``(z_jk + gamma z+_jk) / sum_j (...)`` where ``z_k > 0``, and with z- where ``z_k < 0``.
      (Montavon et al. 2019, signed as by Andéol et al. 2021)
    - 'wsquare': ``w_jk^2 / (b_k^2 + sum_j w_jk^2)``; 'flat': 1 / the number of inputs; both whatever the inputs are.
    - 'zbox': ``(z_jk - low w+_jk - high w-_jk) / sum_j (...)``, for inputs between two numbers, such as pixels.
      (Montavon et al. 2017)

    Layers are read out of raw ops: a product with weights, the affine ops behind it (bias, batch normalization in any
    form), and padding before it. Activations pass relevance on; maxima hand it to the largest; sums, means and
    normalizations of the sample have the epsilon rule. What biases get is lost: the convergence delta says how much.

    'elrp' is another thing: 0.3's form of the epsilon rule, ``f(z) / (z + epsilon)`` at each activation, so that layers
    behind which there is no activation have no epsilon. For a small epsilon in a network of ReLU, both agree.

    Parameters
    ----------
    composite : str, default 'epsilon-plus'
        Which layer gets which rule. 'epsilon-plus': zplus for convolutions, epsilon for dense layers;
        'epsilon-alpha2-beta1': alphabeta (2, 1) for convolutions; each with '-flat': flat for the first layer;
        'epsilon-gamma-box': zbox for a first convolution, gamma for the others. Or the name of one rule for all layers.
    rules : list of (selector, rule), optional
        Before the composite; the first that matches decides. A selector is 'first' (multiplies by weights what
        nothing before it did), a kind ('convolution', 'dense', 'sum', 'pool', 'norm', 'product'), the type of an op, a
        regular expression of its name, or several of them with spaces between. A rule is a name, or a pair of name and
        dict of options: ``('gamma', {'gamma': 0.5})``. Products of two that vary take rules from selectors with
        'product' only: each factor has the other for its weights ('epsilon' or 'gamma'; 'zplus' or 'alphabeta' for
        those of matrices), with ``attention`` and ``gates`` for themselves, if given.
    epsilon : float, default 1e-6
        Greater than 0, in the units of what layers compute.
    gamma : float, default 0.25
    alpha : float, default 2
    beta : float, default 1
        With alpha - beta = 1.
    low : number or array of one sample's shape, for zbox
        What xs are not below, in the units of X.
    high : number or array of one sample's shape, for zbox
        What xs are not above.
    bias : bool, default True
        Whether biases have their share; False: relevance is divided as if they were 0.
    canonize : bool, default True
        Whether batch normalization belongs to the layer before it; False: it passes relevance on.
    stabilizer : float, optional
        What keeps denominators from 0 in rules other than epsilon, and the epsilon of sums, means and normalizations.
        Default: 1e-6, and ``epsilon`` for sums.
    attention : str, default 'attnlrp'
        Of products in which both factors vary: 'attnlrp' gives half to each; with 'cp', weights of attention (a
        softmax) get nothing, and the values all. In both, spreads that a normalization divides by get nothing.
    gates : str, default 'all'
        Of products with a gate (a sigmoid): 'all' to the signal, or 'half' to each.
    multiply_by_inputs : bool, default True
        False: multipliers, relevance without the factor x (hypothetical contributions, as TF-MoDISco needs them).

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit; a selector matches nothing; xs are not between low and high.
    GraphError
        ``multiply_by_inputs=False`` where relevance is not in proportion to X.

    References
    ----------
    Bach et al., On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance propagation,
    PLoS ONE 10(7), 2015. https://doi.org/10.1371/journal.pone.0130140
    Montavon et al., Explaining nonlinear classification decisions with deep Taylor decomposition, 2017.
    https://doi.org/10.1016/j.patcog.2016.11.008
    Montavon et al., Layer-wise relevance propagation: an overview, 2019. https://doi.org/10.1007/978-3-030-28954-6_10
    Andéol et al., Learning domain invariant representations by joint Wasserstein distance minimization, 2021.
    https://doi.org/10.48550/arXiv.2106.04923
    Lapuschkin et al., Unmasking Clever Hans predictors, 2019 (flat). https://doi.org/10.1038/s41467-019-08987-4
    Kohlbrenner et al., Towards best practice in explaining neural network decisions with LRP, 2020 (composites).
    https://doi.org/10.1109/IJCNN48605.2020.9206975
    Achtibat et al., AttnLRP, 2024. https://doi.org/10.48550/arXiv.2402.05602
    Ali et al., XAI for transformers, 2022 ('cp'). https://doi.org/10.48550/arXiv.2202.07304
    Arras et al., Explaining recurrent neural network predictions, 2017 (gates). https://doi.org/10.18653/v1/W17-5221

    Examples
    --------
    A dense layer with weights (1, -1) and bias -1, at x = (1, 1):

    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float64, [None, 2])
    ...     T = tf.matmul(X, tf.constant([[1.], [-1.]], tf.float64)) - 1
    ...     print(de.explain('lrp', T, X, [[1, 1]], composite='alphabeta').round(4).tolist())
    [[-2.0, 0.5]]
    """

    composite: str = 'epsilon-plus'
    rules: Sequence[Tuple[str, Any]] = ()
    epsilon: float = 1e-6
    gamma: float = 0.25
    alpha: float = 2.0
    beta: float = 1.0
    low: Any = None
    high: Any = None
    bias: bool = True
    canonize: bool = True
    stabilizer: Optional[float] = None
    attention: str = 'attnlrp'
    gates: str = 'all'
    multiply_by_inputs: bool = True

    def __post_init__(self) -> None:
        self.keep(
            composite=one_of(self.composite, 'composite', [*COMPOSITES, *RULES]),
            rules=own(self.rules),
            **{name: check(own(getattr(self, name)), name) for name, check in CHECKS.items()},
            canonize=as_flag(self.canonize, 'canonize'),
            multiply_by_inputs=as_flag(self.multiply_by_inputs, 'multiply_by_inputs'),
        )

    def plan(self, problem: 'Problem') -> Backward:
        """Hand relevance, T at first, from layer to layer."""
        _warn_of_probabilities(problem.target)
        for name in ('low', 'high'):
            _check_shape(getattr(self, name), name, problem)
        options = {name: getattr(self, name) for name in [*CHECKS, 'canonize']}
        multipliers_of = [] if self.multiply_by_inputs else problem.inputs
        book = LRPBook(self.composite, self.rules, options, multipliers_of)
        book.warn_of_unused({name: default for name, default in _defaults().items() if name in options})
        return Backward(
            rules=book,
            promise=TO_OUTPUT if self.multiply_by_inputs else MULTIPLIERS,
            at_breaks="'lrp' has no rule for {} and takes its linear part there",
            advice=_advice,
            keeps_sums=self.multiply_by_inputs,
            by_row=True,
            relevance=True,
            check=lambda request: _check_bounds(request, book.bounds()),
        )


def _defaults() -> Dict[str, Any]:
    return {field.name: field.default for field in fields(LRP)}


def _check_shape(bound: 'Optional[Array]', name: str, problem: 'Problem') -> None:
    if bound is None or not bound.ndim:
        return
    if problem.several or bound.shape != tuple(problem.specs[0].shape or ())[1:]:
        raise ArgumentError(
            f'{name} must be a number, or an array of the shape of one sample of X; its shape is {bound.shape}.'
        )


def _advice(breaks: 'List[Decision]') -> str:
    return "'deeplift' with rules='complete' has more rules."


def _warn_of_probabilities(target: 'Tensor') -> None:
    op = target.op
    while op.type in HANDING_ON:
        op = op.inputs[0].op
    if op.type in PROBABILITIES:
        warn(
            f"T '{target.name}' is a {op.type.lower()}, of which 'lrp' makes little: relevance of one output is mixed "
            f"with that of all others. Explain what it is computed from, '{op.inputs[0].name}'."
        )


def _check_bounds(request: 'Request', bounds: 'Sequence[Tuple[Array, Array]]') -> None:
    """Raise unless all samples are between what first layers with the z-box rule were told."""
    for low, high in bounds:
        for x in request.arrays:
            for side, outside in (('below low', x < low), ('above high', x > high)):
                if np.any(outside):
                    sample = int(np.argwhere(outside)[0][0])
                    raise ArgumentError(
                        f'xs must be between low and high, in the units of X: sample {sample} has values {side}.'
                    )

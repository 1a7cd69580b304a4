"""The rules of layers: one function each.

With inputs a_j, weights w_jk and bias b_k of a layer, shares are ``z_jk = a_j w_jk``, and ``z_k`` is the sum of those
and the bias. A rule gets the layer and the relevance R of its outputs, and returns that of its inputs, a list with one
tensor for each of ``layer.parts``. What the bias gets is lost.
"""

import functools
import operator
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple, TypeVar

from ...compat import Tensor, tf
from .at_hand import LayerAtHand, Part
from .signs import away, minus, plus


class Formula(NamedTuple):
    """A rule: its function, the options that it reads, and whether it keeps the sum (None: not of every input)."""

    function: Callable[..., List[Tensor]]
    options: Tuple[str, ...]
    exact: Any
    has_multipliers: bool


#: Name of a rule -> its Formula.
RULES: Dict[str, Formula] = {}

Function = TypeVar('Function', bound=Callable[..., Any])


def rule(
    name: str, options: str = '', exact: Any = None, has_multipliers: bool = False
) -> Callable[[Function], Function]:
    """Decorator: make ``function(layer, R, **options)`` the rule of this name.

    ``options`` are names among those of 'lrp', in one text; ``exact`` says whether inputs get all of R but what the
    bias gets (None: for some inputs they do not), and ``has_multipliers`` whether it returns ``part.share(...)``, what
    an input brings in proportion to its value.
    """

    def add(function: Function) -> Function:
        RULES[name] = Formula(function, tuple(options.split()), exact, has_multipliers)
        return function

    return add


def added(tensors: Iterable[Tensor]) -> Tensor:
    """Their sum."""
    return functools.reduce(operator.add, tensors)


def computed(layer: LayerAtHand, bias: bool) -> Tensor:
    """What the layer computes, with its bias or without."""
    if bias or layer.bias is None:
        return layer.z
    return added(part.run(part.a, part.weights) for part in layer.parts)


@rule('epsilon', 'epsilon bias', exact=True, has_multipliers=True)
def epsilon_rule(layer: LayerAtHand, R: Tensor, epsilon: float, bias: bool) -> List[Tensor]:
    """``R_j = sum_k z_jk / (z_k + epsilon s(z_k)) R_k``."""
    c = R / away(computed(layer, bias), epsilon)
    return [part.share(part.back(c, part.weights)) for part in layer.parts]


class Signed:
    """The shares above 0 and below it of a part: products of inputs and weights above 0, or below."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.weights = {1: plus(part.weights), -1: minus(part.weights)}
        self.inputs = {1: part.a} if part.is_positive else {1: plus(part.a), -1: minus(part.a)}

    def run(self, sign: int) -> Tensor:
        """The sum over j of the shares above 0 (sign 1) or below (-1)."""
        return added(self.part.run(a, self.weights[sign * of_a]) for of_a, a in self.inputs.items())

    def back(self, cs: Dict[int, Tensor]) -> Tensor:
        """``sum_k c_k`` times the shares, for each input j; ``cs``: one c for each sign of the shares."""

        def gradient(of_a: int) -> Tensor:
            return added(self.part.back(c, self.weights[sign * of_a]) for sign, c in cs.items())

        if self.part.is_positive:
            return self.part.share(gradient(1))
        if self.part.as_multipliers:
            return tf.where(self.part.a >= 0, gradient(1), gradient(-1))
        return self.inputs[1] * gradient(1) + self.inputs[-1] * gradient(-1)


@rule('alphabeta', 'alpha beta bias stabilizer', has_multipliers=True)
def alphabeta(layer: LayerAtHand, R: Tensor, alpha: float, beta: float, bias: bool, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k (alpha z+_jk / z+_k - beta z-_jk / z-_k) R_k``, of the shares above and below 0."""
    parts, cs = [Signed(part) for part in layer.parts], {}
    totals: Dict[int, Tensor] = {}
    for sign, factor in ((-1, -beta), (1, alpha)):
        if factor:
            totals[sign] = total_of(layer, parts, sign, bias, totals.get(-1))
            wanted = R if factor == 1 else R * tf.cast(factor, R.dtype)
            cs[sign] = wanted / (totals[sign] + tf.cast(sign * stabilizer, R.dtype))
    return [part.back(cs) for part in parts]


def total_of(layer: LayerAtHand, parts: List[Signed], sign: int, bias: bool, below: Optional[Tensor]) -> Tensor:
    """The sum of the shares above 0 (sign 1) or below (-1); ``below``: the latter, where it is known.

    Then the other is what the layer computes less that, if only units above 0 matter: for others, of which little is
    above 0, that would be a small difference of large numbers.
    """
    if below is not None and layer.is_rectified and (bias or layer.bias is None):
        return plus(layer.z - below)
    z = added(part.run(sign) for part in parts)
    return z if layer.bias is None or not bias else z + (plus if sign > 0 else minus)(layer.bias)


@rule('zplus', 'bias stabilizer', has_multipliers=True)
def zplus(layer: LayerAtHand, R: Tensor, bias: bool, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k z+_jk / z+_k R_k``: alpha 1, beta 0."""
    return alphabeta(layer, R, 1, 0, bias, stabilizer)


@rule('gamma', 'gamma bias stabilizer', exact=True, has_multipliers=True)
def gamma_rule(layer: LayerAtHand, R: Tensor, gamma: float, bias: bool, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k (z_jk + gamma z+_jk) / sum_j (...) R_k`` where z_k > 0, and the same with z- where z_k < 0."""
    # Of all shares and their sizes, those above 0 are half the sum, those below 0 half the difference: so the sum of
    # shares and boosted ones has the sign of z, and is as large as both together.
    half = tf.cast(gamma / 2, R.dtype)
    z = computed(layer, bias)
    boosts = [half * tf.abs(part.weights) for part in layer.parts]
    inputs = [part.a if part.is_positive else tf.abs(part.a) for part in layer.parts]
    sizes = added(part.run(a, boost) for part, a, boost in zip(layer.parts, inputs, boosts))
    if bias and layer.bias is not None:
        sizes = sizes + half * tf.abs(layer.bias)
    sign = tf.sign(layer.z)
    if z is layer.z:  # they have one sign
        c = sign * (R / ((1 + half) * tf.abs(z) + sizes + tf.cast(stabilizer, R.dtype)))
    else:
        c = tf.abs(sign) * R / away((1 + half) * z + sign * sizes, stabilizer)
    found = []
    for part, a, boost in zip(layer.parts, inputs, boosts):
        if layer.is_rectified and part.is_positive:
            found.append(part.share(part.back(c, (1 + half) * part.weights + boost)))
            continue
        of_values, of_sizes = part.back(c, (1 + half) * part.weights), part.back(sign * c, boost)
        if part.is_positive:
            found.append(part.share(of_values + of_sizes))
        elif part.as_multipliers:
            found.append(of_values + tf.where(part.a >= 0, of_sizes, -of_sizes))
        else:
            found.append(part.a * of_values + a * of_sizes)
    return found


@rule('wsquare', 'bias stabilizer', exact=True)
def wsquare(layer: LayerAtHand, R: Tensor, bias: bool, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k w_jk^2 / (b_k^2 + sum_j w_jk^2) R_k``, whatever the inputs are."""
    ones = [part.ones() for part in layer.parts]
    total = added(part.run(one, part.weights**2) for part, one in zip(layer.parts, ones))
    if bias and layer.bias is not None:
        total = total + layer.bias**2
    c = R / (total + tf.cast(stabilizer, R.dtype))
    return [one * part.back(c, part.weights**2) for part, one in zip(layer.parts, ones)]


@rule('flat', 'stabilizer', exact=True)
def flat(layer: LayerAtHand, R: Tensor, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k R_k / n_k``, for the n_k inputs of k, padding not counted."""
    ones = [(part.ones(), tf.ones_like(part.weights)) for part in layer.parts]
    c = R / away(added(part.run(*both) for part, both in zip(layer.parts, ones)), stabilizer)
    return [one * part.back(c, weights) for part, (one, weights) in zip(layer.parts, ones)]


@rule('zbox', 'low high stabilizer', exact=True)
def zbox(layer: LayerAtHand, R: Tensor, low: Any, high: Any, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k (z_jk - low w+_jk - high w-_jk) / sum_j (...) R_k``, for inputs between two numbers."""
    ends = [part.bounds(low, high) for part in layer.parts]
    z: Any = 0
    for part, (lowest, highest) in zip(layer.parts, ends):
        z = z + part.run(part.a, part.weights)
        z = z - part.run(lowest, plus(part.weights)) - part.run(highest, minus(part.weights))
    c = R / away(z, stabilizer)
    return [
        part.a * part.back(c, part.weights)
        - lowest * part.back(c, plus(part.weights))
        - highest * part.back(c, minus(part.weights))
        for part, (lowest, highest) in zip(layer.parts, ends)
    ]

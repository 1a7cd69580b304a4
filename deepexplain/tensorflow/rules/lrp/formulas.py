"""The rules of layers: one function each.

With inputs a_j, weights w_jk and bias b_k of a layer, shares are ``z_jk = a_j w_jk``, and ``z_k`` is the sum of those
and the bias. A rule gets the layer and the relevance R of its outputs, and returns that of its inputs, a list with one
tensor for each of ``layer.parts``. What the bias gets is lost.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Tuple, TypeVar

from ...compat import Tensor, tf
from .at_hand import LayerAtHand, Part


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


def away(z: Tensor, stabilizer: float) -> Tensor:
    """``z`` moved away from 0 by a number."""
    one = tf.ones_like(z)
    return z + tf.cast(stabilizer, z.dtype) * tf.where(z >= 0, one, -one)


def plus(z: Tensor) -> Tensor:
    """What is above 0 of it."""
    return tf.maximum(z, tf.zeros_like(z))


def minus(z: Tensor) -> Tensor:
    """What is below 0 of it."""
    return tf.minimum(z, tf.zeros_like(z))


@rule('epsilon', 'epsilon bias', exact=True, has_multipliers=True)
def epsilon_rule(layer: LayerAtHand, R: Tensor, epsilon: float, bias: bool) -> List[Tensor]:
    """``R_j = sum_k z_jk / (z_k + epsilon s(z_k)) R_k``."""
    z = layer.z if bias or layer.bias is None else sum(part.run(part.a, part.weights) for part in layer.parts)
    c = R / away(z, epsilon)
    return [part.share(part.back(c, part.weights)) for part in layer.parts]


def shares(layer: LayerAtHand, sign: int, bias: bool) -> Tensor:
    """The sum over j of the shares above 0 (sign 1) or below (-1)."""
    same, other = (plus, minus) if sign > 0 else (minus, plus)
    total: Any = 0 if layer.bias is None or not bias else same(layer.bias)
    for part in layer.parts:
        if part.is_positive:
            total = total + part.run(part.a, same(part.weights))
        else:
            total = total + part.run(plus(part.a), same(part.weights)) + part.run(minus(part.a), other(part.weights))
    return total


def back_shares(part: Part, c: Tensor, sign: int) -> Tensor:
    """``sum_k c_k`` times the shares above 0 (sign 1) or below (-1), for each input j."""
    same, other = (plus, minus) if sign > 0 else (minus, plus)
    if part.is_positive:
        return part.share(part.back(c, same(part.weights)))
    of_plus, of_minus = part.back(c, same(part.weights)), part.back(c, other(part.weights))
    return part.share(tf.where(part.a >= 0, of_plus, of_minus))


@rule('alphabeta', 'alpha beta bias stabilizer', has_multipliers=True)
def alphabeta(layer: LayerAtHand, R: Tensor, alpha: float, beta: float, bias: bool, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k (alpha z+_jk / z+_k - beta z-_jk / z-_k) R_k``, of the shares above and below 0."""
    found: List[Any] = [None] * len(layer.parts)
    for sign, factor in ((1, alpha), (-1, -beta)):
        if factor:
            c = R * tf.cast(factor, R.dtype) / away(shares(layer, sign, bias), stabilizer)
            now = [back_shares(part, c, sign) for part in layer.parts]
            found = [new if old is None else old + new for old, new in zip(found, now)]
    return found


@rule('zplus', 'bias stabilizer', has_multipliers=True)
def zplus(layer: LayerAtHand, R: Tensor, bias: bool, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k z+_jk / z+_k R_k``: alpha 1, beta 0."""
    return alphabeta(layer, R, 1, 0, bias, stabilizer)


@rule('gamma', 'gamma bias stabilizer', exact=True, has_multipliers=True)
def gamma_rule(layer: LayerAtHand, R: Tensor, gamma: float, bias: bool, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k (z_jk + gamma z+_jk) / sum_j (...) R_k`` where z_k > 0, and the same with z- where z_k < 0."""
    # The shares above 0 are half of all shares and of their sizes, those below 0 half of their difference.
    nothing, half = tf.zeros_like(R), tf.cast(gamma / 2, R.dtype)
    has_bias = bias and layer.bias is not None
    z = layer.z if bias or layer.bias is None else sum(part.run(part.a, part.weights) for part in layer.parts)
    sizes: Any = tf.abs(layer.bias) if has_bias else 0
    sizes = sizes + sum(part.run(tf.abs(part.a), tf.abs(part.weights)) for part in layer.parts)
    c_above = tf.where(layer.z > 0, R / away(z + half * (z + sizes), stabilizer), nothing)
    c_below = tf.where(layer.z < 0, R / away(z + half * (z - sizes), stabilizer), nothing)
    found = []
    for part in layer.parts:
        of_values = part.back((1 + half) * (c_above + c_below), part.weights)
        of_sizes = part.back(half * (c_above - c_below), tf.abs(part.weights))
        found.append(
            part.share(of_values + (of_sizes if part.is_positive else tf.where(part.a >= 0, of_sizes, -of_sizes)))
        )
    return found


@rule('wsquare', 'bias stabilizer', exact=True)
def wsquare(layer: LayerAtHand, R: Tensor, bias: bool, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k w_jk^2 / (b_k^2 + sum_j w_jk^2) R_k``, whatever the inputs are."""
    ones = [part.ones() for part in layer.parts]
    total: Any = 0 if layer.bias is None or not bias else layer.bias**2
    total = total + sum(part.run(one, part.weights**2) for part, one in zip(layer.parts, ones))
    c = R / away(total, stabilizer)
    return [one * part.back(c, part.weights**2) for part, one in zip(layer.parts, ones)]


@rule('flat', 'stabilizer', exact=True)
def flat(layer: LayerAtHand, R: Tensor, stabilizer: float) -> List[Tensor]:
    """``R_j = sum_k R_k / n_k``, for the n_k inputs of k, padding not counted."""
    ones = [(part.ones(), tf.ones_like(part.weights)) for part in layer.parts]
    c = R / away(sum(part.run(*both) for part, both in zip(layer.parts, ones)), stabilizer)
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

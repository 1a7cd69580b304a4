"""Normalizations of the sample as layers: what they normalize, times one weight for each value, and a term."""

from typing import Any, List, Optional, Sequence, Tuple

from ...compat import Operation, Tensor, same_op, tf
from ...runtime.overrides import original_grad
from ..complete.registry import sum_to
from .layers import NORMALIZATIONS, QUOTIENTS
from .signs import away, is_never_negative
from .ways import Way


class NormPart:
    """A quotient of what is normalized and its spread, which is held; or a fused op, which subtracts the mean, too.

    Its inputs ``a`` and weights are in the shape of what the layer computes. Attributes are those of
    :class:`~.at_hand.Part`.
    """

    def __init__(
        self,
        op: Operation,
        data: int,
        shapes: List[Operation],
        way: Way,
        as_multipliers: bool,
        epsilons: Sequence[float],
    ) -> None:
        self.op, self.data, self.as_multipliers = op, data, as_multipliers
        self._shapes, self._way, self._epsilons = shapes, way, epsilons
        self._fused = Fused(op) if op.type in NORMALIZATIONS else None
        if self._fused is not None:
            a, factor = self._fused.deviations, self._fused.factor
        else:
            a, other = op.inputs[data], op.inputs[1 - data]
            factor = 1 / other if op.type in QUOTIENTS else other
        self._normalized = a
        self.a = self._moved(a + tf.zeros_like(op.outputs[0]))
        self.weights = self._moved(factor + tf.zeros_like(op.outputs[0])) if shapes else factor
        self.term: Optional[Tensor] = None
        if self._fused is not None:
            self.term = self._moved(self._fused.term + tf.zeros_like(a))
        self.is_positive = is_never_negative(a)

    def _moved(self, value: Tensor) -> Tensor:
        for op in self._shapes:
            value = same_op(op, value, *op.inputs[1:]).outputs[0]
        return value

    def run(self, a: Tensor, weights: Tensor) -> Tensor:
        """What the layer computes of ``a`` with these weights, without a term."""
        return a * weights

    def back(self, c: Tensor, weights: Tensor) -> Tensor:
        """``w_j c_j`` for each input j."""
        return sum_to(c * weights, self.a)

    def ones(self) -> Tensor:
        """1 for each input of the layer."""
        return tf.ones_like(self.a)

    def bounds(self, low: Any, high: Any) -> Tuple[Tensor, Tensor]:
        """What the inputs of the layer are between where the inputs of the network are between these."""
        ends = [self._moved(self._way.of(bound)) for bound in (low, high)]
        return tf.minimum(*ends), tf.maximum(*ends)

    def share(self, gradient: Tensor) -> Tensor:
        """The input times what each unit of it brings; the latter alone where multipliers are asked for."""
        return gradient if self.as_multipliers else self.a * gradient

    def of_input(self, relevance: Tensor) -> Tensor:
        """Relevance of the input of the op, for that of ``a``."""
        for op in reversed(self._shapes):
            relevance = original_grad(op, relevance)
            relevance = relevance[0] if isinstance(relevance, (list, tuple)) else relevance
        if self._fused is None:
            return sum_to(relevance, self._normalized)
        return self._fused.of_input(relevance, self.as_multipliers, self._epsilons)


class Fused:
    """``(x - mean) gamma / spread + beta``, with mean and spread of all places of each channel of the input."""

    def __init__(self, op: Operation) -> None:
        gamma, beta = op.inputs[1:3]
        self._x = op.inputs[0]
        rank, is_first = self._x.shape.ndims, op.get_attr('data_format').startswith(b'NC')
        self._axes = [i for i in range(rank) if i != (1 if is_first else rank - 1)]
        shape = [-1, *[1] * (rank - 2)] if is_first else [-1]
        self._mean = self._over_places(self._x)
        self.deviations = self._x - self._mean
        variance = self._over_places(tf.cast(self.deviations, gamma.dtype) ** 2)
        factor = tf.reshape(gamma, shape) * tf.math.rsqrt(variance + op.get_attr('epsilon'))
        self.factor = tf.cast(factor, self._x.dtype)
        self.term = tf.cast(tf.reshape(beta, shape), self._x.dtype)

    def _over_places(self, value: Tensor) -> Tensor:
        return tf.reduce_mean(value, self._axes, keepdims=True)

    def of_input(self, relevance: Tensor, as_multipliers: bool, epsilons: Sequence[float]) -> Tensor:
        """As where it is written out: by the epsilon rule of the difference, and by that of the mean."""
        of_sums, of_means = epsilons
        c = relevance if as_multipliers else relevance / away(self.deviations, of_sums)
        kept = self._mean / away(self._mean, of_means)
        multipliers = c - kept * self._over_places(c)
        return multipliers if as_multipliers else self._x * multipliers

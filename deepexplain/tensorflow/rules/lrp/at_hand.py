"""A layer of the graph in hand, while relevance goes back through it: what the formulas of the rules are written in."""

from typing import Any, Callable, List, Optional, Sequence, Tuple

from ...compat import Operation, Tensor, same_op, tf
from ...runtime.graph import Step
from ...runtime.overrides import original_grad
from ..complete.registry import sum_to
from .channels import as_channels, axis_of_channels, in_place, of_channels, scaled
from .layers import BY_VALUE, CONVOLUTIONS, DENSE, NORMALIZATIONS, QUOTIENTS, Layer
from .norms import NormPart
from .signs import is_never_negative
from .ways import StepOf, Way


class Part:
    """An op that multiplies by weights: ``weights`` are those of the layer, with all scales behind it.

    Attributes
    ----------
    a : tf.Tensor
        Its input.
    weights : tf.Tensor
    is_positive : bool
        Whether no value of ``a`` is below 0.
    as_multipliers : bool
        Whether relevance of ``a`` is returned without the factor ``a``.
    """

    def __init__(
        self,
        kind: str,
        op: Operation,
        data: int,
        shapes: List[Operation],
        scale: Optional[Tensor],
        way: Way,
        as_multipliers: bool,
    ) -> None:
        self.op, self.data, self._shapes, self._is_pool = op, data, shapes, kind == 'pool'
        self._way, self.as_multipliers = way, as_multipliers
        self.a = op.inputs[data]
        self.is_positive = is_never_negative(self.a)
        if op.type in CONVOLUTIONS or op.type in DENSE:
            self._weights = sum(CONVOLUTIONS.get(op.type, (0, 1))) - data  # the other one, whichever is the data
            self.weights = scaled(op, op.inputs[self._weights], scale, data)
        else:
            self._weights = -1
            factor: Any = tf.cast(-1 if op.type == 'Sub' and data == 1 else 1, self.a.dtype)
            if op.type in BY_VALUE:
                factor = op.inputs[1 - data]
            elif op.type in QUOTIENTS:
                factor = 1 / op.inputs[1]
            self.weights = factor if scale is None else factor * scale

    def run(self, a: Tensor, weights: Tensor) -> Tensor:
        """What the layer computes of ``a`` with these weights, without a bias."""
        if self._weights < 0:
            z = self._fixed(a) * weights
        else:
            inputs = list(self.op.inputs)
            inputs[self.data], inputs[self._weights] = a, weights
            z = same_op(self.op, *inputs).outputs[0]
        for op in self._shapes:
            z = same_op(op, z, *op.inputs[1:]).outputs[0]
        return z

    def back(self, c: Tensor, weights: Tensor) -> Tensor:
        """``sum_k w_jk c_k`` for each input j, with these weights."""
        for op in reversed(self._shapes):
            c = _first_of(original_grad(op, c))
        if self._weights < 0:
            if self._is_pool:
                return _first_of(original_grad(self.op, c * weights))
            return sum_to(c * weights, self.a)
        inputs = list(self.op.inputs)
        inputs[self._weights] = weights
        gradient: Tensor = original_grad(same_op(self.op, *inputs), c)[self.data]
        return gradient

    def _fixed(self, a: Tensor) -> Tensor:
        if self._is_pool:
            return same_op(self.op, a, *self.op.inputs[1:]).outputs[0]
        return a + tf.zeros_like(self.op.outputs[0])

    def ones(self) -> Tensor:
        """1 for each input of the layer, and 0 for what is padding."""
        return self._way.ones()

    def bounds(self, low: Any, high: Any) -> Tuple[Tensor, Tensor]:
        """What the inputs of the layer are between where the inputs of the network are between these."""
        ends = self._way.of(low), self._way.of(high)
        return ends if self._way.is_moved else (tf.minimum(*ends), tf.maximum(*ends))

    def of_input(self, relevance: Tensor) -> Tensor:
        """Relevance of the input of the op, for that of ``a``."""
        return relevance

    def share(self, gradient: Tensor) -> Tensor:
        """The input times what each unit of it brings; the latter alone where multipliers are asked for."""
        return gradient if self.as_multipliers else self.a * gradient


class LayerAtHand:
    """A layer, for the formulas.

    Attributes
    ----------
    parts : list of Part, or of NormPart
    z : tf.Tensor
        What it computes.
    bias : tf.Tensor or None
        What it computes where all inputs are 0, in a shape that broadcasts against ``z``.
    kind : str
    is_rectified : bool
        Whether it is known that no relevance comes to units whose ``z`` is not above 0, as behind it is a ReLU.
    """

    is_rectified = False

    def __init__(
        self,
        layer: Layer,
        end: Operation,
        step_of: StepOf,
        data_of: Callable[[Step], List[int]],
        reads_input: Callable[[Tensor], bool],
        epsilons: Sequence[float] = (0, 0),
    ) -> None:
        def role_of(op: Operation) -> Optional[str]:
            step = step_of(op)
            return None if step is None else layer.roles.get(step.op)

        self.kind = layer.kind
        self.z = end.outputs[0]
        chains = [[end]]
        paths: List[List[Operation]] = []  # from each part to the end
        while chains:
            chain = chains.pop()
            if role_of(chain[0]) == 'weights':
                paths.append(chain)
                continue
            chains.extend([z.op, *chain] for z in chain[0].inputs if role_of(z.op) is not None)
        tail = _behind_sum(paths[0], role_of)
        self.parts: List[Any] = []
        self.bias: Optional[Tensor] = None
        if layer.kind != 'norm':
            scale, self.bias = self._affine(tail, layer)
        for path in paths:
            shapes = [op for op in path if role_of(op) == 'shape']
            step: Any = step_of(path[0])
            for i in data_of(step):
                way, is_near = Way(path[0].inputs[i], step_of), reads_input(step.op.inputs[i])
                if layer.kind == 'norm':
                    self.parts.append(NormPart(path[0], i, shapes, way, is_near, epsilons))
                    self._scale(self.parts[-1], tail)
                    continue
                self.parts.append(Part(layer.kind, path[0], i, shapes, scale, way, is_near))

    def _scale(self, part: NormPart, tail: List[Tuple[Operation, int]]) -> None:
        """Take what the ops of the tail multiply by and add to each value into the weights and the bias."""
        self.bias = part.term
        for op, i in tail:
            factor, term = _of(op, i)
            if op.type in NORMALIZATIONS:
                axis = axis_of_channels(op)
                factor, term = (in_place(value, self.z.shape.ndims, axis) for value in (factor, term))
            if factor is not None:
                part.weights = part.weights * factor
                self.bias = None if self.bias is None else self.bias * factor
            if term is not None:
                self.bias = term if self.bias is None else self.bias + term

    def _affine(self, tail: List[Tuple[Operation, int]], layer: Layer) -> Tuple[Optional[Tensor], Optional[Tensor]]:
        """What the ops of the tail multiply by, and what they add."""
        scale: Any = None
        shift: Any = None  # of each channel
        by_place: Any = None
        for op, i in tail:
            factor, term = _of(op, i)
            if factor is not None:
                factor = of_channels(factor)
                scale = factor if scale is None else scale * factor
                shift = None if shift is None else shift * factor
            if term is not None and (op.type in NORMALIZATIONS or as_channels(op, term, layer.axis)):
                term = of_channels(term)
                shift = term if shift is None else shift + term
            elif term is not None:
                by_place = term if by_place is None else by_place + term
        if shift is not None:
            shift = in_place(shift, self.z.shape.ndims, layer.axis)
            shift = shift if by_place is None else shift + by_place
        return scale, by_place if shift is None else shift


def _behind_sum(path: List[Operation], role_of: Callable[[Operation], Optional[str]]) -> List[Tuple[Operation, int]]:
    """The affine ops of a path, and which of their inputs is on it."""
    found = []
    for before, op in zip(path, path[1:]):
        if role_of(op) == 'affine':
            found.append((op, next(i for i, z in enumerate(op.inputs) if z.op is before)))
    return found


def _of(op: Operation, i: int) -> Tuple[Optional[Tensor], Optional[Tensor]]:
    """Factor and term of an affine op, for its input i."""
    if op.type in NORMALIZATIONS:
        _, gamma, beta, mean, variance = op.inputs[:5]
        factor = gamma * tf.math.rsqrt(variance + op.get_attr('epsilon'))
        return factor, beta - mean * factor
    other = op.inputs[1 - i]
    if op.type == 'Mul':
        return other, None
    if op.type in QUOTIENTS:
        return 1 / other, None
    if op.type == 'Sub':
        return (None, -other) if i == 0 else (-tf.ones([], other.dtype), other)
    return None, other


def _first_of(gradients: Any) -> Tensor:
    return gradients[0] if isinstance(gradients, (list, tuple)) else gradients

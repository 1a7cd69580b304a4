"""Normalizations, x / norm(x): quotients whose denominator is 0 where x is, and which stay bounded all the same."""

from typing import TYPE_CHECKING, Any, List, Sequence

from ...compat import Operation, Tensor, tf
from ...runtime.alike import alike
from ...runtime.finite import finite
from .registry import ratio, sum_to

if TYPE_CHECKING:
    from ...runtime.graph import Step


#: What a norm may be wrapped in, beside numbers that do not vary: floors, scales, other shapes.
_WRAPPED = frozenset(
    """Add AddV2 BroadcastTo Cast EnsureShape ExpandDims Identity Maximum Minimum Mul Reciprocal Reshape Squeeze Tile
    Transpose""".split()
)
_ROOTS = frozenset(['EuclideanNorm', 'Pow', 'Rsqrt', 'Sqrt'])
_SUMS = frozenset(['Max', 'Mean', 'Sum'])
#: Never negative, so that a sum of them is a norm.
_POSITIVE = frozenset(['Relu', 'Relu6'])
#: By what a numerator is made of what is normalized: itself, or an inner product with something (a cosine).
_NUMERATORS = frozenset('BatchMatMul BatchMatMulV2 Cast Einsum Identity MatMul Mean Mul Reshape Sum'.split())


def is_normalization(step: 'Step') -> bool:
    """Whether a product or quotient divides a tensor by its norm, or a product of tensors by theirs."""
    if len(step.varying) != 2 or step.discrete or not step.op.inputs[0].dtype.is_floating:
        return False
    a, b = step.op.inputs
    if step.op.type in ('Div', 'DivNoNan', 'RealDiv'):
        return _is_of(a, _normed(b))
    return step.op.type == 'Mul' and any(_is_of(u, _normed(s)) for u, s in ((a, b), (b, a)) if _inverts(s))


def normalization(op: Operation, op0: Operation, grad: Tensor) -> List[Any]:
    """By the product rule of ``f b = a``, for ``f = a / b``: no multiplier exceeds ``2 / (b + b0)``.

    ``(f - f0) (b + b0) / 2 = a - a0 - (b - b0) (f + f0) / 2``; and the same of ``f = a s`` with ``s = 1 / b``, whose
    weights are ``2 s s0 / (s + s0)`` and ``(f + f0) / (s + s0)``.
    """
    f, f0 = finite(op.outputs[0]), finite(op0.outputs[0])
    both = grad * (f + f0)
    if op.type != 'Mul':
        (a, b), (_, b0) = op.inputs, op0.inputs
        return [
            sum_to(ratio(2 * grad, b + b0 + tf.zeros_like(f)), a),
            -sum_to(ratio(both, b + b0 + tf.zeros_like(f)), b),
        ]
    first = 0 if _inverts(op.inputs[1]) and _is_of(op.inputs[0], _normed(op.inputs[1])) else 1
    (a, s), s0 = (op.inputs[first], op.inputs[1 - first]), op0.inputs[1 - first]
    wide, wide0 = s + tf.zeros_like(f), s0 + tf.zeros_like(f)
    gradients = [None, None]
    gradients[first] = sum_to(ratio(2 * grad, wide + wide0) * wide * wide0, a)
    gradients[1 - first] = sum_to(ratio(both, wide + wide0), s)
    return gradients


def _inverts(z: Tensor, depth: int = 6) -> bool:
    """Whether a tensor is one over a norm."""
    if z.op.type in ('Rsqrt', 'Reciprocal', 'Inv'):
        return True
    if z.op.type == 'Pow':
        power = tf.get_static_value(z.op.inputs[1])
        return power is not None and power.max() < 0
    return depth > 0 and z.op.type in _WRAPPED and any(_inverts(other, depth - 1) for other in z.op.inputs)


def _normed(z: Tensor, depth: int = 10, rooted: bool = False) -> List[Any]:
    """The tensors whose norms make up ``z``."""
    op = z.op
    if depth == 0:
        return []
    if op.type == 'EuclideanNorm':
        return [op.inputs[0]]
    if op.type in _SUMS:
        inner = op.inputs[0].op
        while inner.type in ('Cast', 'Identity', 'Real'):
            inner = inner.inputs[0].op
        if _squares(inner):
            return _conjugated(inner)[:1] if rooted else []
        return inner.outputs[:1] if inner.type in _POSITIVE else list(inner.inputs) if inner.type == 'Abs' else []
    if op.type in _ROOTS:
        return _normed(op.inputs[0], depth - 1, True)
    if op.type in _WRAPPED or op.type in FINITE:
        return [z for other in op.inputs for z in _normed(other, depth - 1, rooted)]
    return []


def _squares(op: Operation) -> bool:
    if op.type == 'Pow':
        power = tf.get_static_value(op.inputs[1])
        return power is not None and (power == 2).all()
    return op.type == 'Square' or (op.type == 'Mul' and alike(*_conjugated(op)))


def _conjugated(op: Operation) -> List[Any]:
    return [z.op.inputs[0] if z.op.type == 'Conj' else z for z in op.inputs]


#: The choices by which copies are finite.
FINITE = frozenset(['Select', 'SelectV2'])


def _is_of(u: Tensor, normed: Sequence[Tensor], depth: int = 5) -> bool:
    """Whether a numerator is made of one of the tensors that are normed."""
    if any(alike(u, z) for z in normed):
        return True
    return (
        bool(normed)
        and depth > 0
        and u.op.type in _NUMERATORS
        and any(_is_of(z, normed, depth - 1) for z in u.op.inputs)
    )

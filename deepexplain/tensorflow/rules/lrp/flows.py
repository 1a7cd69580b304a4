"""How relevance goes through all that is no layer: one function for each kind of op."""

from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional

from ...compat import Operation, Tensor, tf
from ...runtime.arrays import WITH_GRADIENT
from ...runtime.clone import is_opened
from ...runtime.hidden import OF_FRAMES
from ...runtime.op_types import (
    BILINEAR,
    CHOICES,
    ELEMENTWISE,
    HOMOGENEOUS,
    LINEAR,
    is_continuous,
    is_discrete,
    is_linear,
)
from ...runtime.overrides import original_grad
from ..book import Rule
from ..complete.registry import sum_to
from .formulas import away
from .layers import NORMALIZATIONS, SUMS

if TYPE_CHECKING:
    from ...runtime.graph import Step
    from .factors import Factors

#: Linear, but mixing what they read: what each input brings must be told apart.
MIXING = frozenset(
    """AvgPool3DGrad AvgPoolGrad Complex FFT FFT2D FFT3D IFFT IFFT2D IFFT3D IRFFT IRFFT2D RFFT RFFT2D SparseReduceSum
    SparseSegmentMean SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNWithNumSegments
    SparseSegmentSum SparseSegmentSumWithNumSegments SparseTensorDenseAdd TensorScatterAdd TensorScatterSub""".split()
)
#: An elementwise product or quotient with a constant passes all on.
SCALES = frozenset('Div DivNoNan Mul MulNoNan RealDiv'.split())


class Options(NamedTuple):
    """What the user chose of products."""

    stabilizer: float
    attention: str
    gates: str


def flow(step: 'Step', factors: 'Factors', options: Options) -> Rule:
    """The rule of an op that belongs to no layer."""
    op, varying = step.op, step.numbers
    if is_discrete(op) or not varying:
        return Rule('no relevance', True)
    if op.type in OF_FRAMES or op.type in WITH_GRADIENT or is_opened(op) or op.type.startswith('TensorList'):
        return Rule('moves relevance', True)
    if op.type == 'StopGradient':
        return Rule('passes relevance', True, lambda op, R: R)
    if op.type in BILINEAR and len(varying) == 2:
        return _product(step, varying, factors, options)
    constant = op.type in SUMS or op.type in SCALES or op.type in NORMALIZATIONS
    if len(varying) == 1 and (constant or op.type in ELEMENTWISE):
        return Rule('passes relevance', True, lambda op, *grads: _passed(op, varying[0], grads[0]))
    if op.type in CHOICES or op.type in HOMOGENEOUS or (op.type in LINEAR and op.type not in MIXING):
        return Rule('moves relevance', True, original_grad)
    if op.type in ('LogSoftmax', 'Softmax'):
        return Rule('softmax', True if op.type == 'Softmax' else None, softmax)
    if is_linear(op, varying):
        return Rule('epsilon', True, lambda op, *grads: linear_part(op, varying, grads, options.stabilizer))
    return Rule('no rule: its linear part', False, lambda op, *g: linear_part(op, varying, g, options.stabilizer))


def _passed(op: Operation, i: int, R: Tensor) -> List[Optional[Tensor]]:
    relevances: List[Optional[Tensor]] = [None] * len(op.inputs)
    relevances[i] = sum_to(R, op.inputs[i])
    return relevances


def softmax(op: Operation, R: Tensor) -> Tensor:
    """``R_i = x_i (R_i - p_i sum_k R_k)``: of AttnLRP, its first-order Taylor expansion."""
    x, p = op.inputs[0], op.outputs[0]
    p = tf.exp(p) if op.type == 'LogSoftmax' else p
    return x * (R - p * tf.reduce_sum(R, axis=-1, keepdims=True))


def linear_part(op: Operation, varying: List[int], grads: Any, stabilizer: float) -> List[Optional[Tensor]]:
    """What each input times its gradient has of the sum, of that of the output."""
    shares = [None if R is None or not is_continuous(z) else R / away(z, stabilizer) for R, z in zip(grads, op.outputs)]
    gradients = original_grad(op, *shares)
    gradients = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]
    return [
        op.inputs[i] * gradient if i in varying and gradient is not None else None
        for i, gradient in enumerate(gradients)
    ]


def _product(step: 'Step', varying: List[int], factors: 'Factors', options: Options) -> Rule:
    """A product of two that vary: both get half of it, or the signal gets all."""
    kinds = [factors.kind(step.op.inputs[i]) for i in varying]
    held = None
    for kind, holds in (
        ('spread', True),
        ('attention', options.attention == 'cp'),
        ('gate', options.gates == 'all' and 'attention' not in kinds),
    ):
        if held is None and holds and kinds.count(kind) == 1:
            held = varying[kinds.index(kind)]
    takers = [i for i in varying if i != held]
    text = (
        'product: half each'
        if held is None
        else f'product: all to the signal, none to the {_held(kinds, held, varying)}'
    )
    if step.op.type == 'Mul':
        return Rule(text, True, lambda op, R: _shared(op, takers, R))
    return Rule(text, True, lambda op, R: _shared_sum(op, takers, R, options.stabilizer))


def _held(kinds: List[str], held: int, varying: List[int]) -> str:
    return {'gate': 'gate', 'spread': 'spread', 'attention': 'attention weights'}[kinds[varying.index(held)]]


def _shared(op: Operation, takers: List[int], R: Tensor) -> List[Optional[Tensor]]:
    relevances: List[Optional[Tensor]] = [None] * len(op.inputs)
    for i in takers:
        relevances[i] = sum_to(R / tf.cast(len(takers), R.dtype), op.inputs[i])
    return relevances


def _shared_sum(op: Operation, takers: List[int], R: Tensor, stabilizer: float) -> List[Optional[Tensor]]:
    found = linear_part(op, takers, [R / tf.cast(len(takers), R.dtype)], stabilizer)
    return found + [None] * (len(op.inputs) - len(found))

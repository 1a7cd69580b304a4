"""How relevance goes through all that is no layer: one function for each kind of op."""

from typing import TYPE_CHECKING, List, Optional

from ...compat import Operation, Tensor, tf
from ...runtime.arrays import WITH_GRADIENT
from ...runtime.clone import is_opened
from ...runtime.graph import OF_SHAPES, stops_gradient
from ...runtime.hidden import OF_FRAMES
from ...runtime.op_types import (
    CHOICES,
    ELEMENTWISE,
    HOMOGENEOUS,
    LINEAR,
    is_discrete,
    is_linear,
)
from ...runtime.overrides import original_grad
from ..book import Rule
from ..complete.registry import ratio, sum_to
from .layers import NORMALIZATIONS, SUMS
from .linear import linear_part
from .products import Options, is_product, shared, takers
from .signs import away

if TYPE_CHECKING:
    from ...runtime.graph import Step
    from .factors import Factors

#: Linear, but mixing what they read: what each input brings must be told apart.
MIXING = frozenset(
    """AvgPool3DGrad AvgPoolGrad Complex FFT FFT2D FFT3D IFFT IFFT2D IFFT3D IRFFT IRFFT2D RFFT RFFT2D SparseReduceSum
    SparseSegmentMean SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNWithNumSegments
    SparseSegmentSum SparseSegmentSumWithNumSegments SparseTensorDenseAdd TensorScatterAdd TensorScatterSub""".split()
)
#: An elementwise product or quotient with a constant passes all on, whatever its sign.
SCALES = frozenset('Div DivNoNan Mul MulNoNan Neg RealDiv'.split())


def flow(step: 'Step', factors: 'Factors', options: Options) -> Rule:
    """The rule of an op that belongs to no layer."""
    op, varying = step.op, step.numbers
    if is_discrete(op) or not varying or op.type in OF_SHAPES:
        return Rule('no relevance', True)
    if op.type in OF_FRAMES or op.type in WITH_GRADIENT or is_opened(op) or op.type.startswith('TensorList'):
        return Rule('moves relevance', True)
    if op.type == 'StopGradient':
        return Rule('passes relevance', True, lambda op, R: R)
    if is_product(step):
        chosen, text = takers(step, factors, options)
        return Rule(f'product: {text}', True, lambda op, R: shared(op, chosen, R, options.stabilizer))
    constant = op.type in SUMS or op.type in SCALES or op.type in NORMALIZATIONS
    if len(varying) == 1 and (constant or op.type in ELEMENTWISE):
        return Rule('passes relevance', True, lambda op, *grads: _passed(op, varying[0], grads[0]))
    if op.type == 'EuclideanNorm':
        return Rule('epsilon', True, lambda op, R: euclidean_norm(op, R, options.stabilizer))
    if stops_gradient(op):
        return Rule('no rule, no gradient', False)
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


def euclidean_norm(op: Operation, R: Tensor, stabilizer: float) -> List[Optional[Tensor]]:
    """Epsilon: homogeneous, but no choice, so its gradient, ``x / norm``, times its inputs adds up to it.

    Written out, since TensorFlow 1.15 has no gradient of it.
    """
    x, norm = op.inputs[0], op.outputs[0]
    share = ratio(R / away(norm, stabilizer), norm)
    share = tf.reshape(share, tf.shape(tf.reduce_sum(x, op.inputs[1], keepdims=True)))
    return [x * x * share, None]


def softmax(op: Operation, R: Tensor) -> Tensor:
    """``R_i = x_i (R_i - p_i sum_k R_k)``: of AttnLRP, its first-order Taylor expansion."""
    x, p = op.inputs[0], op.outputs[0]
    p = tf.exp(p) if op.type == 'LogSoftmax' else p
    return x * (R - p * tf.reduce_sum(R, axis=-1, keepdims=True))

"""The rules of ``deeplift`` with ``rules='complete'``: one for each kind of op that is not linear.

A rule gets an op at x, the same op at the baseline, and the multipliers of its outputs (the gradients, in plain
backpropagation); it returns those of its inputs. What unites all rules: multipliers times what each input differs from its
baseline add up to what the outputs differ, times theirs. So attributions sum to T(x) - T(baseline), whatever the
graph is made of.

Adding a rule is one function with :func:`rule` beside it.
"""

import numpy as np

from ..compat import same_op, tf
from ..runtime.activations import ACTIVATIONS
from ..runtime.clone import beside
from ..runtime.op_types import is_continuous, is_linear, keeps_its_gradient
from ..runtime.overrides import original_grad

#: Op type -> (name of the treatment, rule).
RULES = {}

#: Differences of an output below so many roundings are noise, which no quotient is made of.
FEW_ROUNDINGS = 64
#: ... where the input differs by no more than this.
SMALL_DELTA = 1e-2


def rule(treatment, op_types):
    """Decorator: make ``function(op, op_at_baseline, *grads)`` the rule of these op types."""

    def add(function):
        RULES.update((op_type, (treatment, function)) for op_type in op_types.split())
        return function

    return add


def treatment(step):
    """What an op gets: 'linear', the name of its rule, or None where there is none."""
    if is_linear(*step) or step.op.type == 'StopGradient':
        return 'linear'
    name, _ = _rule_of(step.op.type)
    return name if name is not None and _can_be_treated(name, step) else None


def is_treated(step):
    """Whether an op needs a rule: not a linear one, but for a gradient that is not that of its value."""
    name = treatment(step)
    return name is not None and (name != 'linear' or not keeps_its_gradient(step.op))


def apply(op, *grads):
    """Multipliers of the inputs of an op that :func:`is_treated`."""
    at_baseline = beside(op)
    if op.type == 'StopGradient':
        return grads[0]
    _, function = _rule_of(op.type)
    if at_baseline is None or function is None:  # it is the same at the baseline, or linear
        return original_grad(op, *grads)
    return function(op, at_baseline, *grads)


def _rule_of(op_type):
    """Name and rule of an op type, None where there is none; what a user added to the activations is one."""
    return RULES.get(op_type, RULES['Relu'] if op_type in ACTIVATIONS else (None, None))


def _can_be_treated(name, step):
    """Whether no more varies than the rule is for: two inputs of real numbers; or the condition of a choice, too."""
    numbers = [i for i in step.varying if is_continuous(step.op.inputs[i])]
    if name == 'choice':
        return len(numbers) > 0
    real = all(step.op.inputs[i].dtype.is_floating for i in numbers) or name == 'product'
    return real and 0 < len(numbers) == len(step.varying) <= 2


def _varying(op, at_baseline):
    """Indices of the inputs that differ at the baseline."""
    return [i for i, (z, z0) in enumerate(zip(op.inputs, at_baseline.inputs)) if z.name != z0.name]


def _as_list(gradients):
    return list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]


def _half_way(op, at_baseline):
    """The op at the middle between its inputs and those at the baseline."""
    inputs = [z if z.name == z0.name else 0.5 * (z + z0) for z, z0 in zip(op.inputs, at_baseline.inputs)]
    return same_op(op, *inputs)


def _sum_to(gradient, z):
    """The gradient of ``z`` from that of ``z`` broadcast."""
    if gradient.shape.is_fully_defined() and z.shape.is_fully_defined() and gradient.shape == z.shape:
        return gradient
    _, axes = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(gradient), s1=tf.shape(z))
    return tf.reshape(tf.reduce_sum(gradient, axes), tf.shape(z))


@rule(
    'rescale',
    """Acos Acosh Asin Asinh Atan Atanh BesselI0 BesselI0e BesselI1 BesselI1e Ceil ClipByValue Cos Cosh Dawsn Digamma Elu
    Erf Erfc Erfinv Exp Expint Expm1 Floor FresnelCos FresnelSin Inv LeakyRelu Lgamma Log Log1p Ndtri Reciprocal Relu Relu6
    Rint Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Softsign Spence Sqrt Tan Tanh Abs Atan2 DivNoNan FloorDiv
    FloorMod Maximum Minimum Mod Pow TruncateDiv TruncateMod Xdivy Xlog1py Xlogy""",
)
def rescale(op, op0, grad):
    """The slope between the baseline and x, of an elementwise function; of one of two inputs, each gets its share.

    With one input that is ``(f(z) - f(z0)) / (z - z0)``. Two are players whose Shapley values share the difference:
    the first gets the mean of ``f(a, b) - f(a0, b)`` and ``f(a, b0) - f(a0, b0)``.
    """
    varying = _varying(op, op0)
    f, f0 = op.outputs[0], op0.outputs[0]
    # In the shape of the output, so that TensorFlow's gradient half way is one number a value.
    z, z0 = (_as_wide_as(o.outputs[0], o.inputs) for o in (op, op0))
    half_way = same_op(op, *[0.5 * (a + b) if i in varying else a for i, (a, b) in enumerate(zip(z, z0))])
    derivatives = _as_list(original_grad(half_way, grad))
    gradients = [None] * len(z)
    for i in varying:
        if len(varying) == 1:
            delta_out = f - f0
        else:
            only_this, only_other = (
                [a if j == i else b for j, (a, b) in enumerate(zip(*both))] for both in ((z, z0), (z0, z))
            )
            delta_out = 0.5 * ((f - same_op(op, *only_other).outputs[0]) + (same_op(op, *only_this).outputs[0] - f0))
        derivative = tf.zeros_like(grad) if derivatives[i] is None else derivatives[i]
        gradients[i] = _sum_to(_slope(delta_out, z[i] - z0[i], f, f0, grad, derivative), op.inputs[i])
    return gradients


def _as_wide_as(f, inputs):
    return list(inputs) if len(inputs) == 1 else [z + tf.zeros_like(f) for z in inputs]


def _slope(delta_out, delta_in, f, f0, grad, derivative):
    """``grad * delta_out / delta_in``; where that is noise, the gradient half way."""
    noise = FEW_ROUNDINGS * _rounding(f.dtype) * tf.maximum(tf.abs(f), tf.abs(f0))
    near = (tf.abs(delta_in) <= SMALL_DELTA) & (tf.abs(delta_out) <= noise)
    # sqrt has no derivative at 0, and needs none where it stays there.
    derivative = tf.where(tf.math.is_finite(derivative), derivative, tf.zeros_like(derivative))
    return tf.where(near, derivative, grad * delta_out / delta_in)


def _rounding(dtype):
    if dtype.base_dtype == tf.bfloat16:
        return 2.0**-7
    return float(np.finfo(dtype.as_numpy_dtype).eps)


@rule(
    'product',
    """BatchMatMul BatchMatMulV2 BatchMatMulV3 Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInput
    Conv3DBackpropInputV2 Cross DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput Einsum MatMul Mul SparseMatMul""",
)
@rule('square', 'L2Loss Square SquaredDifference')
def product(op, op0, *grads):
    """The gradient half way between the baseline and x, which is exact for products of two and for squares.

    ``a b - a0 b0 = (a - a0) (b + b0) / 2 + (b - b0) (a + a0) / 2``: each factor gets its Shapley value.
    """
    return original_grad(_half_way(op, op0), *grads)


@rule('quotient', 'Div RealDiv')
def quotient(op, op0, grad):
    """The Shapley values of numerator and denominator in ``a / b``."""
    (a, b), (a0, b0) = op.inputs, op0.inputs
    of_a = grad * 0.5 * (1 / b + 1 / b0)
    of_b = -grad * 0.5 * (a + a0) / (b * b0)
    return [_sum_to(of_a, a), _sum_to(of_b, b)]


@rule(
    'largest',
    'Max MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Min SegmentMax SegmentMin UnsortedSegmentMax UnsortedSegmentMin',
)
def largest(op, op0, grad, *_):
    """What the largest of many values gained goes to the one that is it now; what it lost, to the one that was.

    With ``m = max(y, y0)``, ``m - y0`` goes to the place of the maximum at x and ``y - m`` to that at the baseline.
    There the input changed at least as much, so no multiplier exceeds 1. Of the least value, likewise.
    """
    y, y0, z, z0 = op.outputs[0], op0.outputs[0], op.inputs[0], op0.inputs[0]
    further = tf.minimum(y, y0) if 'Min' in op.type else tf.maximum(y, y0)
    more = [tf.zeros_like(other) for other in op.outputs[1:]]
    gained = _as_list(original_grad(op, grad * (further - y0), *more))[0]
    lost = _as_list(original_grad(op0, grad * (y - further), *more))[0]
    return [_ratio(gained + lost, z - z0)] + [None] * (len(op.inputs) - 1)


def _ratio(a, b):
    """``a / b``, and 0 where b is."""
    none = tf.equal(b, tf.zeros_like(b))
    return tf.where(none, tf.zeros_like(a), a / tf.where(none, tf.ones_like(b), b))


@rule('largest', 'TopK TopKV2')
def top_k(op, op0, grad, *_):
    """The j-th largest value is the sum of the j largest, less that of j - 1; each sum is treated as a maximum.

    A sum that grew goes to the values that are in it now, in proportion to what each changed; one that fell, to those that
    were.
    """
    z, z0, size = op.inputs[0], op0.inputs[0], tf.shape(op.inputs[0])[-1]
    weights = grad - tf.pad(grad[..., 1:], [[0, 0]] * (grad.shape.ndims - 1) + [[0, 1]])  # of the sums
    change = tf.cumsum(op.outputs[0], -1) - tf.cumsum(op0.outputs[0], -1)
    total = tf.zeros_like(z)
    for now, counts in ((op, change >= 0), (op0, change < 0)):
        places = tf.one_hot(now.outputs[1], size, dtype=z.dtype)  # (..., j, position)
        moved = tf.cumsum(tf.reduce_sum(places * (z - z0)[..., None, :], -1), -1)
        share = tf.where(tf.equal(moved, tf.zeros_like(moved)), tf.ones_like(moved), _ratio(change, moved))
        share = tf.where(counts, weights * share, tf.zeros_like(share))
        total += tf.reduce_sum(tf.cumsum(share, -1, reverse=True)[..., None] * places, -2)
    return [total] + [None] * (len(op.inputs) - 1)


@rule('choice', 'Select SelectV2')
def choice(op, op0, grad):
    """Where the condition is the same, the value that it takes gets all.

    Where it turned, what came out differs also because of the condition, which has no attribution: both values share the
    difference, in proportion to what each of them changed.
    """
    condition, condition0 = (_as_wide(o.inputs[0], o.outputs[0]) for o in (op, op0))
    like = tf.zeros_like(op.outputs[0])
    a, b = (z - z0 + like for z, z0 in zip(op.inputs[1:], op0.inputs[1:]))
    chosen = tf.cast(condition, grad.dtype)
    turned = tf.not_equal(condition, condition0) & (tf.abs(a) + tf.abs(b) > 0)
    share = _ratio(grad * (op.outputs[0] - op0.outputs[0]), tf.abs(a) + tf.abs(b))
    of_a, of_b = (
        tf.where(turned, share * tf.sign(a), grad * chosen),
        tf.where(turned, share * tf.sign(b), grad * (1 - chosen)),
    )
    return [None, _sum_to(of_a, op.inputs[1]), _sum_to(of_b, op.inputs[2])]


def _as_wide(condition, output):
    """A condition in the shape of the output: in Select, it may be one for each row."""
    if condition.shape.ndims == 1 and output.shape.ndims != 1:
        condition = tf.reshape(condition, tf.concat([tf.shape(condition), tf.ones([tf.rank(output) - 1], tf.int32)], 0))
    return tf.logical_and(condition, tf.ones_like(output, tf.bool))


@rule('softmax', 'LogSoftmax')
def log_softmax(op, op0, grad):
    """``z - log(sum(exp(z)))``, whose exponentials and logarithm are rescaled.

    The multiplier of ``z_j`` in the logarithm is ``L(exp z_j, exp z0_j) / L(s, s0)``, with the sums s and the logarithmic mean
    ``L(a, b) = (a - b) / (log a - log b)``.
    """
    z, z0 = op.inputs[0], op0.inputs[0]
    log_s, log_s0 = (tf.reduce_logsumexp(t, -1, keepdims=True) for t in (z, z0))
    weights = tf.exp(tf.maximum(z, z0) - tf.maximum(log_s, log_s0)) * _mean_slope(z, z0) / _mean_slope(log_s, log_s0)
    return grad - weights * tf.reduce_sum(grad, -1, keepdims=True)


@rule('softmax', 'Softmax')
def softmax(op, op0, grad):
    """The exponential of the logarithm of a softmax, each of them rescaled."""
    log_p, log_p0 = (o.inputs[0] - tf.reduce_logsumexp(o.inputs[0], -1, keepdims=True) for o in (op, op0))
    slope = tf.exp(tf.maximum(log_p, log_p0)) * _mean_slope(log_p, log_p0)
    return log_softmax(op, op0, grad * slope)


def _mean_slope(a, b):
    """``L(exp a, exp b) / exp(max(a, b))`` with the logarithmic mean L: between 0 and 1."""
    equal = tf.equal(a, b)  # also -inf, of what is masked
    d = tf.abs(tf.where(equal, tf.ones_like(a), a - b))
    return tf.where(equal, tf.ones_like(a), -tf.math.expm1(-d) / d)

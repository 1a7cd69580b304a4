"""The rules of ``deeplift`` with ``rules='complete'``: one for each kind of op that is not linear.

A rule gets an op at x, the same op at the baseline, and the multipliers of its outputs (the gradients, in plain
backpropagation); it returns those of its inputs. What unites all rules: multipliers times what each input differs
from its baseline add up to what the outputs differ, times theirs. So attributions sum to T(x) - T(baseline),
whatever the graph is made of.

Adding a rule is one function with :func:`rule` beside it.
"""

from typing import Callable, Dict, Tuple

import numpy as np

from ..compat import original_gradient, same_op, tf
from ..runtime.activations import ACTIVATIONS
from ..runtime.clone import beside
from ..runtime.op_types import BILINEAR, is_continuous, is_linear, keeps_its_gradient
from ..runtime.overrides import original_grad

#: Op type -> (name of the treatment, rule).
RULES: Dict[str, Tuple[str, Callable]] = {}

#: Their rule is for the first input only, the others held.
OF_FIRST_INPUT = frozenset('Dilation2D FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel'.split())

#: What TensorFlow's own functions are off by, in roundings of their value.
FEW_ROUNDINGS = 4
#: Of larger changes, relative to the value, a quotient is good to five digits.
SMALL_CHANGE = 0.01


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
    return RULES.get(op_type, RULES['Elu'] if op_type in ACTIVATIONS else (None, None))


def _can_be_treated(name, step):
    """Whether no more varies than the rule is for: two inputs of real numbers; or the condition of a choice, too."""
    numbers = [i for i in step.varying if is_continuous(step.op.inputs[i])]
    if name == 'choice':
        return len(numbers) > 0
    if step.op.type in OF_FIRST_INPUT and list(step.varying) != [0]:
        return False
    real = all(step.op.inputs[i].dtype.is_floating for i in numbers) or name in ('product', 'quotient', 'norm')
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


def _ratio(a, b):
    """``a / b``, and 0 where one of them is: what did not change gets nothing, also where it is infinite."""
    none = tf.equal(a, tf.zeros_like(a)) | tf.equal(b, tf.zeros_like(b))
    return tf.where(none, tf.zeros_like(a), a / tf.where(none, tf.ones_like(b), b))


@rule('rescale', 'Abs Relu Relu6')
def rescale_pieces(op, op0, grad):
    """The slope between the baseline and x of a function whose pieces are rounded nowhere: no quotient is noise."""
    z, z0 = op.inputs[0], op0.inputs[0]
    return tf.where(tf.equal(z, z0), original_grad(op, grad), grad * (op.outputs[0] - op0.outputs[0]) / (z - z0))


@rule(
    'rescale',
    """Acos Acosh Asin Asinh Atan Atanh BesselI0 BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0 BesselK0e
    BesselK1 BesselK1e BesselY0 BesselY1 Ceil ClipByValue Cos Cosh Dawsn Digamma Elu Erf Erfc Erfinv Exp Expint Expm1
    FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Floor FresnelCos FresnelSin Inv
    LeakyRelu Lgamma Log Log1p Ndtri Reciprocal Rint Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Softsign Spence
    Sqrt Tan Tanh""",
)
@rule(
    'rescale',
    """Atan2 Betainc DivNoNan EluGrad FloorDiv FloorMod Igamma Igammac InvGrad LeakyReluGrad Maximum Minimum Mod
    NextAfter Polygamma Pow ReciprocalGrad Relu6Grad ReluGrad RsqrtGrad SeluGrad SigmoidGrad SoftplusGrad SoftsignGrad
    SqrtGrad TanhGrad TruncateDiv TruncateMod Xdivy Xlog1py Xlogy Zeta""",
)
def rescale(op, op0, grad):
    """The slope between the baseline and x, of an elementwise function; of one of two inputs, each gets its share.

    With one input that is ``(f(z) - f(z0)) / (z - z0)``. Two are players whose Shapley values share the difference:
    the first gets the mean of ``f(a, b) - f(a0, b)`` and ``f(a, b0) - f(a0, b0)``.
    """
    varying = _varying(op, op0)
    f, f0 = op.outputs[0], op0.outputs[0]
    # In the shape of the output, so that TensorFlow's gradient half way is one number a value.
    z, z0 = ([_as_wide_as(f, a) if i in varying else a for i, a in enumerate(o.inputs)] for o in (op, op0))
    half_way = same_op(op, *[0.5 * (a + b) if i in varying else a for i, (a, b) in enumerate(zip(z, z0))])
    derivatives = _derivatives(half_way, grad)
    gradients = [None] * len(z)
    for i in varying:
        change = f - f0
        if len(varying) == 2:
            only_this, only_other = (
                same_op(op, *[a if j == i else b for j, (a, b) in enumerate(zip(*both))]).outputs[0]
                for both in ((z, z0), (z0, z))
            )
            change = 0.5 * ((f - only_other) + (only_this - f0))
        slope = _slope(change, z[i], z0[i], f, f0, grad, derivatives[i])
        gradients[i] = _sum_to(slope, op.inputs[i])
    return gradients


def _as_wide_as(f, z):
    same = z.shape.is_fully_defined() and f.shape.is_fully_defined() and z.shape == f.shape
    return z if same or len(f.op.inputs) == 1 else z + tf.zeros_like(f)


def _derivatives(op, grad):
    """TensorFlow's gradient of an op; None for an input to which it has none."""
    has_gradient = original_gradient(op.type) is not None
    return _as_list(original_grad(op, grad)) if has_gradient else [None] * len(op.inputs)


def _slope(change, z, z0, f, f0, grad, derivative):
    """``grad * change / (z - z0)``; or the derivative half way, where f hardly changed and that explains it as well.

    There the quotient is noise, and half way is exact up to rounding; but where a kink lies between, it explains
    nothing.
    """
    derivative = tf.zeros_like(grad) if derivative is None else derivative
    # sqrt has no derivative at 0, and needs none where it stays there.
    derivative = tf.where(tf.math.is_finite(derivative), derivative, tf.zeros_like(derivative))
    delta_in, change, size = z - z0, grad * change, tf.abs(grad) * tf.maximum(tf.abs(f), tf.abs(f0))
    noise = FEW_ROUNDINGS * _rounding(f.dtype) * size
    near = (tf.abs(change) <= SMALL_CHANGE * size) & (tf.abs(derivative * delta_in - change) <= noise)
    return tf.where(near | tf.equal(z, z0), derivative, change / delta_in)


def _rounding(dtype):
    if dtype.base_dtype == tf.bfloat16:
        return 2.0**-7
    return float(np.finfo(dtype.as_numpy_dtype).eps)


@rule('product', ' '.join(BILINEAR))
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
    of_a = grad * tf.math.conj(0.5 / b + 0.5 / b0)
    of_b = -grad * tf.math.conj(0.5 * (a + a0) / b / b0)
    return [_sum_to(of_a, a), _sum_to(of_b, b)]


@rule('norm', 'ComplexAbs EuclideanNorm')
def norm(op, op0, grad):
    """``|z| - |z0| = (z - z0) (z + z0) / (|z| + |z0|)``, of real or complex numbers or of vectors."""
    z, z0 = op.inputs[0], op0.inputs[0]
    ratio = _ratio(grad, op.outputs[0] + op0.outputs[0])
    if op.type == 'EuclideanNorm':
        ratio = tf.reshape(ratio, tf.shape(tf.reduce_sum(z, op.inputs[1], keepdims=True)))
    return [tf.cast(ratio, z.dtype) * (z + z0)] + [None] * (len(op.inputs) - 1)


@rule(
    'largest',
    """Dilation2D Max MaxPool MaxPoolV2 MaxPoolWithArgmax Min SegmentMax SegmentMin UnsortedSegmentMax
    UnsortedSegmentMin""",
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


@rule('largest', 'MaxPool3D')
def largest_in_volumes(op, op0, grad):
    """The largest over depth of the largest over height and width.

    TensorFlow's gradient of MaxPool3D is not asked: of equal values it gives all to each, on some machines.
    """
    size, stride, padding = op.get_attr('ksize'), op.get_attr('strides'), op.get_attr('padding')
    shape, out = tf.shape(op.inputs[0]), tf.shape(op.outputs[0])
    planes, depths = [], []
    for z in (op.inputs[0], op0.inputs[0]):
        z = tf.reshape(z, tf.concat([shape[:1] * shape[1:2], shape[2:]], 0))
        plane = tf.nn.max_pool(z, [1, *size[2:]], [1, *stride[2:]], padding.decode())
        planes.append(plane.op)
        z = tf.reshape(plane, tf.stack([shape[0], shape[1], out[2] * out[3], out[4]]))
        depths.append(tf.nn.max_pool(z, [1, size[1], 1, 1], [1, stride[1], 1, 1], padding.decode()).op)
    of_depths = largest(*depths, tf.reshape(grad, tf.shape(depths[0].outputs[0])))[0]
    of_planes = largest(*planes, tf.reshape(of_depths, tf.shape(planes[0].outputs[0])))[0]
    return [tf.reshape(of_planes, shape)]


@rule('largest', 'TopKV2')
def top_k(op, op0, grad, *_):
    """The j-th largest value is the sum of the j largest, less that of j - 1; each sum is treated as a maximum.

    A sum that grew goes to the values that are in it now, in proportion to what each changed; one that fell, to those
    that were. These changed at least as much, so no share exceeds 1.
    """
    z, z0, indices = op.inputs[0], op0.inputs[0], op.outputs[1]
    size, k = tf.shape(z)[-1], tf.shape(indices)[-1]
    rows = tf.reshape(grad, [-1, k])
    weights = rows - tf.pad(rows[:, 1:], [[0, 0], [0, 1]])  # of the sums
    change = tf.cumsum(tf.reshape(op.outputs[0] - op0.outputs[0], [-1, k]), -1)
    total = tf.zeros_like(z)
    for now, counts in ((op, change >= 0), (op0, change < 0)):
        places = tf.reshape(now.outputs[1], [-1, k])
        moved = tf.cumsum(tf.gather(tf.reshape(z - z0, [-1, size]), places, batch_dims=1), -1)
        share = tf.where(tf.equal(moved, change), tf.ones_like(moved), tf.clip_by_value(_ratio(change, moved), 0, 1))
        of_sums = tf.where(counts, weights * share, tf.zeros_like(share))
        of_places = tf.reshape(tf.cumsum(of_sums, -1, reverse=True), tf.shape(grad))
        total += original_grad(now, of_places, tf.zeros_like(indices))[0]
    return [total] + [None] * (len(op.inputs) - 1)


@rule('choice', 'Select SelectV2')
def choice(op, op0, grad):
    """Where the condition is the same, the value that it takes gets all.

    Where it turned, what came out differs also because of the condition, which has no attribution: both values share
    the difference, in proportion to what each of them changed. It is lost where none of them did.
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

    The multiplier of ``z_j`` in the logarithm is ``L(exp z_j, exp z0_j) / L(s, s0)``, with the sums s and the
    logarithmic mean ``L(a, b) = (a - b) / (log a - log b)``.
    """
    z, z0 = op.inputs[0], op0.inputs[0]
    top, top0 = (tf.reduce_max(t, -1, keepdims=True) for t in (z, z0))
    shift = tf.maximum(top, top0)  # of everything, so that no large number is left, which would be rounded
    log_s, log_s0 = (
        m - shift + tf.log(tf.reduce_sum(tf.exp(t - m), -1, keepdims=True)) for t, m in ((z, top), (z0, top0))
    )
    largest_exp = tf.exp(tf.maximum(z, z0) - shift - tf.maximum(log_s, log_s0))
    weights = largest_exp * _mean_slope(z, z0) / _mean_slope(log_s, log_s0)
    return grad - weights * tf.reduce_sum(grad, -1, keepdims=True)


@rule('softmax', 'Softmax')
def softmax(op, op0, grad):
    """The exponential of the logarithm of a softmax, each of them rescaled."""
    log_p, log_p0 = (tf.nn.log_softmax(o.inputs[0]) for o in (op, op0))
    slope = tf.exp(tf.maximum(log_p, log_p0)) * _mean_slope(log_p, log_p0)
    return log_softmax(op, op0, grad * slope)


def _mean_slope(a, b):
    """``L(exp a, exp b) / exp(max(a, b))`` with the logarithmic mean L: between 0 and 1."""
    equal = tf.equal(a, b)  # also -inf, of what is masked
    d = tf.abs(tf.where(equal, tf.ones_like(a), a - b))
    return tf.where(equal, tf.ones_like(a), -tf.math.expm1(-d) / d)

"""Maxima and minima: what the largest value gained goes to the one that is it now, what it lost to the one that was."""

from typing import List

from ...compat import Operation, Tensor, tf
from ...runtime.overrides import original_grad
from .registry import as_list, ratio, rule


@rule(
    'largest',
    """Dilation2D Max MaxPool MaxPoolV2 MaxPoolWithArgmax Min SegmentMax SegmentMin UnsortedSegmentMax
    UnsortedSegmentMin""",
)
def largest(op: Operation, op0: Operation, grad: Tensor, *_: Tensor) -> List[Tensor]:
    """What the largest of many values gained goes to the one that is it now; what it lost, to the one that was.

    With ``m = max(y, y0)``, ``m - y0`` goes to the place of the maximum at x and ``y - m`` to that at the baseline.
    There the input changed at least as much, so no multiplier exceeds 1. Of the least value, likewise.
    """
    y, y0, z, z0 = op.outputs[0], op0.outputs[0], op.inputs[0], op0.inputs[0]
    further = tf.minimum(y, y0) if 'Min' in op.type else tf.maximum(y, y0)
    more = [tf.zeros_like(other) for other in op.outputs[1:]]
    gained = as_list(original_grad(op, grad * (further - y0), *more))[0]
    lost = as_list(original_grad(op0, grad * (y - further), *more))[0]
    return [ratio(gained + lost, z - z0)] + [None] * (len(op.inputs) - 1)


@rule('largest', 'MaxPool3D')
def largest_in_volumes(op: Operation, op0: Operation, grad: Tensor) -> List[Tensor]:
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
def top_k(op: Operation, op0: Operation, grad: Tensor, *_: Tensor) -> List[Tensor]:
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
        share = tf.where(tf.equal(moved, change), tf.ones_like(moved), tf.clip_by_value(ratio(change, moved), 0, 1))
        of_sums = tf.where(counts, weights * share, tf.zeros_like(share))
        of_places = tf.reshape(tf.cumsum(of_sums, -1, reverse=True), tf.shape(grad))
        total += original_grad(now, of_places, tf.zeros_like(indices))[0]
    return [total] + [None] * (len(op.inputs) - 1)

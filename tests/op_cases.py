"""Op types of the library's tables, each built with a small input: what the tests of these tables go through.

A case is a function of X that returns a tensor or several, and the shape of X.
"""

import numpy as np
import tensorflow.compat.v1 as tf

raw = tf.raw_ops


def exists(op_type):
    """Whether this TensorFlow has the op type: 1.15 has no ``Erfinv``."""
    return hasattr(raw, op_type)


def constant(*shape, seed=3, dtype=tf.float64):
    return tf.constant(np.random.RandomState(seed).uniform(0.5, 1.5, shape), dtype)


def _real_parts(tensor):
    return [tf.math.real(tensor), tf.math.imag(tensor)] if tensor.dtype.is_complex else [tensor]


def weighted(outputs):
    """A scalar that depends on all values of the outputs: each times a weight of its own."""
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    total = 0
    for i, tensor in enumerate(outputs):
        for part in _real_parts(tensor) if tensor.dtype.is_floating or tensor.dtype.is_complex else []:
            weights = np.random.RandomState(i).uniform(0.5, 2, part.shape.as_list())
            total = total + tf.reduce_sum(tf.cast(part, tf.float64) * weights)
    return total


def single(x):
    """X in single precision, for ops that know no other."""
    return tf.cast(x, tf.float32)


def _complex(x):
    """Complex numbers of X, whose last axis holds real and imaginary parts."""
    return tf.complex(x[..., 0], x[..., 1])


def _loop(x):
    """Two rounds of a loop of TensorFlow 1: Enter, Merge, Switch, NextIteration, Exit."""
    from tensorflow.python.ops import control_flow_ops

    context = control_flow_ops.WhileContext()
    shapes = [tf.TensorShape([]), x.shape]
    zero = tf.constant(0)
    return context.BuildLoop(lambda i, y: i < 2, lambda i, y: [i + 1, 2.0 * y + 1.0], [zero, x], shapes, True)[1]


def _array(x, last):
    """What an op reads of an array with the rows of x."""
    size = x.shape.as_list()[0]
    made = raw.TensorArrayV3(size=size, dtype=x.dtype, element_shape=x.shape[1:], clear_after_read=False)
    return last(made.handle, made.flow, np.arange(size, dtype=np.int32))


def _written(x):
    def write_and_read(handle, flow, indices):
        flow = raw.TensorArrayWriteV3(handle=handle, index=0, value=x[0], flow_in=flow)
        return raw.TensorArrayReadV3(handle=handle, index=0, flow_in=flow, dtype=x.dtype)

    return _array(x, write_and_read)


def _scattered(x):
    def scatter_and_gather(handle, flow, indices):
        flow = raw.TensorArrayScatterV3(handle=handle, indices=indices, value=x, flow_in=flow)
        return raw.TensorArrayGatherV3(handle=handle, indices=indices, flow_in=flow, dtype=x.dtype)

    return _array(x, scatter_and_gather)


def _split_and_concat(x):
    made = raw.TensorArrayV3(size=2, dtype=x.dtype)
    flow = raw.TensorArraySplitV3(handle=made.handle, value=x, lengths=np.array([1, 2], np.int64), flow_in=made.flow)
    value = raw.TensorArrayConcatV3(handle=made.handle, flow_in=flow, dtype=x.dtype).value
    value.set_shape(x.shape)
    return value


def _with(x, tensor):
    """An output whose static shape was lost."""
    tensor.set_shape(x.shape)
    return tensor


def _list_of(x):
    return raw.TensorListFromTensor(tensor=x, element_shape=np.array(x.shape.as_list()[1:], np.int32))


def _element(x):
    return np.array(x.shape.as_list()[1:], np.int32)


def _stack(x, handle, count):
    stacked = raw.TensorListStack(
        input_handle=handle, element_shape=_element(x), element_dtype=x.dtype, num_elements=count
    )
    stacked.set_shape([count] + x.shape.as_list()[1:])
    return stacked


def _list_get(x):
    return raw.TensorListGetItem(input_handle=_list_of(x), index=1, element_shape=_element(x), element_dtype=x.dtype)


def _list_set(x):
    reserved = raw.TensorListReserve(element_shape=_element(x), num_elements=2, element_dtype=x.dtype)
    for i in range(2):
        reserved = raw.TensorListSetItem(input_handle=reserved, index=i, item=x[i])
    return _stack(x, reserved, 2)


def _list_push_pop(x):
    pushed = raw.TensorListPushBack(input_handle=_list_of(x), tensor=2.0 * x[0])
    popped = raw.TensorListPopBack(input_handle=pushed, element_shape=_element(x), element_dtype=x.dtype)
    return [popped.tensor, _stack(x, popped.output_handle, 3)]


def _list_resized(x):
    return _stack(x, raw.TensorListResize(input_handle=_list_of(x), size=2), 2)


def _list_gathered(x):
    gathered = raw.TensorListGather(
        input_handle=_list_of(x), indices=np.array([2, 0], np.int32), element_shape=_element(x), element_dtype=x.dtype
    )
    gathered.set_shape([2] + x.shape.as_list()[1:])
    return gathered


def _list_concat(x):
    (value, _) = raw.TensorListConcat(input_handle=_list_of(x), element_dtype=x.dtype, element_shape=x.shape[1:])
    value.set_shape([12] + x.shape.as_list()[2:])
    return value


def _list_concat_v2(x):
    found = raw.TensorListConcatV2(
        input_handle=_list_of(x), element_shape=_element(x), leading_dims=np.zeros(0, np.int64), element_dtype=x.dtype
    )
    found.tensor.set_shape([12] + x.shape.as_list()[2:])
    return found.tensor


def _list_split(x):
    made = raw.TensorListSplit(
        tensor=x, element_shape=np.array([-1] + x.shape.as_list()[1:], np.int32), lengths=np.array([2, 1], np.int64)
    )
    item = raw.TensorListGetItem(
        input_handle=made, index=0, element_shape=np.array([2] + x.shape.as_list()[1:]), element_dtype=x.dtype
    )
    item.set_shape([2] + x.shape.as_list()[1:])
    return item


def _list_scatter(x):
    made = raw.TensorListScatter(tensor=x, indices=np.array([1, 0, 2], np.int32), element_shape=_element(x))
    return _stack(x, made, 3)


def _list_scatter_v2(x):
    made = raw.TensorListScatterV2(
        tensor=x, indices=np.array([1, 0, 2], np.int32), element_shape=_element(x), num_elements=3
    )
    return _stack(x, made, 3)


def _list_scatter_into(x):
    made = raw.TensorListScatterIntoExistingList(
        input_handle=_list_of(x), tensor=x[:2] * 3.0, indices=np.array([1, 0], np.int32)
    )
    return _stack(x, made, 3)


def _strided_update(x):
    return raw.TensorStridedSliceUpdate(input=x, begin=[0, 1], end=[2, 3], strides=[1, 1], value=2.0 * x[:2, :2])


def _sparse(x, function):
    """A function of the indices, values and shape of a sparse matrix [4, 3] whose values are those of X [3, 4]."""
    indices = np.array([[0, 0], [1, 2], [2, 1], [3, 2]], np.int64)
    return function(indices, x[0], np.array([4, 3], np.int64))


def _print_nothing(x):
    return raw.Print(input=x, data=[tf.constant(0)], first_n=0)


A = (3, 4)
IMAGES = (2, 4, 4, 2)
VOLUMES = (2, 4, 4, 4, 1)
SQUARE = (2, 3, 3)
IDS = np.array([0, 0, 1], np.int32)
FOUR = [1, 2, 2, 1]
FIVE = [1, 2, 2, 2, 1]

#: Op type -> (function of X, shape of X). What X does not reach is constant.
LINEAR = {
    'AccumulateNV2': (lambda x: raw.AccumulateNV2(inputs=[x, x, constant(*A)], shape=A), A),
    'Add': (lambda x: raw.Add(x=x, y=constant(4)), A),
    'AddN': (lambda x: raw.AddN(inputs=[x, 2.0 * x]), A),
    'AddV2': (lambda x: raw.AddV2(x=x, y=x[0]), A),
    'AvgPool': (lambda x: raw.AvgPool(value=x, ksize=FOUR, strides=[1] * 4, padding='SAME'), IMAGES),
    'AvgPool3D': (lambda x: raw.AvgPool3D(input=single(x), ksize=FIVE, strides=[1] * 5, padding='VALID'), VOLUMES),
    'AvgPool3DGrad': (
        lambda x: raw.AvgPool3DGrad(
            orig_input_shape=[2, 5, 5, 5, 1], grad=single(x), ksize=FIVE, strides=[1] * 5, padding='VALID'
        ),
        VOLUMES,
    ),
    'AvgPoolGrad': (
        lambda x: raw.AvgPoolGrad(orig_input_shape=[2, 5, 5, 2], grad=x, ksize=FOUR, strides=[1] * 4, padding='VALID'),
        IMAGES,
    ),
    'BatchToSpace': (lambda x: raw.BatchToSpace(input=x, crops=[[0, 1], [1, 0]], block_size=2), (4, 2, 2, 1)),
    'BatchToSpaceND': (lambda x: raw.BatchToSpaceND(input=x, block_shape=[2], crops=[[0, 1]]), (4, 2, 2)),
    'BiasAdd': (lambda x: raw.BiasAdd(value=x, bias=x[0, 0, 0]), IMAGES),
    'BiasAddGrad': (lambda x: raw.BiasAddGrad(out_backprop=x), IMAGES),
    'BiasAddV1': (lambda x: raw.BiasAddV1(value=x, bias=constant(4)), A),
    'BroadcastTo': (lambda x: raw.BroadcastTo(input=x, shape=[2, 3, 4]), A),
    'Cast': (lambda x: raw.Cast(x=x, DstT=tf.float32), A),
    'CheckNumerics': (lambda x: raw.CheckNumerics(tensor=x, message=''), A),
    'CheckNumericsV2': (lambda x: raw.CheckNumericsV2(tensor=x, message=''), A),
    'Complex': (lambda x: raw.Complex(real=x, imag=2.0 * x, Tout=tf.complex128), A),
    'Concat': (lambda x: raw.Concat(concat_dim=1, values=[x, constant(3, 1), x]), A),
    'ConcatV2': (lambda x: raw.ConcatV2(values=[x, x], axis=0), A),
    'Conj': (lambda x: raw.Conj(input=_complex(x)), (3, 2)),
    'ConjugateTranspose': (lambda x: raw.ConjugateTranspose(x=_complex(x), perm=[1, 0]), (3, 4, 2)),
    'Cumsum': (lambda x: raw.Cumsum(x=x, axis=1, reverse=True), A),
    'DebugIdentityV2': (lambda x: raw.DebugIdentityV2(input=x), A),
    'DepthToSpace': (lambda x: raw.DepthToSpace(input=x, block_size=2), (1, 2, 2, 4)),
    'Diag': (lambda x: raw.Diag(diagonal=x), (3,)),
    'DiagPart': (lambda x: raw.DiagPart(input=x), (3, 3)),
    'DynamicPartition': (
        lambda x: [
            tf.reduce_sum(part, axis=0) for part in raw.DynamicPartition(data=x, partitions=IDS, num_partitions=2)
        ],
        A,
    ),
    'DynamicStitch': (lambda x: raw.DynamicStitch(indices=[[1, 0], [2]], data=[x[:2], 2.0 * x[2:]]), A),
    'EnsureShape': (lambda x: raw.EnsureShape(input=x, shape=A), A),
    'Enter': (_loop, A),
    'Exit': (_loop, A),
    'ExpandDims': (lambda x: raw.ExpandDims(input=x, axis=1), A),
    'ExtractImagePatches': (
        lambda x: raw.ExtractImagePatches(images=x, ksizes=FOUR, strides=FOUR, rates=[1] * 4, padding='SAME'),
        IMAGES,
    ),
    'ExtractVolumePatches': (
        lambda x: raw.ExtractVolumePatches(input=x, ksizes=FIVE, strides=FIVE, padding='SAME'),
        VOLUMES,
    ),
    'FFT': (lambda x: raw.FFT(input=_complex(x)), (3, 2)),
    'FFT2D': (lambda x: raw.FFT2D(input=_complex(x)), (3, 4, 2)),
    'FFT3D': (lambda x: raw.FFT3D(input=_complex(x)), (2, 3, 4, 2)),
    'Fill': (lambda x: raw.Fill(dims=[2, 2], value=x[0, 0]), A),
    'Gather': (lambda x: raw.Gather(params=x, indices=[2, 0, 2]), A),
    'GatherNd': (lambda x: raw.GatherNd(params=x, indices=[[2, 1], [0, 0]]), A),
    'GatherV2': (lambda x: raw.GatherV2(params=x, indices=[3, 0, 3], axis=1), A),
    'IFFT': (lambda x: raw.IFFT(input=_complex(x)), (3, 2)),
    'IFFT2D': (lambda x: raw.IFFT2D(input=_complex(x)), (3, 4, 2)),
    'IFFT3D': (lambda x: raw.IFFT3D(input=_complex(x)), (2, 3, 4, 2)),
    'IRFFT': (lambda x: raw.IRFFT(input=tf.cast(_complex(x), tf.complex64), fft_length=[4]), (3, 2)),
    'IRFFT2D': (lambda x: raw.IRFFT2D(input=tf.cast(_complex(x), tf.complex64), fft_length=[4, 4]), (4, 3, 2)),
    'Identity': (lambda x: raw.Identity(input=x), A),
    'IdentityN': (lambda x: raw.IdentityN(input=[x, 2.0 * x]), A),
    'Imag': (lambda x: raw.Imag(input=_complex(x), Tout=tf.float64), (3, 2)),
    'MatrixBandPart': (lambda x: raw.MatrixBandPart(input=x, num_lower=np.int64(0), num_upper=np.int64(-1)), SQUARE),
    'MatrixDiag': (lambda x: raw.MatrixDiag(diagonal=x), A),
    'MatrixDiagPart': (lambda x: raw.MatrixDiagPart(input=x), SQUARE),
    'MatrixSetDiag': (lambda x: raw.MatrixSetDiag(input=x, diagonal=2.0 * x[:, 0]), SQUARE),
    'MatrixSetDiagV2': (lambda x: raw.MatrixSetDiagV2(input=x, diagonal=constant(2, 3), k=0), SQUARE),
    'MatrixSetDiagV3': (lambda x: raw.MatrixSetDiagV3(input=x, diagonal=2.0 * x[:, 0], k=0), SQUARE),
    'Mean': (lambda x: raw.Mean(input=x, axis=[1]), A),
    'Merge': (_loop, A),
    'MirrorPad': (lambda x: raw.MirrorPad(input=x, paddings=[[1, 0], [2, 1]], mode='REFLECT'), A),
    'MirrorPadGrad': (lambda x: raw.MirrorPadGrad(input=x, paddings=[[0, 1], [0, 1]], mode='SYMMETRIC'), A),
    'Neg': (lambda x: raw.Neg(x=x), A),
    'NextIteration': (_loop, A),
    'Pack': (lambda x: raw.Pack(values=[x, x, constant(*A)], axis=1), A),
    'Pad': (lambda x: raw.Pad(input=x, paddings=[[1, 0], [2, 1]]), A),
    'ParallelDynamicStitch': (lambda x: raw.ParallelDynamicStitch(indices=[[1, 0], [2]], data=[x[:2], x[2:]]), A),
    'PlaceholderWithDefault': (lambda x: raw.PlaceholderWithDefault(input=x, shape=A), A),
    'Print': (_print_nothing, A),
    'RFFT': (lambda x: raw.RFFT(input=single(x), fft_length=[4]), A),
    'RFFT2D': (lambda x: raw.RFFT2D(input=single(x), fft_length=[4, 4]), (4, 4)),
    'Real': (lambda x: raw.Real(input=_complex(x), Tout=tf.float64), (3, 2)),
    'Reshape': (lambda x: raw.Reshape(tensor=x, shape=[2, 6]), A),
    'ResizeBicubic': (lambda x: raw.ResizeBicubic(images=x, size=[6, 3]), IMAGES),
    'ResizeBilinear': (lambda x: raw.ResizeBilinear(images=x, size=[7, 3]), IMAGES),
    'ResizeNearestNeighbor': (lambda x: raw.ResizeNearestNeighbor(images=x, size=[7, 3]), IMAGES),
    'Reverse': (lambda x: raw.Reverse(tensor=x, dims=[True, False]), A),
    'ReverseSequence': (lambda x: raw.ReverseSequence(input=x, seq_lengths=[2, 4, 1], seq_dim=1), A),
    'ReverseV2': (lambda x: raw.ReverseV2(tensor=x, axis=[1]), A),
    'Roll': (lambda x: raw.Roll(input=x, shift=[1], axis=[1]), A),
    'ScatterNd': (lambda x: raw.ScatterNd(indices=[[1], [0], [1]], updates=x, shape=[3, 4]), A),
    'ScatterNdNonAliasingAdd': (
        lambda x: raw.ScatterNdNonAliasingAdd(input=x, indices=[[1], [1]], updates=2.0 * x[:2]),
        A,
    ),
    'SegmentMean': (lambda x: _with(x[:2], raw.SegmentMean(data=x, segment_ids=IDS)), A),
    'SegmentSum': (lambda x: _with(x[:2], raw.SegmentSum(data=x, segment_ids=IDS)), A),
    'Slice': (lambda x: raw.Slice(input=x, begin=[0, 1], size=[2, 2]), A),
    'SpaceToBatch': (lambda x: raw.SpaceToBatch(input=x, paddings=[[0, 0], [0, 0]], block_size=2), IMAGES),
    'SpaceToBatchND': (lambda x: raw.SpaceToBatchND(input=x, block_shape=[2], paddings=[[1, 1]]), IMAGES),
    'SpaceToDepth': (lambda x: raw.SpaceToDepth(input=x, block_size=2), IMAGES),
    'SparseReduceSum': (
        lambda x: _with(
            x[0],
            _sparse(
                x,
                lambda i, v, s: raw.SparseReduceSum(
                    input_indices=i, input_values=v, input_shape=s, reduction_axes=np.array([1], np.int32)
                ),
            ),
        ),
        A,
    ),
    'SparseSegmentMean': (
        lambda x: _with(x[:2], raw.SparseSegmentMean(data=x, indices=[2, 0, 1], segment_ids=IDS)),
        A,
    ),
    'SparseSegmentMeanWithNumSegments': (
        lambda x: raw.SparseSegmentMeanWithNumSegments(data=x, indices=[2, 0, 1], segment_ids=IDS, num_segments=3),
        A,
    ),
    'SparseSegmentSqrtN': (
        lambda x: _with(x[:2], raw.SparseSegmentSqrtN(data=x, indices=[2, 0, 1], segment_ids=IDS)),
        A,
    ),
    'SparseSegmentSqrtNWithNumSegments': (
        lambda x: raw.SparseSegmentSqrtNWithNumSegments(data=x, indices=[2, 0, 1], segment_ids=IDS, num_segments=3),
        A,
    ),
    'SparseSegmentSum': (
        lambda x: _with(x[:2], raw.SparseSegmentSum(data=x, indices=[2, 0, 1], segment_ids=IDS)),
        A,
    ),
    'SparseSegmentSumWithNumSegments': (
        lambda x: raw.SparseSegmentSumWithNumSegments(data=x, indices=[2, 0, 1], segment_ids=IDS, num_segments=3),
        A,
    ),
    'SparseTensorDenseAdd': (
        lambda x: _sparse(
            x, lambda i, v, s: raw.SparseTensorDenseAdd(a_indices=i, a_values=v, a_shape=s, b=tf.transpose(x))
        ),
        A,
    ),
    'SparseToDense': (
        lambda x: _sparse(
            x,
            lambda i, v, s: raw.SparseToDense(sparse_indices=i, output_shape=s, sparse_values=v, default_value=x[1, 1]),
        ),
        A,
    ),
    'Split': (lambda x: raw.Split(axis=1, value=x, num_split=2), A),
    'SplitV': (lambda x: raw.SplitV(value=x, size_splits=[1, 3], axis=1, num_split=2), A),
    'Squeeze': (lambda x: raw.Squeeze(input=x, axis=[1]), (3, 1, 2)),
    'StridedSlice': (lambda x: raw.StridedSlice(input=x, begin=[2, 0], end=[0, 4], strides=[-1, 2]), A),
    'StridedSliceGrad': (
        lambda x: raw.StridedSliceGrad(shape=[4, 8], begin=[0, 0], end=[3, 8], strides=[1, 2], dy=x),
        A,
    ),
    'Sub': (lambda x: raw.Sub(x=x, y=2.0 * x[0]), A),
    'Sum': (lambda x: raw.Sum(input=x, axis=[0], keep_dims=True), A),
    'Switch': (_loop, A),
    'TensorArrayConcatV3': (_split_and_concat, A),
    'TensorArrayGatherV3': (_scattered, A),
    'TensorArrayReadV3': (_written, A),
    'TensorArrayScatterV3': (_scattered, A),
    'TensorArraySplitV3': (_split_and_concat, A),
    'TensorArrayWriteV3': (_written, A),
    'TensorListConcat': (_list_concat, (3, 4, 2)),
    'TensorListConcatV2': (_list_concat_v2, (3, 4, 2)),
    'TensorListFromTensor': (_list_get, A),
    'TensorListGather': (_list_gathered, A),
    'TensorListGetItem': (_list_get, A),
    'TensorListPopBack': (_list_push_pop, A),
    'TensorListPushBack': (_list_push_pop, A),
    'TensorListResize': (_list_resized, A),
    'TensorListScatter': (_list_scatter, A),
    'TensorListScatterIntoExistingList': (_list_scatter_into, A),
    'TensorListScatterV2': (_list_scatter_v2, A),
    'TensorListSetItem': (_list_set, A),
    'TensorListSplit': (_list_split, A),
    'TensorListStack': (_list_set, A),
    'TensorScatterAdd': (lambda x: raw.TensorScatterAdd(tensor=x, indices=[[1], [1]], updates=2.0 * x[:2]), A),
    'TensorScatterSub': (lambda x: raw.TensorScatterSub(tensor=x, indices=[[1], [1]], updates=2.0 * x[:2]), A),
    'TensorScatterUpdate': (lambda x: raw.TensorScatterUpdate(tensor=x, indices=[[1], [0]], updates=x[1:]), A),
    'TensorStridedSliceUpdate': (_strided_update, A),
    'Tile': (lambda x: raw.Tile(input=x, multiples=[2, 1]), A),
    'Transpose': (lambda x: raw.Transpose(x=x, perm=[1, 0]), A),
    'Unpack': (lambda x: raw.Unpack(value=x, num=4, axis=1), A),
    'UnsortedSegmentSum': (lambda x: raw.UnsortedSegmentSum(data=x, segment_ids=[1, 0, 1], num_segments=2), A),
}


def half(*shape):
    return constant(*shape, seed=4)


def well(*shape):
    """Matrices that can be inverted."""
    return tf.constant(np.random.RandomState(5).uniform(-1, 1, shape) + 4 * np.eye(shape[-1]), tf.float64)


#: Linear in one input; the others are constant.
LINEAR_IN_ONE = {
    'BandedTriangularSolve': (lambda x: raw.BandedTriangularSolve(matrix=constant(2, 3), rhs=x), (3, 2)),
    'CropAndResize': (
        lambda x: raw.CropAndResize(
            image=single(x), boxes=[[0.1, 0.2, 0.8, 0.9]], box_ind=[1], crop_size=[3, 2], extrapolation_value=1
        ),
        IMAGES,
    ),
    'Div': (lambda x: raw.Div(x=x, y=constant(4)), A),
    'DivNoNan': (lambda x: raw.DivNoNan(x=x, y=constant(4)), A),
    'MatrixDiagPartV2': (lambda x: raw.MatrixDiagPartV2(input=x, k=0, padding_value=half()), SQUARE),
    'MatrixDiagPartV3': (lambda x: raw.MatrixDiagPartV3(input=x, k=[0, 1], padding_value=half()), SQUARE),
    'MatrixDiagV2': (
        lambda x: raw.MatrixDiagV2(diagonal=x, k=0, num_rows=-1, num_cols=-1, padding_value=half()),
        A,
    ),
    'MatrixDiagV3': (lambda x: raw.MatrixDiagV3(diagonal=x, k=1, num_rows=5, num_cols=5, padding_value=half()), A),
    'MatrixSolve': (lambda x: raw.MatrixSolve(matrix=well(2, 3, 3), rhs=x), (2, 3, 2)),
    'MatrixSolveLs': (
        lambda x: raw.MatrixSolveLs(matrix=well(2, 3, 3), rhs=x, l2_regularizer=np.float64(0)),
        (2, 3, 2),
    ),
    'MatrixTriangularSolve': (lambda x: raw.MatrixTriangularSolve(matrix=well(2, 3, 3), rhs=x), (2, 3, 2)),
    'PadV2': (lambda x: raw.PadV2(input=x, paddings=[[1, 0], [2, 1]], constant_values=half()), A),
    'RealDiv': (lambda x: raw.RealDiv(x=x, y=constant(3, 1)), A),
    'ScaleAndTranslate': (
        lambda x: raw.ScaleAndTranslate(
            images=single(x), size=[3, 5], scale=[0.8, 1.1], translation=[0.2, -0.1], kernel_type='triangle'
        ),
        IMAGES,
    ),
    'Select': (lambda x: raw.Select(condition=[True, False, True], x=x, y=2.0 * x), A),
    'SelectV2': (lambda x: raw.SelectV2(condition=[[True], [False], [True]], t=x, e=2.0 * x[0]), A),
    'SparseDenseCwiseDiv': (
        lambda x: _sparse(
            x,
            lambda i, v, s: raw.SparseDenseCwiseDiv(sp_indices=i, sp_values=v, sp_shape=s, dense=constant(1, 3)),
        ),
        A,
    ),
    'TridiagonalSolve': (lambda x: raw.TridiagonalSolve(diagonals=well(3, 3), rhs=x), (3, 2)),
    'Xdivy': (lambda x: raw.Xdivy(x=x, y=constant(4)), A),
    'FusedBatchNorm': (
        lambda x: (
            raw.FusedBatchNorm(
                x=single(x), scale=[1.0, 2.0], offset=[0.5, 1], mean=[0.3, 0], variance=[2.0, 1], is_training=False
            ).y
        ),
        IMAGES,
    ),
    'FusedBatchNormV2': (
        lambda x: (
            raw.FusedBatchNormV2(
                x=single(x), scale=[1.0, 2.0], offset=[0.5, 1], mean=[0.3, 0], variance=[2.0, 1], is_training=False
            ).y
        ),
        IMAGES,
    ),
    'FusedBatchNormV3': (
        lambda x: (
            raw.FusedBatchNormV3(
                x=single(x), scale=[1.0, 2.0], offset=[0.5, 1], mean=[0.3, 0], variance=[2.0, 1], is_training=False
            ).y
        ),
        IMAGES,
    ),
}


def _filter(x, *shape):
    """Some of the values of X, in this shape."""
    return tf.reshape(tf.reshape(x, [-1])[: int(np.prod(shape))], shape)


def _conv3d_filter(x, y):
    return raw.Conv3DBackpropFilterV2(
        input=single(x),
        filter_sizes=[2, 2, 2, 1, 1],
        out_backprop=single(y[:, 1:, 1:, 1:]),
        strides=[1] * 5,
        padding='VALID',
    )


#: Linear in each of two inputs: functions of X and Y, and the shape of X, which is Y's.
BILINEAR = {
    'BatchMatMul': (lambda x, y: raw.BatchMatMul(x=x, y=y, adj_y=True), (2, 3, 4)),
    'BatchMatMulV2': (lambda x, y: raw.BatchMatMulV2(x=x, y=tf.transpose(y[0])), (2, 3, 4)),
    'BatchMatMulV3': (lambda x, y: raw.BatchMatMulV3(x=x, y=y, Tout=tf.float64, adj_x=True), (2, 3, 4)),
    'Conv2D': (
        lambda x, y: raw.Conv2D(input=x, filter=_filter(y, 3, 2, 2, 2), strides=[1, 2, 1, 1], padding='SAME'),
        IMAGES,
    ),
    'Conv2DBackpropFilter': (
        lambda x, y: raw.Conv2DBackpropFilter(
            input=x, filter_sizes=[2, 2, 2, 2], out_backprop=y[:, 1:, 1:], strides=[1] * 4, padding='VALID'
        ),
        IMAGES,
    ),
    'Conv2DBackpropInput': (
        lambda x, y: raw.Conv2DBackpropInput(
            input_sizes=[2, 8, 8, 1],
            filter=_filter(y, 3, 3, 1, 2),
            out_backprop=x,
            strides=[1, 2, 2, 1],
            padding='SAME',
        ),
        IMAGES,
    ),
    'Conv3D': (
        lambda x, y: raw.Conv3D(
            input=single(x), filter=_filter(single(y), 2, 2, 2, 1, 2), strides=[1] * 5, padding='VALID'
        ),
        VOLUMES,
    ),
    'Conv3DBackpropFilterV2': (_conv3d_filter, VOLUMES),
    'Conv3DBackpropInputV2': (
        lambda x, y: raw.Conv3DBackpropInputV2(
            input_sizes=[2, 8, 8, 8, 1],
            filter=_filter(single(y), 2, 2, 2, 1, 1),
            out_backprop=single(x),
            strides=[1, 2, 2, 2, 1],
            padding='SAME',
        ),
        VOLUMES,
    ),
    'Cross': (lambda x, y: raw.Cross(a=x, b=y), (4, 3)),
    'DepthwiseConv2dNative': (
        lambda x, y: raw.DepthwiseConv2dNative(
            input=x, filter=_filter(y, 2, 2, 2, 3), strides=[1] * 4, padding='VALID'
        ),
        IMAGES,
    ),
    'DepthwiseConv2dNativeBackpropFilter': (
        lambda x, y: raw.DepthwiseConv2dNativeBackpropFilter(
            input=x, filter_sizes=[2, 2, 2, 1], out_backprop=y[:, 1:, 1:], strides=[1] * 4, padding='VALID'
        ),
        IMAGES,
    ),
    'DepthwiseConv2dNativeBackpropInput': (
        lambda x, y: raw.DepthwiseConv2dNativeBackpropInput(
            input_sizes=[2, 5, 5, 2], filter=_filter(y, 2, 2, 2, 1), out_backprop=x, strides=[1] * 4, padding='VALID'
        ),
        IMAGES,
    ),
    'Einsum': (lambda x, y: raw.Einsum(inputs=[x, y], equation='bij,bkj->kbi'), (2, 3, 4)),
    'MatMul': (lambda x, y: raw.MatMul(a=x, b=y, transpose_b=True), A),
    'Mul': (lambda x, y: raw.Mul(x=x, y=y[:1]), A),
    'MulNoNan': (lambda x, y: raw.MulNoNan(x=x, y=y[:, :1]), A),
    'SparseDenseCwiseMul': (
        lambda x, y: _sparse(
            x, lambda i, v, s: raw.SparseDenseCwiseMul(sp_indices=i, sp_values=v, sp_shape=s, dense=y[:1, :3])
        ),
        A,
    ),
    'SparseMatMul': (lambda x, y: raw.SparseMatMul(a=single(x), b=single(y), transpose_b=True), A),
    'SparseTensorDenseMatMul': (
        lambda x, y: _sparse(x, lambda i, v, s: raw.SparseTensorDenseMatMul(a_indices=i, a_values=v, a_shape=s, b=y)),
        A,
    ),
    'TridiagonalMatMul': (
        lambda x, y: raw.TridiagonalMatMul(
            superdiag=constant(1, 3), maindiag=x[:1], subdiag=constant(1, 3), rhs=tf.transpose(y[:, :3])
        ),
        (3, 3),
    ),
}

#: What takes the largest or least of many: op type -> (function of X, shape of X).
MAXIMA = {
    'Dilation2D': (
        lambda x: raw.Dilation2D(input=x, filter=constant(2, 2, 2), strides=[1] * 4, rates=[1] * 4, padding='SAME'),
        (2, 5, 5, 2),
    ),
    'Max': (lambda x: raw.Max(input=x, axis=[0, 2], keep_dims=True), (3, 4, 5)),
    'MaxPool': (lambda x: raw.MaxPool(input=x, ksize=[1, 3, 2, 1], strides=[1] * 4, padding='SAME'), (2, 5, 5, 2)),
    'MaxPool3D': (
        lambda x: raw.MaxPool3D(input=single(x), ksize=[1, 2, 2, 2, 1], strides=[1] * 5, padding='VALID'),
        (1, 4, 4, 4, 2),
    ),
    'MaxPoolV2': (lambda x: raw.MaxPoolV2(input=x, ksize=[1, 3, 2, 1], strides=[1] * 4, padding='SAME'), (2, 5, 5, 2)),
    'MaxPoolWithArgmax': (
        lambda x: raw.MaxPoolWithArgmax(input=x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding='VALID').output,
        (1, 6, 4, 2),
    ),
    'Min': (lambda x: raw.Min(input=x, axis=[-1]), (3, 4, 5)),
    'SegmentMax': (lambda x: _with(x[:4], raw.SegmentMax(data=x, segment_ids=[0, 0, 1, 3, 3])), (5, 3)),
    'SegmentMin': (lambda x: _with(x[:2], raw.SegmentMin(data=x, segment_ids=[0, 0, 1, 1, 1])), (5, 3)),
    'TopKV2': (lambda x: raw.TopKV2(input=x, k=3).values, (2, 3, 6)),
    'UnsortedSegmentMax': (lambda x: raw.UnsortedSegmentMax(data=x, segment_ids=[1, 0, 1, 0], num_segments=2), (4, 3)),
    'UnsortedSegmentMin': (lambda x: raw.UnsortedSegmentMin(data=x, segment_ids=[1, 0, 1, 0], num_segments=2), (4, 3)),
}

#: Op types of the table of linear ones that no graph which is explained can be built of, each with its reason.
NOT_BUILT = {
    'BatchNormWithGlobalNormalization': 'only in graphs of before version 9',
    'PreventGradient': 'its gradient is an error by design',
    'RefEnter': 'of reference variables, which no placeholder reaches',
    'RefExit': 'of reference variables, which no placeholder reaches',
    'RefIdentity': 'of reference variables, which no placeholder reaches',
    'RefMerge': 'of reference variables, which no placeholder reaches',
    'RefNextIteration': 'of reference variables, which no placeholder reaches',
    'RefSwitch': 'of reference variables, which no placeholder reaches',
    'ResourceGather': 'of a variable, which does not vary',
    'ResourceGatherNd': 'of a variable, which does not vary',
    'TensorArrayGradV3': 'part of gradients',
    'TensorArrayV3': 'makes an empty array',
    'TensorListReserve': 'makes an empty list',
}

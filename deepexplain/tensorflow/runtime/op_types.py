"""Which op types are linear, and in which of their inputs: tables. What they do not know is not taken to be linear."""

from typing import FrozenSet, Sequence

import numpy as np

from ..compat import Operation, Tensor, tf
from .building import consumers
from .overrides import custom_gradient


def _names(text: str) -> FrozenSet[str]:
    return frozenset(text.split())


#: Linear in all inputs of real numbers together (what else they read are shapes, axes and indices), or affine.
LINEAR = _names(
    """AccumulateNV2 Add AddN AddV2 AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BatchToSpace BatchToSpaceND BiasAdd
    BiasAddGrad BiasAddV1 BroadcastTo Cast CheckNumerics CheckNumericsV2 Complex Concat ConcatV2 Conj
    ConjugateTranspose Cumsum DebugIdentityV2 DepthToSpace Diag DiagPart DynamicPartition DynamicStitch EnsureShape
    Enter Exit ExpandDims ExtractImagePatches ExtractVolumePatches FFT FFT2D FFT3D Fill Gather GatherNd GatherV2 IFFT
    IFFT2D IFFT3D IRFFT IRFFT2D Identity IdentityN Imag MatrixBandPart MatrixDiag MatrixDiagPart MatrixSetDiag
    MatrixSetDiagV2 MatrixSetDiagV3 Mean Merge MirrorPad MirrorPadGrad Neg NextIteration Pack Pad
    ParallelDynamicStitch PlaceholderWithDefault PreventGradient Print RFFT RFFT2D Real RefEnter RefExit RefIdentity
    RefMerge RefNextIteration RefSwitch Reshape ResizeBicubic ResizeBilinear ResizeNearestNeighbor ResourceGather
    ResourceGatherNd Reverse ReverseSequence ReverseV2 Roll ScatterNd ScatterNdNonAliasingAdd SegmentMean SegmentSum
    Slice SpaceToBatch SpaceToBatchND SpaceToDepth SparseReduceSum SparseSegmentMean SparseSegmentMeanWithNumSegments
    SparseSegmentSqrtN SparseSegmentSqrtNWithNumSegments SparseSegmentSum SparseSegmentSumWithNumSegments
    SparseTensorDenseAdd SparseToDense Split SplitV Squeeze StridedSlice StridedSliceGrad Sub Sum Switch
    TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayGradV3 TensorArrayReadV3 TensorArrayScatterV3
    TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 TensorListConcat TensorListConcatV2 TensorListFromTensor
    TensorListGather TensorListGetItem TensorListPopBack TensorListPushBack TensorListReserve TensorListResize
    TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit
    TensorListStack TensorScatterAdd TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile Transpose
    Unpack UnsortedSegmentSum"""
)

#: Linear in each input while the others do not vary.
BILINEAR = _names(
    """BatchMatMul BatchMatMulV2 BatchMatMulV3 Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D
    Conv3DBackpropFilterV2 Conv3DBackpropInputV2 Cross DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter
    DepthwiseConv2dNativeBackpropInput Einsum MatMul Mul MulNoNan SparseDenseCwiseMul SparseMatMul
    SparseTensorDenseMatMul TridiagonalMatMul"""
)

#: Linear in their first input while the others do not vary. Of paddings and the like, TensorFlow has no gradient.
LINEAR_IN_FIRST = _names(
    """BatchNormWithGlobalNormalization CropAndResize Div DivNoNan
    MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 PadV2 RealDiv ScaleAndTranslate Xdivy"""
)

#: ... in their second: the right side of a system of equations.
LINEAR_IN_SECOND = _names(
    'BandedTriangularSolve MatrixSolve MatrixSolveLs MatrixTriangularSolve SparseDenseCwiseDiv TridiagonalSolve'
)

#: Linear in what they choose from while the condition does not vary.
CHOICES = _names('Select SelectV2')

#: Functions of the values in one place, of one input or two; and those of more whose others are constant.
ELEMENTWISE = _names(
    """Abs Acos Acosh Asin Asinh Atan Atan2 Atanh BesselI0 BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0
    BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Betainc Ceil ClipByValue Cos Cosh Dawsn Digamma DivNoNan Elu EluGrad
    Erf Erfc Erfinv Exp Expint Expm1 FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel
    Floor FloorDiv FloorMod FresnelCos FresnelSin Igamma Igammac Inv InvGrad LeakyRelu LeakyReluGrad Lgamma Log Log1p
    Maximum Minimum Mod Ndtri NextAfter Polygamma Pow Reciprocal ReciprocalGrad Relu Relu6 Relu6Grad ReluGrad Rint Round
    Rsqrt RsqrtGrad Selu SeluGrad Sigmoid SigmoidGrad Sign Sin Sinh Softplus SoftplusGrad Softsign SoftsignGrad Spence
    Sqrt SqrtGrad Tan Tanh TanhGrad TruncateDiv TruncateMod Xdivy Xlog1py Xlogy Zeta"""
)

#: Linear in their first input, with the statistics of training (not those of the batch).
NORMALIZATION = _names('FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3')

#: f(a x) = a f(x) for a > 0: their inputs times their gradient add up to their output.
HOMOGENEOUS = _names(
    """Abs ComplexAbs EuclideanNorm LeakyRelu Max MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Maximum Min Minimum Relu
    SegmentMax SegmentMin TopKV2 UnsortedSegmentMax UnsortedSegmentMin"""
)

#: Ops on tensor arrays -> the attribute that says what these hold.
_TYPE_OF_ARRAYS = dict.fromkeys(_names('TensorArrayScatterV3 TensorArraySplitV3 TensorArrayWriteV3'), 'T')
_TYPE_OF_ARRAYS.update(dict.fromkeys(_names('TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3'), 'dtype'))

#: Flat between jumps, so that they pass no gradient.
STEPS = _names('Ceil Floor Rint Round Sign')

#: With jumps, which their gradient knows nothing of: that of what would be without rounding, or 0.
JUMPING = _names(
    """FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel FloorDiv FloorMod Mod NextAfter
    QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 TruncateDiv
    TruncateMod"""
)

#: Op type -> inputs that their output depends on continuously, but for which TensorFlow has no gradient.
WITHOUT_GRADIENT = {'Betainc': (0, 1), 'Polygamma': (0,), 'Zeta': (0,)}


def is_linear(op: Operation, varying: Sequence[int]) -> bool:
    """Whether an op is a linear (or affine) function of its inputs at the indices ``varying``, the others held."""
    if not all(is_continuous(op.inputs[i]) for i in varying) or is_discrete(op):
        return False
    if op.type in BILINEAR:
        return len(varying) == 1
    if op.type in LINEAR_IN_FIRST:
        return list(varying) == [0]
    if op.type in LINEAR_IN_SECOND:
        return list(varying) == [1]
    if op.type in NORMALIZATION:
        return list(varying) == [0] and not op.get_attr('is_training')
    if op.type == 'DynamicStitch' and _repeats(op):
        return False
    return op.type in LINEAR or (op.type in CHOICES and 0 not in varying)


def _repeats(op: Operation) -> bool:
    """Whether a DynamicStitch writes twice to one place: to what it overwrites, TensorFlow gives a gradient, too."""
    indices = [tf.get_static_value(z) for z in op.inputs if z.dtype.is_integer]
    places = [i for array in indices if array is not None for i in array.flat]
    return len(set(places)) < len(places)


def is_homogeneous(op: Operation, varying: Sequence[int]) -> bool:
    """Whether ``f(a x) = a f(x)`` for every a > 0, so that inputs times their gradient add up to the output."""
    if op.type in ('Maximum', 'Minimum'):
        constants = [tf.get_static_value(tensor) for i, tensor in enumerate(op.inputs) if i not in varying]
        return all(value is not None and not value.any() for value in constants)
    return op.type in HOMOGENEOUS


def is_continuous(tensor: Tensor) -> bool:
    """Whether a tensor holds real or complex numbers, or other tensors that may."""
    if tensor.dtype.name == 'variant':
        return not any(_holds_no_numbers(op) for op in [tensor.op, *consumers(tensor)])
    if tensor.dtype.is_floating and tensor.op.type.startswith('TensorArray'):
        return not _holds_no_numbers(tensor.op)  # what says in which order an array is written
    return tensor.dtype.is_floating or tensor.dtype.is_complex or tensor.dtype.name == 'resource'


def _holds_no_numbers(op: Operation) -> bool:
    """Whether an op is on a list or an array of conditions or integers."""
    name = 'element_dtype' if op.type.startswith('TensorList') else _TYPE_OF_ARRAYS.get(op.type)
    try:
        dtype = tf.as_dtype(op.get_attr(name)) if name else tf.float32
    except ValueError:  # of a list, its length and shape
        return False
    return dtype.is_bool or dtype.is_integer


def is_discrete(op: Operation) -> bool:
    """Whether an op computes conditions, indices and the like, which have no differences to share."""
    return not any(is_continuous(z) for z in op.outputs)


def carries(op: Operation, carrying: Sequence[int]) -> bool:
    """Whether anything can be attributed through an op to its inputs at the indices ``carrying``, which carry.

    Not through an indicator: a number made of a condition, or a step between few values.
    """
    if op.type == 'Sign' or (op.type in STEPS and is_within_one(op.inputs[0].op)):
        return False
    return not is_discrete(op) and any(is_continuous(op.inputs[i]) for i in carrying)


def is_within_one(op: Operation) -> bool:
    """Whether the values of an op are known to be between 0 and 1, or other numbers as near to each other."""
    if op.type in ('Minimum', 'Maximum'):
        other = {'Minimum': 'Maximum', 'Maximum': 'Minimum'}[op.type]
        bounds = [[tf.get_static_value(z) for z in one.inputs] for one in [op, *[z.op for z in op.inputs]]]
        of_other = [b for one, b in zip([z.op for z in op.inputs], bounds[1:]) if one.type == other]
        ends = [[b for b in both if b is not None] for both in (bounds[0], of_other[0] if of_other else [])]
        return bool(ends[0] and ends[1]) and np.abs(ends[0][0] - ends[1][0]).max() <= 1
    return op.type in ('Sigmoid', 'Softmax')


def keeps_its_gradient(op: Operation) -> bool:
    """Whether the gradient of a linear op is that of its type: none that the user chose, and not cut off."""
    return op.type != 'StopGradient' and custom_gradient(op) is None

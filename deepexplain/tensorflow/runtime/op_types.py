"""Which op types are linear, and in which of their inputs: tables. What they do not know is not taken to be linear."""

from ..compat import tf
from .overrides import custom_gradient


def _names(text):
    return frozenset(text.split())


#: Linear in all inputs of real numbers together (what else they read are shapes, axes and indices), or affine.
LINEAR = _names(
    """Add AddN AddV2 AccumulateNV2 AvgPool AvgPool3D BatchToSpace BatchToSpaceND BiasAdd BiasAddV1 Bitcast BroadcastTo
    Cast CheckNumerics Complex Concat ConcatV2 Conj ConjugateTranspose CropAndResize Cumsum DebugIdentityV2 DepthToSpace Diag
    DiagPart DynamicPartition DynamicStitch EnsureShape Enter Exit ExpandDims ExtractImagePatches ExtractVolumePatches FFT FFT2D
    FFT3D Fill Gather GatherNd GatherV2 IFFT IFFT2D IFFT3D IRFFT IRFFT2D IRFFT3D Identity IdentityN Imag MatrixBandPart
    MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2
    MatrixSetDiagV3 Mean Merge MirrorPad Neg NextIteration Pack Pad PadV2 ParallelDynamicStitch PlaceholderWithDefault
    PreventGradient Print RFFT RFFT2D RFFT3D Real RefEnter RefExit RefIdentity RefMerge RefNextIteration RefSwitch Reshape
    ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor ResourceGather ResourceGatherNd Reverse ReverseSequence
    ReverseV2 Roll ScaleAndTranslate ScatterNd ScatterNdNonAliasingAdd SegmentMean SegmentSum Slice Snapshot SpaceToBatch
    SpaceToBatchND SpaceToDepth SparseSegmentMean SparseSegmentMeanWithNumSegments SparseSegmentSqrtN
    SparseSegmentSqrtNWithNumSegments SparseSegmentSum SparseSegmentSumWithNumSegments Split SplitV Squeeze StridedSlice
    StridedSliceGrad Sub Sum Switch TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayGradV3 TensorArrayReadV3
    TensorArrayScatterV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 TensorListConcat TensorListConcatV2
    TensorListFromTensor TensorListGather TensorListGetItem TensorListPopBack TensorListPushBack TensorListReserve
    TensorListResize TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
    TensorListSplit TensorListStack TensorScatterAdd TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile
    Transpose Unpack UnsortedSegmentSum"""
)

#: Linear in each of these inputs (None: in any) while the others do not vary.
LINEAR_IN_ONE = dict(
    dict.fromkeys(
        _names(
            """BatchMatMul BatchMatMulV2 BatchMatMulV3 Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInput\n            Conv3DBackpropInputV2 Cross DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput Einsum MatMul Mul\n            MulNoNan SparseMatMul SparseTensorDenseMatMul"""
        )
    ),
    Div=(0,),
    DivNoNan=(0,),
    MatrixSolve=(1,),
    MatrixTriangularSolve=(1,),
    RealDiv=(0,),
    Select=(1, 2),
    SelectV2=(1, 2),
    Xdivy=(0,),
)

#: Linear in their first input, with the statistics of training (not those of the batch).
NORMALIZATION = _names('FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3')

#: f(a x) = a f(x) for a > 0: their inputs times their gradient add up to their output.
HOMOGENEOUS = _names(
    """Abs LeakyRelu Max MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Maximum Min Minimum Relu SegmentMax SegmentMin
    TopK TopKV2 UnsortedSegmentMax UnsortedSegmentMin"""
)

#: Flat between jumps, so that they pass no gradient.
STEPS = _names('Ceil Floor Rint Round Sign')


def is_linear(op, varying):
    """Whether an op is a linear (or affine) function of its inputs at the indices ``varying``, the others held."""
    if not all(is_continuous(op.inputs[i]) for i in varying) or is_discrete(op):
        return False
    if op.type in LINEAR_IN_ONE:
        allowed = LINEAR_IN_ONE[op.type]
        few = len(varying) == 1 or op.type in ('Select', 'SelectV2')
        return few and (allowed is None or set(varying) <= set(allowed))
    if op.type in NORMALIZATION:
        return list(varying) == [0] and not op.get_attr('is_training')
    return op.type in LINEAR


def is_homogeneous(op, varying):
    """Whether ``f(a x) = a f(x)`` for every a > 0, so that inputs times their gradient add up to the output."""
    if op.type in ('Maximum', 'Minimum'):
        constants = [tf.get_static_value(tensor) for i, tensor in enumerate(op.inputs) if i not in varying]
        return all(value is not None and not value.any() for value in constants)
    return op.type in HOMOGENEOUS


def is_continuous(tensor):
    """Whether a tensor holds real or complex numbers, or other tensors that may."""
    return tensor.dtype.is_floating or tensor.dtype.is_complex or tensor.dtype.name in ('variant', 'resource')


def is_discrete(op):
    """Whether an op computes conditions, indices and the like, which have no differences to share."""
    return not any(is_continuous(z) for z in op.outputs)


def keeps_its_gradient(op):
    """Whether the gradient of a linear op is that of its type: none that the user chose, and not cut off."""
    return op.type != 'StopGradient' and custom_gradient(op) is None

"""Ops by what they do to the axis of the samples: names only; what they mean is where they are registered."""

from typing import FrozenSet

from ..op_types import ELEMENTWISE


def _names(text: str) -> FrozenSet[str]:
    return frozenset(text.split())


#: Each value of the output is made of those in the same place, broadcast.
BY_PLACE = ELEMENTWISE | _names(
    """Add AddN AddV2 AccumulateNV2 ApproximateEqual BitwiseAnd BitwiseOr BitwiseXor Bucketize Cast CheckNumerics
    CheckNumericsV2 Complex ComplexAbs Angle Conj Copy DebugIdentityV2 Div EnsureShape Equal FusedBatchNormGradV3
    Greater GreaterEqual Identity Imag Invert IsFinite IsInf IsNan Less LessEqual Log LogicalAnd LogicalNot LogicalOr
    Mul MulNoNan Neg NotEqual OnesLike PlaceholderWithDefault PreventGradient Real RealDiv Round SelectV2 Snapshot
    Square SquaredDifference StopGradient Sub ZerosLike Exit RefExit"""
) - _names('FusedBatchNormGradV3')

#: Images and volumes: the samples come first, and stay there; all that is read besides is the same for all of them.
OF_IMAGES = _names(
    """AvgPool AvgPool3D Conv1D Conv2D Conv3D DepthToSpace DepthwiseConv2dNative Dilation2D ExtractImagePatches
    ExtractVolumePatches LRN MaxPool MaxPool3D MaxPoolV2 ResizeArea ResizeBicubic ResizeBilinear
    ResizeNearestNeighbor SpaceToDepth"""
)

#: The same, but that the images are the third input.
OF_IMAGES_BACKWARD = _names('Conv2DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput')

#: Reductions over the axes in their second input, and what they do to samples along one of them.
REDUCTIONS = {
    'All': 'asks whether all samples are true',
    'Any': 'asks whether any sample is true',
    'EuclideanNorm': 'takes the norm over the samples',
    'Max': 'takes the largest of the samples',
    'Mean': 'takes the mean over the samples',
    'Min': 'takes the least of the samples',
    'Prod': 'multiplies the samples',
    'Sum': 'adds up the samples',
}

#: Along the axis in their second input, which they remove; and along which they keep it.
ARG = {'ArgMax': 'finds the largest among the samples', 'ArgMin': 'finds the least among the samples'}
ALONG = {
    'CumulativeLogsumexp': 'sums up sample after sample',
    'Cumprod': 'multiplies sample after sample',
    'Cumsum': 'sums up sample after sample',
    'Reverse': 'reverses the samples',
    'ReverseV2': 'reverses the samples',
}

#: Along the last axis (or two), which they keep.
LAST_AXES = {
    'FFT': 1,
    'IFFT': 1,
    'LogSoftmax': 1,
    'Softmax': 1,
    'TopKV2': 1,
    'Cholesky': 2,
    'FFT2D': 2,
    'IFFT2D': 2,
    'MatrixBandPart': 2,
    'MatrixInverse': 2,
}

#: Ops that read lengths besides, for the shape of what they give.
TAKE_LENGTHS = OF_IMAGES_BACKWARD | _names('BroadcastTo Reshape Slice StridedSlice Tile')

#: Lengths in, a tensor of this shape out: filled with one number, or with numbers that differ from run to run.
OF_SHAPE = _names(
    """Empty Fill ParameterizedTruncatedNormal RandomStandardNormal RandomUniform RandomUniformInt TruncatedNormal"""
)

#: How long a list of tensors is; and how one is filled at once.
OF_LISTS = _names('TensorArraySizeV3 TensorListLength')
FILLED_LISTS = _names('TensorArrayScatterV3 TensorListFromTensor')

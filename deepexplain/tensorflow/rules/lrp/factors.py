"""What a factor of a product is: a gate, a spread that something is divided by, weights of attention, or a signal."""

from typing import Dict, Optional, Sequence

from ...compat import Operation, Tensor
from ...runtime.graph import Step
from ...runtime.op_types import is_within_one
from .layers import QUOTIENTS

#: What a factor may be wrapped in.
_WRAPPED = frozenset(
    """BroadcastTo Cast EnsureShape ExpandDims GatherV2 Identity Pack Reshape Slice Split SplitV Squeeze StopGradient
    StridedSlice Tile Transpose Unpack""".split()
)
_AFFINE = frozenset('Add AddV2 BiasAdd Div Mul RealDiv Sub'.split())


class Factors:
    """The factors among the tensors that these steps read."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps: Dict[Operation, Step] = {step.op: step for step in steps}

    def kind(self, z: Tensor, depth: int = 12) -> str:
        """'gate', 'spread', 'attention' or 'signal'."""
        step = self._steps.get(z.op)
        if step is None or depth == 0:
            return 'signal'
        op, varying = step.op, step.numbers
        if op.type in ('Inv', 'Reciprocal', 'Rsqrt'):
            return 'spread'
        if op.type == 'Softmax':
            return 'attention'
        if op.type in ('Relu6', 'Sigmoid') or is_within_one(op):
            return 'gate'
        if len(varying) == 1 and (op.type in _WRAPPED or op.type in _AFFINE):
            if op.type in QUOTIENTS and varying == [1]:
                return 'spread'
            return self.kind(op.inputs[varying[0]], depth - 1)
        return 'signal'

    def spread(self, step: Step) -> Optional[int]:
        """The index of the input of a product or quotient of two that is a spread, None where there is none."""
        op, varying = step.op, step.numbers
        if varying != [0, 1] or not op.inputs[0].dtype.is_floating:
            return None
        if op.type in QUOTIENTS:
            return 1
        kinds = [self.kind(z) for z in op.inputs] if op.type == 'Mul' else []
        return kinds.index('spread') if kinds.count('spread') == 1 else None

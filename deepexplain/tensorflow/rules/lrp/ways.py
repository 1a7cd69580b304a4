"""The way from what a layer reads back to where that was computed, through ops that only move, shift and scale it."""

from typing import Any, Callable, List, Optional, Tuple

from ...compat import Operation, Tensor, same_op, tf
from ...runtime.graph import Step
from .layers import QUOTIENTS

#: What only moves values, and fills places with zeros.
FILLS = frozenset('Pad PadV2 SpaceToBatch SpaceToBatchND'.split())
MOVES = FILLS.union('EnsureShape ExpandDims Identity Reshape Squeeze StopGradient Transpose'.split())
AFFINE = frozenset('Add AddV2 BiasAdd Div Mul RealDiv Sub'.split())

StepOf = Callable[[Operation], Optional[Step]]


class Way:
    """Ops between a tensor and its source, each with the index of the input that comes from there.

    Attributes
    ----------
    source : tf.Tensor
        Where the way begins: an input of the network, or what another op computes.
    is_moved : bool
        Whether the ops are all of MOVES.
    """

    def __init__(self, a: Tensor, step_of: StepOf) -> None:
        self._end, self.source = a, a
        self._ops: List[Tuple[Operation, int]] = []  # from the end back
        while True:
            step = step_of(self.source.op)
            numbers = [] if step is None else step.numbers
            if len(numbers) != 1 or not is_on_a_way(self.source.op, numbers[0]):
                break
            self._ops.append((self.source.op, numbers[0]))
            self.source = self.source.op.inputs[numbers[0]]
        self.is_moved = all(op.type in MOVES for op, _ in self._ops)

    def ones(self) -> Tensor:
        """1 for each value at the end, and 0 where it is padding."""
        ops = []
        for op, i in self._ops:
            if op.type not in MOVES:
                break
            ops.append((op, i))
        while ops and ops[-1][0].type not in FILLS:  # nothing depends on what moves values only
            ops.pop()
        begin = ops[-1][0].inputs[ops[-1][1]] if ops else self._end
        return _moved(ops, tf.ones_like(begin))

    def of(self, value: Any) -> Tensor:
        """What is at the end where ``value``, a number or an array of a sample's shape, is at the source."""
        return _moved(self._ops, tf.zeros_like(self.source) + tf.cast(value, self.source.dtype))


def is_on_a_way(op: Operation, i: int) -> bool:
    """Whether an op of which only input i varies moves, shifts or scales it."""
    return (op.type in MOVES and i == 0) or (op.type in AFFINE and not (op.type in QUOTIENTS and i == 1))


def _moved(ops: List[Tuple[Operation, int]], value: Tensor) -> Tensor:
    for op, i in reversed(ops):
        inputs = list(op.inputs)
        inputs[i] = value
        if op.type == 'PadV2':
            inputs[2] = tf.zeros_like(inputs[2])
        value = value if op.type == 'StopGradient' else same_op(op, *inputs).outputs[0]
    return value

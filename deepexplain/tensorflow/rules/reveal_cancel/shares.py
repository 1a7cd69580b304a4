"""What the inputs of layers contribute to the inputs of activations, without signs; and the way back."""

from typing import Any, Callable, Collection, Dict, FrozenSet, List, Optional, Sequence, Set

from ...compat import Operation, Tensor, same_op, text_attr, tf
from ...runtime.bodies import in_order
from ...runtime.clone import beside
from ...runtime.graph import Step
from ...runtime.op_types import is_linear
from ...runtime.overrides import PASSES, original_grad
from ..complete.registry import as_list, sum_to
from ..lrp.layers import CONVOLUTIONS, DENSE, NORMALIZATIONS, POOLS, QUOTIENTS, SUMS, Layers

#: Linear, and each value of what they compute is one that they read, or 0.
MOVES = frozenset(
    """BatchToSpace BatchToSpaceND BroadcastTo Cast ConcatV2 DepthToSpace ExpandDims IdentityN MirrorPad Pack Pad PadV2
    Reshape ResizeNearestNeighbor Reverse ReverseV2 Roll Slice SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV
    Squeeze StridedSlice Tile Transpose Unpack""".split()
)
#: Those that change no value but its sign, or add what does not vary.
PASSING = frozenset('AddN AddV2 Add BiasAdd CheckNumerics EnsureShape Identity Neg StopGradient Sub'.split())
SCALES = QUOTIENTS | {'Mul'}
#: What there is a rule for where it is part of a layer, or lies between a layer and an activation. (Weights of
#: bicubic interpolation have signs, which cannot be told.)
LINEAR_OPS = DENSE.union(CONVOLUTIONS, MOVES, NORMALIZATIONS, PASSING, POOLS, SCALES, SUMS) - {'ResizeBicubic'}


class Shares:
    """The shares that make up the inputs of activations.

    Parameters
    ----------
    steps : list of Step
    source : function of an op in hand
        The step that it is, or is a copy of.
    kinds : collection of str
        Those of layers whose positive and negative shares are told apart.
    is_activation : function of a Step

    Attributes
    ----------
    together : dict
        Activation behind a layer, or op of such a layer -> one op for all which tell each other more than a gradient.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        source: Callable[[Operation], Optional[Step]],
        kinds: Collection[str],
        is_activation: Callable[[Step], bool],
    ) -> None:
        self._source = source
        self._steps = {step.op: step for step in steps}
        # Op whose shares are known -> the ops that read what has these shares: of layers, and on the way from them.
        self._behind: Dict[Operation, FrozenSet[Operation]] = {}
        self._layers: Set[Operation] = set()
        self._read(kinds)
        self.together = self._grouped(is_activation)
        # What ops of layers have been told: graph and name of one in hand -> index of its input -> multipliers.
        self._told: Dict[Any, Dict[int, Tensor]] = {}

    def _read(self, kinds: Collection[str]) -> None:
        """Find out behind which ops there are layers."""
        layers = Layers(list(self._steps.values()), lambda step: None, True).of
        only_layers: Dict[Operation, bool] = {}
        for op in in_order({op: list(op.inputs) for op in self._steps}):
            step, layer = self._steps[op], layers.get(op)
            before = [op.inputs[i].op for i in step.numbers]
            known = bool(before) and all(only_layers.get(other, False) for other in before)
            if layer is not None and layer.roles[op] == 'weights':
                if layer.kind == 'pool' and known and op.type in LINEAR_OPS:
                    pass  # it takes the mean of shares
                elif layer.kind in kinds and _can_be_layer(step):
                    self._layers.add(op)
                else:
                    continue
            elif not _lets_through(step):
                continue
            only_layers[op] = known or op in self._layers
            of_inputs = [self._behind.get(other, frozenset()) for other in before]
            self._behind[op] = frozenset([op]) if op in self._layers else frozenset().union(*of_inputs)
            if self._behind[op] and not all(of_inputs):
                self._behind[op] |= {op}

    def _grouped(self, is_activation: Callable[[Step], bool]) -> Dict[Operation, Operation]:
        groups: Dict[Operation, Set[Operation]] = {}
        for op, step in self._steps.items():
            behind = self._behind.get(op.inputs[step.varying[0]].op) if is_activation(step) else None
            if behind:
                group = {op, *behind}.union(*(groups.get(other, ()) for other in behind))
                groups.update((other, group) for other in group)
        return {op: min(group & self._layers, key=lambda layer: layer.name) for op, group in groups.items()}

    def spread(self, op: Operation, i: int) -> Tensor:
        """The sum of all shares of an input of an op, without their signs."""
        spreads: Dict[Operation, List[Tensor]] = {}

        def read(reader: Operation, j: int) -> Tensor:
            z = self._of_layers(reader, j)
            return tf.abs(_difference(reader, j)) if z is None else spreads[z.op][z.value_index]

        for one in self._way(op, i):
            values = {j: read(one, j) for j in self._data(one)}
            if _adds(one):
                spreads[one] = [tf.add_n([z + tf.zeros_like(one.outputs[0]) for z in values.values()])]
            else:
                spreads[one] = list(_absolute(one, values).outputs)
        return read(op, i)

    def tell(self, op: Operation, i: int, multiplier: Tensor) -> None:
        """Let the layers behind an input of an op know of a multiplier of its spread."""
        came: Dict[Operation, Dict[int, Tensor]] = {}

        def give(reader: Operation, j: int, more: Tensor) -> None:
            z = self._of_layers(reader, j)
            if z is None:
                more = more * tf.sign(_difference(reader, j))
            to, k = (
                (self._told.setdefault(_key(reader), {}), j)
                if z is None
                else (came.setdefault(z.op, {}), z.value_index)
            )
            to[k] = to[k] + more if k in to else more

        give(op, i, multiplier)
        for one in reversed(self._way(op, i)):
            data, of_outputs = self._data(one), came[one]
            if _adds(one):
                multipliers = {j: sum_to(of_outputs[0], one.inputs[j]) for j in data}
            else:
                all_outputs = [of_outputs.get(k, tf.zeros_like(z)) for k, z in enumerate(one.outputs)]
                absolute = _absolute(one, {j: one.inputs[j] for j in data})
                multipliers = dict(enumerate(as_list(original_grad(absolute, *all_outputs))))
            for j in data:
                give(one, j, multipliers[j])

    def _way(self, op: Operation, i: int) -> List[Operation]:
        """What an input of an op is computed by, from layers on, in order."""
        way: List[Operation] = []
        seen: Set[Operation] = set()
        z = self._of_layers(op, i)
        waiting = [] if z is None else [(z.op, False)]
        while waiting:
            one, has_all = waiting.pop()
            if has_all:
                way.append(one)
            elif one not in seen:
                seen.add(one)
                before = [self._of_layers(one, j) for j in self._data(one)]
                waiting += [(one, True)] + [(other.op, False) for other in before if other is not None]
        return way

    def _data(self, op: Operation) -> List[int]:
        step: Any = self._source(op)
        found: List[int] = step.numbers
        return found

    def _of_layers(self, op: Operation, i: int) -> Optional[Tensor]:
        """What an op reads, if the shares of layers make it up; None if it is a share itself."""
        z, reader = op.inputs[i], self._source(op)
        if text_attr(z.op, PASSES):  # a choice of ours between a quotient and what stands for it
            z = z.op.inputs[1]
        step = self._source(z.op)
        if step is None or reader is None or reader.op in self._layers:
            return None
        if step.op is not reader.op.inputs[i].op:  # it comes from outside of a body
            return None
        return z if self._behind.get(step.op) else None

    def added(self, op: Operation, gradients: List[Any]) -> List[Any]:
        """The gradients of the inputs of an op of a layer, with what it has been told."""
        for i, more in self._told.pop(_key(op), {}).items():
            gradients[i] = more if gradients[i] is None else gradients[i] + more
        return gradients


def _can_be_layer(step: Step) -> bool:
    """Whether the shares of what an op reads are known."""
    if step.op.type == 'BiasAdd' and len(step.varying) > 1:
        return False
    return step.op.type in LINEAR_OPS and all(step.op.inputs[i].dtype.is_floating for i in step.numbers)


def _lets_through(step: Step) -> bool:
    """Whether the shares of what an op computes are those of what it reads, each times a number."""
    op = step.op
    if op.type in CONVOLUTIONS or op.type in DENSE or op.type in POOLS or not step.numbers:
        return False
    is_known = op.type in PASSING or op.type in MOVES or op.type in SCALES or op.type in NORMALIZATIONS
    return is_known and (op.type == 'StopGradient' or is_linear(op, step.varying))


def _adds(op: Operation) -> bool:
    return op.type in PASSING or op.type in SUMS


def _absolute(op: Operation, values: Dict[int, Tensor]) -> Operation:
    """The op of other values: with its weights without their signs, and with nothing that it adds."""
    inputs = list(op.inputs)
    for i, z in enumerate(inputs):
        if i in values:
            inputs[i] = values[i]
        elif op.type in NORMALIZATIONS:
            inputs[i] = tf.zeros_like(z) if i in (2, 3) else tf.abs(z)
        elif z.dtype.is_floating:
            inputs[i] = tf.zeros_like(z) if op.type in MOVES else tf.abs(z)
    return same_op(op, *inputs)


def _difference(op: Operation, i: int) -> Tensor:
    """What an input of an op differs by from the baseline."""
    at_baseline = beside(op)
    z = op.inputs[i]
    return tf.zeros_like(z) if at_baseline is None else z - at_baseline.inputs[i]


def _key(op: Operation) -> Any:
    return id(op.graph), op.name

"""Layers as people mean them, read out of raw ops.

A layer begins with an op that multiplies by weights (a convolution, a matrix product), or that divides by a spread (a
normalization of the sample). To it belong the ops behind it that are affine, each read by one op only: the bias, batch
normalization in whatever ops it was written, and what changes only the shape before these. Products with weights that
are added up before any of them has a bias are one layer (the gates of an LSTM). So attributions do not depend on the
ops in which a network was written down. Sums and poolings are layers, too, of weights that are fixed; and products of
two that vary, if a rule is chosen for them, of each of both with the other for its weights.
"""

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set

from ...compat import Operation, Tensor, tf
from ...runtime.bodies import in_order
from ...runtime.graph import Step
from .channels import as_channels, axis_of_channels, axis_of_weights, keeps_channels

CONVOLUTIONS = {
    'Conv2D': (0, 1),
    'Conv3D': (0, 1),
    'DepthwiseConv2dNative': (0, 1),
    'Conv2DBackpropInput': (2, 1),
    'Conv3DBackpropInputV2': (2, 1),
}
DENSE = frozenset('BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum MatMul SparseMatMul'.split())
#: Of two that vary. The first are products value by value: each value of the result is one share.
BY_VALUE = frozenset(['Mul', 'MulNoNan'])
PRODUCTS = BY_VALUE.union(CONVOLUTIONS, DENSE)
SUMS = frozenset('AccumulateNV2 Add AddN AddV2 BiasAdd Sub'.split())
POOLS = frozenset(
    """AvgPool AvgPool3D Cumsum Mean ResizeBicubic ResizeBilinear SegmentMean SegmentSum Sum
    UnsortedSegmentSum""".split()
)
QUOTIENTS = frozenset('Div RealDiv'.split())
NORMALIZATIONS = frozenset('FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3'.split())
SHAPES = frozenset('BatchToSpaceND ExpandDims Identity Reshape Squeeze Transpose'.split())


class Layer(NamedTuple):
    """A layer, by ops of the graph or of a function body.

    Attributes
    ----------
    kind : str
        'convolution', 'dense', 'norm', 'sum', 'pool' or 'product'.
    parts : list of Step
        The ops that multiply by weights.
    roles : dict
        Op of the layer -> what it does in it: 'weights', 'shape', 'sum', 'affine', 'nothing'.
    end : tf.Operation
        The last op; its output is what the layer computes.
    axis : int
        1 where the channels of what it computes are its second axis, else -1.
    is_first : bool
        Whether it multiplies by weights what nothing before it did.
    """

    kind: str
    parts: List[Step]
    roles: Dict[Operation, str]
    end: Operation
    axis: int = -1
    is_first: bool = False

    @property
    def ops(self) -> List[Operation]:
        """All of its ops, in order."""
        return list(self.roles)

    @property
    def name(self) -> str:
        """The name of the op with which it begins."""
        return str(self.parts[0].op.name)


class _Growing:
    """A layer that may get more ops: ``pending`` are those that belong to it if one of its own follows."""

    def __init__(self, kind: str, parts: List[Step], roles: Dict[Operation, str], axis: int = -1) -> None:
        self.kind, self.parts, self.roles, self.axis = kind, parts, roles, axis
        self.pending: Dict[Operation, str] = {}
        self.end = list(roles)[-1]
        self.has_bias_by_place = False  # which nothing that scales or moves it can be told of any more

    def add(self, op: Operation, role: str) -> None:
        self.roles.update(self.pending)
        self.pending = {}
        self.roles[op] = role
        self.end = op


class Layers:
    """The layers of a network.

    Parameters
    ----------
    steps : list of Step
        All that computes T from X; ops of function bodies among them.
    spreads : function of a Step
        The index of the input of a product or quotient which is a spread (or is divided by), None where there is none.
    canonize : bool
        Whether normalizations with the statistics of training belong to the layer before them.

    Attributes
    ----------
    of : dict
        Op -> its Layer.
    all : list of Layer
    """

    def __init__(self, steps: Sequence[Step], spreads: Any, canonize: bool) -> None:
        self._steps = {step.op: step for step in steps}
        self._canonize = canonize
        self._readers = _readers(self._steps)
        self._open: Dict[str, _Growing] = {}  # key of a tensor -> the layer that computes it
        grown: List[_Growing] = []
        for op in in_order({op: list(op.inputs) for op in self._steps}):
            step = self._steps[op]
            start = self._started(step, spreads)
            if start is not None:
                grown.append(start)
                if start.kind != 'product':
                    self._go_on(start, op)
            else:
                self._grow(step, grown)
        found = [Layer(g.kind, g.parts, g.roles, g.end, g.axis) for g in grown]
        first = _first(found, self._steps)
        self.all = [layer._replace(is_first=id(layer) in first) for layer in found]
        self.of = {op: layer for layer in self.all for op in layer.roles}

    def _started(self, step: Step, spreads: Any) -> Optional[_Growing]:
        op, varying = step.op, step.numbers
        if len(varying) == 2 and op.type in PRODUCTS and spreads(step) is None:
            kind, fits = 'product', True
        elif op.type in CONVOLUTIONS:
            kind, fits = 'convolution', varying == [CONVOLUTIONS[op.type][0]]
        elif op.type in DENSE:
            kind, fits = 'dense', len(varying) == 1 and len(op.inputs) == 2
        elif spreads(step) is not None or (op.type in NORMALIZATIONS and op.get_attr('is_training')):
            kind, fits = 'norm', op.type not in NORMALIZATIONS or varying == [0]
        else:
            return None
        return _Growing(kind, [step], {op: 'weights'}, axis_of_channels(op)) if fits else None

    def _go_on(self, layer: _Growing, op: Operation) -> None:
        """The layer may go on behind an op, if one other op reads it."""
        z = op.outputs[0]
        if len(self._readers.get(_key(z), [])) == 1 and not _is_returned(z):
            self._open[_key(z)] = layer

    def _grow(self, step: Step, grown: List[_Growing]) -> None:
        op = step.op
        layers = [self._open.get(_key(op.inputs[i])) for i in step.varying]
        if len(step.varying) == 1 and layers[0] is not None and self._takes(layers[0], step):
            self._go_on(layers[0], op)
            return
        numbers = step.numbers
        if op.type in SUMS and len(numbers) > 1:
            if op.type not in ('BiasAdd', 'Sub') and self._is_one_layer(layers, step):
                merged = self._merged([one for one in layers if one is not None], op)
                for one in {id(one): one for one in layers if one is not None}.values():
                    grown.remove(one)
                grown.append(merged)
                self._go_on(merged, op)
            else:
                grown.append(_Growing('sum', [step], {op: 'weights'}))
        elif op.type in POOLS and numbers == [0]:
            grown.append(_Growing('pool', [step], {op: 'weights'}))

    def _is_one_layer(self, layers: Sequence[Optional[_Growing]], step: Step) -> bool:
        shapes = {str(step.op.inputs[i].shape) for i in step.varying}
        return (
            all(one is not None and one.kind != 'norm' and 'affine' not in one.roles.values() for one in layers)
            and len({one.axis for one in layers if one is not None}) == 1
            and len({id(one) for one in layers}) == len(layers)
            and len(shapes) == 1
        )

    @staticmethod
    def _merged(layers: List[_Growing], op: Operation) -> _Growing:
        roles: Dict[Operation, str] = {}
        for one in layers:
            roles.update(one.roles)
            roles.update(one.pending)
        kinds = {one.kind for one in layers}
        kind = 'dense' if 'dense' in kinds else 'convolution'
        return _Growing(kind, [part for one in layers for part in one.parts], {**roles, op: 'sum'}, layers[0].axis)

    def _takes(self, layer: _Growing, step: Step) -> bool:
        """Let the layer have an op that reads it, if it is such a one."""
        op, i = step.op, step.varying[0]
        z, out = op.inputs[i], op.outputs[0]
        is_norm = layer.kind == 'norm'  # one weight and one term for each value, of whatever shape they are
        if op.type in SHAPES and i == 0:
            if is_norm and op.type != 'Identity' and 'affine' in layer.roles.values():
                return False
            if layer.has_bias_by_place:
                return False
            if op.type != 'Identity' and not is_norm and not keeps_channels(op, layer.axis):
                return False
            layer.pending[op] = 'shape'
            return True
        if op.type in NORMALIZATIONS:
            if (
                not self._canonize
                or layer.has_bias_by_place
                or i != 0
                or op.get_attr('is_training')
                or (not is_norm and axis_of_channels(op) != layer.axis)
            ):
                return False
            layer.add(op, 'affine')
            return True
        is_sum = op.type in ('Add', 'AddV2', 'BiasAdd', 'Sub')
        is_factor = op.type == 'Mul' or (op.type in QUOTIENTS and i == 0)
        if not (is_sum or is_factor) or not _same_shape(z, out):
            return False
        if op.type == 'BiasAdd' and i != 0:
            return False
        if not self._canonize and not is_norm and (is_factor or op.type == 'Sub'):
            return False
        other = op.inputs[1 - i]
        if is_sum and _is_zero(other) and (op.type != 'Sub' or i == 0):
            layer.pending[op] = 'nothing'  # a sum of many begins with 0
            return True
        along = is_norm or as_channels(op, other, layer.axis)
        if is_factor and (not along or layer.has_bias_by_place):
            return False
        if is_factor and not is_norm and any(axis_of_weights(p.op, p.varying[0]) is None for p in layer.parts):
            return False
        layer.add(op, 'affine')
        layer.has_bias_by_place = layer.has_bias_by_place or not along
        return True


def _readers(steps: Dict[Operation, Step]) -> Dict[str, List[Operation]]:
    readers: Dict[str, List[Operation]] = {}
    for op, step in steps.items():
        for i in step.varying:
            readers.setdefault(_key(op.inputs[i]), []).append(op)
    return readers


def _first(layers: Iterable[Layer], steps: Dict[Operation, Step]) -> Set[int]:
    """Layers of weights that nothing of weights comes before; of bodies, where nothing is known of that, their own."""
    weighted = {part.op for layer in layers if layer.kind in ('convolution', 'dense') for part in layer.parts}
    behind: Dict[str, bool] = {}
    for op in in_order({op: list(op.inputs) for op in steps}):
        before = any(behind.get(_key(op.inputs[i]), False) for i in steps[op].varying)
        for z in op.outputs:
            behind[_key(z)] = before or op in weighted
    return {
        id(layer)
        for layer in layers
        if layer.kind in ('convolution', 'dense')
        and not any(behind.get(_key(part.op.inputs[i]), False) for part in layer.parts for i in part.varying)
    }


def _same_shape(a: Tensor, b: Tensor) -> bool:
    """Whether nothing is known to be broadcast on the way from one to the other."""
    if a.shape.ndims is None or b.shape.ndims is None:
        return True
    pairs = zip(a.shape.as_list(), b.shape.as_list())
    return a.shape.ndims == b.shape.ndims and all(m == n for m, n in pairs)


def _key(z: Tensor) -> str:
    return f'{id(z.graph)} {z.name}'


def _is_zero(z: Tensor) -> bool:
    value = tf.get_static_value(z)
    return value is not None and not value.any()


def _is_returned(z: Tensor) -> bool:
    """Whether a function body returns a tensor, which its caller may read."""
    return any(z is end for end in getattr(z.graph, 'outputs', []))

"""What an op computes of a box: one small function for each kind of op, in a table by its type.

A rule gets the op and ``shapes``, the shape of one sample by the name of each tensor that depends on X, and returns a
:class:`Local` for each output; or None, where the op needs all of its input, or is one that nobody wrote a rule for.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ....types import Shape
from ...compat import Operation, Tensor, copied_op, tf
from .boxes import Along

#: Op type -> its rule.
RULES: Dict[str, Callable[..., Any]] = {}

#: What raises here is an op in a form that its rule does not foresee: then it has none.
UNFORESEEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class Read(NamedTuple):
    """A tensor that is read in part: each axis of the output in terms of its axes, and what stands around it.

    ``dims`` are the shape of one sample, of constants.
    """

    tensor: Any
    alongs: Tuple[Along, ...]
    fill: float = 0.0
    dims: Optional[Shape] = None


class Local(NamedTuple):
    """How a box of an output is computed.

    Attributes
    ----------
    shape : tuple of int
        Of one sample of the output.
    reads : list of Read
        Tensors of the samples; and constants that differ from place to place, whose first axis is 1.
    make : function of a list of tensors and an object that knows the box
        The op on what is read, one array a read: the box of the output.
    multiplications : float
        That it takes to compute the output of one sample.
    """

    shape: Shape
    reads: List[Read]
    make: Callable[[List[Tensor], Any], Tensor]
    multiplications: float = 0.0

    @property
    def multiples(self) -> Shape:
        """What boxes of the output begin at multiples of, along each axis."""
        return tuple(max([1, *[read.alongs[axis].up for read in self.reads]]) for axis in range(len(self.shape)))


def rule(*types: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: the rule of these op types."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        RULES.update(dict.fromkeys(types, function))
        return function

    return add


def locals_of(op: Operation, shapes: Dict[str, Shape]) -> List[Optional[Local]]:
    """How each output of an op is computed of boxes; None where it is not."""
    try:
        found = RULES[op.type](op, shapes)
    except UNFORESEEN:
        found = None
    found = found if isinstance(found, list) else [found]
    return found + [None] * (len(op.outputs) - len(found))


def static(tensor: Tensor) -> Any:
    """The value of a tensor that the graph knows; raises where it does not."""
    value = tf.get_static_value(tensor)
    if value is None:
        raise ValueError(f'{tensor.name} is computed')
    return value


def in_place(shape: Sequence[int]) -> Tuple[Along, ...]:
    """Each value is computed of those in the same place."""
    return tuple(Along(size, axis) for axis, size in enumerate(shape))


def again(op: Operation, attrs: Optional[Dict[str, Any]] = None, first: int = 0) -> Any:
    """The same op, with the first thing that is read for its input of this number."""

    def make(inputs: List[Tensor], at: Any) -> Tensor:
        others = list(op.inputs)
        others[first] = inputs[0]
        return copied_op(op, others, attrs=attrs).outputs[0]

    return make


def beside(constant: Tensor, shape: Shape) -> Optional[Read]:
    """A constant that is broadcast to a shape of one sample: how it is read, None where it is the same everywhere."""
    dims = constant.shape.as_list()
    dims = [1] * (len(shape) + 1 - len(dims)) + dims
    if dims[0] != 1 or any(d not in (1, n) for d, n in zip(dims[1:], shape)):
        raise ValueError(f'{constant.name} tells samples apart')
    if all(d == 1 for d in dims):
        return None
    return Read(constant, broadcast(dims[1:], shape), dims=tuple(dims[1:]))


def broadcast(dims: Sequence[int], shape: Shape) -> Tuple[Along, ...]:
    """How values of a shape read those of one that is broadcast to it."""
    shift = len(shape) - len(dims)
    return tuple(
        Along(size, axis - shift if axis >= shift and dims[axis - shift] == size else None)
        for axis, size in enumerate(shape)
    )

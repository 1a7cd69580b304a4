"""Where X enters T by one dense layer alone, found in the graph. Nothing here adds an op."""

from typing import Any, List, NamedTuple, Optional, Sequence

import numpy as np

from ...types import Array, Shape
from ..compat import Operation, Tensor
from .building import consumers
from .graph import ancestors, ops_between, steps_of
from .regions.boxes import Reach, places_of
from .regions.reach import Regions

#: Ops that add to the sums of a layer what is the same for all rows, or leave them as they are.
ADDING = frozenset('Add AddV2 BiasAdd Identity'.split())
#: Weights of more are not copied in double precision.
MOST_WEIGHTS = 1 << 22


class FirstLayer(NamedTuple):
    """``sums = values @ weights + biases``, by which alone T depends on X.

    Attributes
    ----------
    op : tf.Operation
        The matrix product.
    values, weights, sums : tf.Tensor
        Each of the values is computed of one value of X, or of none.
    biases : list of tf.Tensor
    columns : int ndarray
        Of each value of a sample, made flat, the column of ``values`` that it makes.
    """

    op: Operation
    values: Any
    weights: Any
    biases: List[Any]
    sums: Any
    columns: Array

    @property
    def inputs(self) -> int:
        """How many columns there are."""
        return self.size // self.units

    @property
    def units(self) -> int:
        """How many sums."""
        return int(self.sums.shape.as_list()[1])

    @property
    def size(self) -> int:
        """How many weights."""
        return int(self.weights.shape.num_elements())


def first_layer_of(target: Tensor, x: Tensor, between: Sequence[Operation], shape: Shape) -> Optional[FirstLayer]:
    """The dense layer by which alone a target depends on X, of samples of this shape; None where there is none.

    Of single precision: of less, half of the digits are gone; and more would have to stay.
    """
    steps = steps_of(between, [x])
    varying = {step.op for step in steps}
    made = {z.name for op in varying for z in op.outputs} | {x.name}
    for step in steps:
        op = step.op
        if op.type == 'MatMul' and _is_first(op, made) and x.op not in ancestors([target], op.outputs):
            break
    else:
        return None
    columns = _columns(op, x, shape)
    if columns is None:
        return None
    sums, biases = _with_biases(target, op.outputs[0], set(between), made)
    # Of X fed with the sums only its shape may count, and weights are read without it.
    if x.op in ancestors([target], [sums], control=True) or x.op in ancestors(
        [op.inputs[1], *biases], (), control=True
    ):
        return None
    return FirstLayer(op, op.inputs[0], op.inputs[1], biases, sums, columns)


def _is_first(op: Operation, made: Any) -> bool:
    values, weights = op.inputs
    size, units = weights.shape.num_elements(), op.outputs[0].shape.as_list()[-1] if op.outputs[0].shape.ndims else None
    return (
        values.name in made
        and weights.name not in made
        and values.dtype.name == 'float32'
        and not op.get_attr('transpose_a')
        and bool(size and units)
        and size <= MOST_WEIGHTS
    )


def _columns(op: Operation, x: Tensor, shape: Shape) -> Optional[Array]:
    """The column that each value of a sample makes; None where one makes several, or a column is made of several."""
    count = int(np.prod(shape))
    if not shape or not count:
        return None
    values, inputs = op.inputs[0], op.inputs[1].shape.num_elements() // op.outputs[0].shape.as_list()[-1]
    while values.name != x.name and values.op.type in ('Reshape', 'Identity'):
        values = values.op.inputs[0]
    if values.name == x.name:
        return np.arange(count) if count == inputs else None
    places = np.stack(np.unravel_index(np.arange(count), shape), axis=1)
    regions = Regions(values, x, ops_between(values, [x]), shape, Reach(places, places + 1))
    box = regions.boxes.get(values.name)
    if box is None or np.prod(box.size) != 1 or np.prod(box.shape) != inputs:
        return None
    columns: Array = places_of(box.start, box.size, box.shape)[:, 0]
    return columns if len(np.unique(columns)) == count else None


def _with_biases(target: Tensor, sums: Tensor, between: Any, made: Any) -> Any:
    """The sums with what is added to them next, and what that is."""
    biases: List[Any] = []
    while sums.name != target.name:
        readers = [op for op in consumers(sums) if op in between]
        if len(readers) != 1 or readers[0].type not in ADDING:
            break
        (op,) = readers
        more = [z for z in op.inputs if z.name != sums.name]
        units = sums.shape.as_list()[-1:]
        if len(more) != len(op.inputs) - 1 or any(
            z.name in made or z.shape.ndims is None or z.shape.ndims > 1 or z.shape.as_list() not in ([], [1], units)
            for z in more
        ):
            break
        sums, biases = op.outputs[0], biases + more
    return sums, biases

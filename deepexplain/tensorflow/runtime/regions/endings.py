"""Ops that a box ends at: sums that are taken of what it differs, where the samples' own sums are known.

``y = y(x) + sum of (box - x there)`` for a sum or mean over places, and for a dense layer of what was flattened, where
only the rows of its weights count that the box meets. Rounding is that of the larger of ``y(x)`` and ``y``, and so the
graph says of which rows ``y`` is much the smaller one.
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple

import numpy as np

from ....types import Array, Shape
from ...compat import Operation, Tensor
from .boxes import Box, places_of, trailing
from .rules import UNFORESEEN, static

#: Values of a row of weights that lie side by side, at least: fewer, and looking for them takes longer.
LEAST_CHANNELS = 8


class Ending(NamedTuple):
    """How an op goes on from a box.

    Attributes
    ----------
    op : tf.Operation
        A 'Sum' or 'Mean', or a 'MatMul'.
    tensor : tf.Tensor
        What is in the box.
    axes : tuple of int
        Of a sum, the axes of a sample that are summed.
    unit : int
        Of a dense layer, how many values lie at a place of the box.
    cost, pasted : float
        In multiplications, of one row; and how many values need not be pasted.
    """

    op: Operation
    tensor: Any
    axes: Tuple[int, ...]
    unit: int
    cost: float
    pasted: float


def ending_of(op: Operation, z: Tensor, boxes: Dict[str, Box], shapes: Dict[str, Shape]) -> Optional[Ending]:
    """How an op goes on from a box; None where it needs all of it."""
    if z.dtype.size < 4 or not z.dtype.is_floating:
        return None  # half of the digits are gone
    try:
        if op.type in ('Sum', 'Mean'):
            return _sum(op, boxes, shapes)
        if op.type == 'MatMul':
            return _product(op, boxes, shapes)
    except UNFORESEEN:
        pass
    return None


def _sum(op: Operation, boxes: Dict[str, Box], shapes: Dict[str, Shape]) -> Optional[Ending]:
    x = op.inputs[0]
    box, shape = boxes.get(x.name), shapes[x.name]
    axes = tuple(int(axis) % (len(shape) + 1) - 1 for axis in np.ravel(static(op.inputs[1])))
    if box is None or -1 in axes or any(box.size[a] != shape[a] for a in range(len(shape)) if a not in axes):
        return None
    return Ending(op, x, axes, 0, 24 * float(np.prod(box.size)), float(np.prod(shape)))


def _product(op: Operation, boxes: Dict[str, Box], shapes: Dict[str, Shape]) -> Optional[Ending]:
    flat, weights = op.inputs
    source = flat
    while source.name not in boxes or source.op.type in ('Reshape', 'Identity'):
        if source.op.type not in ('Reshape', 'Identity') or source.op.inputs[0].name not in shapes:
            break
        source = source.op.inputs[0]
    box, size = boxes.get(source.name), weights.shape.num_elements()
    if box is None or size is None or op.get_attr('transpose_a') or weights.name in shapes:
        return None
    features = weights.shape.as_list()[1 if op.get_attr('transpose_b') else 0]
    kept = trailing(box)
    unit = int(np.prod(box.shape[len(box.shape) - kept :]))
    if features != int(np.prod(box.shape)) or unit < LEAST_CHANNELS or flat.shape.ndims != 2:
        return None
    places = float(np.prod(box.size[: len(box.size) - kept]))
    outputs = size / features
    # A place more or less than its share: runs of a product are as long as the place that most windows meet.
    cost = 2 * places * unit * outputs + 12 * places * (unit + outputs)
    return Ending(op, source, (), unit, cost, float(np.prod(box.shape)))


def slots_of(starts: Array, box: Box, kept: int) -> Tuple[Array, Array, Array]:
    """How the places of boxes are sorted, so that each row of weights is read once.

    Parameters
    ----------
    starts : int ndarray, shape (rows, axes)
    box : Box
    kept : int
        How many of the last axes are a row of weights.

    Returns
    -------
    slots : int32 ndarray, shape (places met, most rows that meet one)
        Which place of which row, counted one after the other; those that are none are the number after the last.
    places : int32 ndarray, shape (places met,)
    back : int32 ndarray, shape (rows, places of a box)
        Where in the slots.
    """
    count = len(box.shape) - kept
    found = places_of(starts, box.size[:count], box.shape[:count])
    all_places = int(np.prod(box.shape[:count]))
    flat = found.ravel()
    flat = flat.astype(np.uint16) if all_places < 1 << 16 else flat  # which NumPy sorts in a fraction of the time
    order = np.argsort(flat, kind='stable')
    counts = np.bincount(flat, minlength=all_places)
    places = np.flatnonzero(counts)
    most = int(counts.max())
    first = np.cumsum(counts) - counts
    number = np.cumsum(counts > 0) - 1
    in_order = flat[order].astype(np.int64)
    at = number[in_order] * most + np.arange(len(flat)) - first[in_order]
    slots = np.full(len(places) * most, len(flat), np.int32)
    slots[at] = order
    back = np.empty(len(flat), np.int32)
    back[order] = at
    return slots.reshape(len(places), most), places.astype(np.int32), back.reshape(found.shape)

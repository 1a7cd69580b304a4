"""T without parts of samples by what these parts reach alone, in a graph: see :mod:`~..engine.regions`."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from ..compat import Tensor, tf
from ..engine.regions import LEAST_OF_RUN, MOST_KEPT, MOST_SHARE
from ..runtime.axes import ONE, Rows
from ..runtime.graph import ops_between, tensor_named
from ..runtime.memory import bounded_parts
from ..runtime.parts_in_graph import replaced
from ..runtime.regions.boxes import Box, Reach, trailing
from ..runtime.regions.build import Build
from ..runtime.regions.reach import Regions
from .model import Model

if TYPE_CHECKING:
    from ..engine.changes import ChangeEngine
    from ..engine.request import Request

#: Of the ops that are added.
SCOPE = 'deepexplain_regions'
#: T of some rows, and whether they are to be computed as whole rows.
OF_ROWS = [(tf.float64, [None]), (tf.bool, [None])]


def regions_of(engine: 'ChangeEngine', model: Model, request: 'Request', parts: Any) -> 'Optional[RegionsInGraph]':
    """What evaluates the parts of samples in the default graph; None where whole rows are as good, or needed."""
    known, shape = engine.oracle.proof.known(request), request.sample_shapes[0]
    is_other = isinstance(known, Rows) and known.inner != ONE
    beside = engine.problem.layer is not None and engine.problem.layer.beside
    if engine.plan.regions is False or model.fixed is not None or is_other or beside:
        return None
    if not shape or not hasattr(parts, 'bounds') or not parts.count:
        return None
    (x,), T = engine.problem.inputs, engine.problem.target
    part = model.frozen.part([T], [x])
    if any(node.op.startswith('Placeholder') for node in part.node):
        return None
    with tf.Graph().as_default() as graph:  # one of its own: nothing is added to the user's
        placeholder = tf.placeholder(x.dtype, x.shape)
        tf.import_graph_def(part, {x.name: placeholder}, name='')
        target = tensor_named(graph, T.name)
        regions = Regions(target, placeholder, ops_between(target, [placeholder]), shape, Reach(*parts.bounds()))
        saved = (regions.whole - regions.cost) * (model.asked or np.inf)
        is_auto = engine.plan.regions == 'auto'
        if not regions.is_possible or (is_auto and (regions.share > MOST_SHARE or saved < LEAST_OF_RUN)):
            return None
        with tf.name_scope(SCOPE):
            build = Build(regions)
    if build.reads(placeholder):
        return None
    model.frozen.add(graph.as_graph_def(), SCOPE)
    return RegionsInGraph(regions, build, model, parts)


class RegionsInGraph:
    """Computes T of some rows, each a part of a sample that is taken away.

    Parameters
    ----------
    regions : Regions
    build : Build
        Of another graph, whose nodes ``model`` has.
    model : Model
    parts : Windows or Groups

    Attributes
    ----------
    rows : int
        The most rows of a piece.
    samples : int
        The most samples of which is kept what rows read of them.
    """

    def __init__(self, regions: Regions, build: Build, model: Model, parts: Any) -> None:
        self._regions, self._build, self._model, self._parts = regions, build, model, parts
        graph = regions.target.graph
        self._kept = {name: graph.as_graph_element(name) for name in build.kept}
        size = sum(float(np.prod(regions.shapes[name])) * z.dtype.size for name, z in self._kept.items())
        most = bounded_parts(build.row_bytes)
        self.rows = min(most, model.asked or most)
        self.samples = int(min(self.rows, max(1, MOST_KEPT // max(1.0, size))))
        # They are the same in all turns of loops.
        self._table = tf.constant(build.table)
        self._starts = tf.constant(regions.boxes[regions.x.name].start)
        self._places = {}
        for name in build.slots:
            box = regions.boxes[regions.endings[name].tensor.name]
            self._places[name] = box, tf.constant(box.start)

    def at(self, x: Tensor, target: Callable[[], Any]) -> Tuple[Tensor, 'KeptTensors']:
        """T of samples, and what is kept of them; ``target()`` is the network there."""
        copy = target()
        names = [name for name in self._kept if name != self._regions.x.name]
        found, *values = copy.get([self._regions.target, *[self._kept[name] for name in names]])
        kept = dict(zip(names, values))
        if self._regions.x.name in self._kept:
            kept[self._regions.x.name] = x
        fine = tf.fill(tf.shape(x)[:1], True)
        for name in self._build.checked:
            flat = tf.reshape(kept[name], [tf.shape(x)[0], int(np.prod(self._regions.shapes[name]))])
            fine = tf.logical_and(fine, tf.reduce_all(tf.is_finite(flat), axis=1))
        return found, KeptTensors(x, kept, fine)

    def __call__(self, kept: 'KeptTensors', baseline: Tensor, of: Tensor, number: Tensor) -> Tuple[Tensor, Tensor]:
        """T of some rows, and whether they are to be computed as whole rows.

        Parameters
        ----------
        kept : KeptTensors
        baseline : tf.Tensor
            One row.
        of, number : tf.Tensor of int, shape (rows,)
            The sample of each row, in ascending order, and the part that is taken away.
        """
        build = self._build
        first, end = of[0], of[-1] + 1
        values: Dict[str, Tensor] = {
            build.changed.name: self._changed(kept.x, baseline, of, number),
            build.sample.name: tf.cast(of - first, tf.int32),
            build.starts.name: tf.gather(self._table, number),
        }
        values.update((build.kept[name].name, value[first:end]) for name, value in kept.values.items())
        for name, placeholders in build.slots.items():
            box, starts = self._places[name]
            found = slots_in_graph(tf.gather(starts, number), box, trailing(box))
            values.update((placeholder.name, value) for placeholder, value in zip(placeholders, found))
        copy = self._model.of(values)
        target, *doubts = copy.get([build.target, *([] if build.doubt is None else [build.doubt])])
        flat = tf.reshape(target, [tf.shape(of)[0], int(np.prod(target.shape.as_list()[1:]))])
        again = tf.logical_not(tf.reduce_all(tf.is_finite(flat), axis=1))
        for doubt in [*doubts, tf.logical_not(tf.gather(kept.fine, of))]:
            again = tf.logical_or(again, doubt)
        return target, again

    def _changed(self, x: Tensor, baseline: Tensor, of: Tensor, number: Tensor) -> Tensor:
        """The box of each row: what is taken away is the baseline there."""
        box: Box = self._regions.boxes[self._regions.x.name]
        places = places_in_graph(tf.gather(self._starts, number), box.size, box.shape)
        size = int(np.prod(box.shape))
        own = tf.gather(tf.reshape(x, [-1]), tf.cast(of, tf.int32)[:, None] * size + places)
        there = tf.gather(tf.reshape(baseline, [-1]), places)
        return tf.reshape(replaced(self._parts, own, there, number, places), [-1, *box.size])


class KeptTensors:
    """What rows read of samples: they, tensors by name, and whether all of it is finite."""

    def __init__(self, x: Tensor, values: Dict[str, Tensor], fine: Tensor) -> None:
        self.x, self.values, self.fine = x, values, fine


def places_in_graph(start: Tensor, size: Any, shape: Any) -> Tensor:
    """The twin of ``places_of``: of int32."""
    found = tf.zeros_like(start[:, :1])
    for axis, length in enumerate(shape):
        at = start[:, axis, None] + np.arange(size[axis], dtype=np.int32)
        along = tf.expand_dims(found, 2) * length + tf.expand_dims(at, 1)
        found = tf.reshape(along, [tf.shape(start)[0], int(np.prod(size[: axis + 1]))])
    return found


def slots_in_graph(starts: Tensor, box: Box, kept: int) -> List[Tensor]:
    """The twin of :func:`~..runtime.regions.endings.slots_of`."""
    axes = len(box.shape) - kept
    found = places_in_graph(starts[:, :axes], box.size[:axes], box.shape[:axes])
    flat = tf.reshape(found, [-1])
    count = tf.size(flat)
    order = tf.math.top_k(-flat, count).indices  # of equal ones the first comes first
    counts = tf.math.unsorted_segment_sum(tf.ones_like(flat), flat, int(np.prod(box.shape[:axes])))
    places, most = tf.where(counts > 0)[:, 0], tf.reduce_max(counts)
    number = tf.cumsum(tf.cast(counts > 0, tf.int32)) - 1
    in_order = tf.gather(flat, order)
    first = tf.gather(tf.cumsum(counts, exclusive=True), in_order)
    at = tf.gather(number, in_order) * most + tf.range(count) - first
    places = tf.cast(places, tf.int32)
    # Those that are none are the number after the last.
    slots = tf.scatter_nd(at[:, None], order - count, [tf.size(places) * most]) + count
    back = tf.scatter_nd(order[:, None], at, [count])
    return [tf.reshape(slots, [-1, most]), places, tf.reshape(back, tf.shape(found))]

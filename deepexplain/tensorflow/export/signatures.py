"""The graph that is exported: its inputs under three signatures, a loop over pieces of samples, what it gives."""

import re
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Sequence

import numpy as np

from ...errors import ArgumentError
from ..compat import Graph, Tensor, tf
from ..engine.backward import Backward
from ..runtime.memory import MOST_BYTES, MOST_BYTES_BACKWARD, MOST_ROWS
from .backward import BackwardInGraph
from .changes import ChangesInGraph
from .model import Model
from .refusals import SIGNATURES

if TYPE_CHECKING:
    from ..engine.request import Request
    from ..explainer import Explainer
    from .freeze import Frozen


class Built(NamedTuple):
    """A graph, and for each signature (inputs, outputs) by their keys."""

    graph: Graph
    signatures: Dict[str, Any]


class Form(NamedTuple):
    """Names of inputs and of what is explained; results for some samples, T there; and what there is of them."""

    names: List[str]
    explained: List[str]
    results: List[Any]
    target: Any
    is_static: bool
    has_delta: bool
    has_error: bool

    def shape(self, array: Any) -> List[Any]:
        """An array's shape, but for what another call may have other."""
        return [None, *(array.shape[1:] if self.is_static else [None] * (array.ndim - 1))]


def input_names(inputs: Sequence[Tensor]) -> List[str]:
    """What signatures call the inputs: their names, of letters, digits and underscores."""
    names: List[str] = []
    for x in inputs:
        name = re.sub('[^A-Za-z0-9_]', '_', x.op.name)
        while name in [*names, 'ys', 'examples']:
            name += '_'
        names.append(name)
    return names


def build(
    explainer: 'Explainer', frozen: 'Frozen', request: 'Request', form: Form, signatures: Sequence[str], rows: Any
) -> Built:
    """Build it: one graph, in which ``ys`` without rows stands for each sample's largest output.

    Inputs have defaults, which are computed from those of other signatures: X from tf.Examples, ys from T.
    """
    problem: Any = explainer.problem
    above = problem if problem.layer is None else problem.layer.problem
    with tf.Graph().as_default() as graph:
        examples = tf.placeholder(tf.string, [None], name='examples') if 'tf_examples' in signatures else None
        xs = _inputs(above.inputs, form, examples)
        open_ys = tf.zeros([0, *[d or 0 for d in form.shape(form.target)[1:]]], problem.target.dtype)
        ys = tf.placeholder_with_default(open_ys, form.shape(form.target), name='ys')
        model = Model(problem, frozen, _rows(explainer, request, xs, form, rows), rows)
        kind: Any = BackwardInGraph if isinstance(explainer.engine.plan, Backward) else ChangesInGraph
        plan = kind(explainer.engine, model, request, xs, form.is_static)
        results = _results(plan, model, xs, ys, form)
        outputs = {key: tf.identity(value, name=key) for key, value in results.items()}
    inputs = dict(zip(form.names, xs))
    of = {'xs_ys': {**inputs, 'ys': ys}, 'top': inputs, 'tf_examples': {'examples': examples}}
    return Built(graph, {SIGNATURES[name]: (of[name], outputs) for name in signatures})


def _inputs(inputs: Sequence[Tensor], form: Form, examples: Any) -> List[Tensor]:
    """Placeholders of X, whose defaults are read from tf.Examples if there are any."""
    shapes = [[None, *x.shape.as_list()[1:]] for x in inputs]
    if examples is None:
        return [tf.placeholder(x.dtype, shape, name) for x, shape, name in zip(inputs, shapes, form.names)]
    if not form.is_static:
        raise ArgumentError(
            "The signature 'tf_examples' needs inputs of a fixed shape, which the graph leaves open: leave it out, "
            "signatures=('xs_ys', 'top')."
        )
    kinds = [tf.float32 if x.dtype.is_floating else tf.int64 for x in inputs]
    found = tf.raw_ops.ParseExample(
        serialized=examples,
        names=tf.constant([], tf.string),
        sparse_keys=[],
        dense_keys=[tf.constant(name) for name in form.names],
        dense_defaults=[tf.constant([], kind) for kind in kinds],
        sparse_types=[],
        dense_shapes=[shape[1:] for shape in shapes],
    ).dense_values
    return [
        tf.placeholder_with_default(tf.cast(value, x.dtype), shape, name)
        for value, x, shape, name in zip(found, inputs, shapes, form.names)
    ]


def _rows(explainer: 'Explainer', request: 'Request', xs: Sequence[Tensor], form: Form, rows: Any) -> Any:
    """The most rows of a piece: those asked for, or as many as the engine takes, which depends on open lengths."""
    if rows is not None:
        return rows
    engine, is_backward = explainer.engine, isinstance(explainer.engine.plan, Backward)
    if form.is_static:
        return engine.oracle.bounded(request, backward=is_backward)
    made_up = request if request.behind is None else request.behind
    each = explainer.problem.row_bytes(request.sample_shapes)
    values = sum(float(np.prod(shape)) for shape in made_up.sample_shapes)
    most = (MOST_BYTES_BACKWARD if is_backward else MOST_BYTES) / each
    size = tf.add_n([tf.reduce_prod(tf.cast(tf.shape(x)[1:], tf.float64)) for x in xs])
    return tf.cast(tf.clip_by_value(most * values / size, 1, MOST_ROWS), tf.int32)


def _results(plan: Any, model: Model, xs: List[Tensor], ys: Tensor, form: Form) -> Dict[str, Tensor]:
    """What is given, by key."""
    keys = ['attributions'] if len(form.results) == 1 else [f'attributions_{name}' for name in form.explained]
    specs = [(_dtype(array), form.shape(array)) for array in form.results]
    specs.append((_dtype(form.target), form.shape(form.target)))
    keys.append('outputs')
    if form.has_error:
        keys.append('standard_error')
        specs.append(specs[0])
    if form.has_delta:
        keys.append('delta')
        specs.append((tf.float64, [None]))
    count, shape = tf.shape(xs[0])[0], tf.shape(ys)
    # An error of TensorFlow's where there is another number of rows than of samples.
    ys = tf.reshape(ys, tf.concat([[tf.where_v2(shape[0] > 0, count, 0)], shape[1:]], 0))
    at_once = tf.convert_to_tensor(model.rows, tf.int32)
    if isinstance(plan, ChangesInGraph):
        at_once = tf.minimum(at_once, plan.samples)

    def turn(start: Tensor, stop: Tensor, *some: Tensor) -> List[Tensor]:
        for x, shaped in zip(some, xs):
            x.set_shape([model.fixed, *shaped.shape.as_list()[1:]])
        found = plan(list(some), lambda target: _weights(ys, target, start, stop, model.fixed))
        values = [*found['attributions'], found['outputs'], *found.get('standard_error', [])]
        return [*values, *([found['delta']] if form.has_delta else [])]

    return dict(zip(keys, model.in_pieces(xs, turn, specs, at_once)))


def _dtype(array: Any) -> Any:
    return tf.as_dtype(array.dtype)


def _weights(ys: Tensor, target: Tensor, start: Tensor, stop: Tensor, fixed: Any) -> Tensor:
    """Weights of the outputs of some samples: those given or, without any, 1 for the largest output of each."""
    count, shape = tf.shape(target)[0], tf.shape(target)
    flat = tf.reshape(target, [count, -1])
    largest = tf.one_hot(tf.argmax(flat, axis=1), tf.shape(flat)[1], dtype=target.dtype)
    which = tf.range(start, start + count) if fixed is None else tf.minimum(tf.range(fixed) + start, stop - 1)
    which = which[: tf.where_v2(tf.shape(ys)[0] > 0, count, 0)]
    weights = tf.concat([tf.gather(ys, which), tf.reshape(largest, shape)[tf.shape(which)[0] :]], axis=0)
    weights.set_shape(target.shape)
    return weights

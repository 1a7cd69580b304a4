"""``export``: an explainer as one SavedModel, which holds the model and its attributions."""

import json
import os
import tempfile
from dataclasses import fields
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from ...arguments import as_count, text_of
from ...errors import ArgumentError, ArgumentTypeError
from ..compat import saved_model_bytes, tf
from ..engine.changes import ChangeEngine
from ..explainer import Explainer
from .check import by_key, check, expected, values_of
from .freeze import Frozen
from .made_up import MadeUp
from .refusals import check_explainer, check_network, check_shapes, check_signatures
from .signatures import Built, Form, build, input_names

#: Samples to find out with what results look like.
_SOME = 3


def export(
    explainer: Any,
    path: Any,
    signatures: Sequence[str] = ('xs_ys', 'top', 'tf_examples'),
    max_rows: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
) -> None:
    """Write an explainer as a TensorFlow SavedModel, which holds the model and its attributions.

    TensorFlow Serving, Beam, C, Go, Java, or Python without this library load it. Its signatures are

    - 'serving_default' (asked for as 'xs_ys'): takes each input by its name, and ``ys``, weights of the outputs in T's
      shape, or without rows for each sample's largest output;
    - 'top': takes the inputs, and explains each sample's largest output;
    - 'tf_examples': the same for ``examples``, serialized tf.Examples with a feature for each input.

    All give ``attributions`` (``attributions_<name>`` for each of several inputs), ``outputs`` (T), and where the
    method promises a sum ``delta``: shape (samples,), double precision. Samples are not checked: nan gives nan.

    Before it appears under its path, a fresh process without this library loads it, and must find what ``run`` does,
    within 1e-5 of the largest value, for 1, 2 and 33 made-up samples. ``assets.extra/deepexplain.json`` beside it says
    what it is.

    Parameters
    ----------
    explainer : Explainer, or a recipe that opens one
    path : str or path-like
        A directory that is not there yet. TensorFlow Serving wants a number for its last part.
    signatures : list of str, default all three
    max_rows : int, optional
        The most rows, perturbed copies and points of paths included, that go through the network at once, however
        many samples a request has. Default: that of ``run``, bounded by memory.
    feed_dict : dict, optional
        Values of further placeholders, which become constants.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        The path exists; the method cannot be exported with these arguments; the message says why, and what to do.
    GraphError
        Samples mix, T is random, a lookup table is between X and T, the weights exceed 2 GB, ...
    DeepExplainError
        The fresh process found something else than ``run``.

    Examples
    --------
    >>> import os, tempfile
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain, export
    >>> path = os.path.join(tempfile.mkdtemp(), 'explainer', '1')
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2], name='X')
    ...     T = X * [2.0, 3.0]
    ...     export(de.get_explainer('grad*input', T, X), path)
    >>> with tf.Session(graph=tf.Graph()) as session:
    ...     signature = tf.saved_model.load(session, ['serve'], path).signature_def['top']
    ...     print(session.run(signature.outputs['attributions'].name, {signature.inputs['X'].name: [[1.0, 4.0]]}))
    [[ 0. 12.]]
    """
    names = check_signatures(signatures)
    folder = _free_path(path)
    if not isinstance(explainer, Explainer) and callable(getattr(explainer, 'open', None)):
        with explainer.open() as opened:
            _export(opened, folder, names, max_rows, feed_dict)
    else:
        _export(explainer, folder, names, max_rows, feed_dict)


def _export(explainer: Any, folder: str, names: Sequence[str], max_rows: Any, feed_dict: Any) -> None:
    made = prepared(explainer, names, max_rows, feed_dict)
    above = os.path.dirname(folder)
    there = above
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    with tempfile.TemporaryDirectory(prefix='.deepexplain-', dir=there) as workspace:
        model = os.path.join(workspace, 'model')
        write(made, model)
        calls = expected(explainer, made.made_up, names, feed_dict, made.form)
        check(model, workspace, calls, made.form, made.is_half, isinstance(explainer.engine, ChangeEngine))
        os.makedirs(above, exist_ok=True)
        _free_path(folder)
        os.rename(model, folder)


class Prepared(NamedTuple):
    """What is to be written."""

    built: Built
    form: Form
    about: Dict[str, Any]
    made_up: MadeUp
    is_half: bool


def prepared(explainer: Any, names: Sequence[str], max_rows: Any = None, feed_dict: Any = None) -> Prepared:
    """Check an explainer, and build the graph that is exported."""
    explainer = check_explainer(explainer)
    problem, engine = explainer.problem, explainer.engine
    rows = _checked_rows(max_rows, problem.fixed_rows)
    check_shapes(explainer, feed_dict)
    made_up = MadeUp(explainer, feed_dict)
    xs = made_up.xs(_SOME)
    request = explainer.request(xs, feed_dict=feed_dict)
    target = values_of(explainer, xs, feed_dict)
    check_network(explainer, request, target.shape)
    above: Any = problem if problem.layer is None else problem.layer.problem
    is_static = all(None not in x.shape.as_list()[1:] for x in above.inputs)
    has_delta = engine.plan.promise.refusal(request) is None
    has_error = bool(getattr(explainer.method, 'return_standard_error', False))
    found = explainer.run(xs, feed_dict=feed_dict)
    explained = input_names(problem.inputs if getattr(engine, 'layer', None) is None else engine.back.inputs)
    form = Form(input_names(above.inputs), explained, [], target, is_static, has_delta, has_error)
    by = by_key(found, form._replace(has_delta=False), target)
    form = form._replace(results=[value for key, value in by.items() if key.startswith('attributions')])
    constants = {tensor.name: value for tensor, value, _ in _entries(request)}
    frozen = Frozen(problem.session, _fetches(explainer), _feeds(explainer, above), constants)
    built = build(explainer, frozen, request, form, names, rows)
    is_half = any(z.dtype.size < 4 and z.dtype.is_floating for op in problem.between for z in op.outputs)
    return Prepared(built, form, _about(explainer, built, form, rows), made_up, is_half)


def write(made: Prepared, folder: str) -> None:
    """Write what was prepared into a new folder."""
    extra = os.path.join(folder, 'assets.extra')
    os.makedirs(extra)
    content = saved_model_bytes(*made.built)
    about = json.dumps(made.about, indent=2, sort_keys=True).encode()
    for file_name, data in [
        (os.path.join(folder, 'saved_model.pb'), content),
        (os.path.join(extra, 'deepexplain.json'), about),
    ]:
        with open(file_name, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _free_path(path: Any) -> str:
    """The path as an absolute one; raise where something is there."""
    try:
        folder: str = os.path.abspath(os.fspath(path))
    except TypeError:
        raise ArgumentTypeError(f'path must be a path; got {text_of(path)}.') from None
    if os.path.lexists(folder):
        raise ArgumentError(f"'{folder}' exists already: export does not overwrite; give another path.")
    return folder


def _checked_rows(max_rows: Any, fixed: Optional[int]) -> Optional[int]:
    if max_rows is None:
        return fixed
    rows = as_count(max_rows, 'max_rows')
    if fixed not in (None, rows):
        raise ArgumentError(f'max_rows must be {fixed}, which the graph fixes; got {rows}.')
    return rows


def _entries(request: Any) -> List[Any]:
    """What the user feeds, and is the same for all samples."""
    layer_names = {x.name for x in (request.behind.inputs if request.behind is not None else request.inputs)}
    requests = [request] if request.behind is None else [request, request.behind]
    return [entry for one in requests for entry in one.feeds.entries if entry[0].name not in layer_names]


def _fetches(explainer: Explainer) -> List[Any]:
    """All tensors that an export may compute."""
    engine: Any = explainer.engine
    found = [explainer.problem.target, engine.target]
    while engine is not None:
        if hasattr(engine, 'back'):
            references = engine.back.plan.references
            found += [*engine.back.passes[0][1], *engine.back.inputs]
            found += [] if references is None else [z for z, _ in references._fed.values()]
        found += explainer.problem.inputs
        engine = getattr(engine, '_times', None)
    return found


def _feeds(explainer: Explainer, above: Any) -> List[Any]:
    """All tensors that an export gives values, in every copy: X, weights, and what the method feeds."""
    engine: Any = explainer.engine
    found = [*above.inputs, engine.network.Y]
    while engine is not None:
        if hasattr(engine, 'back'):
            found += [engine.back.passes[0][0], *engine.back.placeholders]
        engine = getattr(engine, '_times', None)
    return found


def _about(explainer: Explainer, built: Built, form: Form, rows: Any) -> Dict[str, Any]:
    """What is exported, for ``assets.extra/deepexplain.json``."""
    from ... import __version__

    method = explainer.method
    audit = explainer.describe()
    options = {f.name: _as_json(getattr(method, f.name)) for f in fields(method)}
    return {
        'method': explainer.name,
        'options': options,
        'T': explainer.T.name,
        'X': dict(zip(form.names, [x.name for x in (explainer.X if isinstance(explainer.X, list) else [explainer.X])])),
        'promise': audit.promise if hasattr(audit, 'promise') else None,
        'audit': [dict(zip(('op', 'type', 'treatment', 'exact'), row)) for row in audit.rows],
        'signatures': {
            name: {'inputs': sorted(inputs), 'outputs': sorted(outputs)}
            for name, (inputs, outputs) in built.signatures.items()
        },
        'max_rows': rows,
        'versions': {'deepexplain': __version__, 'tensorflow': tf.__version__, 'numpy': np.__version__},
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.size <= 1000 else text_of(value)
    if isinstance(value, (list, tuple)):
        return [_as_json(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (str, int, float, bool, type(None))) else text_of(value)

"""Models that compute eagerly: traced once, their variables frozen into constants, and compared with the source."""

from collections.abc import Mapping as AbcMapping
from collections.abc import Sequence as AbcSequence
from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Sequence

import numpy as np

from ...arguments import as_names, text_of
from ...errors import ArgumentTypeError, ModelError, warn
from ...types import Array
from ..compat import Graph, eagerly, frozen, function_body, take_large, tf
from ..runtime.bodies import loses_gradient
from .limits import within_patience
from .opened import imported

if TYPE_CHECKING:
    from .opened import OpenModel

#: What an open dimension is in made-up samples: small, or what a network without padding may need.
OPEN_DIMENSIONS = (16, 128, 1024, 16384)
#: The most values in a made-up input.
MOST_VALUES = 1 << 20


def open_traced(
    call: Callable[..., Any],
    specs: Sequence[Any],
    outputs: Any,
    source: str,
    in_patience: bool = False,
    check: Optional[Callable[[Any], None]] = None,
    config: Any = None,
) -> 'OpenModel':
    """Open what ``call`` computes from one tensor for each of the TensorSpecs.

    Call this within ``eagerly()``. ``source`` names the model in messages; ``in_patience`` says that it
    is from a file, and may be endless; ``check`` raises for a GraphDef that must not be run; ``config`` is
    that of the session.
    """
    specs = _named(specs)
    try:
        traced = frozen(call, specs)
    except Exception as error:  # anything may happen while a user's model is traced
        why = f'{type(error).__name__}: {error}'
        if 'Assign' in why and 'VariableOp' in why:
            why = f'it assigns to a variable (batch normalization in training mode? a state that is kept?). {why}'
        if '2GB' in why or 'allocate bytes' in why:
            why = f'its constants take more than the 2 GB that a graph holds: make them tf.Variables. {why}'
        raise ModelError(f'{source} cannot be traced with {_listed(specs)}: {why}') from error
    if not traced.outputs:
        raise ModelError(f'{source} returns no tensor.')
    keys = {**traced.keys, **{spec.name: name for spec, name in zip(specs, traced.inputs)}}
    _warn_of_custom_gradients(traced.graph, source)
    graph_def = without_traces(traced.graph.as_graph_def())
    if check is not None:
        check(graph_def)
    large = {**take_large(graph_def), **traced.large}
    model = imported(graph_def, traced.inputs, traced.outputs, keys, traced.tables, large, config)
    try:
        if in_patience:
            within_patience(lambda: _compare(model, call, specs, source), f'{source}: to compute made-up samples')
        else:
            _compare(model, call, specs, source)
        if outputs is not None:
            model.outputs = [model.tensor(name) for name in as_names(outputs, 'outputs')]
    except Exception:
        model.close()
        raise
    return model


def _check_listed(value: Any) -> None:
    """Go through all that TensorFlow will: where an entry cannot be read, TensorFlow 1.15 ends the process."""
    if isinstance(value, AbcMapping):
        value = list(value.values())
    if isinstance(value, AbcSequence) and not isinstance(value, (str, bytes, bytearray)):
        for entry in value:
            _check_listed(entry)


def as_specs(inputs: Any, count: Optional[int] = None) -> List[Any]:
    """The TensorSpecs that a user gave, one or several, as a flat list."""
    try:
        _check_listed(inputs)
        specs: List[Any] = tf.nest.flatten(inputs)
    except Exception:  # a memoryview of several axes, a list that holds itself, what an object's __iter__ raises
        specs = [None]
    if any(not isinstance(spec, tf.TensorSpec) for spec in specs):
        raise ArgumentTypeError(
            f'inputs must be tf.TensorSpecs here, such as tf.TensorSpec([None, 3], tf.float32); got {text_of(inputs)}.'
        )
    if count not in (None, len(specs)):
        raise ArgumentTypeError(f'inputs must be {count} tf.TensorSpecs, one for each input; got {len(specs)}.')
    return specs


def _warn_of_custom_gradients(graph: Graph, source: str) -> None:
    names = [function.signature.name for function in graph.as_graph_def().library.function]
    for some in [graph] + [function_body(graph, name) for name in names]:
        for op in filter(loses_gradient, some.get_operations()):
            warn(
                f"{source}: op '{op.name}' has a custom gradient (tf.custom_gradient), which stays behind: its "
                'derivative is taken to be that of the ops which compute its value.'
            )
            return


def without_traces(graph_def: Any) -> Any:
    """The GraphDef without what tracing leaves behind.

    A custom gradient is code, and stays where it was traced: the derivative is that of what the ops compute. And
    tracing makes ops wait for each other (for variables that are constants now), so that feeding a tensor
    in the middle would not do without the inputs.
    """
    for nodes in [graph_def.node] + [function.node_def for function in graph_def.library.function]:
        for node in nodes:
            node.attr.pop('_gradient_op_type', None)
    for node in graph_def.node:
        inputs = [name for name in node.input if not name.startswith('^')]
        del node.input[:]
        node.input.extend(inputs)
    return graph_def


def _named(specs: Sequence[Any]) -> List[Any]:
    """The specs, each with a name of its own."""
    taken, named = set(), []
    for i, spec in enumerate(specs):
        name = spec.name if spec.name and spec.name not in taken else f'input_{i}'
        taken.add(name)
        named.append(tf.TensorSpec(spec.shape, spec.dtype, name))
    return named


def _listed(specs: Iterable[Any]) -> str:
    return ', '.join(f'{spec.dtype.name} {spec.shape}' for spec in specs) or 'no inputs'


def _compare(model: 'OpenModel', call: Callable[..., Any], specs: Sequence[Any], source: str) -> None:
    """Raise ModelError unless the session computes what ``call`` does, on the first made-up samples that it takes."""
    for size in OPEN_DIMENSIONS:
        samples = [_made_up(spec, size) for spec in specs]
        if any(sample is None for sample in samples):
            return
        try:
            expected = _values(call, samples)
        except Exception:  # it does not take samples of this size
            continue
        try:
            found = [_array(value) for value in model.session.run(model.outputs, dict(zip(model.inputs, samples)))]
        except tf.errors.OpError as error:
            raise ModelError(f'{source} was traced, but its graph does not run in a session: {error}') from error
        different = [i for i, (ours, theirs) in enumerate(zip(found, expected)) if not _agree(ours, theirs)]
        if different:
            again = _values(call, samples)
            different = [i for i in different if _agree(again[i], expected[i])]  # else it draws random numbers
        for i in different:
            raise ModelError(
                f"{source} was opened, but '{model.outputs[i].name}' is not what the source computes for the same "
                f'made-up samples of shape {samples[0].shape}: {_difference(found[i], expected[i])}. Does it compute '
                'something else as a tf.function than eagerly, or outside of TensorFlow, or were its weights changed '
                'meanwhile?'
            )
        return


def _made_up(spec: Any, size: int) -> Any:
    """A sample: noise, ids that are 0 or 1, empty strings. None where that cannot be."""
    if spec.shape.rank is None:
        return None
    shape = tuple((size if axis else 1) if dim is None else dim for axis, dim in enumerate(spec.shape.as_list()))
    if np.prod(shape, dtype=float) > MOST_VALUES:
        return None
    if spec.dtype == tf.string:
        return np.full(shape, b'', object)
    random = np.random.RandomState(0)
    if spec.dtype.is_floating:
        return random.uniform(0, 1, shape).astype(spec.dtype.as_numpy_dtype)
    return random.randint(0, 2, shape).astype(spec.dtype.as_numpy_dtype)


def _values(call: Callable[..., Any], samples: Sequence[Array]) -> List[Array]:
    with eagerly():
        found = call(*[tf.convert_to_tensor(sample) for sample in samples])
        # Of a ragged or sparse tensor, its components: the outputs of what was traced.
        found = [value for value in tf.nest.flatten(found, expand_composites=True) if value is not None]
        return [_array(tf.convert_to_tensor(value).numpy()) for value in found]


def _array(value: Any) -> Array:
    """What TensorFlow computed, as an array; a single string comes as bytes."""
    return np.asarray(value, object if isinstance(value, bytes) else None)


def _agree(a: Array, b: Array) -> bool:
    """Whether two arrays are the same: floats but for rounding, all else exactly."""
    if a.shape != b.shape:
        return False
    if not (_is_inexact(a) and _is_inexact(b)):
        return bool((a == b).all())
    a, b = _widened(a), _widened(b)
    scale = np.abs(b[np.isfinite(b)]).max() if np.isfinite(b).any() else 0
    return bool(np.allclose(a, b, rtol=0, atol=1e-3 * scale + 1e-6, equal_nan=True))


def _is_inexact(array: Array) -> bool:
    return array.dtype.kind in 'fc' or array.dtype.name == 'bfloat16'


def _widened(array: Array) -> Array:
    return array.astype(np.complex128 if array.dtype.kind == 'c' else np.float64)


def _difference(came: Array, wanted: Array) -> str:
    """What to say of two arrays that do not agree: of their shapes, or of the values that are most different."""
    if came.shape != wanted.shape:
        return f'its shape is {came.shape}, not {wanted.shape}'
    far = np.asarray(came != wanted)
    if _is_inexact(came) and _is_inexact(wanted):
        with np.errstate(invalid='ignore'):
            distance = np.abs(_widened(came) - _widened(wanted))
        far = np.where(far & ~(np.isnan(came) & np.isnan(wanted)), np.where(np.isnan(distance), np.inf, distance), 0)
    at = np.unravel_index(far.argmax(), far.shape)
    place = f' at {list(map(int, at))}' if at else ''
    return f'it is {_shown(came[at])}, not {_shown(wanted[at])}{place}'


def _shown(value: Any) -> str:
    value = value.item() if hasattr(value, 'item') else value
    return f'{value:.4g}' if isinstance(value, (float, complex)) else repr(value)

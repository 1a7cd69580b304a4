"""The only door to TensorFlow: no other module imports it or asks its version.

Everything here works on TensorFlow 1.15 and on 2.x, with eager execution on or off, and flips no switch.
"""

import importlib
from collections import namedtuple
from contextlib import contextmanager

try:
    import tensorflow.compat.v1 as tf
except ImportError as error:
    if (error.name or '').split('.')[0] != 'tensorflow':
        raise  # TensorFlow is there but broken: its own message says more
    raise ImportError(
        'deepexplain.tensorflow needs TensorFlow 1.15 or 2.x, and found none. Install it with pip install '
        "'deepexplain[tensorflow]', or any other build of TensorFlow."
    ) from error

import tensorflow.compat.v2 as tf2
from tensorflow.core.framework import attr_value_pb2
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.eager import context as _context
from tensorflow.python.framework import function_def_to_graph as _function_def_to_graph
from tensorflow.python.framework import ops as _ops
from tensorflow.python.ops import cond_v2 as _cond_v2
from tensorflow.python.ops import control_flow_ops as _control_flow_ops
from tensorflow.python.ops import while_v2 as _while_v2
from tensorflow.python.saved_model import loader_impl as _loader_impl

__all__ = [
    'TENSORFLOW_2',
    'asked_for_gradient',
    'branches_of',
    'copied_op',
    'eagerly',
    'fast_run',
    'frozen',
    'function_body',
    'function_definition',
    'gradient_name',
    'is_function',
    'is_graph_tensor',
    'keras_backend',
    'keras_of',
    'keras_session',
    'keras_version',
    'load_saved_model',
    'lookup_table',
    'mutation_lock',
    'original_gradient',
    'register_gradient',
    'same_op',
    'saved_model_loader',
    'text_attr',
    'tf',
    'while_loop',
    'with_keras',
    'with_shape',
]

#: Whether functions can be traced, and Keras 3 and SavedModels of TensorFlow 2 loaded.
TENSORFLOW_2 = not tf.__version__.startswith('1.')


def register_gradient(name, function):
    """Register ``function(op, grad)`` as gradient ``name`` and return the function that is registered.

    TensorFlow's registry lives as long as the process and refuses a second entry, so when this package is
    loaded again (autoreload in a notebook), the function registered first is returned and goes on serving.
    """
    try:
        tf.RegisterGradient(name)(function)
    except KeyError:
        return _ops._gradient_registry.lookup(name)
    return function


@contextmanager
def asked_for_gradient(ops, name):
    """Within this context, ``tf.gradients`` takes gradient ``name`` for these ops.

    It asks the Python object of an op for the attribute that ``gradient_override_map`` sets, and here that object
    answers. The op itself stays as it is: TensorFlow does not forgive a change of an op that a session has run.
    """
    changed = []

    def answer(op):
        own = op.get_attr
        return lambda attribute: name.encode() if attribute == '_gradient_op_type' else own(attribute)

    try:
        for op in ops:
            if gradient_name(op) != name:  # not within another such context
                op.get_attr = answer(op)
                changed.append(op)
        yield
    finally:
        for op in changed:
            del op.get_attr


def gradient_name(op):
    """Name of the gradient that ``op`` asks for instead of its type's, or None."""
    return text_attr(op, '_gradient_op_type')


def text_attr(op, name):
    """An attribute of an op that is a text, or None where it has none of this name."""
    try:
        return op.get_attr(name).decode()
    except ValueError:
        return None


def original_gradient(op_type):
    """TensorFlow's own gradient function of an op type, or None where the op has no gradient.

    The registry is private but the same in 1.15 and 2.21, and holds what ``tf.gradients`` itself uses.
    """
    try:
        return _ops._gradient_registry.lookup(op_type)
    except LookupError:
        return None


def is_graph_tensor(value):
    """Whether value is a tensor of a graph: not an eager tensor, a variable or a Keras symbol."""
    return isinstance(value, tf.Tensor) and not hasattr(value, 'numpy') and hasattr(value, 'graph')


def is_function(graph, op_type):
    """Whether ops of this type call a function of the graph (TensorFlow 1's Defun names them so)."""
    return graph._is_function(op_type)


def same_op(op, *inputs):
    """Another op like ``op`` (with the same attributes) of these inputs, with TensorFlow's own gradient."""
    return copied_op(op, list(inputs), attrs={'_gradient_op_type': None})


def copied_op(op, inputs, control=(), attrs=None):
    """Another op like ``op``, with these inputs, in the default graph, which may be another than its own.

    ``attrs`` are names and texts to set, or None to leave out.
    """
    attrs = dict(attrs or {})
    # Others that TensorFlow keeps for itself name ops of the old graph (_class), or say what holds for it only.
    kept = {name: value for name, value in op.node_def.attr.items() if name[0] != '_' or name == '_gradient_op_type'}
    for name, text in attrs.items():
        kept.pop(name, None)
        if text is not None:
            kept[name] = attr_value_pb2.AttrValue(s=text.encode())
    dtypes = [output.dtype for output in op.outputs]
    graph = tf.get_default_graph()
    # TensorFlow 1.15 gives ops of a function body other names if an output has theirs, which are in lower case.
    name = 'Copy/' + op.name if graph.building_function else op.name
    with graph.device(op.device or None):
        copy = graph.create_op(op.type, inputs, dtypes, name=name, attrs=kept, op_def=op.op_def)
    if control:
        copy._add_control_inputs(control)  # tf.control_dependencies would leave a mark on the ops that it waits for
    return copy


def with_shape(tensor, shape):
    """The tensor with a static shape that it is known to have: itself or, if it knew less, an identity of it."""
    if _knows(tensor, shape):
        return tensor
    tensor = tf.identity(tensor)
    tensor.set_shape(shape)
    return tensor


def _knows(tensor, shape):
    merged = tensor.shape.merge_with(shape)
    return merged.ndims == tensor.shape.ndims and (not merged.ndims or merged.as_list() == tensor.shape.as_list())


def function_definition(graph, name):
    """The FunctionDef of a function that ops of this graph call."""
    function = graph._get_function(name)
    # Since 2.13, those of tf.function have it under another name.
    return getattr(function, 'cached_definition', None) or function.definition


def function_body(graph, name):
    """The body of a function that ops of this graph call: a graph of its own, with ``inputs`` and ``outputs``."""
    with graph.as_default():
        return _function_def_to_graph.function_def_to_graph(function_definition(graph, name))


def while_loop(cond, body, starts, shapes, like):
    """The loop of these functions of flat lists of tensors, as an op like the one given. Returns a list."""
    shapes = [start.shape.most_specific_compatible_shape(shape) for start, shape in zip(starts, shapes)]

    def shaped_body(*variables):
        return [with_shape(tensor, shape) for tensor, shape in zip(body(*variables), shapes)]

    if like.type == 'Enter':
        context = _control_flow_ops.WhileContext(parallel_iterations=like.get_attr('parallel_iterations'))
        return list(context.BuildLoop(cond, shaped_body, starts, shapes, True))
    many = like.get_attr('parallel_iterations')
    return list(_while_v2.while_loop(cond, shaped_body, starts, shapes, parallel_iterations=many, name=like.name))


def branches_of(op, which, branches):
    """The outputs of one of these functions without arguments, as an op like ``op`` chooses it. Returns a list."""
    if op.type.endswith('Case'):
        return list(_cond_v2.indexed_case(which, branches, name=op.name))
    return list(_cond_v2.cond_v2(which, *branches, name=op.name))


def mutation_lock(graph):
    """While it is held, no session takes over what is new in the graph: runs wait, building goes on."""
    return graph._mutation_lock()


def fast_run(session, fetches, feeds, in_caller_thread=False):
    """``session.run`` compiled for these tensors, and names of those fed: a function of arrays that returns a list.

    It does without the checks and conversions of ``session.run``: arrays must have the tensors' dtypes, and no
    tensor may be fed and fetched. None where the session is not TensorFlow's own, or its ``run`` was replaced
    (by a debugger, a tracer): then that is to be called.

    ``in_caller_thread`` spares the change of threads, and runs ops one after the other: for simple graphs. Not on
    TensorFlow 1.15, whose executor then calls itself from op to op until the stack is full.
    """
    own = type(session) in (tf.Session, tf.InteractiveSession) and 'run' not in vars(session)
    if not own or not hasattr(session, '_make_callable_from_options'):
        return None
    options = config_pb2.CallableOptions()
    options.feed.extend(feeds)
    options.fetch.extend(tensor.name for tensor in fetches)
    if in_caller_thread and TENSORFLOW_2:
        options.run_options.inter_op_thread_pool = -1
    return session._make_callable_from_options(options)


@contextmanager
def eagerly():
    """Within this context TensorFlow computes eagerly in this thread, also where eager execution was disabled.

    The graph keeps `tf.init_scope`, in which Keras makes its variables, from falling back to the default graph.
    """
    with tf.Graph().as_default(), _context.eager_mode():
        yield


#: What :func:`frozen` returns: a graph; names of its inputs and outputs; keys -> names of outputs, where they are a
#: dict; and the content of lookup tables, as (name of the handle's placeholder, keys, values).
Frozen = namedtuple('Frozen', 'graph inputs outputs keys tables')


def frozen(call, specs):
    """Trace ``call`` for these TensorSpecs: a graph without variables or calls.

    Loops and branches keep their functions: TensorFlow does not differentiate the lowered ones.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    function = tf2.function(lambda *tensors: call(*tensors), autograph=False).get_concrete_function(*specs)
    captured = zip(function.graph.internal_captures, function.captured_inputs)
    handles = {inside.op.name: outside for inside, outside in captured if outside.dtype == tf.resource}
    structure = function.structured_outputs
    function = convert_variables_to_constants_v2(function, lower_control_flow=False)
    names_out = [tensor.name for tensor in function.outputs]
    keys, rest = {}, iter(names_out)
    for key in sorted(structure) if isinstance(structure, dict) else ():
        names = [next(rest) for leaf in tf.nest.flatten(structure[key], expand_composites=True) if leaf is not None]
        keys.update({key: names[0]} if len(names) == 1 else {})
    names_in = [tensor.name for tensor in function.inputs[: len(specs)]]
    return Frozen(function.graph, names_in, names_out, keys, _tables(function.graph.as_graph_def(), handles))


def _tables(graph_def, handles):
    """What lookup tables hold, as (name of the handle's placeholder, keys, values)."""
    nodes, tables = {node.name: node for node in graph_def.node}, {}
    for node in graph_def.node:
        if node.op == 'LookupTableFindV2':
            handle = nodes[node.input[0]]
            while handle.op == 'Identity':
                handle = nodes[handle.input[0]]
            content = tf.raw_ops.LookupTableExportV2(
                table_handle=handles[handle.name], Tkeys=node.attr['Tin'].type, Tvalues=node.attr['Tout'].type
            )
            tables[handle.name] = [tensor.numpy() for tensor in content]
    left = [node.name for node in graph_def.node if node.op == 'Placeholder' and node.name in handles]
    if set(left) - set(tables):
        raise ValueError(
            f"the resource '{(set(left) - set(tables)).pop()}' (a lookup table in a loop?) cannot be frozen"
        )
    return [(name, *content) for name, content in tables.items()]


def lookup_table(keys, values):
    """Add a lookup table to the default graph: its handle, and the op that fills it."""
    handle = tf.raw_ops.MutableHashTableV2(key_dtype=_dtype_of(keys), value_dtype=_dtype_of(values))
    return handle, tf.raw_ops.LookupTableImportV2(table_handle=handle, keys=keys, values=values)


def _dtype_of(array):
    return tf.string if array.dtype == object else tf.as_dtype(array.dtype)


def keras_of(value):
    """The Keras that value is a model (or layer) of, None where it is none."""
    for cls in type(value).__mro__:
        library = cls.__module__.split('.')[0]
        if cls.__name__ == 'Layer' and library in ('keras', 'tf_keras'):
            return importlib.import_module(library)
        if cls.__name__ == 'Layer' and library in ('tensorflow', 'tensorflow_core'):
            return tf.keras
    return None


def with_keras(major):
    """The Keras of this major version; for Keras 2, if need be, another that reads its files; None without any."""
    names = ['keras', 'tensorflow.keras'] if major >= 3 else ['tf_keras', 'tensorflow.keras', 'keras']
    found = [keras for keras in map(_imported, names) if keras is not None]
    exact = [keras for keras in found if keras_version(keras).startswith('3' if major >= 3 else '2')]
    return (exact or (found if major < 3 else []) or [None])[0]


def _imported(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if error.name in (name, name.split('.')[0]) or name.startswith('tensorflow.'):
            return None
        raise  # it is there but broken, or its backend is not


def keras_backend(keras):
    """What a Keras computes with: 'tensorflow', and for Keras 3 perhaps 'jax' or 'torch'."""
    return getattr(keras.backend, 'backend', lambda: 'tensorflow')()


def keras_version(keras):
    """The version of a Keras module."""
    return str(getattr(keras, '__version__', '2'))


def keras_session(model):
    """The session in which Keras keeps the weights of a model that is in a graph."""
    ours = keras_of(model).__name__ == 'tf_keras'
    backend = importlib.import_module('tf_keras.src.backend') if ours else tf.keras.backend
    with model.inputs[0].graph.as_default():
        return backend.get_session()


def load_saved_model(path, tags):
    """The object in a SavedModel of TensorFlow 2."""
    return tf2.saved_model.load(path, tags=tags)


def saved_model_loader(path):
    """What loads graphs of a SavedModel into sessions, and a list of the MetaGraphDefs that it will load."""
    loader = _loader_impl.SavedModelLoader(path)
    return loader, loader._saved_model.meta_graphs

"""What in the configuration of a Keras file would run code, or read other files, when the file is loaded."""

import re
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional

from ...errors import ModelError

#: Ways to say that it is the byte code of a lambda, which is also bound to one version of Python.
BYTE_CODE = 'holds Python byte code (of a lambda)'

#: What Keras finds functions in, by the first part of a module after ``keras`` (or ``keras.src``).
OF_FUNCTIONS = frozenset(
    'activations backend constraints initializers losses metrics ops optimizers regularizers'.split()
)
#: Where a class has its own way to code or files: what it is named for is no part of a network.
NOT_OF_CLASSES = frozenset('applications callbacks config datasets distribution export saving utils'.split())
#: Packages of Keras' own: what they hold is as trusted as Keras.
PACKAGES = frozenset('keras tf_keras keras_cv keras_hub keras_nlp'.split())

#: Parts of the names that TensorFlow has for functions without side effects.
PURE = frozenset(
    'audio bitwise dtypes image linalg math nn quantization ragged random sets signal sparse strings '
    '__operators__'.split()
)
IMPURE = frozenset(
    'load_file_system_library load_library load_op_library numpy_function print py_func py_function '
    'read_file write_file matching_files import_graph_def d_tensor_restore_v2'.split()
)

#: Layers that call any function of TensorFlow -> the part of their configuration that names it.
OF_TENSORFLOW = {'TFOpLambda': 'function', 'SlicingOpLambda': 'function', 'ClassMethod': 'cls_symbol'}
OF_WORDS = frozenset('IndexLookup IntegerLookup StringLookup TextVectorization'.split())


class Program(NamedTuple):
    """A layer of a configuration, and what it does, as the end of a sentence."""

    layer: str
    what: str


def check_configuration(config: Any, path: str, is_known: Callable[[Any], bool]) -> None:
    """Raise ModelError, which names the layer, if loading a model of this configuration would run what is in it.

    ``is_known`` says whether a name is one of the custom objects, which are the user's own code.
    """
    for layer, what in programs(config, is_known):
        raise ModelError(
            f"'{path}': layer '{layer}' {what}, and loading the file would run that. If you trust whoever wrote it: "
            f"open_model(..., safe_mode=False). Otherwise build the model in code, model.load_weights('{path}'), and "
            'give that model to open_model.'
        )


def programs(config: Any, is_known: Callable[[Any], bool]) -> Iterator[Program]:
    """Yield each :class:`Program` of a configuration, however deep inside it."""
    stack = [(config, 'the model itself')]
    while stack:
        entry, layer = stack.pop()
        if isinstance(entry, list):
            stack.extend((part, layer) for part in reversed(entry))
        elif isinstance(entry, dict):
            own = entry.get('config')
            if 'class_name' in entry and isinstance(own, dict) and isinstance(own.get('name', entry.get('name')), str):
                layer = str(own.get('name', entry.get('name')))
            what = _byte_code(entry) or _outside(entry, is_known)
            if what:
                yield Program(layer, what)
            # What a model is compiled with is not loaded.
            stack.extend((part, layer) for key, part in reversed(list(entry.items())) if key != 'compile_config')


def _byte_code(entry: Dict[str, Any]) -> Optional[str]:
    """``function_type: 'lambda'`` in Keras 2, ``__lambda__`` in Keras 3 and in the ``.keras`` files of Keras 2."""
    own = entry.get('config')
    is_lambda = entry.get('class_name') == '__lambda__' or any(
        value == 'lambda' and key.endswith('_type') and key[: -len('_type')] in entry for key, value in entry.items()
    )
    if is_lambda or (entry.get('class_name') == 'Lambda' and isinstance(own, dict) and _is_list(own.get('function'))):
        return BYTE_CODE
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and value.get('class_name') == '__tuple__')


def _outside(entry: Dict[str, Any], is_known: Callable[[Any], bool]) -> Optional[str]:
    """What an object of a configuration reaches for outside of Keras, None if nothing."""
    kind, own = entry.get('class_name'), entry.get('config')
    if not isinstance(kind, str):
        return None
    name = own if kind == 'function' else entry.get('registered_name', kind)
    own = own if isinstance(own, dict) else {'': own}
    if kind == 'TFSMLayer':
        return f"loads the SavedModel '{own.get('filepath')}'"
    if kind == 'TorchModuleWrapper':
        return 'holds a pickled module of PyTorch'
    if kind in OF_WORDS and isinstance(own.get('vocabulary'), str):
        return f"reads its vocabulary from the file '{own['vocabulary']}'"
    if kind in OF_TENSORFLOW and not _is_pure(own.get(OF_TENSORFLOW[kind])):
        return f"calls 'tf.{own.get(OF_TENSORFLOW[kind])}'"
    if kind == 'TensorFlowOpLayer':
        return _of_node(own.get('node_def'))
    # What Keras looks up among the custom objects. Not before the above: HDF5 files go by class_name alone.
    if is_known(name):
        return None
    if kind == '__typespec__':
        kind = str(entry.get('spec_name'))
    elif kind.startswith('__'):
        return None
    return _of_module(entry.get('module'), kind, own)


def _is_pure(symbol: Any) -> bool:
    """Whether a symbol of TensorFlow, such as ``math.add``, names a function of tensors and nothing else."""
    parts = str(symbol).split('.')
    if parts[:2] in (['compat', 'v1'], ['compat', 'v2']):
        parts = parts[2:]
    if parts[0] == 'debugging':
        return parts[-1].startswith(('assert_', 'check_numerics'))
    if parts[0] == 'io':
        return parts[-1].startswith(('decode_', 'encode_', 'parse_', 'serialize_'))
    if len(parts) == 1:
        return parts[0] not in IMPURE and not parts[0].startswith(('rpc_', 'xla_')) and not parts[0].endswith('Reader')
    return parts[0] in PURE and 'experimental' not in parts


def _of_node(node: Any) -> Optional[str]:
    """A layer that is an op of TensorFlow, described by a NodeDef: as JSON, or in bytes."""
    from .effects import effect_of_type

    found = node.get('op', '') if isinstance(node, dict) else str(node)
    for op_type in re.findall(r'\w+', found):
        effect = effect_of_type(op_type)
        if effect:
            return f"is the op '{op_type}', which {effect}"
    return None


def _of_module(module: Any, kind: Any, own: Dict[str, Any]) -> Optional[str]:
    """A class or function that Keras would import from a module which the file names."""
    if module in (None, 'builtins'):  # found by its name among those of Keras
        return None
    name = own.get('') if kind == 'function' else kind
    parts = str(module).split('.')
    if kind != 'function' and parts[:2] == ['tensorflow', 'python'] and str(name).endswith('Spec'):
        return None
    inside = parts[1:] if parts[1:2] != ['src'] else parts[2:]
    room = inside[0] if inside else ''
    of_keras = parts[0] in PACKAGES and '.' not in str(name)
    if of_keras and (
        room in OF_FUNCTIONS if kind == 'function' else room not in NOT_OF_CLASSES or name == 'FeatureSpace'
    ):
        return None
    return (
        f"names '{module}.{name}', which is not a part of a network that Keras knows (yours? give it in custom_objects)"
    )

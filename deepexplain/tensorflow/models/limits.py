"""What a file may ask for: bounds on its unpacked size, its names, its functions."""

import os
import threading
from typing import Any, Callable, Dict, List, TypeVar

from ...errors import GraphError, ModelError
from ..compat import tf
from ..runtime.bodies import measure_calls

_Result = TypeVar('_Result')

#: How many seconds what is in a file may take when it is loaded, and for each made-up sample.
PATIENCE = 60.0
#: The most characters of a name. (Of scopes in scopes, some hundred.)
MOST_NAME = 4096
#: The most ops of a graph in which each call of a function is replaced by what that does.
MOST_OPS = 10**6
#: What a file may unpack to: that many times its size; always these bytes.
MOST_TIMES, ALWAYS = 20, 1 << 28


def check_unpacked(unpacked: int, path: Any) -> None:
    """Raise ModelError where a file would take far more memory than it has bytes."""
    size = max(1, os.path.getsize(path))
    if unpacked > max(ALWAYS, MOST_TIMES * size):
        raise ModelError(
            f"'{path}' of {size / 1e6:.3g} MB unpacks to {unpacked / 1e6:.3g} MB, {unpacked // size} times as much: "
            f'more than {MOST_TIMES} times is not opened.'
        )


def check_name(name: Any, path: Any) -> None:
    """Raise ModelError where a name is longer than any network's."""
    if isinstance(name, (str, bytes)) and len(name) > MOST_NAME:
        raise ModelError(
            f"'{path}': a name in it has {len(name):,} characters ({name[:20]!r}...); at most {MOST_NAME:,} are read."
        )


def check_graph(graph_def: Any, path: Any) -> None:
    """Raise ModelError where a GraphDef is larger than its file looks: names, constants, functions that call others."""
    unpacked = 0
    library = graph_def.library.function
    for nodes in [graph_def.node] + [function.node_def for function in library]:
        for node in nodes:
            check_name(node.name, path)
            check_name(node.op, path)
            if node.op == 'Const':
                unpacked += _bytes_of(node.attr['value'].tensor)
    for function in library:
        check_name(function.signature.name, path)
    check_unpacked(unpacked, path)
    _check_calls(graph_def, path)


def _bytes_of(tensor: Any) -> int:
    """What a constant takes once its value is written out: it may be one number and a shape."""
    elements = 1
    for dim in tensor.tensor_shape.dim:
        elements *= max(0, dim.size)
    try:
        return elements * max(1, int(tf.as_dtype(tensor.dtype).size or 1))
    except TypeError:  # no dtype that there is: TensorFlow says that
        return 0


def _check_calls(graph_def: Any, path: Any) -> None:
    bodies = {function.signature.name: function.node_def for function in graph_def.library.function}
    calls = {name: [callee for node in body for callee in called(node, bodies)] for name, body in bodies.items()}
    depths: Dict[str, int] = {}
    try:
        for name in bodies:
            measure_calls(name, calls.__getitem__, depths)
    except GraphError as error:
        raise ModelError(f"'{path}': {error}") from None
    ops: Dict[str, int] = {}
    for name in depths:  # after all that it calls
        ops[name] = len(bodies[name]) + sum(ops[callee] for callee in calls[name])
    total = len(graph_def.node) + sum(ops[callee] for node in graph_def.node for callee in called(node, bodies))
    if max([total, *ops.values()]) > MOST_OPS:
        raise ModelError(
            f"'{path}': with the functions that it calls, its graph has more than {MOST_OPS:,} ops "
            f'({max([total, *ops.values()]):.2g}).'
        )


def called(node: Any, bodies: Any) -> List[str]:
    """Names of the functions of a library that a NodeDef calls."""
    names = [value.func.name for value in node.attr.values() if value.HasField('func')]
    names += [f.name for value in node.attr.values() for f in value.list.func]
    return [name for name in [*names, node.op] if name in bodies]


def within_patience(compute: Callable[[], _Result], what: str) -> _Result:
    """What ``compute()``, which runs ops of a file, returns; a ModelError where that takes longer than PATIENCE.

    TensorFlow cannot be interrupted while it runs, so it runs in another thread: Ctrl-C comes through at once.
    """
    found: List[_Result] = []
    failures: List[BaseException] = []

    def run() -> None:
        try:
            found.append(compute())
        except BaseException as error:  # raised again, where it is waited for
            failures.append(error)

    thread = threading.Thread(target=run, name='deepexplain.open_model', daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if failures:
        raise failures[0]
    if not found:
        raise ModelError(
            f'{what} took more than {PATIENCE:g} seconds: is there a loop without an end in it? What was begun runs '
            'until this process ends.'
        )
    return found[0]

"""Graphs of TensorFlow 1 in files: frozen ones, and a .meta file with its checkpoint."""

import os
from typing import Any, Collection, Optional

from ...errors import ArgumentError, ModelError
from ..compat import MANY, Session, original_gradient, take_large, tf
from .effects import FileGraph, check_effects
from .ends import ends
from .limits import check_graph, within_patience
from .opened import OpenModel, imported, keys_of, new_session


def open_frozen_graph(
    path: Any, inputs: Any = None, outputs: Any = None, allow_ops: Collection[str] = (), config: Any = None
) -> OpenModel:
    """Open a ``.pb`` file: a GraphDef whose variables are constants."""
    graph_def = _parsed(tf.GraphDef(), path)
    _check_ops(graph_def, 'GraphDef', path)
    check_graph(graph_def, path)
    check_effects(FileGraph(graph_def, None, list(outputs or ())), path, allow_ops)
    variables = [node.name for node in graph_def.node if node.op in ('Variable', 'VariableV2', 'VarHandleOp')]
    if variables:
        raise ModelError(
            f"'{path}' is not frozen: the values of its {len(variables)} variables ('{variables[0]}' is the first) are "
            'in a checkpoint. Open the .meta file of that checkpoint.'
        )
    return imported(readable(graph_def), inputs, outputs, large=take_large(graph_def, MANY), config=config)


def open_meta_graph(
    path: Any,
    inputs: Any = None,
    outputs: Any = None,
    checkpoint: Optional[str] = None,
    allow_ops: Collection[str] = (),
    config: Any = None,
) -> OpenModel:
    """Open a ``.meta`` file, and restore its variables from the checkpoint beside it or the one given."""
    path = os.fspath(path)
    checkpoint = path[: -len('.meta')] if checkpoint is None else os.fspath(checkpoint)
    if os.path.isdir(checkpoint) and not os.path.exists(checkpoint + '.index'):  # 'model/' may be a prefix, too
        checkpoint = tf.train.latest_checkpoint(checkpoint) or checkpoint
    meta_graph = _parsed(tf.MetaGraphDef(), path)
    _check_ops(meta_graph.graph_def, 'MetaGraphDef', path)
    check_graph(meta_graph.graph_def, path)
    check_effects(
        FileGraph(meta_graph.graph_def, meta_graph, list(inputs or ()) + list(outputs or ())), path, allow_ops
    )
    readable(meta_graph.graph_def)
    with new_session(f"TensorFlow {tf.__version__} cannot open '{path}'", config=config) as session:
        saver = tf.train.import_meta_graph(meta_graph, clear_devices=True)
        within_patience(lambda: _restore(session, saver, checkpoint, path), f"'{path}': to restore it")
        tables = tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS)
        within_patience(lambda: session.run(tables), f"'{path}': to fill its tables")
        signatures = list(meta_graph.signature_def.values())
        of_inputs, of_outputs = keys_of(signatures[0]) if len(signatures) == 1 else ({}, {})
        return OpenModel(
            session,
            inputs or list(of_inputs),
            outputs or list(of_outputs) or ends(session.graph),
            {**of_outputs, **of_inputs},
        )


def _parsed(message: Any, path: Any) -> Any:
    """The protobuf message, read from a file."""
    try:
        with open(os.fspath(path), 'rb') as file:
            message.ParseFromString(file.read())
    except Exception as error:
        raise ArgumentError(f"'{path}' is not a {type(message).__name__}: {error}") from None
    return message


def _check_ops(graph_def: Any, kind: str, path: Any) -> None:
    if not graph_def.node:
        raise ArgumentError(f"'{path}' is not a {kind}: there is no op in it.")


def _restore(session: Session, saver: Any, checkpoint: Optional[str], path: Any) -> None:
    if saver is None:  # a graph without variables
        return
    if not tf.train.checkpoint_exists(checkpoint):
        raise ArgumentError(
            f"There is no checkpoint '{checkpoint}' (.index and .data files) for '{path}', so its weights would be "
            "missing: give its path without an ending as 'checkpoint'."
        )
    try:
        with session.graph.as_default():  # this may be another thread
            saver.restore(session, checkpoint)
    except (tf.errors.OpError, ValueError) as error:
        raise ModelError(f"The checkpoint '{checkpoint}' does not fit '{path}': {error}") from error


def readable(graph_def: Any) -> Any:
    """The GraphDef without what TensorFlow refuses to import or to differentiate.

    Shapes that TensorFlow 1.12 wrote down are wrong for today's ops, and are inferred again. Custom gradients are
    code: where the code is not here, ops get their own.
    """
    for nodes in [graph_def.node] + [function.node_def for function in graph_def.library.function]:
        for node in nodes:
            node.attr.pop('_output_shapes', None)
            if '_gradient_op_type' in node.attr and not original_gradient(node.attr['_gradient_op_type'].s.decode()):
                del node.attr['_gradient_op_type']
    return graph_def

"""Graphs of TensorFlow 1 in files: frozen ones, and a .meta file with its checkpoint."""

import os

from ...errors import ArgumentError, ModelError
from ..compat import original_gradient, tf
from .opened import OpenModel, ends, imported, placeholders


def open_frozen_graph(path, inputs=None, outputs=None):
    """Open a ``.pb`` file: a GraphDef whose variables are constants."""
    graph_def = tf.GraphDef()
    try:
        with open(os.fspath(path), 'rb') as file:
            graph_def.ParseFromString(file.read())
    except Exception as error:
        raise ArgumentError(f"'{path}' is not a GraphDef: {error}") from None
    if not graph_def.node:
        raise ArgumentError(f"'{path}' is not a GraphDef: there is no op in it.")
    variables = [node.name for node in graph_def.node if node.op in ('Variable', 'VariableV2', 'VarHandleOp')]
    if variables:
        raise ModelError(
            f"'{path}' is not frozen: the values of its {len(variables)} variables ('{variables[0]}' is the first) are "
            'in a checkpoint. Open the .meta file of that checkpoint.'
        )
    return imported(readable(graph_def), inputs, outputs)


def open_meta_graph(path, inputs=None, outputs=None, checkpoint=None):
    """Open a ``.meta`` file, and restore its variables from the checkpoint beside it or the one given."""
    path = os.fspath(path)
    checkpoint = path[: -len('.meta')] if checkpoint is None else os.fspath(checkpoint)
    if os.path.isdir(checkpoint) and not os.path.exists(checkpoint + '.index'):  # 'model/' may be a prefix, too
        checkpoint = tf.train.latest_checkpoint(checkpoint) or checkpoint
    meta_graph = tf.MetaGraphDef()
    try:
        with open(path, 'rb') as file:
            meta_graph.ParseFromString(file.read())
    except Exception as error:
        raise ArgumentError(f"'{path}' is not a MetaGraphDef: {error}") from None
    if not meta_graph.graph_def.node:
        raise ArgumentError(f"'{path}' is not a MetaGraphDef: there is no op in it.")
    readable(meta_graph.graph_def)
    graph = tf.Graph()
    session = tf.Session(graph=graph)
    try:
        with graph.as_default():
            saver = tf.train.import_meta_graph(meta_graph, clear_devices=True)
            _restore(session, saver, checkpoint, path)
            tables = tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS)
            session.run(tables)
    except Exception as error:
        session.close()
        if isinstance(error, (ArgumentError, ModelError)):
            raise
        raise ModelError(f"TensorFlow {tf.__version__} cannot open '{path}': {error}") from error
    signatures = list(meta_graph.signature_def.values())
    keys_in, keys_out = {}, {}
    if len(signatures) == 1:
        keys_in = {key: info.name for key, info in sorted(signatures[0].inputs.items())}
        keys_out = {key: info.name for key, info in sorted(signatures[0].outputs.items())}
    return OpenModel(
        session,
        inputs or list(keys_in) or placeholders(graph),
        outputs or list(keys_out) or ends(graph),
        {**keys_out, **keys_in},
    )


def _restore(session, saver, checkpoint, path):
    if saver is None:  # a graph without variables
        return
    if not tf.train.checkpoint_exists(checkpoint):
        raise ArgumentError(
            f"There is no checkpoint '{checkpoint}' (.index and .data files) for '{path}', so its weights would be "
            "missing: give its path without an ending as 'checkpoint'."
        )
    try:
        saver.restore(session, checkpoint)
    except (tf.errors.OpError, ValueError) as error:
        raise ModelError(f"The checkpoint '{checkpoint}' does not fit '{path}': {error}") from error


def readable(graph_def):
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

"""Graphs that leave the process: loops of functions, variables that become constants, SavedModels that are written."""

from typing import Any, Callable, Dict, List, Sequence

from tensorflow.core.framework import graph_pb2 as _graph_pb2
from tensorflow.core.protobuf import saved_model_pb2 as _saved_model_pb2
from tensorflow.python.ops import while_v2 as _while_v2
from tensorflow.python.util import deprecation as _deprecation

from .api import tf
from .types import Graph, Session, Tensor

#: What TensorFlow makes of itself and older ones do not know, and hints that hold in one process only.
HINTS = ('_class', '_gradient_op_type', '_output_shapes', 'grad_a', 'grad_b')


def new_graph_def() -> Any:
    """An empty GraphDef."""
    return _graph_pb2.GraphDef()


def functional_loop(
    cond: Callable[..., Tensor], body: Callable[..., Sequence[Tensor]], starts: Sequence[Tensor], shapes: Sequence[Any]
) -> List[Tensor]:
    """A loop whose body is a function, on both lines of TensorFlow; one turn after the other, as memory is bounded."""
    return list(_while_v2.while_loop(cond, body, list(starts), shapes, parallel_iterations=1))


def without_variables(session: Session, graph_def: Any, outputs: Sequence[str]) -> Any:
    """The GraphDef with constants for all variables, those that functions and loops read included."""
    with _deprecation.silence():
        return tf.graph_util.convert_variables_to_constants(session, graph_def, list(outputs))


def strip_hints(nodes: Any) -> None:
    """Take off NodeDefs what only hints at something, and would keep another version from reading them."""
    for node in nodes:
        for name in HINTS:
            if name in node.attr:
                del node.attr[name]


def saved_model_bytes(graph: Graph, signatures: Dict[str, Any]) -> bytes:
    """A SavedModel without variables, as bytes: of a graph, and for each signature (inputs, outputs) by their keys.

    Such one is read by the loaders of TensorFlow 1 and 2, by TensorFlow Serving and through the C API.
    """
    with graph.as_default():  # eagerly, TensorFlow would refuse
        meta = tf.train.export_meta_graph(graph=graph, clear_devices=True, strip_default_attrs=True)
    meta.ClearField('collection_def')
    meta.meta_info_def.tags.append(tf.saved_model.tag_constants.SERVING)
    for nodes in [meta.graph_def.node] + [function.node_def for function in meta.graph_def.library.function]:
        strip_hints(nodes)
    del meta.graph_def.library.gradient[:]
    for name, (inputs, outputs) in signatures.items():
        infos = [{key: _info(z) for key, z in side.items()} for side in (inputs, outputs)]
        method = tf.saved_model.signature_constants.PREDICT_METHOD_NAME
        signature = tf.saved_model.signature_def_utils.build_signature_def(*infos, method)
        meta.signature_def[name].CopyFrom(signature)
    saved = _saved_model_pb2.SavedModel(saved_model_schema_version=1)
    saved.meta_graphs.add().CopyFrom(meta)
    return bytes(saved.SerializeToString(deterministic=True))


def _info(tensor: Tensor) -> Any:
    from tensorflow.core.protobuf import meta_graph_pb2

    return meta_graph_pb2.TensorInfo(
        name=tensor.name, dtype=tensor.dtype.as_datatype_enum, tensor_shape=tensor.shape.as_proto()
    )

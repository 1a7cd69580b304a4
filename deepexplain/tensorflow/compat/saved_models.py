"""Reading SavedModels of TensorFlow 1 and 2."""

from typing import Any, List, Tuple

from tensorflow.core.protobuf import meta_graph_pb2 as _meta_graph_pb2
from tensorflow.python.saved_model import loader_impl as _loader_impl

from .api import tf2

#: The collection in which graphs of before TensorFlow 1.13 keep their assets.
ASSETS = 'saved_model_assets'


def load_saved_model(path: str, tags: Any) -> Any:
    """The object in a SavedModel of TensorFlow 2."""
    return tf2.saved_model.load(path, tags=tags)


def saved_model_loader(path: str) -> Tuple[Any, Any]:
    """What loads graphs of a SavedModel into sessions, and a list of the MetaGraphDefs that it will load."""
    loader = _loader_impl.SavedModelLoader(path)
    return loader, loader._saved_model.meta_graphs


def assets_of(meta_graph: Any) -> List[Tuple[str, str]]:
    """The assets of a MetaGraphDef, as (name of the tensor that is fed with its path, file name)."""
    assets = list(meta_graph.asset_file_def)
    of_old = meta_graph.collection_def
    for entry in of_old[ASSETS].any_list.value if not assets and ASSETS in of_old else ():
        assets.append(_meta_graph_pb2.AssetFileDef())
        entry.Unpack(assets[-1])
    return [(asset.tensor_info.name, asset.filename) for asset in assets]

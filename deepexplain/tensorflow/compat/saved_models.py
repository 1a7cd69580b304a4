"""Reading SavedModels of TensorFlow 1 and 2."""

from typing import Any, Tuple

from tensorflow.python.saved_model import loader_impl as _loader_impl

from .api import tf2


def load_saved_model(path: str, tags: Any) -> Any:
    """The object in a SavedModel of TensorFlow 2."""
    return tf2.saved_model.load(path, tags=tags)


def saved_model_loader(path: str) -> Tuple[Any, Any]:
    """What loads graphs of a SavedModel into sessions, and a list of the MetaGraphDefs that it will load."""
    loader = _loader_impl.SavedModelLoader(path)
    return loader, loader._saved_model.meta_graphs

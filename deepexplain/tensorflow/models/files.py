"""What a model is opened from, as data: the files that it is read from, and the inputs that it shall have."""

import os
import re
from typing import Any, List, Optional, Tuple

from ...errors import ArgumentError
from ..compat import tf


def files_of(path: str, checkpoint: Optional[str] = None) -> List[Tuple[str, str]]:
    """The files that a model is read from: pairs of a name that does not depend on the place, and a path."""
    if not os.path.exists(path):
        raise ArgumentError(f"There is no file or directory '{path}'.")
    if os.path.basename(path) in ('saved_model.pb', 'saved_model.pbtxt'):
        path = os.path.dirname(path)
    if os.path.isdir(path):
        found = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
        return sorted((os.path.relpath(file, path).replace(os.sep, '/'), file) for file in found)
    files = [('', path)]
    if path.lower().endswith('.meta'):
        prefix = path[: -len('.meta')] if checkpoint is None else checkpoint
        if os.path.isdir(prefix) and not os.path.exists(prefix + '.index'):
            prefix = tf.train.latest_checkpoint(prefix) or prefix
        folder, name = os.path.split(os.path.abspath(prefix))
        beside = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        files += [
            (f[len(name) :], os.path.join(folder, f))
            for f in beside
            if re.match(re.escape(name) + r'\.(index$|data)', f)
        ]
    return files


def spec_as_data(value: Any) -> Any:
    """A TensorSpec as a dict."""
    if not isinstance(value, tf.TensorSpec):
        return value
    shape = None if value.shape.rank is None else value.shape.as_list()
    return {'shape': shape, 'dtype': value.dtype.name, 'name': value.name}


def data_as_specs(inputs: Any) -> Any:
    """The TensorSpecs that such dicts are of, and other entries as they are."""
    return [tf.TensorSpec(**value) if isinstance(value, dict) else value for value in inputs]

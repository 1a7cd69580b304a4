"""Explanations in files: arrays by name, and one text of JSON for the rest. No pickle, whatever the format."""

import base64
import importlib
import io
import json
import os
import shutil
import tempfile
from typing import Any, Callable, Dict, Tuple

import numpy as np

from ..arguments import text_of
from ..errors import ArgumentError, ArgumentTypeError, DeepExplainError
from ..types import Array

#: Raised where old readers would take a file for something else.
FORMAT = 1
#: What is an array, or a list of them.
ARRAYS = ('values', 'data', 'baseline', 'outputs', 'base_value', 'delta', 'ys', 'standard_error')
META = 'meta'

Arrays = Dict[str, Array]


def write(path: Any, content: Dict[str, Any]) -> None:
    """Write the attributes of an explanation. A file that is there is replaced when the new one is whole."""
    path = _as_path(path)
    writer, _ = _format(path)
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path) and not any(os.path.exists(os.path.join(path, name)) for name in ('.zgroup', 'zarr.json')):
        raise ArgumentError(f"'{path}' is a directory, and no zarr group: nothing in it is replaced.")
    # Its name ends as that of the file: libraries add what is missing.
    beside = tempfile.mkdtemp(dir=folder, prefix='.explanation-')
    try:
        made = os.path.join(beside, os.path.basename(path))
        writer(made, _taken_apart(content))
        if os.path.isdir(path):
            shutil.rmtree(path)
        os.replace(made, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def read(path: Any) -> Dict[str, Any]:
    """The attributes of the explanation in a file."""
    path = _as_path(path)
    _, reader = _format(path)
    if not os.path.exists(path):
        raise ArgumentError(f"There is no file '{path}'.")
    try:
        return _put_together(reader(path))
    except DeepExplainError:
        raise
    except ImportError:
        raise
    except Exception as error:  # of every type, for a file that is damaged or is another thing
        said = ' '.join(str(error).split())[:200] or type(error).__name__
        raise ArgumentError(f"'{path}' cannot be read as an explanation: {said}") from None


def _as_path(path: Any) -> str:
    try:
        return os.fsdecode(path)
    except Exception:
        raise ArgumentTypeError(f'path must be the name of a file; got {text_of(path)}.') from None


def _format(path: str) -> 'Tuple[Callable[[str, Arrays], None], Callable[[str], Arrays]]':
    ending = os.path.splitext(path.rstrip('/'))[1].lower()
    if ending not in FORMATS:
        raise ArgumentError(f"path must end in {', '.join(FORMATS)}; got '{path}'.")
    return FORMATS[ending]


def _taken_apart(content: Dict[str, Any]) -> Arrays:
    """All arrays by name, and the rest as the bytes of a text."""
    arrays: Arrays = {}
    lists = []
    for name in ARRAYS:
        value = content[name]
        if isinstance(value, list):
            lists.append(name)
        for i, one in enumerate(value if isinstance(value, list) else [] if value is None else [value]):
            # No file format has bfloat16.
            arrays[f'{name}_{i}'] = one if one.dtype.kind in 'biuf' else one.astype(np.float32)
    rest = {name: value for name, value in content.items() if name not in ARRAYS}
    meta = json.dumps({'format': FORMAT, 'lists': lists, 'rest': rest}, default=text_of)
    arrays[META] = np.frombuffer(meta.encode(), np.uint8)
    return arrays


def _put_together(arrays: Arrays) -> Dict[str, Any]:
    if META not in arrays:
        raise ArgumentError(f'it holds {", ".join(sorted(arrays)[:5]) or "nothing"}, and no explanation.')
    meta = json.loads(np.asarray(arrays[META], np.uint8).tobytes().decode())
    if meta['format'] != FORMAT:
        raise ArgumentError(f'This file has format {meta["format"]}; this version of deepexplain reads {FORMAT}.')
    content = dict(meta['rest'])
    for name in ARRAYS:
        found = [arrays[f'{name}_{i}'] for i in range(len(arrays)) if f'{name}_{i}' in arrays]
        content[name] = found if name in meta['lists'] else found[0] if found else None
    return content


def _needs(module: str, package: str, ending: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(f"'{ending}' needs {package}: pip install {package}; '.npz' needs nothing.") from None


def _save_npz(file: Any, arrays: Arrays) -> None:
    save: Any = np.savez_compressed
    save(file, **arrays)


def _write_npz(path: str, arrays: Arrays) -> None:
    with open(path, 'wb') as file:
        _save_npz(file, arrays)


def _read_npz(path: str) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _write_h5(path: str, arrays: Arrays) -> None:
    with _needs('h5py', 'h5py', '.h5').File(path, 'w') as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)


def _read_h5(path: str) -> Arrays:
    with _needs('h5py', 'h5py', '.h5').File(path, 'r') as file:
        return {name: np.asarray(file[name][()]) for name in file}


def _write_zarr(path: str, arrays: Arrays) -> None:
    group = _needs('zarr', 'zarr', '.zarr').open_group(path, mode='w')
    for name, array in arrays.items():
        group[name] = array


def _read_zarr(path: str) -> Arrays:
    group = _needs('zarr', 'zarr', '.zarr').open_group(path, mode='r')
    return {name: np.asarray(group[name][...]) for name in group}


def _write_parquet(path: str, arrays: Arrays) -> None:
    """A row for each sample: a column for each array of samples, of numbers or of flat lists; the rest beside them."""
    pa, parquet = _needs('pyarrow', 'pyarrow', '.parquet'), _needs('pyarrow.parquet', 'pyarrow', '.parquet')
    each = json.loads(arrays[META].tobytes().decode())['rest']['each']
    count = arrays['values_0'].shape[1 if each else 0]
    columns, shapes, others = {}, {}, {}
    for name, array in arrays.items():
        axis = 1 if each and name.rsplit('_', 1)[0] not in ('data', 'ys', 'baseline', META) else 0
        is_column = name != META and not name.startswith('baseline_') and array.shape[axis : axis + 1] == (count,)
        if not is_column:
            others[name] = array
            continue
        rows = np.moveaxis(array, axis, 0).reshape(count, -1)
        flat = pa.array(rows.ravel())
        is_plain = array.ndim == 1
        columns[name] = flat if is_plain else pa.FixedSizeListArray.from_arrays(flat, max(1, rows.shape[1]))
        shapes[name] = [axis, list(np.moveaxis(array, axis, 0).shape), array.dtype.str]
    beside = io.BytesIO()
    _save_npz(beside, others)
    metadata = {'shapes': json.dumps(shapes), 'others': base64.b64encode(beside.getvalue()).decode()}
    parquet.write_table(pa.table(columns).replace_schema_metadata(metadata), path)


def _read_parquet(path: str) -> Arrays:
    parquet = _needs('pyarrow.parquet', 'pyarrow', '.parquet')
    table = parquet.read_table(path)
    metadata = table.schema.metadata or {}
    if b'shapes' not in metadata:
        raise ArgumentError(f"'{path}' is a parquet file, but none of an explanation.")
    with np.load(io.BytesIO(base64.b64decode(metadata[b'others'])), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for name, (axis, shape, dtype) in json.loads(metadata[b'shapes']).items():
        column = table.column(name).combine_chunks()
        flat = column.flatten() if hasattr(column, 'flatten') and len(shape) > 1 else column
        values = flat.to_numpy(zero_copy_only=False).astype(np.dtype(dtype))
        arrays[name] = np.moveaxis(values.reshape(shape), 0, axis)
    return arrays


#: The end of a name -> what writes arrays by name, and what reads them.
FORMATS = {
    '.npz': (_write_npz, _read_npz),
    '.h5': (_write_h5, _read_h5),
    '.hdf5': (_write_h5, _read_h5),
    '.parquet': (_write_parquet, _read_parquet),
    '.zarr': (_write_zarr, _read_zarr),
}

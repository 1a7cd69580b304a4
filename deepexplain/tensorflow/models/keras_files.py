"""What is in a Keras file, read without Keras: the version, the configuration, the weights; within limits."""

import json
import zipfile
from contextlib import contextmanager
from typing import Any, Iterator, List, Sequence

from ...arguments import text_of
from ...errors import ArgumentError, ModelError
from ..runtime.bodies import MOST_NESTED
from .limits import check_name, check_unpacked

#: The most characters of a configuration: a vocabulary of a million words has ten million.
MOST_TEXT = 1 << 27
WEIGHTS = 'model.weights.h5'
#: How a heap of texts begins in HDF5: its name, version and what is reserved; and a size that wraps around in HDF5.
HEAP, MOST_IN_HEAP = b'GCOL\1\0\0\0', 1 << 62


def version_of(path: str) -> str:
    """The version of Keras that wrote the file."""
    version = _version_of_archive(path) if zipfile.is_zipfile(path) else _version_of_h5(path)
    if not version.split('.')[0].isdecimal():
        raise ArgumentError(f"'{path}' is not a file of Keras: it says that its version is {text_of(version)}.")
    return version


def _version_of_archive(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            return str(json.loads(_text(archive, 'metadata.json', path))['keras_version'])
    except ModelError:
        raise
    except Exception as error:  # of a damaged archive, or of JSON that says something else
        raise ArgumentError(f"'{path}' is not a .keras file of Keras: {error}") from None


def _version_of_h5(path: str) -> str:
    with hdf5(path, path) as file:
        if 'model_config' not in file.attrs:
            raise ModelError(
                f"'{path}' holds weights, but not the model they belong to (it was written by save_weights?). Build "
                f"the model, model.load_weights('{path}'), and give that model to open_model."
            )
        return _decoded(file.attrs.get('keras_version', '2'))


def check_sizes(path: str) -> None:
    """Raise ModelError where the file unpacks to far more than it is, or takes weights from another file."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            check_unpacked(sum(member.file_size for member in members), path)
            for member in members:
                check_name(member.filename, path)
            for member in members:
                if member.filename.endswith(('.h5', '.hdf5')):
                    with archive.open(member) as opened, hdf5(opened, path) as file:
                        _check_hdf5(file, path)
    if is_hdf5(path):  # it may be both, and Keras goes by its name
        with hdf5(path, path) as file:
            _check_hdf5(file, path)


def _check_hdf5(file: Any, path: str) -> None:
    import h5py

    unpacked, seen = 0, set()
    groups = [(file, 0)]
    while groups:
        group, depth = groups.pop()
        if depth > MOST_NESTED:
            raise ModelError(f"'{path}': its groups are nested more than {MOST_NESTED} deep.")
        for name in group:
            check_name(name, path)
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise ModelError(f"'{path}': '{name}' is a link to another file, '{link.filename}', which is not read.")
            if not isinstance(link, h5py.HardLink):  # to what is met elsewhere
                continue
            item = group[name]
            if isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address not in seen:
                    seen.add(address)
                    groups.append((item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise ModelError(f"'{path}': the data of '{name}' are in another file, which is not read.")
                unpacked += _product(item.shape or ()) * item.dtype.itemsize
    check_unpacked(unpacked, path)


def _product(shape: Sequence[int]) -> int:
    """Exact, whatever a file says: NumPy's overflows."""
    product = 1
    for dim in shape:
        product *= int(dim)
    return product


def configurations(path: str) -> List[Any]:
    """What describes the layers: of the archive, of the HDF5, or of both where a file is both."""
    texts = []
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if 'config.json' in archive.namelist():
                texts.append(_text(archive, 'config.json', path))
    if is_hdf5(path):
        with hdf5(path, path) as file:
            texts.extend(_decoded(file.attrs[key]) for key in ('model_config',) if key in file.attrs)
    try:
        found = [json.loads(text) for text in texts]
    except RecursionError:
        raise ModelError(f"'{path}': its configuration is nested too deep.") from None
    except ValueError as error:
        raise ModelError(f"'{path}': its configuration is no JSON: {error}") from None
    for config in found:
        _check_configuration_size(config, path)
    return found


def _check_configuration_size(config: Any, path: str) -> None:
    stack = [(config, 0)]
    while stack:
        entry, depth = stack.pop()
        if depth > 10 * MOST_NESTED:  # a layer in a layer is three or four deep
            raise ModelError(f"'{path}': its configuration is nested more than {10 * MOST_NESTED} deep.")
        if isinstance(entry, dict):
            for key, value in entry.items():
                check_name(key, path)
                if key.endswith('name'):
                    check_name(value, path)
            stack.extend((value, depth + 1) for value in entry.values())
        elif isinstance(entry, list):
            stack.extend((value, depth + 1) for value in entry if isinstance(value, (dict, list)))


@contextmanager
def weights_in(path: str) -> Iterator[Any]:
    """The HDF5 file of the weights: the file, or in it."""
    if not zipfile.is_zipfile(path):  # a .keras file may be HDF5, too: one of Keras before 2.12
        with hdf5(path, path) as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(WEIGHTS) as member, hdf5(member, path) as file:
        yield file


@contextmanager
def hdf5(source: Any, path: str) -> Iterator[Any]:
    """An HDF5 file, from a path or an open file."""
    import h5py  # Keras depends on it

    try:
        if isinstance(source, str):
            with open(source, 'rb') as opened:
                _check_heaps(opened, path)
        else:
            _check_heaps(source, path)
            source.seek(0)
        file = h5py.File(source, 'r')
    except ModelError:
        raise
    except Exception as error:  # OSError, and what the reading of a damaged archive raises
        raise ArgumentError(f"'{path}' is not a file of Keras (neither a .keras archive nor HDF5): {error}") from None
    with file:
        yield file


def _check_heaps(file: Any, path: str) -> None:
    """Raise ModelError where a text of the file is in a heap with a piece of no size.

    HDF5 (1.14) would go on from that piece to itself, without an end, and could not be interrupted.
    """
    end = 0
    for start in _places_of(HEAP, file):
        if start < end:  # within the last one
            continue
        file.seek(start + len(HEAP))
        end = start + int.from_bytes(file.read(8), 'little')
        at = start + len(HEAP) + 8
        while at + 16 <= end:
            file.seek(at)
            header = file.read(16)  # 2 bytes of index, 0 for what is free; 2 of references, 4 reserved, 8 of size
            if len(header) < 16:  # the heap says that it is larger than the file
                break
            size = int.from_bytes(header[8:], 'little')
            size = size if header[:2] == bytes(2) else 16 + -(-size // 8) * 8
            if size == 0 or size > MOST_IN_HEAP:
                raise ModelError(f"'{path}' is damaged: a heap of its texts, at byte {start}, has a piece of no size.")
            at += max(size, 16)


def _places_of(mark: bytes, file: Any) -> List[int]:
    found, rest, read = [], b'', 0
    while True:
        chunk = file.read(1 << 22)
        block, before = rest + chunk, read - len(rest)
        at = block.find(mark)
        while at >= 0:
            found.append(before + at)
            at = block.find(mark, at + 1)
        if not chunk:
            return found
        read, rest = read + len(chunk), block[1 - len(mark) :]


def is_hdf5(path: str) -> bool:
    """Whether HDF5 finds its mark in the file, at the start or further on."""
    import h5py

    return bool(h5py.is_hdf5(path))


def _text(archive: Any, name: str, path: str) -> str:
    size = archive.getinfo(name).file_size
    if size > MOST_TEXT:
        raise ModelError(f"'{path}': its '{name}' has {size >> 20} MB of text, which is more than any network has.")
    return str(archive.read(name).decode(errors='replace'))


def _decoded(text: Any) -> str:
    return text.decode(errors='replace') if isinstance(text, bytes) else str(text)

"""Where attributions are written: ``.npy`` files and ``.zarr`` folders, a chunk at a time."""

import os
import struct
from contextlib import suppress
from typing import Any, List, Optional

import numpy as np

from ...arguments import text_of
from ...errors import ArgumentError, ArgumentTypeError
from ...types import Array, Shape

#: Bytes before the numbers of an .npy file: room for any number of rows, so that the file can grow.
HEADER = 256


class NpyOutput:
    """An ``.npy`` file. Until it is finished, it says that it has no rows."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._dtype: Any = np.dtype('f4')
        self._row: Shape = ()
        self._size = 0

    def describe(self, dtype: str, row_shape: Shape) -> None:
        """Say what rows are."""
        self._dtype, self._row = np.dtype(dtype), tuple(row_shape)
        self._size = int(np.prod(self._row, dtype=np.int64)) * self._dtype.itemsize

    def create(self, rows: Optional[int], chunk: int) -> None:
        """Make the file anew."""
        with open(self.path, 'wb') as file:
            file.write(self._header(0))

    def exists(self) -> bool:
        """Whether there is a file to read from."""
        return os.path.isfile(self.path)

    def read(self, start: int, stop: int) -> Optional[Array]:
        """Rows that were written; None where they cannot be read."""
        with open(self.path, 'rb') as file:
            file.seek(HEADER + start * self._size)
            data = file.read((stop - start) * self._size)
        if len(data) != (stop - start) * self._size:
            return None
        return np.frombuffer(data, self._dtype).reshape((stop - start,) + self._row)

    def write(self, start: int, rows: Array) -> None:
        """Write rows to the disk."""
        # Not by a memory map, which ends the process where the disk is full.
        with open(self.path, 'r+b') as file:
            file.seek(HEADER + start * self._size)
            file.write(np.ascontiguousarray(rows, self._dtype).data)
            file.flush()
            os.fsync(file.fileno())

    def finish(self, rows: int) -> None:
        """Say how many rows there are."""
        with open(self.path, 'r+b') as file:
            if file.read(HEADER) != self._header(rows):
                file.seek(0)
                file.write(self._header(rows))
                file.flush()
                os.fsync(file.fileno())
            file.truncate(HEADER + rows * self._size)

    def result(self) -> Any:
        """What was written, as a memory map that cannot be written to."""
        return np.load(self.path, mmap_mode='r')

    def _header(self, rows: int) -> bytes:
        said = {
            'descr': np.lib.format.dtype_to_descr(self._dtype),
            'fortran_order': False,
            'shape': (rows,) + self._row,
        }
        text = repr(said).encode('latin1')
        return b'\x93NUMPY\x01\x00' + struct.pack('<H', HEADER - 10) + text.ljust(HEADER - 11) + b'\n'


class ZarrOutput:
    """A folder of zarr 3, compressed, with a chunk of zarr for each chunk of samples. What is not finished is nan."""

    def __init__(self, path: str) -> None:
        zarr: Any = None
        with suppress(ImportError):
            import zarr
        if zarr is None or not hasattr(zarr, 'create_array'):
            raise ImportError(
                "To write .zarr needs zarr 3, and there is none: pip install 'deepexplain[zarr]', on Python 3.11 or "
                'later; or give a path that ends in .npy.'
            )
        self.path, self._zarr = path, zarr
        self._array: Any = None
        self._dtype: Any = np.dtype('f4')
        self._row: Shape = ()

    def describe(self, dtype: str, row_shape: Shape) -> None:
        """Say what rows are."""
        self._dtype, self._row = np.dtype(dtype), tuple(row_shape)

    def create(self, rows: Optional[int], chunk: int) -> None:
        """Make the folder anew."""
        empty = np.nan if self._dtype.kind == 'f' else 0
        shape, chunks = ((size,) + self._row for size in (rows or 0, min(chunk, rows or chunk)))
        self._array = self._zarr.create_array(
            self.path, shape=shape, chunks=chunks, dtype=self._dtype, fill_value=empty, overwrite=True
        )

    def exists(self) -> bool:
        """Whether there is an array to read from."""
        try:
            self._array = self._zarr.open_array(self.path, mode='r+')
        except Exception:  # of a folder that is damaged, or no zarr
            return False
        return bool(self._array.dtype == self._dtype and self._array.shape[1:] == self._row)

    def read(self, start: int, stop: int) -> Optional[Array]:
        """Rows that were written; None where they cannot be read."""
        try:
            rows: Array = np.asarray(self._array[start:stop])
        except Exception:  # whatever a codec raises for a file that is damaged
            return None
        return rows if len(rows) == stop - start else None

    def write(self, start: int, rows: Array) -> None:
        """Write rows."""
        if start + len(rows) > self._array.shape[0]:
            self._array.resize((start + len(rows),) + self._row)
        self._array[start : start + len(rows)] = rows

    def finish(self, rows: int) -> None:
        """Say how many rows there are."""
        if self._array.shape[0] != rows:
            self._array.resize((rows,) + self._row)

    def result(self) -> Any:
        """What was written, as an array of zarr that cannot be written to."""
        return self._zarr.open_array(self.path, mode='r')


def outputs_at(path: Any, several: Optional[int]) -> List[Any]:
    """The output at a path; at each of a list of them, where X is a list of several tensors."""
    if several is not None and isinstance(path, (list, tuple)):
        if len(path) != several:
            raise ArgumentError(
                f'X is a list of {several} tensors, so path must be a list of {several}; got {len(path)}.'
            )
        outputs = [_output_at(one) for one in path]
        if len({os.path.abspath(output.path) for output in outputs}) < several:
            raise ArgumentError(f'path must be a list of different paths; got {text_of(path)}.')
        return outputs
    if several is not None:
        raise ArgumentTypeError(
            f'X is a list of {several} tensors, which are explained by an array each: path must be a list of {several} '
            f"paths, such as ['a.npy', 'b.npy']; got {text_of(path)}."
        )
    return [_output_at(path)]


def _output_at(path: Any) -> Any:
    try:
        path = os.fsdecode(path)
    except Exception:  # whatever the __fspath__ of an object raises
        raise ArgumentTypeError(f'path must be a path that ends in .zarr or .npy; got {text_of(path)}.') from None
    kind = os.path.splitext(path)[1].lower()
    if kind in ('.h5', '.hdf5'):
        raise ArgumentError(
            f"'{path}': HDF5 keeps its index in place, and a process that is killed at the wrong moment leaves a file "
            'that can never be opened again. Give a path that ends in .zarr or .npy; xs may be HDF5.'
        )
    if kind not in ('.zarr', '.npy'):
        raise ArgumentError(f"path must end in .zarr or .npy; got '{path}'.")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ArgumentError(f"There is no folder '{folder}' to write '{os.path.basename(path)}' to.")
    return ZarrOutput(path) if kind == '.zarr' else NpyOutput(path)

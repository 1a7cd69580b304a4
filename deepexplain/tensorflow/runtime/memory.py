"""How many rows a session run may hold, and where their arrays lie. NumPy only."""

from typing import Any, Optional

import numpy as np

from ...errors import MemoryLimitError
from ...types import Array, Shape

MOST_ROWS = 1024
#: Bytes of the largest tensor of a run. Twice as much, and the C library hands the memory of each tensor back to the
#: system and fetches it anew, page by page. A backward pass holds more tensors at once.
MOST_BYTES = 1 << 24
MOST_BYTES_BACKWARD = 1 << 23


def bounded_rows(row_bytes: float, backward: bool = False) -> int:
    """How many rows to put through the network at once where the user does not say.

    ``row_bytes`` is the size of the largest tensor for one row. More rows than fit the processor's caches
    gain nothing, and memory stays bounded for any image size.
    """
    return int(np.clip((MOST_BYTES_BACKWARD if backward else MOST_BYTES) // row_bytes, 1, MOST_ROWS))


def bounded_parts(row_bytes: float) -> int:
    """The same where parts of rows are computed: more, as few of their tensors are as large as the largest."""
    return int(np.clip(2 * MOST_BYTES // row_bytes, 1, 4 * MOST_ROWS))


def aligned_empty(shape: Shape, dtype: Any) -> Array:
    """An array that TensorFlow reads where it is: it copies what does not begin at a multiple of 64 bytes."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


#: What takes less is not compared with the memory that is free, which takes longer than a small run.
_SMALL = 1 << 28


def free_memory() -> Optional[int]:
    """Bytes that can be had without ending other programs; None where nobody says so (which is not on Linux)."""
    free = None
    try:
        with open('/proc/meminfo') as file:
            sizes = dict(line.split(':') for line in file)
        free = sum(int(sizes[name].split()[0]) << 10 for name in ('MemAvailable', 'SwapFree'))
        with open('/sys/fs/cgroup/memory.max') as file:  # of a container, and 'max' where there is no limit
            free = min(free, int(file.read()))
    except (OSError, ValueError, LookupError):
        pass
    return free


def check_fits(size: float, what: str, advice: str) -> None:
    """Raise a MemoryLimitError where so many bytes are not free; ``what`` begins its sentence, ``advice`` ends it."""
    free = None if size < _SMALL else free_memory()
    if free is not None and size > free:
        raise MemoryLimitError(f'{what} needs {_size(size)} of memory, and {_size(free)} are free: {advice}.')


def _size(size: float) -> str:
    return f'{size / (1 << 30):,.1f} GiB'

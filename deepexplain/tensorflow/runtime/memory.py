"""How many rows a session run may hold, and where their arrays lie. NumPy only."""

from typing import Any

import numpy as np

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


def aligned_empty(shape: Shape, dtype: Any) -> Array:
    """An array that TensorFlow reads where it is: it copies what does not begin at a multiple of 64 bytes."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)

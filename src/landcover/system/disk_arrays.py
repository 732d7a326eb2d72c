"""Arrays on disk, for what would take much memory."""

import mmap
import os
import tempfile
from math import prod

import numpy as np
from numpy.typing import DTypeLike

_LARGE = 2**26  # bytes that are better on disk if something else needs the memory


def zeros(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """Return zeros in memory or, if they are many, mapped to a file without a name in the folder for temporary files.

    The system writes them there when it needs the memory for something else. Room for all of them is taken at once: on
    a full disk, writing to a mapped file would end the program. Where there is no such room, they are in memory.
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    if size <= _LARGE:
        return np.zeros(shape, dtype)
    try:
        with tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, size)
            mapped = mmap.mmap(file.fileno(), size)
    except (OSError, AttributeError):  # AttributeError: not on this system
        return np.zeros(shape, dtype)
    return np.frombuffer(mapped, dtype).reshape(shape)

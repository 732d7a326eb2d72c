"""Arrays on disk, for what would take much memory."""

import mmap
import os
import tempfile
from math import prod

import numpy as np


def zeros_on_disk(shape: tuple[int, ...]) -> np.ndarray:
    """Return float32 zeros that are mapped to a file without a name in the folder for temporary files.

    The system writes them there when it needs the memory for something else. Room for all of them is taken at once: on
    a full disk, writing to a mapped file would end the program. Where there is no such room, they are in memory.
    """
    size = 4 * prod(shape)
    try:
        with tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, size)
            mapped = mmap.mmap(file.fileno(), size)
    except (OSError, AttributeError):  # AttributeError: not on this system
        return np.zeros(shape, np.float32)
    return np.frombuffer(mapped, np.float32).reshape(shape)

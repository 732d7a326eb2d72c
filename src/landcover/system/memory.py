"""Whether freed memory is kept by this process or returned to the system, and memory that the system may use."""

import ctypes
import mmap
import os
import sys
import tempfile
from math import prod

import numpy as np

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # names of options in glibc's malloc.h
_NEVER = -1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def keep_memory() -> None:
    """Keep freed memory for later allocations instead of returning it to the system.

    A training step on a CPU allocates and frees large arrays all the time. By default, glibc returns those over 32 MB
    each time, and getting new, zeroed pages costs a fifth of the step. The process stays as large as it once was. Has
    no effect with another malloc than glibc's.
    """
    if _LIBC is not None and hasattr(_LIBC, "mallopt"):
        for option, value in ((_TRIM_THRESHOLD, _NEVER), (_MMAP_MAX, 0), (_ARENA_MAX, 1)):
            _LIBC.mallopt(option, value)


def give_memory_back() -> None:
    """Return free memory to the system after it ran out: new threads need memory that malloc does not manage."""
    if _LIBC is not None and hasattr(_LIBC, "mallopt"):
        _LIBC.malloc_trim(0)


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

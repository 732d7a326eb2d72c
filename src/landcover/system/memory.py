"""Whether freed memory is kept by this process or returned to the system."""

import ctypes
import sys

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

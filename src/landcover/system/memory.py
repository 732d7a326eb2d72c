"""How this process deals with the memory that the system gives it."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # names of options in glibc's malloc.h
_NEVER = -1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_IS_GLIBC = hasattr(_LIBC, "mallopt")


def keep_memory() -> None:
    """Let what is freed be used again, instead of handing it back to the system, which gives out pages anew, zeroed.

    A training step on a CPU takes and frees large arrays all the time: by glibc's defaults those over 32 MB go
    back each time, and the pages cost a fifth of the step. The process stays as large as it once was. Where malloc is
    not glibc's nothing happens.
    """
    if _IS_GLIBC:
        for option, value in ((_TRIM_THRESHOLD, _NEVER), (_MMAP_MAX, 0), (_ARENA_MAX, 1)):
            _LIBC.mallopt(option, value)


def give_memory_back() -> None:
    """Hand what is free back to the system: for where memory has run out, since threads need some of its own."""
    if _IS_GLIBC:
        _LIBC.malloc_trim(0)

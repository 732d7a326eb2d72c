"""Libraries in C that write to the terminal by themselves, such as libtiff on a full disk, told to be silent."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def libraries_silenced() -> Iterator[None]:
    """Drop what is written to the file descriptor of stderr; what Python writes to `sys.stderr` still gets there."""
    shown = sys.stderr
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        with open(kept, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False) as stderr:
            with suppress(OSError, AttributeError):  # a test's stderr is no file
                if shown.fileno() == 2:
                    shown.flush()
                    sys.stderr = stderr
            os.dup2(nowhere, 2)
            yield
    finally:
        sys.stderr = shown
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

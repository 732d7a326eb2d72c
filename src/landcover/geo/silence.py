"""Silence for libraries in C that write to the terminal themselves, as libtiff does on a full disk."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def libraries_silenced() -> Iterator[None]:
    """Discard what is written to the file descriptor of stderr; what Python writes to `sys.stderr` still appears."""
    shown = sys.stderr
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        with open(kept, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False) as stderr:
            with suppress(OSError, AttributeError):  # in tests, stderr is not a file
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

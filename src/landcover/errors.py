"""The one exception for everything that a user can cause and mend, and how programs end on it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class LandcoverError(Exception):
    """A wrong input, parameter or environment.

    The message is one line: what is wrong, where, what to do. Stages and commands print it without a traceback and
    exit with code 1.
    """


def reason(error: Exception) -> str:
    """The first line of what a library says went wrong; its kind if it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def missing_package(error: ImportError, purpose: str, extra: str) -> LandcoverError:
    """What to raise where a package is not installed that only an extra brings.

    Args:
        error: Of the import.
        purpose: What needs it, a plural.
        extra: Its name in pyproject.toml.
    """
    return LandcoverError(
        f"{purpose} need the package {error.name.split('.')[0]}. Install what this program was tested with: "
        f"pip install -r requirements-extras.txt (or, unpinned: pip install '.[{extra}]')"
    )


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End the program with a line on stderr and exit code 1 on an error that a user can cause and mend."""
    try:
        yield
    except LandcoverError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.filename is None and error.strerror is None:
            raise
        place = f"{error.filename}: " if error.filename is not None else ""
        sys.exit(f"error: {place}{error.strerror}. Make room, or check the path and its permissions.")

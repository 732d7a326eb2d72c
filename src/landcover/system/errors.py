"""The one exception for everything that a user can cause and mend, and how programs end on it."""

import errno
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from landcover.system.memory import give_memory_back

MAX_LISTED = 20
"""So many broken files are named; of the others only the number is given."""

_OUT_OF_MEMORY = (
    "allocate memory",
    "out of memory",
    "bad_alloc",
    "could not create a primitive",
    "start new thread",
    "failed to map segment",  # of a library that is being loaded
)


class LandcoverError(Exception):
    """A wrong input, parameter or environment.

    The message is one line: what is wrong, where, what to do. Stages and commands print it without a traceback and
    exit with code 1.

    Args:
        lines: Where several files are wrong, a line for each: the first `MAX_LISTED` are shown. What is not printable
            in a line, such as a line break in the name of a file, is shown as an escape sequence.

    Attributes:
        lines: All of them.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = tuple(printable(line) for line in lines)

    def __str__(self) -> str:
        more = len(self.lines) - MAX_LISTED
        return "\n".join([*self.lines[:MAX_LISTED], *([f"... and {more} more files"] if more > 0 else [])])


class Problems:
    """What is wrong with several things, gathered to be told at once.

    Attributes:
        lines: Of the errors so far.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep the lines of a LandcoverError that the body raises, and go on behind it."""
        try:
            yield
        except LandcoverError as error:
            self.lines += error.lines

    def raise_any(self) -> None:
        """Raise the lines, if there are any, each once."""
        if self.lines:
            raise LandcoverError(*dict.fromkeys(self.lines))


def printable(text: str) -> str:
    r"""A text on one line: `\n` and all else that is not printable as escape sequences."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def warn(message: str) -> None:
    """Say on stderr, in one line, what may make a result wrong and what to do about it."""
    print(f"warning: {printable(message)}", file=sys.stderr, flush=True)


def note(message: str) -> None:
    """Say on stderr, in one line, what was decided for the user."""
    print(f"note: {printable(message)}", file=sys.stderr, flush=True)


def say(message: str) -> None:
    """Say on stdout, in one line, what was made."""
    print(printable(message), flush=True)


def reason(error: BaseException) -> str:
    """The first line of what the system or a library says went wrong; its kind if it says nothing."""
    return (getattr(error, "strerror", None) or str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def requiring_extra(purpose: str, extra: str) -> Iterator[None]:
    """Say which package it is that the body cannot import, as only an extra brings it.

    Args:
        purpose: What needs it, a plural.
        extra: Its name in pyproject.toml.

    Raises:
        LandcoverError: Instead of an ImportError, unless that is for lack of memory.
    """
    try:
        yield
    except ImportError as error:
        if is_out_of_memory(error):
            raise
        raise LandcoverError(
            f"{purpose} need the package {error.name.split('.')[0]}. Install what this program was tested with: "
            f"pip install -r requirements-extras.txt (or, unpinned: pip install '.[{extra}]')"
        ) from error


@contextmanager
def naming_memory_errors(path: Path) -> Iterator[None]:
    """Say at which file it was that memory ran out.

    Raises:
        LandcoverError: Instead of any of the errors by which libraries say that there is no memory.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # else they hold what they had of it, and the next one fails too
        give_memory_back()
        raise LandcoverError(
            f"{path}: not enough memory for it. Cut it into smaller images, or free some memory."
        ) from error


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the program with a line on stderr and exit code 1 on an error that a user can cause and mend.

    Warnings of libraries, which say neither which file nor what to do, are shown only if Python is asked to (`-W`).
    """
    if hasattr(sys.stdout, "reconfigure"):  # names are any text or bytes, which may be more than the terminal takes
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")
            yield
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if line := one_line_message(error):
            sys.exit(f"error: {line}")
        raise


def one_line_message(error: BaseException) -> str | None:
    """What to tell of an error that a user can cause and mend; None if it is none."""
    if isinstance(error, LandcoverError):
        return str(error)
    if is_out_of_memory(error):
        if isinstance(error, ImportError):
            cause = str(error).strip().splitlines()[-1]  # NumPy puts a page of advice before it
            return f"not enough memory to load a library ({cause}). Free some, or raise the limit (ulimit -v)."
        return (
            "not enough memory. Free some, or compute in smaller parts: a higher train.accumulate, a lower "
            "train.batch_size or train.crop, a smaller window, a smaller network."
        )
    if isinstance(error, OSError) and (error.filename is not None or error.strerror is not None):
        place = f"{printable(str(error.filename))}: " if error.filename is not None else ""
        return f"{place}{error.strerror}. Make room, or check the path and its permissions."
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of the system or of a library says that there is no memory."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY)

"""The one exception for all that a user can cause and fix, and how programs report it."""

import errno
import io
import os
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from landcover.system.memory import give_memory_back
from landcover.system.redaction import without_secrets

MAX_LISTED = 20
"""How many broken files a message names; the others are only counted."""

Result = TypeVar("Result")

_COLLECTED: ContextVar[list[str] | None] = ContextVar("collected", default=None)

_OUT_OF_MEMORY = (
    "allocate memory",
    "out of memory",
    "bad_alloc",
    "could not create a primitive",
    "start new thread",
    "failed to map segment",  # while a library is loaded
)


class LandcoverError(Exception):
    """A wrong input, parameter or environment.

    The message is one line: what is wrong, where, what to do. Stages and commands print it without a traceback and
    exit with code 1.

    Args:
        lines: The message; if several files are wrong, a line for each, of which the first `MAX_LISTED` are shown.
            Unprintable characters, such as a line break in the name of a file, are shown as escape sequences.

    Attributes:
        lines: All lines.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = tuple(printable(line) for line in lines)

    def __str__(self) -> str:
        more = len(self.lines) - MAX_LISTED
        return "\n".join([*self.lines[:MAX_LISTED], *([f"... and {more} more files"] if more > 0 else [])])


class Problems:
    """The errors of several files, collected to be reported together.

    Attributes:
        lines: One for each error so far.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Collect a LandcoverError that the body raises; the program continues after the body."""
        try:
            yield
        except LandcoverError as error:
            self.lines += error.lines

    def successes(self, results: Iterable[Result | LandcoverError], *, keep_going: bool = False) -> Iterator[Result]:
        """Yield the results that are no errors, such as `error_as_result` returns them; collect the errors.

        Args:
            results: All of them are consumed, to find every error.
            keep_going: Also yield what comes after an error.
        """
        for result in results:
            if isinstance(result, LandcoverError):
                self.lines += result.lines
            elif keep_going or not self.lines:
                yield result

    def raise_any(self) -> None:
        """Raise one LandcoverError with all lines, each once, if there are any."""
        if self.lines:
            raise LandcoverError(*dict.fromkeys(self.lines))


def printable(text: str) -> str:
    r"""The text on one line, with `\n` and other unprintable characters as escape sequences; URLs without passwords."""
    escaped = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return without_secrets(escaped)


def warn(message: str) -> None:
    """Print one line on stderr: what may make a result wrong, and what to do about it."""
    tell(f"warning: {printable(message)}")


def note(message: str) -> None:
    """Print one line on stderr: what was decided for the user."""
    tell(f"note: {printable(message)}")


def tell(line: str) -> None:
    """Print a line of `warn` or `note` on stderr, unless they are collected."""
    collected = _COLLECTED.get()
    if collected is None:
        print(line, file=sys.stderr, flush=True)
    else:
        collected.append(line)


@contextmanager
def collecting_messages() -> Iterator[list[str]]:
    """Yield a list that gets the lines of `warn` and `note`, instead of stderr.

    Those of this thread, and of the threads of `parallel.parallel_map` that work for it.
    """
    lines: list[str] = []
    token = _COLLECTED.set(lines)
    try:
        yield lines
    finally:
        _COLLECTED.reset(token)


def say(message: str) -> None:
    """Print one line on stdout: what was made."""
    print(printable(message), flush=True)


def reason(error: BaseException) -> str:
    """The first line of an error's message; the name of its type if it has no message."""
    return (getattr(error, "strerror", None) or str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def requiring_extra(purpose: str, extra: str) -> Iterator[None]:
    """Turn an ImportError of the body into a message that names the missing package and how to install it.

    Args:
        purpose: What needs the package, a plural.
        extra: The extra in pyproject.toml that the package belongs to.

    Raises:
        LandcoverError: Instead of the ImportError, unless memory ran out.
    """
    try:
        yield
    except ImportError as error:
        if is_out_of_memory(error):
            raise
        package = (error.name or str(error)).split(".")[0]
        raise LandcoverError(
            f"{purpose} need the package {package}. Install what this program was tested with: "
            f"pip install -r requirements-extras.txt (or, unpinned: pip install '.[{extra}]')"
        ) from error


@contextmanager
def naming_memory_errors(path: object) -> Iterator[None]:
    """Name the file for which memory ran out.

    Raises:
        LandcoverError: Instead of the many errors that libraries raise when they are out of memory.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # else they keep what they allocated, and the next file fails too
        give_memory_back()
        raise LandcoverError(
            f"{path}: not enough memory for it. Cut it into smaller images, or free some memory."
        ) from error


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the program with one line on stderr and exit code 1 if the body raises what a user can cause and fix.

    Warnings of libraries name neither the file nor what to do: they are shown only if asked for (`python -W`).
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # names may have characters that the terminal's encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")
            yield
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output has ended, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if line := one_line_message(error):
            sys.exit(f"error: {line}")
        raise


def one_line_message(error: BaseException) -> str | None:
    """The message for an error that a user can cause and fix; None for any other."""
    if isinstance(error, LandcoverError):
        return str(error)
    if is_out_of_memory(error):
        if isinstance(error, ImportError):
            cause = str(error).strip().splitlines()[-1]  # NumPy puts a page of advice before it
            return f"not enough memory to load a library ({cause}). Free some, or raise the limit (ulimit -v)."
        return (
            "not enough memory. Free some, or compute in smaller parts: more accumulation, smaller batches, crops or "
            "windows, a smaller network."
        )
    if isinstance(error, OSError) and (error.filename is not None or error.strerror is not None):
        place = f"{printable(str(error.filename))}: " if error.filename is not None else ""
        return f"{place}{error.strerror}. Make room, or check the path and its permissions."
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of the system or of a library means that memory ran out."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY)

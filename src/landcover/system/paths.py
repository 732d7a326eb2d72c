"""Checks of a path before it is opened: a regular file, no pipe or device; a name in UTF-8."""

import errno
import os
import stat
from pathlib import Path

from landcover.system.errors import LandcoverError


def check_readable(path: Path | str) -> None:
    """Check that a path is a regular file that may be read. Opening a pipe, for example, would wait forever.

    Raises:
        OSError: It is missing, not a regular file, or may not be read.
    """
    path = Path(path)
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no regular file", str(path))
    path.open("rb").close()


def check_no_special_file(path: Path) -> None:
    """Check that `path`, or what it links to, is no device, pipe or socket, which an output would replace.

    Raises:
        LandcoverError: It is one.
    """
    try:
        mode = path.stat().st_mode
    except OSError:  # nothing there, or an error that writing the file will report
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise LandcoverError(f"{path}: a device, pipe or socket, which is not written to. Name a file instead.")


def check_utf8_name(path: Path, kind: str) -> None:
    """Check that the path is UTF-8, for libraries that open no other.

    Args:
        path: Of the file.
        kind: What the files are, a plural for the message.

    Raises:
        LandcoverError: The name of the file, or of a folder above it, is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        advice = "Set PYTHONUTF8=1." if _is_utf8(os.fsencode(path)) else "Rename it."
        raise LandcoverError(f"{path}: not UTF-8, as names of {kind} must be. {advice}") from error


def _is_utf8(name: bytes) -> bool:
    """Whether a name is UTF-8, and only the locale makes Python read it as something else."""
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

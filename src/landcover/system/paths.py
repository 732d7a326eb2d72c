"""What a path must be before it is opened: a regular file, which pipes and devices are not; a name in UTF-8."""

import errno
import os
import stat
from pathlib import Path

from landcover.system.errors import LandcoverError


def check_readable(path: Path | str) -> None:
    """Return if a file may be read and has an end; to open a pipe would be to wait for ever.

    Raises:
        OSError: It is missing, no regular file, or may not be read.
    """
    path = Path(path)
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no regular file", str(path))
    path.open("rb").close()


def check_no_special_file(path: Path) -> None:
    """Return if a file or folder may take the place of what stands at `path`, of links where they lead.

    Raises:
        LandcoverError: A device, pipe or socket is there, which a file would replace.
    """
    try:
        mode = path.stat().st_mode
    except OSError:  # nothing, a link to nothing, or what making the file will say more about
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise LandcoverError(f"{path}: a device, pipe or socket, which is not written to. Name a file instead.")


def check_utf8_name(path: Path, kind: str) -> None:
    """Return if libraries that take only UTF-8 can open a file of this path.

    Args:
        kind: Of file, a plural for the message.

    Raises:
        LandcoverError: Its name, or that of a folder that it lies in, is other bytes.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        advice = "Set PYTHONUTF8=1." if _is_utf8(os.fsencode(path)) else "Rename it."
        raise LandcoverError(f"{path}: not UTF-8, as names of {kind} must be. {advice}") from error


def _is_utf8(name: bytes) -> bool:
    """Whether it is Python alone, by its locale, that takes a name for something else."""
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

"""What a program is about to write, beside what it reads: an output never takes the place of an input."""

import errno
import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from landcover.system.errors import LandcoverError
from landcover.system.files import write_error
from landcover.system.paths import check_no_special_file


def check_outputs(
    inputs: Iterable[Path],
    *,
    files: Iterable[Path] = (),
    folders: Iterable[Path] = (),
    advice: str = "Name another output.",
) -> None:
    """Return if outputs can be written and no input is lost by that.

    An input and an output may neither be the same nor lie in one another, whatever they are called: links are followed,
    and what exists is told apart by its inode.

    Args:
        inputs: Files and folders that are read, there or not.
        files, folders: That will be made, or replaced as a whole.
        advice: What to do about an input that would be lost, a sentence.

    Raises:
        LandcoverError: An input would be lost; or a device, pipe or socket, a folder in the place of a file, or a file
            in that of a folder is in the way.
    """
    files, folders = list(files), list(folders)
    for path in [*files, *folders]:
        check_no_special_file(path)
    _check_kinds(files, folders)
    seen = {}
    read = {}  # input by each of its identities
    holding = {}  # one of the inputs by each identity of the folders that they lie in
    for path in inputs:
        identities = _Identities(path, seen)
        read |= dict.fromkeys(identities.own, path)
        holding |= dict.fromkeys(identities.above, path)
    for path in [*files, *folders]:
        identities = _Identities(path, seen)
        for identity in identities.own:
            if identity in read:
                other = f" ({read[identity]})" if read[identity] != path else ""
                raise LandcoverError(f"{path}: an input{other}, which would be replaced. {advice}")
            if identity in holding:
                raise LandcoverError(f"{path}: would be replaced, with the input {holding[identity]} in it. {advice}")
        for identity in identities.above:
            if identity in read:
                raise LandcoverError(f"{path}: lies in {read[identity]}, which is an input. {advice}")


def check_made_of(folder: Path, patterns: Iterable[str], advice: str) -> None:
    """Return if a folder, which will be replaced, is not there or holds only what the program itself writes there.

    Args:
        folder: Hidden files in it are not looked at.
        patterns: Of the paths in it, as `fnmatch` has them.
        advice: What to do about other files, a sentence.

    Raises:
        LandcoverError: It holds something else.
    """
    patterns = list(patterns)
    for top, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(files):
            path = Path(top, name)
            inside = path.relative_to(folder).as_posix()
            if not name.startswith(".") and not any(fnmatchcase(inside, pattern) for pattern in patterns):
                raise LandcoverError(f"{path}: not of this program, but in a folder that it would replace. {advice}")


def _check_kinds(files: Iterable[Path], folders: Iterable[Path]) -> None:
    for path in files:
        if path.is_dir():
            raise write_error(path, OSError(errno.EISDIR, os.strerror(errno.EISDIR)))
    for path in folders:
        if path.exists() and not path.is_dir():
            raise write_error(path, OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))


class _Identities:
    """What tells whether two paths are of the same file or folder: where it is, of a link where it leads, the inode.

    Args:
        folders: What was found of folders before, of which many paths have the same.

    Attributes:
        own: Of a path.
        above: Of all folders that it lies in.
    """

    def __init__(self, path: Path, folders: dict[Path, tuple[Path, set[object]]]) -> None:
        if path.name in ("", ".."):
            path = Path(os.path.realpath(path))
        if path.parent not in folders:
            folders[path.parent] = _real(path.parent)
        parent, self.above = folders[path.parent]
        self.own = {parent / path.name, *inode(path)}
        if path.is_symlink():
            real, above = _real(path)
            self.own = {*self.own, real}
            self.above = self.above | (above - self.own)


def _real(path: Path) -> tuple[Path, set[object]]:
    """A path without links, and the identities of itself and of all folders that it lies in."""
    real = Path(os.path.realpath(path))
    return real, {one for folder in (real, *real.parents) for one in (folder, *inode(folder))}


def inode(path: Path) -> list[tuple[int, int]]:
    """Device and number of what a path leads to; nothing if that is not there, or has none."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [(status.st_dev, status.st_ino)] if status.st_ino else []

"""Checks before anything is written: an output never replaces an input, or files of others."""

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
    """Check that the outputs can be written and that no input is lost by it.

    An input and an output may neither be the same nor lie in each other, by whatever path they are given: links are
    followed, and files that exist are compared by their inodes.

    Args:
        inputs: Files and folders that are read; they need not exist.
        files: Files that will be made or replaced.
        folders: Folders that will be made, or replaced as a whole.
        advice: What to do if an input would be lost, a sentence.

    Raises:
        LandcoverError: An input would be lost; or in place of an output there is a device, pipe or socket, a folder
            instead of a file, or a file instead of a folder.
    """
    files, folders = list(files), list(folders)
    for path in [*files, *folders]:
        check_no_special_file(path)
    _check_kinds(files, folders)
    seen: dict[Path, tuple[Path, set[object]]] = {}
    read: dict[object, Path] = {}  # input by each of its identities
    holding: dict[object, Path] = {}  # an input by each identity of each folder above it
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


def check_only_own_files(folder: Path, patterns: Iterable[str], advice: str) -> None:
    """Check that a folder that will be replaced holds only files that the program itself writes there.

    Args:
        folder: It need not exist. Hidden files in it do not count.
        patterns: What the program writes there: paths in the folder with the wildcards of `fnmatch`.
        advice: What to do about other files, a sentence.

    Raises:
        LandcoverError: It holds another file.
    """
    patterns = list(patterns)
    for top, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(files):
            path = Path(top, name)
            inside = path.relative_to(folder).as_posix()
            if not name.startswith(".") and not any(fnmatchcase(inside, pattern) for pattern in patterns):
                raise LandcoverError(
                    f"{path}: not made by this program, but in a folder that it would replace. {advice}"
                )


def _check_kinds(files: Iterable[Path], folders: Iterable[Path]) -> None:
    for path in files:
        if path.is_dir():
            raise write_error(path, OSError(errno.EISDIR, os.strerror(errno.EISDIR)))
    for path in folders:
        if path.exists() and not path.is_dir():
            raise write_error(path, OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))


class _Identities:
    """What identifies a file or folder: its path without links, the path that it links to, its inode.

    Args:
        path: Of the file or folder.
        folders: Cache of the identities of folders, as many files lie in the same.

    Attributes:
        own: Identities of the file or folder itself.
        above: Identities of all folders above it.
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
    """The path without links; the identities of it and of all folders above it."""
    real = Path(os.path.realpath(path))
    return real, {one for folder in (real, *real.parents) for one in (folder, *inode(folder))}


def inode(path: Path) -> list[tuple[int, int]]:
    """Device and inode of the file that a path leads to; empty if it does not exist or the system has no inodes."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [(status.st_dev, status.st_ino)] if status.st_ino else []

"""Scratch folders beside outputs, each locked by the one process that writes the output.

The scratch folder of `out/map.tif` is `out/.partial-map.tif/`; git and DVC ignore that name. It holds the lock, the new
output while it is written, and for a moment the old one. It is removed when the output is complete, or when writing
failed. If the process is killed, the folder stays; the next process that writes the same output removes it.
"""

import errno
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from landcover.system.errors import LandcoverError
from landcover.system.paths import check_no_special_file

PATIENCE = 10.0
"""Seconds to wait for another process that writes the same output."""

PAUSE = 0.05
"""Seconds between two attempts to lock the output."""

_PREFIX = ".partial-"
_LOCK, _NEW, _OLD = "lock", "new", "old"  # in a scratch folder
_MAX_NAME_BYTES = 255
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # a file system that has none: nothing is locked


@contextmanager
def exclusive(path: Path | str) -> Iterator[Path]:
    """Lock `path` against other processes that call this for it; yield an empty folder on the same disk.

    Raises:
        LandcoverError: Another process has locked it for longer than `PATIENCE`; or a device, pipe or socket is there.
    """
    path = Path(path)
    check_no_special_file(path)
    make_folder(path.parent)
    folder = scratch_folder(path)
    with _locked(path, folder):
        try:
            _clear(path)
            (folder / _NEW).mkdir()
            yield folder / _NEW
        finally:
            shutil.rmtree(folder / _NEW, ignore_errors=True)
            shutil.rmtree(folder / _OLD, ignore_errors=True)


def scratch_folder(path: Path) -> Path:
    """The folder in which `path` is written: beside it, to rename it into place; of the same name in each run.

    Raises:
        LandcoverError: A path such as "." that has no name.
    """
    if not path.name:
        raise LandcoverError(f"{path}: a folder. Give the path of a file.")
    name = f"{_PREFIX}{path.name}"
    if len(os.fsencode(name)) > _MAX_NAME_BYTES:
        name = f"{_PREFIX}{hashlib.sha256(os.fsencode(path.name)).hexdigest()}"
    return path.with_name(name)


def backup_path(path: Path) -> Path:
    """Where the old folder at `path` is kept while the new one is renamed to `path`."""
    return scratch_folder(path) / _OLD


def make_folder(path: Path | str) -> None:
    """Make a folder and its parents, unless they exist.

    Raises:
        LandcoverError: A file is in its place.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise LandcoverError(f"{path}: a file is where this folder should be. Move it, or name another.") from error


@contextmanager
def _locked(path: Path, folder: Path) -> Iterator[None]:
    """Make the scratch folder of `path` and lock it; remove it in the end."""
    from filelock import FileLock, Timeout  # takes longer to import than all the rest of this module

    lock = FileLock(folder / _LOCK, fallback_to_soft=False)
    end = time.monotonic() + PATIENCE
    while not lock.is_locked:
        _make_real_folder(folder)
        try:
            lock.acquire(timeout=max(0.0, end - time.monotonic()), poll_interval=PAUSE)
        except (FileNotFoundError, FileExistsError):  # another process has just removed the folder, or made it again
            continue
        except Timeout as error:
            message = f"{path}: another process is writing it. Wait until that ends, or stop it."
            raise LandcoverError(message) from error
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                raise
            break
    try:
        yield
    finally:
        with suppress(OSError):  # on Windows, where an open file cannot be removed
            (folder / _LOCK).unlink()  # before it is released: a process that waits for it sees that, and tries again
        with suppress(OSError):
            folder.rmdir()
        lock.release()
        with suppress(OSError):
            folder.rmdir()


def _make_real_folder(folder: Path) -> None:
    """Make a folder, in the place of a file or link if there is one."""
    with suppress(FileNotFoundError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            folder.unlink()
    with suppress(FileExistsError):  # not exist_ok, which looks again whether it is a folder: it may be gone by then
        folder.mkdir()


def _clear(path: Path) -> None:
    """Empty the scratch folder of `path`, in which a killed process may have left something."""
    old = backup_path(path)
    if os.path.lexists(old) and not os.path.lexists(path):
        old.rename(path)  # killed between the two renames: put the old output back
    for left in scratch_folder(path).iterdir():
        if left.name == _LOCK:
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)

"""Scratch folders beside outputs: each is one process's at a time, and none outlives its process by more than moments.

Standard library only: the process that clears away what a killed one left starts in a few hundredths of a second.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from landcover.system.errors import LandcoverError
from landcover.system.paths import check_no_special_file

try:
    import fcntl
except ImportError:  # not on Windows; there, nobody keeps two processes from writing the same output
    fcntl = None

PATIENCE = 10.0
"""Seconds to wait for another process that writes the same output."""

PAUSE = 0.05
"""Seconds between two looks whether it is done."""

_SWEEP_PATIENCE = 5.0  # seconds within which the locks of a killed process are free
_RELEASED = b"-"  # no absolute path begins so
_PREFIX = ".partial-"
_LONGEST = 255  # bytes of the name of a file


@contextmanager
def exclusive(path: Path | str) -> Iterator[Path]:
    """Let no other process that asks for it write `path` as long as the body runs; yield a folder for scratch.

    The folder is `scratch_folder(path)`, empty and locked. It is removed in the end; if this process is killed before,
    by another one that lives a few seconds longer, and if that is killed too, by the next that claims `path`.

    Raises:
        LandcoverError: Another process has it, for longer than `PATIENCE`; or a device, pipe or socket is there.
    """
    path = Path(path)
    check_no_special_file(path)
    make_folder(path.parent)
    folder = scratch_folder(path)
    _tell_sweeper(path)  # before there is anything to sweep
    try:
        end = time.monotonic() + PATIENCE
        while (lock := _locked(folder)) is None:
            if time.monotonic() > end:
                raise LandcoverError(f"{path}: another process is writing it. Wait until that ends, or stop it.")
            time.sleep(PAUSE)
        try:
            _clear(path)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
    finally:
        _tell_sweeper(path, _RELEASED)


def scratch_folder(path: Path) -> Path:
    """Where `path` comes into being: beside it, so that it can be renamed; always the same, so that it is found.

    Raises:
        LandcoverError: A path such as "." that has no name.
    """
    if not path.name:
        raise LandcoverError(f"{path}: a folder. Give the path of a file.")
    name = f"{_PREFIX}{path.name}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f"{_PREFIX}{hashlib.sha256(os.fsencode(path.name)).hexdigest()}"
    return path.with_name(name)


def backup_path(path: Path) -> Path:
    """Where what stood at `path` is for the moment in which something new takes its place."""
    return scratch_folder(path) / ".taken-away"


def make_folder(path: Path | str) -> None:
    """Make a folder, and those that it lies in, unless it is there.

    Raises:
        LandcoverError: A file is there.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise LandcoverError(f"{path}: a file is where this folder should be. Move it, or name another.") from error


def sweep() -> None:
    """The program of the process that clears away: remove the scratch folders of the process that started it.

    It reads from standard input the absolute paths that the other one claims, each ended by a zero byte, and each again
    behind `_RELEASED` when it is done with; when the input ends, the other process has. The locks of that one may end a
    moment later than its end of the pipe: what is locked is tried again until `_SWEEP_PATIENCE` is over. What is locked
    then, a third process has exclusive since, and will clear away itself.
    """
    claims, rest = Counter(), b""
    while chunk := os.read(0, 1 << 16):
        *told, rest = (rest + chunk).split(b"\0")
        for name in told:
            claims[name.removeprefix(_RELEASED)] += -1 if name.startswith(_RELEASED) else 1
    left = [Path(os.fsdecode(name)) for name, count in claims.items() if count > 0]
    end = time.monotonic() + _SWEEP_PATIENCE
    while (left := [path for path in left if not _swept(path)]) and time.monotonic() < end:
        time.sleep(PAUSE)


def _swept(path: Path) -> bool:
    """Remove the scratch folder of `path`, unless a process has locked it; return whether it is gone."""
    folder = scratch_folder(path)
    if not folder.exists():
        return True
    if (lock := _locked(folder)) is None:
        return False
    with suppress(OSError):
        _clear(path)
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)
    return True


def _clear(path: Path) -> None:
    """Empty the scratch folder of `path`, in which a killed process may have left something."""
    old = backup_path(path)
    if os.path.lexists(old) and not os.path.lexists(path):
        old.rename(path)  # killed after it took this away and before it put the new one there
    for left in scratch_folder(path).iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)


def _locked(folder: Path) -> int | None:
    """Descriptor of a folder, made if need be, that no other process has locked; None if one has."""
    with suppress(FileNotFoundError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            folder.unlink()
    with suppress(FileExistsError):  # not exist_ok, which looks again whether it is a folder: it may be gone by then
        folder.mkdir()
    if fcntl is None:
        return os.open(os.devnull, os.O_RDONLY)
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:  # whoever had it has just removed it
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:  # a file system without locks
        pass
    with suppress(FileNotFoundError):
        if folder.stat().st_ino == os.fstat(lock).st_ino:
            return lock
    os.close(lock)
    return None


def _tell_sweeper(path: Path, mark: bytes = b"") -> None:
    """Say that `path` is exclusive, or with the mark `_RELEASED` that it no longer is."""
    if (sweeper := _sweeper(os.getpid())) is not None:
        with suppress(OSError):  # it has been killed: then the next run clears away
            os.write(sweeper.stdin.fileno(), mark + os.fsencode(path.absolute()) + b"\0")


@cache
def _sweeper(parent: int) -> subprocess.Popen | None:
    """The process that clears away after the process `parent`, which is this one; None where there can be none.

    DVC removes a stage's outputs and restores those of an earlier run without running the stage again: nobody else
    would clear away what it left. Kills and Ctrl-C that are meant for a whole process group do not reach this one.
    """
    if fcntl is None:
        return None
    code = "import sys; sys.path.insert(0, sys.argv[1]); from landcover.system.scratch import sweep; sweep()"
    command = [sys.executable, "-I", "-S", "-c", code, str(Path(__file__).parents[2])]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    except OSError:
        return None

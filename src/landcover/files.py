"""Outputs that appear under their final name only when they are complete."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd

from landcover.errors import LandcoverError, reason

try:
    import fcntl
except ImportError:  # not on Windows; there, nobody keeps two processes from writing the same output
    fcntl = None

PATIENCE = 10.0
"""Seconds to wait for another process that writes the same output."""

_LONGEST = 255  # bytes of the name of a file


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path of the same name at which the body makes a file or a folder, then rename that to `path`.

    If the body raises, whatever stood at `path` stays. The scratch lies in the folder of `claimed`, so that what a
    killed run left is cleared away by the next one.

    Raises:
        LandcoverError: It cannot be written, or another process is writing it.
    """
    with errors_of_writing(path), claimed(path) as folder:
        scratch, old = folder / path.name, folder / f"old-{path.name}"
        if os.path.lexists(old) and not os.path.lexists(path):
            old.rename(path)  # a run was killed after it took this away and before it put the new one there
        for left in folder.iterdir():
            _remove(left)
        yield scratch
        if not (scratch.is_dir() and path.is_dir()):
            scratch.replace(path)
            return
        path.rename(old)  # never half a folder under the final name, as there would be while it is emptied
        try:
            scratch.rename(path)
        except OSError:
            old.rename(path)
            raise


@contextmanager
def claimed(path: Path) -> Iterator[Path]:
    """Let no other process that asks for it write `path` as long as the body runs; yield a folder for scratch.

    The folder lies beside `path`, has a fixed name and is locked. It is removed in the end; a killed process leaves it,
    unlocked, to the next.

    Raises:
        LandcoverError: Another process has it, for longer than `PATIENCE`.
    """
    make_folder(path.parent)
    folder = _scratch_folder(path)
    end = time.monotonic() + PATIENCE
    while (lock := _locked(folder)) is None:
        if time.monotonic() > end:
            raise LandcoverError(f"{path}: another process is writing it. Wait until that ends, or stop it.")
        time.sleep(0.05)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def errors_of_writing(path: Path) -> Iterator[None]:
    """Turn errors of the system that name no file, or scratch of `path`, into a LandcoverError about `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            place, scratch = Path(os.fsdecode(error.filename)), _scratch_folder(path)
            if scratch not in (place, *place.parents):
                raise
        raise not_written(path, error) from error


def not_written(path: Path, error: BaseException) -> LandcoverError:
    """What to raise where a file or folder cannot be written."""
    cause = reason(error.__cause__ or error).rstrip(".")
    return LandcoverError(f"{path}: cannot be written ({cause}). Make room, or check the path and its permissions.")


def make_folder(path: Path) -> None:
    """Make a folder, and those that it lies in, unless it is there.

    Raises:
        LandcoverError: A file is there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise LandcoverError(f"{path}: a file is where this folder should be. Move it, or name another.") from error


DECIMALS = 4
"""To which figures for people are rounded: enough to compare by, and short."""


def write_metrics(path: Path, content: dict) -> dict:
    """Write `content` as indented JSON, floats rounded to `DECIMALS`, and return what was written.

    Raises:
        ValueError: a float is NaN or infinite, which JSON has no word for; say None instead.
    """
    content = _rounded(content)
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return content


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, floats rounded to `DECIMALS`, missing ones left empty."""
    with replacing(path) as scratch:
        table.round(DECIMALS).to_csv(scratch, index=False)


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, DECIMALS) if isinstance(value, float) else value


def _scratch_folder(path: Path) -> Path:
    if not path.name:
        raise LandcoverError(f"{path}: a folder. Give the path of a file.")
    name = f".partial-{path.name}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f".partial-{hashlib.sha256(os.fsencode(path.name)).hexdigest()}"
    return path.with_name(name)


def _locked(folder: Path) -> int | None:
    """Descriptor of a folder, made if need be, that no other process has locked; None if one has."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        folder.unlink(missing_ok=True)
    folder.mkdir(exist_ok=True)
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


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

"""Outputs that appear under their final name only when they are complete."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from landcover.system.errors import LandcoverError, reason
from landcover.system.scratch import backup_path, exclusive, scratch_folder


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a scratch path of the same name at which the body makes a file or a folder, then rename that to `path`.

    If the body raises, whatever stood at `path` stays. The scratch lies in the folder of `exclusive`, so that nothing
    is left of it if the process is killed.

    Raises:
        LandcoverError: It cannot be written, or another process is writing it.
    """
    path = Path(path)
    with naming_write_errors(path), exclusive(path) as folder:
        scratch, old = folder / path.name, backup_path(path)
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
def naming_write_errors(path: Path) -> Iterator[None]:
    """Turn errors of the system that name no file, or scratch of `path`, into a LandcoverError about `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            place, scratch = Path(os.fsdecode(error.filename)), scratch_folder(path)
            if scratch not in (place, *place.parents):
                raise
        raise write_error(path, error) from error


def write_error(path: Path, error: BaseException) -> LandcoverError:
    """What to raise where a file or folder cannot be written."""
    cause = reason(error.__cause__ or error).rstrip(".")
    return LandcoverError(f"{path}: cannot be written ({cause}). Make room, or check the path and its permissions.")


DECIMALS = 4
"""To which figures for people are rounded: enough to compare by, and short."""


def write_metrics(path: Path | str, content: dict) -> dict:
    """Write `content` as indented JSON, floats rounded to `DECIMALS`, and return what was written.

    Raises:
        ValueError: a float is NaN or infinite, which JSON has no word for; say None instead.
    """
    content = rounded(content)
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return content


def write_table(path: Path | str, table: pd.DataFrame) -> None:
    """Write a table as CSV, floats rounded to `DECIMALS`, missing ones left empty."""
    with replacing(path) as scratch:
        table.round(DECIMALS).to_csv(scratch, index=False)


def rounded(value: object) -> object:
    """A figure, or a table of figures, with floats rounded to `DECIMALS`."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(value, DECIMALS) if isinstance(value, float) else value

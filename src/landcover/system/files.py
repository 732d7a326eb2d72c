"""Write outputs so that they appear under their final names only when they are complete."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from landcover.system.errors import LandcoverError, reason
from landcover.system.scratch import backup_path, exclusive, scratch_folder


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a scratch path, at which the body makes a file or a folder; then rename that to `path`.

    If the body raises, what was at `path` stays. The scratch path has the same name and lies in the folder of
    `exclusive`.

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
        path.rename(old)  # removing it in place would leave half a folder under the final name for a while
        try:
            scratch.rename(path)
        except OSError:
            old.rename(path)
            raise


@contextmanager
def naming_write_errors(path: Path) -> Iterator[None]:
    """Turn an OSError that names no file, or a scratch file of `path`, into a LandcoverError that names `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            place, scratch = Path(os.fsdecode(error.filename)), scratch_folder(path)
            if scratch not in (place, *place.parents):
                raise
        raise write_error(path, error) from error


def write_error(path: Path, error: BaseException) -> LandcoverError:
    """The error to raise if a file or folder cannot be written."""
    cause = reason(error.__cause__ or error).rstrip(".")
    return LandcoverError(f"{path}: cannot be written ({cause}). Make room, or check the path and its permissions.")


DECIMALS = 4
"""Decimals of metrics and tables: short, and enough to compare."""


def write_metrics(path: Path | str, content: dict[str, Any]) -> dict[str, Any]:
    """Write `content` as indented JSON with floats rounded to `DECIMALS`; return what was written.

    Raises:
        ValueError: A float is NaN or infinite, which JSON cannot express; use None instead.
    """
    content = {key: rounded(value) for key, value in content.items()}
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return content


def write_table(path: Path | str, table: pd.DataFrame) -> None:
    """Write a table as CSV with floats rounded to `DECIMALS`; missing values are empty."""
    with replacing(path) as scratch:
        table.round(DECIMALS).to_csv(scratch, index=False)


def rounded(value: Any) -> Any:
    """A value, or a table of values, with floats rounded to `DECIMALS`."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(value, DECIMALS) if isinstance(value, float) else value

"""Outputs that appear under their final name only when they are complete."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside `path` at which the body makes a file or a folder, then rename that to `path`.

    If the body raises, the scratch is removed and whatever stood at `path` stays. The scratch keeps the suffix, from
    which Pillow and matplotlib read the format; its name is fixed, so that what a killed run left is cleared away by
    the next one.
    """
    scratch = path.with_name(f".partial-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove(scratch)
    try:
        yield scratch
        if scratch.is_dir():
            _remove(path)
        scratch.replace(path)
    except BaseException:
        _remove(scratch)
        raise


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


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

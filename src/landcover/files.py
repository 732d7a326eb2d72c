"""Outputs that appear under their final name only when they are complete."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


def write_metrics(path: Path, content: dict) -> None:
    """Write `content` as JSON, indented, floats rounded to 4 decimals: short lines that differ when figures do.

    Raises:
        ValueError: a float is NaN or infinite, which JSON has no word for; say None instead.
    """
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(_rounded(content), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

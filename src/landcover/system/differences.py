"""In what two tables of parameters differ."""

import json
from collections.abc import Mapping
from typing import Any

MOST = 10
"""Of the differences, so many are told."""

_MOST_OF_TABLE = 3  # keys of a table within the table, such as the classes
_LONGEST = 60  # characters of a value


def differences(prefix: str, ours: Any, theirs: Any, called: str) -> list[str]:
    """A text for each parameter that differs, such as `data.holdout = 4 (committed: 0)`.

    Args:
        prefix: What is put before a key: the name of the block and a dot.
        ours, theirs: Tables of parameters, as YAML or JSON give them: nothing of them need be as it should.
        called: What `theirs` are, such as "committed".

    Raises:
        ValueError: A number of more digits than Python writes.
    """
    if not (isinstance(ours, Mapping) and isinstance(theirs, Mapping)):
        return []
    found = []
    for key in {**ours, **theirs}:
        one, other = ours.get(key, _Nothing), theirs.get(key, _Nothing)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += _in_table(f"{prefix}{key}", one, other, called)
        elif not _same(one, other):
            found.append(f"{prefix}{key} = {shown(one)} ({called}: {shown(other)})")
    return found


def in_one_line(found: list[str]) -> str:
    """The texts of `differences` in a line, the first `MOST` of them."""
    more = len(found) - MOST
    return ", ".join([*found[:MOST], *([f"and {more} more"] if more > 0 else [])])


def shown(value: Any) -> str:
    """A value as YAML has it, shortened."""
    if value is _Nothing:
        return "none"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if _is_plain(value) or (isinstance(value, list) and all(map(_is_plain, value))):
        text = str(value)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return f"a {type(value).__name__}"  # of any size: by aliases, a few lines of YAML may stand for billions


def _in_table(name: str, ours: Mapping, theirs: Mapping, called: str) -> list[str]:
    keys = [key for key in {**ours, **theirs} if not _same(ours.get(key, _Nothing), theirs.get(key, _Nothing))]
    if len(keys) > _MOST_OF_TABLE:
        return [f"{name}: {len(keys)} entries"]
    if not keys and list(ours) != list(theirs):
        return [f"{name}: another order"]
    values = [(ours.get(key, _Nothing), theirs.get(key, _Nothing)) for key in keys]
    return [
        f"{name}.{key} = {shown(one)} ({called}: {shown(other)})"
        for key, (one, other) in zip(keys, values, strict=True)
    ]


class _Nothing:
    """Stands for the value of a key that is not there."""


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_scalar, one, other))
    return _same_scalar(one, other)


def _same_scalar(one: Any, other: Any) -> bool:
    """Whether two values mean the same; 1e-05, which DVC writes and YAML takes for a text, is a number."""
    if _is_plain(one) and _is_plain(other) and type(one) is not type(other):
        try:
            return not isinstance(one, bool) and not isinstance(other, bool) and float(one) == float(other)
        except (ValueError, OverflowError):
            return False
    if _is_plain(one) and _is_plain(other):
        return one == other
    return one is other or (type(one) is type(other) and not _is_plain(one))


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)

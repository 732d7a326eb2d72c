"""The differences between two tables of parameters, in words."""

import json
from collections.abc import Mapping
from typing import Any

MAX_LISTED = 10
"""How many differences `in_one_line` lists; the others are only counted."""

_MAX_OF_TABLE = 3  # keys of a table within the table, such as the classes
_MAX_CHARACTERS = 60  # of a value


def differences(prefix: str, ours: Any, theirs: Any, name_of_theirs: str) -> list[str]:
    """Describe each parameter that differs, such as `data.holdout = 4 (committed: 0)`.

    Args:
        prefix: Is put before each key: the name of the block and a dot.
        ours: Parameters as read from YAML or JSON. They may be anything, also invalid.
        theirs: Others, to compare with.
        name_of_theirs: What to call them, such as "committed".

    Raises:
        ValueError: A number of more digits than Python writes.
    """
    if not (isinstance(ours, Mapping) and isinstance(theirs, Mapping)):
        return []
    found = []
    for key in {**ours, **theirs}:
        one, other = ours.get(key, _Nothing), theirs.get(key, _Nothing)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += _in_table(f"{prefix}{key}", one, other, name_of_theirs)
        elif not _same(one, other):
            found.append(f"{prefix}{key} = {shown(one)} ({name_of_theirs}: {shown(other)})")
    return found


def in_one_line(found: list[str]) -> str:
    """Join what `differences` found into one line, at most `MAX_LISTED` of them."""
    more = len(found) - MAX_LISTED
    return ", ".join([*found[:MAX_LISTED], *([f"and {more} more"] if more > 0 else [])])


def shown(value: Any) -> str:
    """A value as it is written in YAML, shortened."""
    if value is _Nothing:
        return "none"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if _is_plain(value) or (isinstance(value, list) and all(map(_is_plain, value))):
        text = str(value)
        return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."
    return f"a {type(value).__name__}"  # its content may be huge: with aliases, lines of YAML stand for billions


def _in_table(name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any], name_of_theirs: str) -> list[str]:
    keys = [key for key in {**ours, **theirs} if not _same(ours.get(key, _Nothing), theirs.get(key, _Nothing))]
    if len(keys) > _MAX_OF_TABLE:
        return [f"{name}: {len(keys)} entries"]
    if not keys and list(ours) != list(theirs):
        return [f"{name}: another order"]
    values = [(ours.get(key, _Nothing), theirs.get(key, _Nothing)) for key in keys]
    return [
        f"{name}.{key} = {shown(one)} ({name_of_theirs}: {shown(other)})"
        for key, (one, other) in zip(keys, values, strict=True)
    ]


class _Nothing:
    """Stands for the value of a missing key."""


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_scalar, one, other))
    return _same_scalar(one, other)


def _same_scalar(one: Any, other: Any) -> bool:
    """Whether two values mean the same. `1e-05`, which DVC writes and YAML reads as a string, equals the number."""
    if _is_plain(one) and _is_plain(other) and type(one) is not type(other):
        try:
            return not isinstance(one, bool) and not isinstance(other, bool) and float(one) == float(other)
        except (ValueError, OverflowError):
            return False
    if _is_plain(one) and _is_plain(other):
        return bool(one == other)
    return one is other or (type(one) is type(other) and not _is_plain(one))


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)

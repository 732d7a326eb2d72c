"""Lists of classes in JSON files, in the forms in which data sets come with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from landcover.classes.class_entries import ClassEntry, read_entry
from landcover.system.documents import load_json
from landcover.system.errors import LandcoverError
from landcover.system.paths import check_readable

EXAMPLE = '{"classes": [{"name": "water", "color": "#0000ff", "code": 80}, {"name": "forest", "color": "#00ff00"}]}'

_NAMES = ("name", "title", "label")
_COLOURS = ("colour", "color")
_CODES = ("codes", "code", "value", "index", "id")
_MOST = 1 << 20  # bytes of such a file


class ClassList(NamedTuple):
    """What a list of classes says.

    Attributes:
        entries: Colours and codes by name, in the order of the file.
        ignore: Name of the ignored class, or None for none, if the file says it.
        says_ignore: Whether it does.
    """

    entries: dict[str, ClassEntry]
    ignore: str | None = None
    says_ignore: bool = False


def read_class_list(path: Path | str) -> ClassList:
    """Read a JSON file with a list of classes; see `parse_class_list`.

    Raises:
        LandcoverError: It is missing, no JSON, or of none of the forms.
    """
    path = Path(path)
    if not path.exists():
        raise LandcoverError(f"{path}: no such file. It should have the classes, such as {EXAMPLE}.")
    check_readable(path)
    try:
        if path.stat().st_size > _MOST:
            raise ValueError("more than a megabyte")
        return parse_class_list(load_json(path.read_text(encoding="utf-8-sig")))
    except (ValueError, RecursionError) as error:
        cause = str(error).splitlines()[0].rstrip(".")
        raise LandcoverError(f"{path}: no list of classes ({cause}). It should be such as {EXAMPLE}.") from error


def parse_class_list(content: Any) -> ClassList:
    """Read the classes of a JSON document.

    The forms are `{"classes": LIST, "ignore": NAME or null}`, where `ignore` may be missing, and LIST alone. LIST is a
    table `{NAME: entry}`, see `class_entries.read_entry`, or a list of objects with a name (`name`, `title` or
    `label`), a colour (`colour` or `color`) and, if there are any, codes (`codes`, `code`, `value`, `index` or `id`),
    as exports of labelling tools have them. Other keys of objects are skipped.

    Raises:
        ValueError: It is of none of these forms.
    """
    ignore, says_ignore = None, False
    if isinstance(content, Mapping) and isinstance(content.get("classes"), Mapping | list):
        ignore, says_ignore = content.get("ignore"), "ignore" in content
        content = content["classes"]
    if isinstance(content, Mapping):
        entries = {name: _entry(name, value) for name, value in content.items()}
    elif isinstance(content, list):
        entries = _of_objects(content)
    else:
        raise ValueError("neither a table nor a list")
    if ignore is not None and ignore not in entries:
        raise ValueError(f"ignore = {ignore!r:.60} should be null or one of {', '.join(entries)}")
    return ClassList(entries, ignore, says_ignore)


def _of_objects(objects: list[Any]) -> dict[str, ClassEntry]:
    entries: dict[str, ClassEntry] = {}
    for number, item in enumerate(objects, 1):
        if not isinstance(item, Mapping):
            raise ValueError(f"class {number} is no object with a name and a colour")
        name = _first(item, _NAMES)
        if not isinstance(name, str):
            raise ValueError(f"class {number} has no {', '.join(_NAMES[:-1])} or {_NAMES[-1]}")
        if name in entries:
            raise ValueError(f"two classes are called {name}")
        entries[name] = _entry(name, item)
    return entries


def _entry(name: str, value: Any) -> ClassEntry:
    if isinstance(value, Mapping):
        codes = _first(value, _CODES)
        value = {"colour": _first(value, _COLOURS), "codes": [] if codes is None else codes}
    try:
        return read_entry(value)
    except ValueError as error:
        raise ValueError(f"{name} = {value!r:.60} {error}") from error


def _first(item: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if item.get(key) is not None), None)

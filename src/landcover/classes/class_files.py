"""Class tables in files: in a params.yaml, in the header of a model, or in a JSON file of their own."""

from pathlib import Path
from typing import Any

import yaml
from safetensors import SafetensorError, safe_open

from landcover.classes.class_lists import parse_class_list, read_class_list
from landcover.classes.class_table import ClassTable
from landcover.system.documents import load_json, load_yaml
from landcover.system.errors import LandcoverError
from landcover.system.paths import check_readable, check_utf8_name

METADATA_KEY = "landcover"
"""Key of the metadata in which a model file describes itself. The only one: safetensors does not keep their order."""


def read_class_table(path: Path | str) -> ClassTable:
    """Read the class table of a params.yaml (block `data`), a model.safetensors, or a JSON.

    The JSON is `ClassTable.to_json`'s, or another one with the key "ignore" whose classes `class_lists` reads. Only the
    header of a model is read.

    Raises:
        LandcoverError: The file is missing, of another kind, or has no valid table.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        check_utf8_name(path, "models")
    try:
        return _table(read_content(path))
    except FileNotFoundError as error:
        raise LandcoverError(f"{path}: no such file. Give a params.yaml, a model.safetensors or a JSON.") from error
    except (OSError, LookupError, TypeError, AttributeError) as error:
        reason = f"no key {error}" if isinstance(error, KeyError) else "not of that form"
        reason = getattr(error, "strerror", None) or reason
    except (ValueError, RecursionError, SafetensorError, yaml.YAMLError, LandcoverError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
    raise LandcoverError(
        f"{path}: no table of classes ({reason}). Give a params.yaml, a model.safetensors, or a JSON such as "
        '{"classes": {"land": "#00ff00", "sea": "#0000ff", "unknown": "#000000"}, "ignore": "unknown"}.'
    )


def read_content(path: Path) -> Any:
    """What stands in a file where the table should be: plain types, unchecked.

    Raises:
        LandcoverError: It is a params.yaml that names a list of classes which cannot be read.
        OSError: The file cannot be read.
        SafetensorError, yaml.YAMLError, ValueError, RecursionError: It is not of the kind that its suffix says.
        LookupError, TypeError: Nothing stands there.
    """
    check_readable(path)
    if path.suffix == ".safetensors":
        with safe_open(path, "numpy") as file:
            return load_json((file.metadata() or {})[METADATA_KEY])
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return load_json(text)
    content = load_yaml(text)["data"]
    if isinstance(content, dict) and _names_a_list(content):
        found = read_class_list(path.parent / content["root"] / content["classes"])
        content = content | {"classes": {name: [*map(list, entry.colours)] for name, entry in found.entries.items()}}
    return content


def _names_a_list(content: dict[str, Any]) -> bool:
    """Whether a block `data` names a JSON file with the classes, below its root."""
    return "ignore" in content and all(isinstance(content.get(key), str) for key in ("root", "classes"))


def _table(content: Any) -> ClassTable:
    """Make a table of what `read_content` returns. Raises as `ClassTable.from_json`."""
    if isinstance(content["classes"], list):
        classes = {name: [*map(list, entry.colours)] for name, entry in parse_class_list(content).entries.items()}
        content = content | {"classes": classes}
    return ClassTable.from_json(content)

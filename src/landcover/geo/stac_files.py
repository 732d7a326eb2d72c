"""Files of STAC items, read and written. Imports no pystac."""

import json
import os
from pathlib import Path
from typing import Any

from landcover.system.documents import load_json
from landcover.system.errors import LandcoverError, reason
from landcover.system.files import replacing
from landcover.system.paths import check_readable

_OURS = "mlm:architecture"
_MEDIA = {".gpkg": "application/geopackage+sqlite3", ".geojson": "application/geo+json"}


def check_item(path: Path) -> None:
    """Check that a file, if there is one, is a STAC item that this program wrote.

    Raises:
        LandcoverError: It is not.
    """
    if os.path.lexists(path):
        item_of(path)


def item_of(path: Path) -> dict[str, Any]:
    """Read a STAC item that this program wrote.

    Raises:
        LandcoverError: It is none, or cannot be read.
    """
    try:
        check_readable(path)
        content = load_json(path.read_text(encoding="utf-8"))
        if content["type"] == "Feature" and content["stac_version"] and _OURS in content["properties"]:
            return dict(content, assets=dict(content["assets"]))
        cause = "it lacks a model"
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        cause = reason(error)
    raise LandcoverError(f"{path}: not a STAC item that this program wrote ({cause}). Move it, or name another folder.")


def write_item(path: Path, content: dict[str, Any]) -> None:
    """Write a STAC item as indented JSON.

    Raises:
        LandcoverError: It cannot be written.
    """
    with replacing(path) as scratch:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        scratch.write_text(text + "\n", encoding="utf-8", newline="\n")


def add_polygons(path: Path, polygons: Path) -> None:
    """Name a file of a map's polygons in the STAC item of the map.

    Raises:
        LandcoverError: The item is none, or cannot be written.
    """
    content = item_of(path)
    media = _MEDIA[polygons.suffix.lower()]
    asset = {"href": reference(polygons, path), "type": media, "title": "Polygons", "roles": ["data"]}
    if content["assets"].get("polygons") != asset:
        content["assets"]["polygons"] = asset
        write_item(path, content)


def reference(target: Path, item: Path) -> str:
    """How an item refers to a file: relative to its own folder."""
    relative = Path(os.path.relpath(target.resolve(), item.parent.resolve())).as_posix()
    return relative if relative.startswith("../") else f"./{relative}"

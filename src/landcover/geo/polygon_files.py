"""Files of polygons: their formats, and of which map one was made."""

import hashlib
import os
import re
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from landcover.system.errors import LandcoverError, reason
from landcover.system.paths import check_readable

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON"}
"""Formats of files of polygons by their suffix."""

_KEY = "LANDCOVER_MAP"
_DESCRIPTION = "Polygons by landcover of the map with the SHA-256 "
_BEGINNING = rb'\{\s*"type": "FeatureCollection",((?!"features":).)*?"description": "%b([0-9a-f]{64})"'
_HEAD, _TAIL = 1 << 14, 1 << 4  # bytes of a GeoJSON that are looked at


def digest(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        LandcoverError: It cannot be read.
    """
    try:
        check_readable(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LandcoverError(f"{path}: cannot be read ({reason(error)}). Replace or remove it.") from error


def record(path: Path, source: str) -> dict:
    """Options for pyogrio that note in a file of polygons the `digest` of the map it is made of."""
    if DRIVERS[path.suffix.lower()] == "GPKG":
        return {"layer_metadata": {_KEY: source}}
    return {"DESCRIPTION": f"{_DESCRIPTION}{source}"}


def source_of(path: Path) -> str | None:
    """The `digest` of the map that the polygons in a file were made of; None if there is no file.

    GDAL, which would follow what a stranger's file refers to, is not asked.

    Raises:
        LandcoverError: There is something else than a whole file of polygons that this program wrote, or the path is
            none that GDAL can write.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise LandcoverError(f"{path}: not UTF-8. Name another file for the polygons.") from error
    if not os.path.lexists(path):
        return None
    try:
        check_readable(path)
        found = _of_geopackage(path) if DRIVERS[path.suffix.lower()] == "GPKG" else _of_geojson(path)
    except OSError as error:
        raise LandcoverError(f"{path}: {reason(error)}. Name another file for the polygons.") from error
    if found is None:
        raise LandcoverError(f"{path}: not polygons that this program wrote. Name another file, or remove this one.")
    return found


def _of_geojson(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    noted = re.match(_BEGINNING % re.escape(_DESCRIPTION.encode()), head, re.DOTALL)
    return noted[2].decode() if noted and re.search(rb"\]\s*\}\s*\Z", tail) else None


def _of_geopackage(path: Path) -> str | None:
    import sqlite3  # late: --help must answer at once

    name = quote(os.fsencode(path.absolute()))
    try:
        with closing(sqlite3.connect(f"file:{name}?mode=ro&immutable=1", uri=True)) as file:
            noted = "\n".join(str(row[0]) for row in file.execute("SELECT metadata FROM gpkg_metadata"))
            (layers,) = file.execute("SELECT count(*) FROM gpkg_contents WHERE data_type <> 'attributes'").fetchone()
    except sqlite3.Error:
        return None
    found = re.search(f'<MDI key="{_KEY}">([0-9a-f]{{64}})</MDI>', noted)
    return found[1] if found and layers == 1 else None  # others may have added layers

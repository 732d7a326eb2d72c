"""Files of polygons: their formats, and the map that each was made from. Imports no GDAL."""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from landcover.system.errors import LandcoverError, reason
from landcover.system.paths import check_readable

_KEY = "LANDCOVER_MAP"
_DESCRIPTION = "Polygons by landcover of the map with the SHA-256 "
_BEGINNING = rb'\{\s*"type": "FeatureCollection",((?!"features":).)*?"description": "%b([0-9a-f]{64})"'
_HEAD, _TAIL = 1 << 14, 1 << 4  # bytes at the ends of a GeoJSON that are read


@dataclass(frozen=True)
class PolygonFormat:
    """A format of files of polygons, all of one layer.

    Attributes:
        driver: GDAL's name of the format.
        in_degrees: Coordinates are longitudes and latitudes in WGS 84, and polygons are cut at the 180th meridian;
            otherwise coordinates are in the map's reference system.
        source_options: Options of pyogrio by which a file notes the `digest` of its map.
        read_source: Reads that from a file; None if the file, or the path, is not a whole one that this program wrote.
    """

    driver: str
    in_degrees: bool
    source_options: Callable[[str], dict[str, Any]]
    read_source: Callable[[Path], str | None]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        LandcoverError: It cannot be read.
    """
    try:
        check_readable(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LandcoverError(f"{path}: cannot be read ({reason(error)}). Replace or remove it.") from error


def format_of(path: Path) -> PolygonFormat:
    """Return the format that a file of polygons has by its suffix, one of `POLYGON_FORMATS`.

    Raises:
        LandcoverError: It has another suffix.
    """
    suffix = path.suffix.lower()
    if suffix not in POLYGON_FORMATS:
        raise LandcoverError(
            f"{path}: not the name of a file of polygons. Choose one that ends in {' or '.join(POLYGON_FORMATS)}."
        )
    return POLYGON_FORMATS[suffix]


def source_of(path: Path) -> str | None:
    """Return the `digest` of the map that the polygons in a file were made from; None if there is no file.

    The file is not opened with GDAL, which would follow the references in a file of unknown origin.

    Raises:
        LandcoverError: The file is not a whole file of polygons that this program wrote, or GDAL cannot write to the
            path.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise LandcoverError(f"{path}: not UTF-8. Name another file for the polygons.") from error
    read_source = format_of(path).read_source
    if not os.path.lexists(path):
        return None
    try:
        check_readable(path)
        source = read_source(path)
    except OSError as error:
        raise LandcoverError(f"{path}: {reason(error)}. Name another file for the polygons.") from error
    if source is None:
        raise LandcoverError(f"{path}: not polygons that this program wrote. Name another file, or remove this one.")
    return source


def _geojson_source(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    noted = re.match(_BEGINNING % re.escape(_DESCRIPTION.encode()), head, re.DOTALL)
    return noted[2].decode() if noted and re.search(rb"\]\s*\}\s*\Z", tail) else None


def _geopackage_source(path: Path) -> str | None:
    import sqlite3  # late: --help must answer at once

    name = quote(os.fsencode(path.absolute()))
    try:
        with closing(sqlite3.connect(f"file:{name}?mode=ro&immutable=1", uri=True)) as file:
            noted = "\n".join(str(row[0]) for row in file.execute("SELECT metadata FROM gpkg_metadata"))
            (layers,) = file.execute("SELECT count(*) FROM gpkg_contents WHERE data_type <> 'attributes'").fetchone()
    except sqlite3.Error:
        return None
    found = re.search(f'<MDI key="{_KEY}">([0-9a-f]{{64}})</MDI>', noted)
    return found[1] if found and layers == 1 else None  # more layers: others have added to it


POLYGON_FORMATS = {
    ".gpkg": PolygonFormat(
        "GPKG",
        in_degrees=False,
        source_options=lambda source: {"layer_metadata": {_KEY: source}},
        read_source=_geopackage_source,
    ),
    ".geojson": PolygonFormat(
        "GeoJSON",
        in_degrees=True,  # RFC 7946
        source_options=lambda source: {"DESCRIPTION": f"{_DESCRIPTION}{source}"},
        read_source=_geojson_source,
    ),
}
"""Formats of files of polygons by suffix. A new format is a new entry."""

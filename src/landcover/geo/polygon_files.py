"""Files of polygons: their formats, and the map that each was made from. Imports no GDAL."""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from landcover.system.errors import LandcoverError, reason
from landcover.system.paths import check_readable

if TYPE_CHECKING:
    import sqlite3

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
        count: Counts the polygons in a file that this program wrote, reading all of them, or raises an OSError.
        has_style: Whether a file can hold a style for its layer (`layer_styles.add_style`).
    """

    driver: str
    in_degrees: bool
    source_options: Callable[[str], dict[str, Any]]
    read_source: Callable[[Path], str | None]
    count: Callable[[Path], int]
    has_style: bool


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


def recipe(source: str, min_area: float | None, simplify: float | None) -> str:
    """Return what stands for the `digest` of a map in a file of its polygons: another text for other options."""
    options = {"min_area": min_area, "simplify": simplify}
    given = {name: value for name, value in options.items() if value}
    return hashlib.sha256(f"{source} {given}".encode()).hexdigest() if given else source


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


def _geojson_count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(line.startswith(b'{ "type": "Feature",') for line in file)


def _geopackage_source(path: Path) -> str | None:
    import sqlite3  # late: --help must answer at once

    try:
        with closing(_geopackage(path)) as file:
            noted = "\n".join(str(row[0]) for row in file.execute("SELECT metadata FROM gpkg_metadata"))
            (layers,) = file.execute("SELECT count(*) FROM gpkg_contents WHERE data_type <> 'attributes'").fetchone()
    except sqlite3.Error:
        return None
    found = re.search(f'<MDI key="{_KEY}">([0-9a-f]{{64}})</MDI>', noted)
    return found[1] if found and layers == 1 else None  # more layers: others have added to it


def _geopackage_count(path: Path) -> int:
    import sqlite3

    try:
        with closing(_geopackage(path)) as file:
            (name,) = file.execute("SELECT table_name FROM gpkg_geometry_columns").fetchone()
            quoted = name.replace('"', '""')
            return int(file.execute(f'SELECT count(geom IS NULL OR length(geom) > 0) FROM "{quoted}"').fetchone()[0])
    except sqlite3.Error as error:
        raise OSError(str(error)) from error


def _geopackage(path: Path) -> "sqlite3.Connection":
    """Open a GeoPackage to read it."""
    import sqlite3

    name = quote(os.fsencode(path.absolute()))
    return sqlite3.connect(f"file:{name}?mode=ro&immutable=1", uri=True)


POLYGON_FORMATS = {
    ".gpkg": PolygonFormat(
        "GPKG",
        in_degrees=False,
        # Newer versions, of which GDAL would write the latest, are warned of by GDAL 3.6 and older.
        source_options=lambda source: {"layer_metadata": {_KEY: source}, "VERSION": "1.2", "GEOMETRY_NAME": "geom"},
        read_source=_geopackage_source,
        count=_geopackage_count,
        has_style=True,
    ),
    ".geojson": PolygonFormat(
        "GeoJSON",
        in_degrees=True,  # RFC 7946
        source_options=lambda source: {"DESCRIPTION": f"{_DESCRIPTION}{source}"},
        read_source=_geojson_source,
        count=_geojson_count,
        has_style=False,
    ),
}
"""Formats of files of polygons by suffix. A new format is a new entry."""

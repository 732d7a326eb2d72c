"""Safe reading of vector files that a stranger may have made: nothing but local files is ever read. Needs geopandas.

GDAL recognises formats by content, and some of them refer to other files or to web services. So a file is opened only
if it begins like one of the format that its suffix says.
"""

import difflib
import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet
import pyogrio
from pyproj import CRS

from landcover.labels.options import VECTOR_SUFFIXES
from landcover.system.errors import LandcoverError, is_out_of_memory, reason
from landcover.system.paths import check_readable, check_utf8_name

_HEAD = 4096  # bytes
_BEGINNINGS = {
    ".gpkg": rb"SQLite format 3\0",
    ".geojson": rb"(\xef\xbb\xbf)?\s*\{",
    ".json": rb"(\xef\xbb\xbf)?\s*\{",
    ".fgb": rb"fgb.fgb",
    ".parquet": rb"PAR1",
    ".shp": rb"\x00\x00\x27\x0a",
}
_SIDECARS = (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn")  # of a shapefile


@dataclass(frozen=True)
class VectorLayer:
    """The one layer of a vector file.

    Attributes:
        path: The file.
        geometry: Shapely geometries or None, object (N,), x before y whatever the reference system says.
        crs: Reference system.
        values: What stands in the column that was asked for, (N,); None if none was.
    """

    path: Path
    geometry: np.ndarray
    crs: CRS
    values: pd.Series | None


def is_vector_file(path: Path) -> bool:
    """Whether the suffix is that of a vector file."""
    return path.suffix.lower() in VECTOR_SUFFIXES


def read_layer(path: Path, column: str | None) -> VectorLayer:
    """Read the layer of a vector file.

    Args:
        path: Of a format of `VECTOR_SUFFIXES`.
        column: The column to read; None for geometries only.

    Raises:
        LandcoverError: The file cannot be read, has several layers, none with geometries, or no rows, no reference
            system, or lacks the column.
    """
    frame = read_frame(path, column)
    if not has_reference_system(frame):
        raise LandcoverError(
            f"{path}: the layer has no reference system, so nobody knows where it lies. Set it, for example in QGIS "
            "by Layer > Set CRS, and save it."
        )
    values = None if column is None else frame[column]
    return VectorLayer(path, frame.geometry.to_numpy(), frame.crs, values)


def read_frame(path: Path, *columns: str | None) -> geopandas.GeoDataFrame:
    """Read the layer of a vector file with the columns that are not None, or with all if none is named.

    Raises:
        LandcoverError: See `read_layer`; a layer without reference system is read.
    """
    _check(path)
    wanted = [column for column in columns if column is not None]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of damaged files name neither the file nor what to do
            if path.suffix.lower() == ".parquet":
                frame = _read_parquet(path, wanted, bool(columns))
            else:
                frame = _read_with_gdal(path, wanted, bool(columns))
    except LandcoverError:
        raise
    except Exception as error:  # damaged bytes make the readers raise anything
        if is_out_of_memory(error):
            raise
        cause = reason(error).replace(str(path.absolute()), path.name).rstrip(".")
        raise LandcoverError(f"{path}: not readable as polygons or points ({cause}). Export it again.") from error
    if not len(frame):
        raise LandcoverError(f"{path}: the layer is empty. Draw something in it, or name another file.")
    if not isinstance(frame, geopandas.GeoDataFrame) or frame.geometry.isna().all():
        raise LandcoverError(f"{path}: no geometry, only a table. Name a file of polygons or points.")
    return frame


def has_reference_system(frame: geopandas.GeoDataFrame) -> bool:
    """Whether it is known where a layer lies."""
    return frame.crs is not None and not frame.crs.name.startswith("Undefined")  # which a GeoPackage may say


def near(name: object, known: Sequence[str]) -> str:
    """A question that names what may have been meant, with a space before it; empty if nothing is near."""
    lower = {item.lower(): item for item in reversed(known)}
    found = difflib.get_close_matches(str(name).strip().lower(), list(lower), 1, cutoff=0.6)
    return f" Did you mean {lower[found[0]]!r}?" if found else ""


def _check(path: Path) -> None:
    """Check that a file, and what GDAL reads with it, is what its suffix says."""
    suffix = path.suffix.lower()
    if suffix not in _BEGINNINGS:
        raise LandcoverError(f"{path}: no file of polygons or points. Name one that ends in {', '.join(_BEGINNINGS)}.")
    check_utf8_name(path, "vector files")
    if str(path.absolute()).startswith("/vsi"):
        raise LandcoverError(f"{path}: GDAL does not take a path that begins with /vsi for a file. Move the file.")
    try:
        check_readable(path)
        if suffix == ".shp":
            for sidecar in path.parent.iterdir():
                if sidecar.stem == path.stem and sidecar.suffix.lower() in _SIDECARS:
                    check_readable(sidecar)
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError as error:
        raise LandcoverError(f"{path}: no such file. Correct the name, or put the file there.") from error
    except OSError as error:
        raise LandcoverError(f"{path}: cannot be read ({reason(error)}). Replace or remove it.") from error
    if not re.match(_BEGINNINGS[suffix], head, re.DOTALL):
        raise LandcoverError(f"{path}: not what its name says, a {suffix} file. Export it again.")


def _read_with_gdal(path: Path, wanted: list[str], only: bool) -> Any:
    """The layer of a file that GDAL reads, with all columns or `only` the wanted ones."""
    name = str(path.absolute())
    layers = [(layer, kind) for layer, kind in pyogrio.list_layers(name).tolist() if kind is not None]
    if not layers:  # but tables, such as the styles that QGIS saves
        raise LandcoverError(f"{path}: no geometry, only a table. Name a file of polygons or points.")
    if len(layers) > 1:
        listed = ", ".join(layer for layer, _ in layers)
        raise LandcoverError(f"{path}: {len(layers)} layers ({listed}). Export the one to use alone.")
    layer = layers[0][0]
    info = pyogrio.read_info(name, layer=layer)
    if info["features"]:  # an empty GeoJSON has no columns
        _check_columns(path, wanted, list(map(str, info["fields"])))
    columns = wanted if only and info["features"] else None
    return pyogrio.read_dataframe(name, layer=layer, columns=columns, on_invalid="fix")


def _read_parquet(path: Path, wanted: list[str], only: bool) -> Any:
    """The layer of a GeoParquet, with all columns or `only` the wanted ones."""
    schema = pyarrow.parquet.read_schema(path)
    if b"geo" not in (schema.metadata or {}):
        raise LandcoverError(f"{path}: a table without geometry, no GeoParquet. Name a file of polygons or points.")
    geometry = json.loads(schema.metadata[b"geo"])
    names = [str(name) for name in schema.names if name not in geometry["columns"]]
    _check_columns(path, wanted, names)
    columns = [*dict.fromkeys([*wanted, geometry["primary_column"]])] if only else None
    return geopandas.read_parquet(path, columns=columns)


def _check_columns(path: Path, wanted: Sequence[str], names: Sequence[str]) -> None:
    for column in wanted:
        if column not in names:
            listed = ", ".join(names) if names else "none"
            raise LandcoverError(f"{path}: no column {column!r} (`column`); there is {listed}.{near(column, names)}")

"""The geometries of a layer of labels, checked and repaired: polygons only, or points only. Needs shapely."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import shapely

from landcover.labels.vector_files import VectorLayer
from landcover.system.errors import LandcoverError, warn

_KINDS = {
    shapely.GeometryType.POLYGON: "polygons",
    shapely.GeometryType.MULTIPOLYGON: "polygons",
    shapely.GeometryType.POINT: "points",
    shapely.GeometryType.MULTIPOINT: "points",
}
_LISTED = 5


class Shapes(NamedTuple):
    """The polygons or points of a layer, without parts: N of them.

    Attributes:
        kind: `polygons` or `points`.
        parts: Valid polygons, or points, in two dimensions: object (N,).
        rows: To which row of the layer each belongs, ascending: int64 (N,).
        areas: Of the whole row that each belongs to, in the squared unit of the reference system: float64 (N,).
        repaired: Number of rows that were invalid.
    """

    kind: Literal["polygons", "points"]
    parts: np.ndarray
    rows: np.ndarray
    areas: np.ndarray
    repaired: int


def shapes_of(layer: VectorLayer) -> Shapes:
    """The polygons or points of a layer; warns of rows that are empty or were repaired.

    Raises:
        LandcoverError: The layer mixes polygons and points, has other geometries, has none at all, or an invalid one
            that cannot be repaired.
    """
    geometry = shapely.force_2d(layer.geometry)
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    if empty.all():
        raise LandcoverError(
            f"{layer.path}: all {len(empty)} geometries are empty. Draw something, or export it again."
        )
    if empty.any():
        warn(f"{layer.path}: {_rows(empty)} without geometry: nothing is labelled by {_them(empty)}.")
    rows = np.flatnonzero(~empty)
    geometry = _without_collections(geometry[rows])
    kind = _kind(layer.path, geometry, rows)
    repaired = 0
    if kind == "polygons":
        geometry, repaired = _repaired(layer, geometry, rows)
    areas = shapely.area(geometry)
    parts, index = shapely.get_parts(geometry, return_index=True)
    return Shapes(kind, parts, rows[index], areas[index], repaired)


def kinds_of(geometry: np.ndarray) -> np.ndarray:
    """`polygons`, `points` or `others`, such as lines, of each geometry: text (N,)."""
    types = shapely.get_type_id(_without_collections(geometry))
    return np.array([_KINDS.get(number, "others") for number in types], dtype="U8")


def _kind(path: Path, geometry: np.ndarray, rows: np.ndarray) -> Literal["polygons", "points"]:
    kinds = kinds_of(geometry)
    found, first, counts = np.unique(kinds, return_index=True, return_counts=True)
    if len(found) > 1:
        named = ", ".join(f"{counts[i]} {found[i]} (first in row {rows[first[i]] + 1})" for i in np.argsort(-counts))
        raise LandcoverError(f"{path}: mixed geometry types: {named}. Keep polygons and points in files of their own.")
    if found[0] == "others":
        name = geometry[0].geom_type
        raise LandcoverError(f"{path}: geometries of type {name}, which label no pixels. Draw polygons or points.")
    return "polygons" if found[0] == "polygons" else "points"


def _without_collections(geometry: np.ndarray) -> np.ndarray:
    """Collections of polygons only, or of points only, as multi-polygons and multi-points."""
    geometry = geometry.copy()
    for i in np.flatnonzero(shapely.get_type_id(geometry) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts = shapely.get_parts(shapely.get_parts(geometry[i]))
        types = shapely.get_type_id(parts)
        if (types == shapely.GeometryType.POLYGON).all():
            geometry[i] = shapely.multipolygons(parts)
        elif (types == shapely.GeometryType.POINT).all():
            geometry[i] = shapely.multipoints(parts)
    return geometry


def _repaired(layer: VectorLayer, geometry: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Valid polygons in place of invalid ones, and the number of rows that were invalid."""
    finite = np.ones(len(geometry), bool)
    coordinates, index = shapely.get_coordinates(geometry, return_index=True)
    finite[index[~np.isfinite(coordinates).all(1)]] = False
    invalid = ~shapely.is_valid(geometry) & finite
    geometry = geometry.copy()
    for i in np.flatnonzero(invalid):
        geometry[i] = polygonal(shapely.make_valid(geometry[i]))
    lost = ~finite | (invalid & shapely.is_empty(geometry))
    if lost.any():
        number = rows[np.argmax(lost)] + 1
        raise LandcoverError(
            f"{layer.path}: row {number}: an invalid polygon that cannot be repaired. Draw it again, or remove it."
        )
    if invalid.any():
        listed = ", ".join(str(row + 1) for row in rows[invalid][:_LISTED])
        more = ", ..." if invalid.sum() > _LISTED else ""
        warn(
            f"{layer.path}: {_rows(invalid)} with invalid geometry ({listed}{more}), such as an edge that crosses "
            "another: repaired. Look at the result, or draw them again."
        )
    return geometry, int(invalid.sum())


def polygonal(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry, without its lines and points: a multi-polygon, which may be empty."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])


def _rows(which: np.ndarray) -> str:
    count = int(which.sum())
    return f"{count} row{'s' if count > 1 else ''}"


def _them(which: np.ndarray) -> str:
    return "them" if which.sum() > 1 else "it"

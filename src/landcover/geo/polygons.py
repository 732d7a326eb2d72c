"""Maps as polygons, each with its class and area. Needs geopandas and rasterio (the extra geo)."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import geopandas
import numpy as np
import rasterio
import shapely
from pyproj.exceptions import ProjError
from rasterio.features import shapes
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from shapely.geometry import shape

from landcover.classes.class_table import UNKNOWN
from landcover.geo.antimeridian import cut
from landcover.geo.areas import polygon_areas
from landcover.geo.domains import domain, is_on_earth
from landcover.geo.earth_coordinates import EarthCoordinates
from landcover.geo.map_reader import REMEDY, open_map
from landcover.geo.outlines import outlines
from landcover.geo.polygon_files import PolygonFormat, digest, format_of, source_of
from landcover.system.errors import LandcoverError, reason, warn
from landcover.system.files import replacing, write_error
from landcover.system.outputs import check_outputs

_DEGREES = "EPSG:4326"
_EDGES = 256  # at least so many along the longer side of a map: what is straight there is curved on Earth


def write_polygons(path: Path | str, map_path: Path | str) -> int:
    """Write the connected areas of each class as polygons of one layer.

    Polygons follow the borders of the pixels; pixels that touch only at a corner belong to different polygons. Where
    the map has no data there is no polygon. All polygons are held in memory, the map is not.

    Args:
        path: Its suffix, one of `polygon_files.POLYGON_FORMATS`, chooses the format. An existing file is replaced when
            everything is written, but only if this function wrote it.
        map_path: A map that this program wrote: its tags name the classes.

    Returns:
        Number of polygons. Each has `class`, a name, and `area_m2`, in square metres on the ellipsoid of the map's
        reference system; parts beyond the Earth, where a projection has no place, do not count. If the map has no
        reference system, or a local one, each has `area` instead, in squares of the unit of its coordinates (pixels,
        without a geotransform).

    Raises:
        LandcoverError: The map is not one of this program, or has labels that it does not name; or `path` holds
            something else than polygons that this program wrote. Nothing is written.
    """
    path, map_path = Path(path), Path(map_path)
    check_outputs([map_path], files=[path])
    source_of(path)  # an error if the existing file must not be replaced
    source = digest(map_path)
    with open_map(map_path) as (file, names):
        labels, polygons = _traced(map_path, file, names)
        crs, transform, size, has_points = file.crs, file.transform, file.shape, bool(file.gcps[0])
    form = format_of(path)
    try:
        earth = EarthCoordinates.of(crs) if crs else None
    except ProjError as error:
        raise LandcoverError(f"{map_path}: PROJ does not know its reference system ({reason(error)}).") from error
    if not crs and has_points:
        warn(
            f"{map_path}: has only ground control points for its place, so its polygons are in pixels. For other "
            "coordinates, warp the image first (gdalwarp)."
        )
    elif not earth and form.in_degrees:
        warn(
            f"{path}: {form.driver} is in degrees, but the map has no place on Earth. Coordinates are those of the map."
        )
    if earth:
        areas, polygons = _measured(map_path, polygons, earth, _longest(earth, transform, size), form.in_degrees)
        columns = {"class": labels, "area_m2": areas}
        if form.in_degrees:
            crs = _DEGREES
    else:
        columns = {"class": labels, "area": shapely.area(polygons)}
        if form.in_degrees:
            crs = None
    _write(path, geopandas.GeoDataFrame(columns, geometry=polygons, crs=crs), form, source)
    return len(polygons)


def _traced(path: Path, file: DatasetReader, names: Mapping[int, str]) -> tuple[list[str], np.ndarray]:
    """Return the class and the polygon of each connected area of a map, in the map's coordinates."""
    without_data = {UNKNOWN, file.nodata}
    labels, polygons = [], []
    for outline, label in shapes(rasterio.band(file, 1), transform=file.transform):
        if label in without_data:
            continue
        if label not in names:
            raise LandcoverError(
                f"{path}: has the label {label:.0f}, which is neither one of its {len(names)} classes nor nodata. "
                f"{REMEDY}"
            )
        labels.append(names[int(label)])
        polygons.append(shape(outline))
    return labels, np.array(polygons, object)


def _longest(earth: EarthCoordinates, transform: Affine, size: tuple[int, int]) -> float:
    """Return the longest allowed edge of polygons, in the units of the coordinates."""
    if not earth.wraps and transform.b == transform.d == 0:
        return np.inf  # along meridians and parallels
    height, width = size
    longer = max(width * np.hypot(transform.a, transform.d), height * np.hypot(transform.b, transform.e))
    return float(longer / _EDGES)


def _measured(
    path: Path, polygons: np.ndarray, earth: EarthCoordinates, longest: float, in_degrees: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the area of each polygon in square metres, and the polygons, in degrees of WGS 84 if asked for."""
    if not len(polygons):
        return np.zeros(0), polygons
    parts, owners = _on_earth(path, polygons, earth, longest / _EDGES)
    if not len(parts):
        return np.zeros(len(polygons)), np.full(len(polygons), None) if in_degrees else polygons
    borders = outlines(parts, earth, longest)
    areas, inverted = polygon_areas(borders, earth)
    areas = np.bincount(owners, areas, len(polygons))
    if not in_degrees:
        return areas, polygons
    shapes = cut(borders, *earth.wgs84(borders.lon, borders.lat), inverted)
    if parts is not polygons:
        groups = np.split(shapes, np.searchsorted(owners, np.arange(1, len(polygons))))
        shapes = shapely.orient_polygons([shapely.union_all(group) if len(group) else None for group in groups])
    return areas, shapes


def _on_earth(
    path: Path, polygons: np.ndarray, earth: EarthCoordinates, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the parts of polygons for which their projection has a place on Earth, and the polygon of each part."""
    xy, owners = shapely.get_coordinates(polygons, return_index=True)
    beyond = np.unique(owners[~is_on_earth(earth, xy, tolerance)])
    if not len(beyond):
        return polygons, np.arange(len(polygons))
    warn(
        f"{path}: {len(beyond)} of its polygons reach beyond the Earth, where its projection has no place. "
        "Their areas are those of the parts on Earth."
    )
    shown = polygons.copy()
    shown[beyond] = shapely.intersection(polygons[beyond], domain(earth, shapely.total_bounds(polygons), tolerance))
    parts, owners = shapely.get_parts(shown, return_index=True)
    solid = shapely.area(parts) > 0
    return parts[solid], owners[solid]


def _write(path: Path, frame: geopandas.GeoDataFrame, form: PolygonFormat, source: str) -> None:
    """Write polygons and the digest of their map."""
    options = form.source_options(source)
    kind = "Unknown" if form.in_degrees else "Polygon"  # in degrees, some are cut into several parts
    with replacing(path) as scratch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")  # the image has none either
        try:
            frame.to_file(scratch, driver=form.driver, layer=path.stem, geometry_type=kind, **options)
            found = len(geopandas.read_file(scratch, ignore_geometry=True))
        except RuntimeError as error:  # of which all errors of pyogrio are
            raise write_error(path, error) from error
        if found != len(frame):  # a full disk is not always reported
            raise write_error(path, OSError("what was written reads back otherwise"))

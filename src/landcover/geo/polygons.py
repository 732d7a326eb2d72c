"""Maps as polygons with the class and the area of each. Needs geopandas and rasterio (the extra geo)."""

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

from landcover.classes.class_table import IGNORE
from landcover.geo.antimeridian import cut
from landcover.geo.areas import polygon_areas
from landcover.geo.domains import domain, is_on_earth
from landcover.geo.earth_coordinates import EarthCoordinates
from landcover.geo.map_reader import REMEDY, open_map
from landcover.geo.outlines import outlines
from landcover.geo.polygon_files import DRIVERS, digest, record, source_of
from landcover.system.errors import LandcoverError, reason, warn
from landcover.system.files import replacing, write_error
from landcover.system.outputs import check_outputs

_DEGREES = "EPSG:4326"  # what GeoJSON is in (RFC 7946)
_EDGES = 256  # at least so many along the longer side of a map; straight there, they are curved on Earth


def write_polygons(path: Path | str, map_path: Path | str) -> int:
    """Write the connected areas of each class as polygons of one layer.

    They follow the borders of the pixels; pixels that touch at a corner only are apart. Without data there is no
    polygon. All polygons are held in memory, the map is not.

    Args:
        path: Its suffix is one of `polygon_files.DRIVERS`; replaced, if it is a file of polygons that this function
            wrote, when all is written. GeoPackages are in the map's reference system; GeoJSON is in degrees, and
            polygons are cut there at the 180th meridian.
        map_path: A file such as `geotiff.write_map` makes, which says what its labels mean.

    Returns:
        Number of polygons. Each has `class`, its name, and `area_m2`, square metres on the ellipsoid of the map's
        reference system, of the part that this has a place on Earth for; of a map without a reference system, or with
        a local one, `area` instead, in squares of the unit of its coordinates (pixels, if they are).

    Raises:
        LandcoverError: The map is none, or has labels that it does not name; or at `path` there is something else than
            polygons of this program's. Nothing is written.
    """
    path, map_path = Path(path), Path(map_path)
    check_outputs([map_path], files=[path])
    source_of(path)  # an error, if what is there is not to be replaced
    source = digest(map_path)
    with open_map(map_path) as (file, names):
        labels, polygons = _traced(map_path, file, names)
        crs, transform, size, has_points = file.crs, file.transform, file.shape, bool(file.gcps[0])
    is_geojson = DRIVERS[path.suffix.lower()] == "GeoJSON"
    try:
        earth = EarthCoordinates.of(crs) if crs else None
    except ProjError as error:
        raise LandcoverError(f"{map_path}: its reference system is none that PROJ knows ({reason(error)}).") from error
    if not crs and has_points:
        warn(
            f"{map_path}: placed by ground control points. Its polygons are in pixels; warp the image first (gdalwarp)."
        )
    elif not earth and is_geojson:
        warn(f"{path}: GeoJSON is in degrees, but the map has no place on Earth. Coordinates are as in the map.")
    if earth:
        areas, in_degrees = _measured(map_path, polygons, earth, _longest(earth, transform, size), is_geojson)
        columns = {"class": labels, "area_m2": areas}
        if is_geojson:
            polygons, crs = in_degrees, _DEGREES
    else:
        columns = {"class": labels, "area": shapely.area(polygons)}
        if is_geojson:
            crs = None
    _write(path, geopandas.GeoDataFrame(columns, geometry=polygons, crs=crs), record(path, source))
    return len(polygons)


def _traced(path: Path, file: DatasetReader, names: Mapping[int, str]) -> tuple[list[str], np.ndarray]:
    """Class and polygon of each connected area of a map, in its coordinates."""
    without_data = {IGNORE, file.nodata}
    labels, polygons = [], []
    for outline, label in shapes(rasterio.band(file, 1), transform=file.transform):
        if label in without_data:
            continue
        if label not in names:
            raise LandcoverError(
                f"{path}: has the label {label:.0f}, which is none of its {len(names)} classes and not nodata. {REMEDY}"
            )
        labels.append(names[int(label)])
        polygons.append(shape(outline))
    return labels, np.array(polygons, object)


def _longest(earth: EarthCoordinates, transform: Affine, size: tuple[int, int]) -> float:
    """How long the edges of polygons may be, in the units of the coordinates."""
    if not earth.wraps and transform.b == transform.d == 0:
        return np.inf  # along meridians and parallels
    height, width = size
    return max(width * np.hypot(transform.a, transform.d), height * np.hypot(transform.b, transform.e)) / _EDGES


def _measured(
    path: Path, polygons: np.ndarray, earth: EarthCoordinates, longest: float, in_degrees: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Area in square metres of each polygon and, if asked for, its shape in degrees of WGS 84."""
    if not len(polygons):
        return np.zeros(0), polygons
    parts, owners = _on_earth(path, polygons, earth, longest / _EDGES)
    if not len(parts):
        return np.zeros(len(polygons)), np.full(len(polygons), None)
    borders = outlines(parts, earth, longest)
    areas, inverted = polygon_areas(borders, earth)
    areas = np.bincount(owners, areas, len(polygons))
    if not in_degrees:
        return areas, None
    shapes = cut(borders, *earth.wgs84(borders.lon, borders.lat), inverted)
    if parts is not polygons:
        groups = np.split(shapes, np.searchsorted(owners, np.arange(1, len(polygons))))
        shapes = shapely.orient_polygons([shapely.union_all(group) if len(group) else None for group in groups])
    return areas, shapes


def _on_earth(
    path: Path, polygons: np.ndarray, earth: EarthCoordinates, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """The parts of polygons that their projection has a place on Earth for, and which polygons they are of."""
    xy, owners = shapely.get_coordinates(polygons, return_index=True)
    beyond = np.unique(owners[~is_on_earth(earth, xy, tolerance)])
    if not len(beyond):
        return polygons, np.arange(len(polygons))
    warn(
        f"{path}: {len(beyond)} of its polygons reach beyond the Earth, to where its projection has no place. "
        "Their areas are those of the parts on Earth."
    )
    shown = polygons.copy()
    shown[beyond] = shapely.intersection(polygons[beyond], domain(earth, shapely.total_bounds(polygons), tolerance))
    parts, owners = shapely.get_parts(shown, return_index=True)
    solid = shapely.area(parts) > 0
    return parts[solid], owners[solid]


def _write(path: Path, frame: geopandas.GeoDataFrame, options: Mapping[str, object]) -> None:
    """Write it in the format of the path's suffix."""
    driver = DRIVERS[path.suffix.lower()]
    kind = "Polygon" if driver == "GPKG" else "Unknown"  # some are cut in several parts
    with replacing(path) as scratch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")  # nor was it by the image
        try:
            frame.to_file(scratch, driver=driver, layer=path.stem, geometry_type=kind, **options)
            found = len(geopandas.read_file(scratch, ignore_geometry=True))
        except RuntimeError as error:  # all of pyogrio's
            raise write_error(path, error) from error
        if found != len(frame):  # nothing is said of a full disk
            raise write_error(path, OSError("what was written reads back otherwise"))

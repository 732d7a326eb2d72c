"""Maps as polygons, each with its class and area. Needs pyarrow, pyogrio, rasterio and shapely (the extra geo)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow
import shapely
from pyproj.exceptions import ProjError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.classes.colours import Colour
from landcover.geo.map_reader import REMEDY, open_map
from landcover.geo.measurements import Measurements
from landcover.geo.pixel_areas import PixelAreas, placed
from landcover.geo.polygon_files import digest, format_of, recipe, source_of
from landcover.geo.polygon_layers import Rows, schema_of, write_layer, written_crs
from landcover.geo.sieving import merge_small
from landcover.geo.simplification import simplify as simplify_borders
from landcover.geo.tracing import trace
from landcover.rasters.earth_coordinates import EarthCoordinates
from landcover.system.errors import LandcoverError, reason, warn
from landcover.system.outputs import check_outputs

_DEGREES = "EPSG:4326"
_PIXELS = 1 << 19  # of a strip, about
_ROWS = 16  # at least, of a strip
_BATCH = 16_384  # polygons that are measured and written together


def write_polygons(
    path: Path | str, map_path: Path | str, *, min_area: float | None = None, simplify: float | None = None
) -> int:
    """Write the connected areas of each class as polygons of one layer.

    Polygons follow the borders of the pixels; pixels that touch only at a corner belong to different polygons. Where
    the map has no data there is no polygon. The map is read, traced and written in strips: memory depends on the
    largest polygon, not on their number. But with `min_area` the map is held in memory, about 30 bytes a pixel, and
    with `simplify` the polygons are.

    Args:
        path: Its suffix, one of `polygon_files.POLYGON_FORMATS`, chooses the format. An existing file is replaced when
            everything is written, but only if this function wrote it. A GeoPackage has a style for QGIS.
        map_path: A map that this program wrote: its tags name the classes.
        min_area: Merge smaller areas into the neighbour with which they share the longest border
            (`sieving.merge_small`): square metres, or the unit of `area` if that is what polygons have.
        simplify: Simplify borders by about so much, the same way on both sides (`simplification.simplify`): metres by
            the size of the map's pixels, or the unit of the coordinates.

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
    source, form = recipe(digest(map_path), min_area, simplify), format_of(path)
    with open_map(map_path) as (file, names):
        crs, transform, size, colours = file.crs, file.transform, file.shape, _colours(file, names)
        has_points = bool(file.gcps[0])
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
    measure = Measurements(earth, transform, size, form.in_degrees) if earth else None
    reduce = None
    if min_area:
        areas = PixelAreas(earth, transform, size)
        reduce = partial(merge_small, smallest=min_area, pixel_areas=areas)
    traced = _traced(map_path, names, reduce)
    if simplify:
        traced = _simplified(traced, simplify / PixelAreas(earth, transform, size).side)
    schema = schema_of("area_m2" if measure else "area")
    rows = Rows(schema, _batches(schema, traced, names, transform, measure))
    written = (_DEGREES if earth else None) if form.in_degrees else written_crs(crs)
    write_layer(path, rows, form, source, written, colours)
    if measure:
        measure.warn_if_beyond(map_path)
    return rows.count


def _colours(file: DatasetReader, names: Mapping[int, str]) -> dict[str, Colour]:
    """The colours of a map's classes by name; empty if it has none."""
    try:
        table = file.colormap(1)
    except ValueError:
        return {}
    return {name: table[label][:3] for label, name in sorted(names.items()) if label in table}


def _traced(
    path: Path, names: Mapping[int, str], reduce: Callable[..., np.ndarray] | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the labels and polygons, in pixels, of the connected areas of a map."""
    with open_map(path) as (file, _):
        without_data = {UNKNOWN, *([] if file.nodata is None else [int(file.nodata)])}
        strips = _strips(file.shape, lambda top, rows: file.read(1, window=Window(0, top, file.width, rows)))
        if reduce:
            whole = reduce(np.concatenate([*strips]), without=without_data)
            strips = _strips(whole.shape, lambda top, rows: whole[top : top + rows])
        for labels, polygons in trace(strips, without_data):
            unnamed = np.setdiff1d(labels, list(names))
            if len(unnamed):
                raise LandcoverError(
                    f"{path}: has the label {unnamed[0]}, which is neither one of its {len(names)} classes nor nodata. "
                    f"{REMEDY}"
                )
            yield labels, polygons


def _strips(size: tuple[int, int], read: Callable[[int, int], np.ndarray]) -> Iterator[np.ndarray]:
    """Yield what `read` gives for the top and the number of rows of each strip."""
    height, width = size
    rows = max(_ROWS, _PIXELS // width)
    for top in range(0, height, rows):
        yield read(top, min(rows, height - top))


def _simplified(
    traced: Iterable[tuple[np.ndarray, np.ndarray]], tolerance: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    labels, polygons = (np.concatenate(parts) for parts in zip(*traced, strict=True))
    yield labels, simplify_borders(polygons, tolerance)


def _batches(
    schema: pyarrow.Schema,
    traced: Iterable[tuple[np.ndarray, np.ndarray]],
    names: Mapping[int, str],
    transform: Affine,
    measure: Measurements | None,
) -> Iterator[pyarrow.RecordBatch]:
    """Yield rows of the layer: the polygons in the map's coordinates, or in degrees, with their classes and areas."""
    for all_labels, all_polygons in traced:
        for begin in range(0, len(all_labels), _BATCH):
            labels, polygons = all_labels[begin : begin + _BATCH], all_polygons[begin : begin + _BATCH]
            polygons = shapely.orient_polygons(shapely.transform(polygons, partial(placed, transform)))
            areas, shapes = measure(polygons) if measure else (shapely.area(polygons), polygons)
            classes = [names[label] for label in labels.tolist()]
            yield pyarrow.record_batch([classes, areas, shapely.to_wkb(shapes)], schema)

"""Maps as polygons, each with its class and area. Needs pyarrow, pyogrio, rasterio and shapely (the extra geo)."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.classes.colours import Colour
from landcover.geo.map_reader import open_map
from landcover.geo.pixel_areas import PixelAreas
from landcover.geo.polygon_files import digest, format_of, recipe, source_of
from landcover.geo.polygon_layers import Rows, write_layer, written_crs
from landcover.geo.polygon_rows import RowMaker
from landcover.geo.sieving import merge_small
from landcover.geo.simplification import simplify as simplify_borders
from landcover.geo.tracing import trace
from landcover.system.errors import warn
from landcover.system.outputs import check_outputs

_DEGREES = "EPSG:4326"
_PIXELS = 1 << 19  # of a strip, about
_ROWS = 16  # at least, of a strip


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
        without a geotransform). Polygons are in the order of their last rows of pixels (`tracing.trace`).

    Raises:
        LandcoverError: The map is not one of this program, or has labels that it does not name; or `path` holds
            something else than polygons that this program wrote. Nothing is written.
    """
    map_path = Path(map_path)

    def rows(make: RowMaker) -> Iterator[pyarrow.RecordBatch]:
        for labels, polygons in _traced(map_path, make, min_area, simplify):
            yield from make(labels, polygons)

    return write_rows(path, map_path, rows, min_area=min_area, simplify=simplify)


def write_rows(
    path: Path | str,
    map_path: Path | str,
    rows_of: Callable[[RowMaker], Iterator[pyarrow.RecordBatch]],
    *,
    min_area: float | None = None,
    simplify: float | None = None,
) -> int:
    """Write the polygons of a map, however they are made; return their number.

    Args:
        path, map_path, min_area, simplify: As for `write_polygons`. The last two are only noted in the file.
        rows_of: Gives the rows of all polygons with what makes rows of some.

    Raises:
        LandcoverError: As `write_polygons`.
    """
    path, map_path = Path(path), Path(map_path)
    check_outputs([map_path], files=[path])
    source_of(path)  # an error if the existing file must not be replaced
    source, form = recipe(digest(map_path), min_area, simplify), format_of(path)
    with open_map(map_path) as (file, names):
        crs, colours, has_points = file.crs, _colours(file, names), bool(file.gcps[0])
    make = RowMaker(map_path, form.in_degrees)
    if not crs and has_points:
        warn(
            f"{map_path}: has only ground control points for its place, so its polygons are in pixels. For other "
            "coordinates, warp the image first (gdalwarp)."
        )
    elif not make.earth and form.in_degrees:
        warn(
            f"{path}: {form.driver} is in degrees, but the map has no place on Earth. Coordinates are those of the map."
        )
    rows = Rows(make.schema, rows_of(make))
    written = (_DEGREES if make.earth else None) if form.in_degrees else written_crs(crs)
    write_layer(path, rows, form, source, written, colours)
    if make.beyond:
        warn(
            f"{map_path}: {make.beyond} of its polygons reach beyond the Earth, where its projection has no place. "
            "Their areas are those of the parts on Earth."
        )
    return rows.count


def _colours(file: DatasetReader, names: Mapping[int, str]) -> dict[str, Colour]:
    """The colours of a map's classes by name; empty if it has none."""
    try:
        table = file.colormap(1)
    except ValueError:
        return {}
    return {name: table[label][:3] for label, name in sorted(names.items()) if label in table}


def _traced(
    path: Path, make: RowMaker, min_area: float | None, simplify: float | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the labels and polygons, in pixels, of the connected areas of a map."""
    areas = PixelAreas(make.earth, make.transform, make.size) if min_area or simplify else None
    with open_map(path) as (file, _):
        strips = _strips(file.shape, lambda top, rows: file.read(1, window=Window(0, top, file.width, rows)))
        if areas and min_area:
            whole = merge_small(np.concatenate([*strips]), min_area, areas, make.without)
            strips = _strips(whole.shape, lambda top, rows: whole[top : top + rows])
        traced = trace(strips, make.without)
        if not (areas and simplify):
            yield from traced
            return
        labels, polygons = (np.concatenate(parts) for parts in zip(*traced, strict=True))
        make.check_named(labels)
        yield labels, simplify_borders(polygons, simplify / areas.side)


def _strips(size: tuple[int, int], read: Callable[[int, int], np.ndarray]) -> Iterator[np.ndarray]:
    """Yield what `read` gives for the top and the number of rows of each strip."""
    height, width = size
    rows = max(_ROWS, _PIXELS // width)
    for top in range(0, height, rows):
        yield read(top, min(rows, height - top))

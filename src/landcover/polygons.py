"""Maps as polygons with the class and the area of each. Needs geopandas and rasterio (the extra geo)."""

import warnings
from pathlib import Path

import geopandas
import rasterio
from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio.features import shapes
from shapely.geometry import shape

from landcover.classes import IGNORE, ClassTable
from landcover.files import not_written, replacing

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON"}
"""Formats of files of polygons by their suffix."""

_EQUAL_AREA = "EPSG:6933"  # cylindrical: parallels and meridians, so the borders of pixels in degrees, stay straight
_DEGREES = "EPSG:4326"  # what GeoJSON is in (RFC 7946)


def write_polygons(path: Path | str, map_path: Path | str, classes: ClassTable) -> int:
    """Write the connected areas of each class as polygons of one layer.

    They follow the borders of the pixels; pixels that touch at a corner only are apart. Without data there is no
    polygon. All polygons are held in memory, the map is not.

    Args:
        path: Its suffix is one of `DRIVERS`; replaced when all is written. GeoJSON is in degrees.
        map_path: A file of labels such as `geotiff.write_map` makes.
        classes: Of the labels.

    Returns:
        Number of polygons. Each has `class`, its name, and `area_m2`, square metres on the WGS 84 ellipsoid; of a map
        without a reference system, or with a local one, `area` instead, in squares of the unit of its coordinates
        (pixels, if they are).
    """
    path = Path(path)
    with rasterio.open(map_path) as file:
        crs = file.crs
        found = [
            (classes.names[int(label)], shape(outline))
            for outline, label in shapes(rasterio.band(file, 1), transform=file.transform)
            if label != IGNORE
        ]
    names, outlines = zip(*found, strict=True) if found else ((), ())
    frame = geopandas.GeoDataFrame({"class": list(names)}, geometry=list(outlines), crs=crs)
    placed = crs is not None and _is_on_earth(frame)
    if placed:
        frame["area_m2"] = frame.to_crs(_EQUAL_AREA).area
    else:
        frame["area"] = frame.area
    driver = DRIVERS[path.suffix.lower()]
    if driver == "GeoJSON":
        frame = frame.to_crs(_DEGREES) if placed else frame.set_crs(None, allow_override=True)
    with replacing(path) as scratch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")  # nor was it by the picture
        try:
            frame.to_file(scratch, driver=driver, layer=path.stem, geometry_type="Polygon")
            found = len(geopandas.read_file(scratch, ignore_geometry=True))
        except RuntimeError as error:  # all of pyogrio's
            raise not_written(path, error) from error
        if found != len(frame):  # nothing is said of a full disk
            raise not_written(path, OSError("what was written reads back otherwise"))
    return len(frame)


def _is_on_earth(frame: geopandas.GeoDataFrame) -> bool:
    """Whether its reference system says where on Earth it lies; that of a site or a building does not."""
    try:
        Transformer.from_crs(frame.crs, _EQUAL_AREA)
    except ProjError:
        return False
    return True

"""Polygons of land cover in a few regions of the Earth, as a map maker would have drawn them: a GeoPackage."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from landcover.classes.class_table import UNKNOWN, ClassTable

REGIONS = (
    (30, -100, 45, -75),  # eastern North America
    (-25, -75, -5, -50),  # Amazon, Andes and Atacama
    (36, -10, 55, 15),  # western Europe
    (0, -10, 20, 15),  # west Africa, from the Gulf of Guinea to the Sahara
    (-12, 25, 8, 45),  # east Africa
    (22, 100, 40, 123),  # eastern China
    (-40, 130, -20, 154),  # eastern Australia
)
"""South, west, north and east edges in degrees."""

COLUMN = "class"
"""Column of the polygons with the name of the class."""

DATE = "2020-01-01T00:00:00.000Z"
"""Date of the last change that the file names, always the same, so that its bytes are."""


def write_regions(labels: np.ndarray, classes: ClassTable, path: Path) -> int:
    """Trace the labels in `REGIONS` along the borders of their pixels, and write the polygons as a GeoPackage.

    The same labels give the same bytes.

    Args:
        labels: Of the whole Earth in plate carree, from 180 W, 90 N: uint8 (H, 2 H), class indices or `UNKNOWN`,
            which gets no polygon. Edges of the regions lie between pixels.
        classes: Their names.
        path: A file that does not exist.

    Returns:
        Number of polygons.
    """
    import geopandas
    from rasterio.features import shapes
    from rasterio.transform import from_origin
    from shapely.geometry import shape

    names, polygons = [], []
    per_degree = labels.shape[0] // 180
    for south, west, north, east in REGIONS:
        rows = slice((90 - north) * per_degree, (90 - south) * per_degree)
        part = labels[rows, (west + 180) * per_degree : (east + 180) * per_degree]
        place = from_origin(west, north, 1 / per_degree, 1 / per_degree)
        for polygon, label in shapes(part, mask=part != UNKNOWN, transform=place):
            names.append(classes.names[int(label)])
            polygons.append(shape(polygon))
    frame = geopandas.GeoDataFrame({COLUMN: names}, geometry=polygons, crs="EPSG:4326")
    with _dated(DATE):
        frame.to_file(path, driver="GPKG", layer=path.stem, engine="pyogrio", VERSION="1.2")  # read by older QGIS, too
    return len(frame)


@contextmanager
def _dated(date: str) -> Iterator[None]:
    """Let GDAL take `date` for the time at which it writes."""
    import pyogrio

    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": date})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})

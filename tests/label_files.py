"""Small files of labels for tests, and their labels on small grids."""

from pathlib import Path

import geopandas
import numpy as np
import rasterio
import shapely
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.windows import Window

from landcover.classes.class_table import ClassTable
from landcover.labels.options import LabelOptions
from landcover.labels.sources import GridLabels, LabelSource, open_labels
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene

CLASSES = ClassTable({"field": (255, 255, 0), "forest": (0, 255, 0), "water": (0, 0, 255)}, ("unknown", (0, 0, 0)))
FIELD, FOREST, WATER = range(3)
UTM, DEGREES = CRS.from_epsg(32633), CRS.from_epsg(4326)
LEFT, TOP = 500_000, 4_600_000
SCENE = Scene("scene", (Path("scene.tif"),))


def utm_grid(size: int = 100, pixel: float = 10) -> Grid:
    """A square grid in UTM zone 33 whose upper left corner is (`LEFT`, `TOP`)."""
    return Grid(UTM, from_origin(LEFT, TOP, pixel, pixel), size, size)


def square(column: float, row: float, side: float, pixel: float = 10) -> shapely.Polygon:
    """A square whose upper left corner is at a column and row of `utm_grid`."""
    x, y = LEFT + column * pixel, TOP - row * pixel
    return shapely.box(x, y - side * pixel, x + side * pixel, y)


def write_layer(path: Path, geometry: list, crs: object = UTM, **columns: list) -> Path:
    """Write a layer of geometries with columns, by default one of the class field; return the path."""
    columns = columns or {"class": ["field"] * len(geometry)}
    frame = geopandas.GeoDataFrame(columns, geometry=geometry, crs=crs)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, engine="pyogrio")
    return path


def write_codes(path: Path, codes: np.ndarray, grid: Grid, nodata: float | None = None) -> Path:
    """Write a raster of one band, (H, W), or of several, (B, H, W); return the path."""
    bands = codes.reshape(-1, *codes.shape[-2:])
    profile = {"driver": "GTiff", "count": len(bands), "dtype": codes.dtype, "nodata": nodata}
    place = {"crs": grid.crs, "transform": grid.transform, "width": codes.shape[-1], "height": codes.shape[-2]}
    with rasterio.open(path, "w", **profile, **place) as dataset:
        dataset.write(bands)
    return path


def open_file(path: Path, area: str | None = None, **options: object) -> LabelSource:
    """Open a file of labels with the classes `CLASSES`."""
    return open_labels(path.parent, path.name, area, LabelOptions(CLASSES, **options))


def labels_on(path: Path, grid: Grid, area: str | None = None, **options: object) -> np.ndarray:
    """Labels of a whole grid: uint8 (H, W)."""
    return whole(open_file(path, area, **options).on(grid, SCENE), grid)


def whole(labels: GridLabels, grid: Grid) -> np.ndarray:
    """Labels of a whole grid, read at once: uint8 (H, W)."""
    return labels.read(Window(0, 0, grid.width, grid.height))

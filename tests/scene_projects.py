"""A small project of two scenes in UTM whose squares are labelled by polygons."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from conftest import TABLE, write_geotiff
from raster_pairs import NAMES
from rasterio.transform import from_origin
from shapely import box

BANDS = list(NAMES[4])
SIDE = 160  # pixels of 10 m


def draw_scene(name: str, east: float, seed: int) -> gpd.GeoDataFrame:
    """Write a scene of four bands in a zone of UTM, in whose squares the bands tell the class; return the squares."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=(8, 8)).repeat(SIDE // 8, 0).repeat(SIDE // 8, 1)
    means = np.float64([[300, 500, 400, 2500], [900, 800, 1000, 1500], [200, 150, 100, 50]]).T
    pixels = (means[:, labels] + rng.normal(0, 30, (4, SIDE, SIDE))).clip(1).astype(np.uint16)
    pixels[:, :9, :9] = 0
    place = {"crs": "EPSG:32633", "transform": from_origin(east, 5_000_000, 10, 10)}
    write_geotiff(Path(f"data/{name}.tif"), pixels, nodata=0, **place)
    with rasterio.open(f"data/{name}.tif", "r+") as file:
        file.descriptions = NAMES[4]
    step = SIDE // 8 * 10
    squares = [
        (TABLE.names[labels[row * step // 10, column * step // 10]], box(x, y - step, x + step, y))
        for row, column in rng.choice(8, (30, 2))
        for x, y in [(east + column * step, 5_000_000 - row * step)]
    ]
    names, shapes = zip(*squares, strict=True)
    return gpd.GeoDataFrame({"class": names}, geometry=list(shapes), crs="EPSG:32633").to_crs("EPSG:4326")


def scenes_in(project: Callable[..., None]) -> Callable[..., None]:
    """Make the scenes `north` and `south` in a `project`, and polygons in one file; return what was given."""
    layers = [draw_scene("north", 500_000, 1), draw_scene("south", 503_000, 2)]
    gpd.pd.concat(layers).to_file("data/labels.gpkg")
    split = {"split": "block", "holdout": 3, "block": 300, "buffer": 20}
    project(data={"layout": "scenes", "scenes": "*.tif", "labels": "labels.gpkg", "bands": BANDS, **split})
    project(prepare={"tile": 64}, train={"model": "baseline", "epochs": 1}, predict={"window": 64})
    return project

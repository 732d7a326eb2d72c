"""Scenes on the ground with maps and labels, drawn at random."""

import geopandas as gpd
import numpy as np
from conftest import TABLE, write_geotiff, write_labels
from rasterio.transform import from_origin
from rasterio.windows import Window
from shapely import box

from landcover.classes.class_table import UNKNOWN
from landcover.data.splitting import VALIDATION, split_by_block
from landcover.labels.options import LabelOptions
from landcover.labels.sources import open_labels
from landcover.rasters.scenes import find_scenes, open_scene
from landcover.report.scene_scores import MappedScenes

UTM = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 10, 10)}
DEGREES = {"crs": "EPSG:4326", "transform": from_origin(14, 60, 0.001, 0.0005)}


def draw_scene(folder, name="a", size=(300, 1100), place=UTM, seed=0, dtype="uint16", hole=None):
    """Write a scene of two bands and its map, and add squares of random classes in it to the file of labels."""
    rng, (height, width) = np.random.default_rng(seed), size
    pixels = rng.integers(1, 200, (2, height, width)).astype(dtype)
    if hole:
        pixels[:, hole[0], hole[1]] = 0
    write_geotiff(folder / f"{name}.tif", pixels, nodata=0, **place)
    mapped = rng.choice([0, 1, 2], (height, width)).astype(np.uint8)
    mapped[:20, :20] = UNKNOWN
    (folder / "maps").mkdir(exist_ok=True)
    write_labels(folder / "maps" / f"{name}_mask.tif", mapped, **place)
    corners = [place["transform"] * (rng.uniform(0, width), rng.uniform(0, height)) for _ in range(25)]
    side = 30 * place["transform"].a
    squares = [box(x, y, x + side, y + side) for x, y in corners]
    return mapped, gpd.GeoDataFrame({"class": rng.choice(TABLE.names, 25)}, geometry=squares, crs=place["crs"])


def mapped_scenes(folder, layers, split, bands=(1, 2)):
    gpd.pd.concat([layer.to_crs("EPSG:4326") for layer in layers]).to_file(folder / "labels.gpkg")
    scenes = find_scenes(folder, "*.tif")
    labels = open_labels(folder, "labels.gpkg", None, LabelOptions(TABLE))
    maps = {scene.name: folder / "maps" / f"{scene.name}_mask.tif" for scene in scenes}
    return MappedScenes(scenes, maps, labels, split(scenes), TABLE, bands)


def blocks(scenes):
    return split_by_block(700.0, 2, 60.0)


def in_one_piece(maps, mapped, name):
    """Labels, sides and units of a whole scene, its map, and whether there is data."""
    (scene,) = (scene for scene in maps.scenes if scene.name == name)
    with open_scene(scene, maps.bands) as reader:
        whole = Window(0, 0, reader.width, reader.height)
        labels, (_, valid) = maps.labels.on(reader.grid, scene).read(whole), reader.read_window(whole)
        units, names = maps.split.units(scene, reader.grid, whole)
        scored = (maps.split.sides(scene, reader.grid, whole) == VALIDATION) & (labels != UNKNOWN)
    return labels, scored if valid is None else scored & valid, np.array(names)[units]

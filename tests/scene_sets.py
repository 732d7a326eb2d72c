"""Small data sets of scenes and labels on the map, made from real pixels, as the pipeline meets them.

Each function writes a data set into a folder and returns what differs in the block `data` of params.yaml. Only the
ground is another: a pixel of the Blue Marble stands for one of 10 m (30 m where it says so) of a scene in UTM.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import rasterio
import shapely
from PIL import Image
from raster_pairs import SENTINEL_2
from rasterio.features import shapes
from rasterio.transform import from_bounds, from_origin
from rasterio.warp import Resampling, reproject, transform_bounds

from landcover.classes.class_table import DEEPGLOBE
from landcover.images.image_files import read_packed

REAL = Path(__file__).parent / "real"
NAMES = DEEPGLOBE.names
UTM_32, UTM_33 = "EPSG:32632", "EPSG:32633"
METRES = 10

WORLDCOVER = {
    "urban": [50],
    "agriculture": [40],
    "rangeland": [20, 30, 100],
    "forest": [10, 95],
    "water": [80, 90],
    "barren": [60, 70],
    "unknown": [0],
}
"""Codes of ESA WorldCover for each class."""

DUBAI = {
    "Building": "#3C1098",
    "Land (unpaved area)": "#8429F6",
    "Road": "#6EC1E4",
    "Vegetation": "#FEDD3A",
    "Water": "#E2A929",
    "Unlabeled": "#9B9B9B",
}
"""Classes and colours of a well-known set of aerial images of Dubai."""


def real_pixels(name: str) -> tuple[np.ndarray, np.ndarray]:
    """An image, uint8 RGB (H, W, 3), and its labels of the six classes, uint8 (H, W)."""
    image = np.asarray(Image.open(REAL / f"{name}_sat.jpg").convert("RGB"))
    return image, DEEPGLOBE.decode(read_packed(REAL / f"{name}_mask.png"))[0]


def reflectances(image: np.ndarray) -> np.ndarray:
    """Thirteen bands of Sentinel-2, uint16 (13, H, W), mixed from red, green and blue, uint8 (H, W, 3)."""
    blue, green, red = (image[..., i].astype(np.float32) / 255 for i in (2, 1, 0))
    weights = np.linspace(0, 1, len(SENTINEL_2), dtype=np.float32)
    bands = [blue * (1 - w) + red * w * 0.7 + (green - red) * w * (1 - w) for w in weights]
    for name, band in (("blue", blue), ("green", green), ("red", red)):
        bands[SENTINEL_2.index(name)] = band
    return (200 + 5000 * np.stack(bands).clip(0, 1)).astype(np.uint16)


def place(index: int, metres: float = METRES) -> rasterio.Affine:
    """The transform of a scene, 20 km beside the one before it."""
    return from_origin(500_000 + 20_000 * index, 5_000_000, metres, metres)


def write_scene(path: Path, pixels: np.ndarray, crs: str, transform: Any, names: tuple[str, ...]) -> None:
    """Write pixels (bands, H, W) as a tiled GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = dict(zip(("count", "height", "width"), pixels.shape, strict=True), dtype=pixels.dtype.name)
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, tiled=True, **profile) as file:
        file.write(pixels)
        file.descriptions = names


def polygons(labels: np.ndarray, crs: str, transform: Any, least: int = 12) -> geopandas.GeoDataFrame:
    """The labels as polygons of at least that many pixels, in degrees, with the name of the class in `class`."""
    found = [(shapely.geometry.shape(one), int(label)) for one, label in shapes(labels, transform=transform)]
    found = [(one, label) for one, label in found if one.area >= least * abs(transform.a * transform.e)]
    names = [NAMES[label] for _, label in found]
    frame = geopandas.GeoDataFrame({"class": names}, geometry=[one for one, _ in found], crs=crs)
    return frame.to_crs("EPSG:4326")


def bands_and_polygons(root: Path) -> dict[str, Any]:
    """A scene in UTM with 13 bands of 16 bits, polygons in degrees, and an area of interest in a third system."""
    image, labels = real_pixels("china")
    write_scene(root / "scene.tif", reflectances(image), UTM_32, place(0), SENTINEL_2)
    polygons(labels, UTM_32, place(0)).to_file(root / "labels.gpkg")
    height, width = (side * METRES for side in labels.shape)
    area = shapely.box(500_000, 5_000_000 - height, 500_000 + 0.8 * width, 5_000_000 - 0.1 * height)
    geopandas.GeoDataFrame(geometry=[area], crs=UTM_32).to_crs("EPSG:3857").to_file(root / "area.geojson")
    return {
        "layout": "scenes",
        "scenes": "scene.tif",
        "labels": "labels.gpkg",
        "area": "area.geojson",
        "split": "block",
        "holdout": 3,
        "block": 500,
        "buffer": 50,
        "bands": list(SENTINEL_2),
        "resolution": 10,
    }


def three_scenes(root: Path) -> dict[str, Any]:
    """Scenes in two zones of UTM, each a folder with a file a band, and the polygons of all in one layer."""
    frames = []
    for index, (name, crs) in enumerate({"andes": UTM_32, "china": UTM_32, "iberia": UTM_33}.items()):
        image, labels = real_pixels(name)
        bands = reflectances(image)
        for band, number in (("blue", "B02"), ("green", "B03"), ("red", "B04"), ("nir", "B08")):
            file = root / "s2" / name / f"{name}_{number}.tif"
            write_scene(file, bands[[SENTINEL_2.index(band)]], crs, place(index), (number,))
        frames.append(polygons(labels, crs, place(index)))
    pd.concat(frames, ignore_index=True).to_file(root / "labels.fgb")
    return {
        "layout": "scenes",
        "scenes": "s2/*",
        "labels": "labels.fgb",
        "split": "scene",
        "holdout": 3,
        "bands": ["B02", "B03", "B04", "B08"],
        "resolution": 10,
    }


def worldcover(root: Path) -> dict[str, Any]:
    """A scene of 30 m a pixel in UTM, and a raster of the codes of ESA WorldCover in degrees, three times as fine."""
    image, labels = real_pixels("iberia")
    write_scene(root / "landsat.tif", np.moveaxis(image, 2, 0), UTM_33, place(0, 30), ("red", "green", "blue"))
    codes = np.array([WORLDCOVER[name][0] for name in NAMES], np.uint8)[labels]
    height, width = labels.shape
    x, y = 500_000, 5_000_000
    bounds = transform_bounds(UTM_33, "EPSG:4326", x - 600, y - height * 30 - 600, x + width * 30 + 600, y + 600)
    size = (3 * (height + 40), 3 * (width + 40))
    fine = np.zeros(size, np.uint8)
    transform = from_bounds(*bounds, size[1], size[0])
    options = {"src_nodata": None, "dst_nodata": 0, "init_dest_nodata": True, "resampling": Resampling.nearest}
    reproject(
        codes, fine, src_transform=place(0, 30), src_crs=UTM_33, dst_transform=transform, dst_crs="EPSG:4326", **options
    )
    write_scene(root / "worldcover.tif", fine[None], "EPSG:4326", transform, ("Map",))
    return {
        "layout": "scenes",
        "scenes": "landsat.tif",
        "labels": "worldcover.tif",
        "masks": "codes",
        "resample": "majority",
        "split": "block",
        "holdout": 3,
        "block": 1500,
        "buffer": 100,
        "resolution": 30,
        "classes": coded_classes(WORLDCOVER),
    }


def points(root: Path) -> dict[str, Any]:
    """A scene in UTM and points with a class, as from a field trip."""
    image, labels = real_pixels("andes")
    write_scene(root / "scene.tif", np.moveaxis(image, 2, 0), UTM_32, place(0), ("red", "green", "blue"))
    rng = np.random.default_rng(0)
    rows, columns = (rng.integers(2, side - 2, 600) for side in labels.shape)
    x, y = place(0) @ (columns + 0.5, rows + 0.5)
    names = [NAMES[label] for label in labels[rows, columns]]
    frame = geopandas.GeoDataFrame({"land_cover": names}, geometry=geopandas.points_from_xy(x, y), crs=UTM_32)
    frame.to_crs("EPSG:4326").to_parquet(root / "points.parquet")
    return {
        "layout": "scenes",
        "scenes": "scene.tif",
        "labels": "points.parquet",
        "column": "land_cover",
        "points": 3,
        "split": "block",
        "holdout": 3,
        "block": 500,
        "resolution": 10,
    }


def tile_folders(root: Path) -> dict[str, Any]:
    """Aerial images as a well-known set of Dubai has them: folders of tiles, six other colours, a list of classes."""
    colours = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in DUBAI.values()], np.uint8)
    for number, name in enumerate(("andes", "china", "iberia"), 1):
        image, labels = real_pixels(name)
        for part, left in enumerate((0, 130), 1):
            for kind, pixels, ending in (("images", image, "jpg"), ("masks", colours[labels], "png")):
                path = root / f"Tile {number}" / kind / f"image_part_00{part}.{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.ascontiguousarray(pixels[:130, left : left + 130])).save(path)
    classes = {"classes": [{"title": title, "color": colour} for title, colour in DUBAI.items()]}
    (root / "classes.json").write_text(json.dumps(classes))
    return {
        "layout": "folders",
        "split": "scene",
        "holdout": 3,
        "classes": "classes.json",
        "ignore": "Unlabeled",
    }


def coded_classes(codes: dict[str, list[int]]) -> dict[str, Any]:
    """A table of classes in the preset's colours with codes."""
    colours = {name: list(colour) for name, colour in DEEPGLOBE.colours.items()} | {"unknown": [0, 0, 0]}
    return {name: {"colour": colour, "codes": codes[name]} for name, colour in colours.items()}


SETS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "13 bands with polygons in degrees and an area": bands_and_polygons,
    "three scenes in two zones": three_scenes,
    "WorldCover at three times the resolution": worldcover,
    "points only": points,
    "folders of tiles with other colours": tile_folders,
}

"""Data sets of any size to measure on: pieces of the Blue Marble with their true masks."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.harness import ROOT
from landcover.classes.class_table import DEEPGLOBE
from landcover.data.bluemarble import TILE_DEGREES, tile_corner
from landcover.images.image_files import read_rgb
from landcover.images.pairs import find_samples
from landcover.system.errors import LandcoverError

_EARTH = ROOT / "data" / "bluemarble"


@cache
def earth() -> tuple[np.ndarray, np.ndarray]:
    """The Earth and its land cover as the data set has it, unknown elsewhere: uint8 RGB (2700, 5400, 3) each."""
    if not (_EARTH / "earth.jpg").exists():
        raise LandcoverError(f"{_EARTH}: no data set. Run `dvc repro fetch` first.")
    image = read_rgb(_EARTH / "earth.jpg")
    samples = [sample for split in ("train", "validation") for sample in find_samples(_EARTH / split)]
    per_degree = len(image) // 180
    side = TILE_DEGREES * per_degree
    mask = np.zeros_like(image)
    for sample in samples:
        south, west = tile_corner(sample.name)
        row, column = (90 - south) * per_degree - side, (west + 180) * per_degree
        mask[row : row + side, column : column + side] = read_rgb(sample.mask)
    return image, mask


def write_pairs(folder: Path, count: int, side: int = 512, seed: int = 0) -> list[Path]:
    """Write `count` pairs NAME_sat.jpg, NAME_mask.png of side x side pixels of the Earth; return the images' paths."""
    folder.mkdir(parents=True)
    image, mask = earth()
    rng = np.random.default_rng(seed)
    paths = []
    for i in range(count):
        row, column = (rng.integers(size - side) for size in mask.shape[:2])
        window = np.s_[row : row + side, column : column + side]
        paths.append(folder / f"{i:05d}_sat.jpg")
        Image.fromarray(image[window]).save(paths[-1], quality=95)
        Image.fromarray(mask[window]).save(folder / f"{i:05d}_mask.png")
    return paths


def write_scene(path: Path, height: int, width: int | None = None) -> None:
    """Write a GeoTIFF of height x width pixels (None: as many): the land between 70 N and 50 S, again and again."""
    import rasterio
    from rasterio.transform import from_origin
    from rasterio.windows import Window

    image, width = earth()[0][300:2100], width or height
    place = {"crs": "EPSG:32633", "transform": from_origin(3e5, 6e6, 10, 10)}
    blocks = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1}
    size = {"width": width, "height": height, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **size, **place, **blocks) as file:
        columns = np.arange(width) % image.shape[1]
        for top in range(0, height, 512):
            rows = np.arange(top, min(height, top + 512)) % image.shape[0]
            band = image[rows][:, columns].transpose(2, 0, 1)
            file.write(band, window=Window(0, top, width, len(rows)))


CLASSES = DEEPGLOBE
"""Of these pairs."""

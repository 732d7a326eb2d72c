"""Pairs of a GeoTIFF and its mask, with any number of bands of any type, in which pixels tell the class."""

from pathlib import Path

import numpy as np
import rasterio
from conftest import TABLE, write_geotiff
from PIL import Image

from landcover.classes.class_table import UNKNOWN

SENTINEL_2 = ("coastal", "blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir", "nir08", "nir09")
SENTINEL_2 += ("cirrus", "swir16", "swir22")
"""Common names of the 13 bands, in the order of their numbers."""

NAMES = {1: ("nir",), 4: ("blue", "green", "red", "nir"), 10: SENTINEL_2[1:9] + SENTINEL_2[11:], 13: SENTINEL_2}
RANGES = {"uint8": (10, 250), "uint16": (200, 6000), "int16": (-300, 9000), "uint32": (0, 2**31)}
RANGES |= {"float32": (-25.0, 3.0), "float64": (0.01, 0.6)}
"""Of the means of the classes, by pixel type: bytes, reflectances of Sentinel-2, others, decibels, reflectances."""


def draw_raster_pair(
    folder: Path,
    name: str,
    bands: int = 4,
    dtype: str = "uint16",
    *,
    size: tuple[int, int] = (64, 64),
    seed: int = 0,
    names: tuple[str, ...] | None = None,
    hole: object = None,
    **options,
) -> np.ndarray:
    """Write NAME_sat.tif, in which each band tells the class but for some noise, and NAME_mask.png; return the labels.

    Args:
        names: Descriptions of the bands, by default those of `NAMES`; empty for none.
        hole: Value of the pixels of the upper left corner, 5 x 7, which the mask has as unknown; with `nodata` among
            the options this makes them pixels without data.
        options: Of the GeoTIFF.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng, (height, width) = np.random.default_rng(seed), size
    labels = rng.integers(len(TABLE), size=(height // 8 + 1, width // 8 + 1), dtype=np.uint8)
    labels = labels.repeat(8, 0).repeat(8, 1)[:height, :width]
    low, high = RANGES[dtype]
    steps = np.stack([np.roll(np.linspace(0.1, 0.9, len(TABLE)), band) for band in range(bands)])  # (bands, classes)
    noise = rng.normal(0, 0.04, (bands, height, width))
    pixels = (low + (high - low) * (steps[:, labels] + noise).clip(0, 1)).astype(dtype)
    if hole is not None:
        pixels[:, :5, :7], labels[:5, :7] = hole, UNKNOWN
    path = folder / f"{name}_sat.tif"
    write_geotiff(path, pixels, **options)
    names = NAMES.get(bands, ()) if names is None else names
    if names:
        with rasterio.open(path, "r+") as file:
            file.descriptions = names
    Image.fromarray(TABLE.encode(labels)).save(folder / f"{name}_mask.png")
    return labels

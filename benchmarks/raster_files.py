"""Reading a scene and writing its map, against GDAL through rasterio: the limit.

A scene of 8000x8000 pixels of red, green and blue, in blocks of 512x512: ours reads it as it is labelled, strip by
strip; rasterio block by block, and as a whole. A map of as many pixels, its labels in memory: ours as a Cloud Optimized
GeoTIFF (COG), and as a plain one with overviews; rasterio's in the same formats, with the same compression, overviews
and number of threads. Ours also reads what it wrote and compares checksums, so that no full disk goes unnoticed; what
that takes is measured below.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import Resampling

from benchmarks.harness import Row, Timing, in_turns
from benchmarks.images import CLASSES, earth, write_scene
from landcover.classes.class_table import UNKNOWN
from landcover.classes.colours import pack
from landcover.geo.geotiff import BLOCK_SIDE, read_back, write_cog, write_geotiff
from landcover.inference.options import DEFAULTS
from landcover.inference.strips import overlapping_strips
from landcover.inference.tiling import windows
from landcover.rasters.raster import Raster, open_raster

SIDE = 8000
OVERVIEWS = [2, 4, 8, 16, 32, 64, 128]
_STORED = {"compress": "deflate", "num_threads": "all_cpus", "bigtiff": "if_safer"}


def measure(scratch: Path) -> Iterator[Row]:
    """Rows for reading, then for writing."""
    scene = scratch / "scene.tif"
    write_scene(scene, SIDE)
    times = in_turns(
        {"ours": partial(_read, scene), "blocks": partial(_blocks, scene), "whole": partial(_whole, scene)}
    )
    yield _row("reading, block by block", times["ours"], times["blocks"])
    yield _row("reading, as a whole", times["ours"], times["whole"])
    labels = _labels()
    writers = {"our COG": _our_cog, "COG": _cog, "our GeoTIFF": _our_geotiff, "GeoTIFF": _geotiff}
    with open_raster(scene) as raster:
        tasks = {name: partial(write, scratch / f"{name}.tif", labels, raster) for name, write in writers.items()}
        times = in_turns(tasks | {"reading back": partial(_read_back, scratch / "our GeoTIFF.tif")}, rounds=3)
    yield _row("writing a COG", times["our COG"], times["COG"])
    yield _row("writing a GeoTIFF", times["our GeoTIFF"], times["GeoTIFF"])
    yield _row("reading back, once, over writing a GeoTIFF", times["reading back"], times["GeoTIFF"])


def _row(case: str, ours: Timing, peer: Timing) -> Row:
    return Row(case, str(ours), str(peer), ours.median / peer.median)


def _read(path: Path) -> None:
    with open_raster(path) as raster:
        stretches = [(each.start, each.stop) for each in windows(SIDE, DEFAULTS.window, DEFAULTS.overlap)]
        for strip, (top, _) in zip(overlapping_strips(raster, stretches, 0, SIDE), stretches, strict=True):
            raster.valid_mask(top, top + len(strip))


def _blocks(path: Path) -> None:
    with rasterio.open(path) as file:
        for _, window in file.block_windows():
            file.read(window=window)


def _whole(path: Path) -> None:
    with rasterio.open(path) as file:
        file.read()


def _labels() -> np.ndarray:
    """Land cover of the scene, uint8 (SIDE, SIDE)."""
    mask = earth()[1][300:2100]
    labels = CLASSES.decode(pack(mask))[0]
    rows, columns = (np.arange(SIDE) % length for length in labels.shape)
    return np.ascontiguousarray(labels[rows][:, columns])  # rows lie together, as where labels are made


def _strips(labels: np.ndarray) -> Iterator[np.ndarray]:
    """As many rows at a time as a row of windows gives."""
    step = DEFAULTS.window - round(DEFAULTS.window * DEFAULTS.overlap)
    return (labels[top : top + step] for top in range(0, len(labels), step))


def _our_cog(path: Path, labels: np.ndarray, raster: Raster) -> None:
    write_cog(path, _strips(labels), raster, CLASSES, {})


def _our_geotiff(path: Path, labels: np.ndarray, raster: Raster) -> None:
    write_geotiff(path, _strips(labels), raster, CLASSES, {})


def _cog(path: Path, labels: np.ndarray, raster: Raster) -> None:
    """The labels as an uncompressed file, of which GDAL makes a COG with its own overviews."""
    plain = path.with_stem("plain")
    with rasterio.open(plain, "w", **_profile(raster)) as file:
        file.write(labels, 1)
    layout = {"blocksize": BLOCK_SIDE, "overview_resampling": "mode"}
    rasterio.shutil.copy(plain, path, driver="COG", **layout, **_STORED)


def _geotiff(path: Path, labels: np.ndarray, raster: Raster) -> None:
    with rasterio.open(path, "w", **_profile(raster), **_STORED) as file:
        for _, window in file.block_windows():
            file.write(labels[window.toslices()], 1, window=window)
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), rasterio.open(path, "r+") as file:
        file.build_overviews(OVERVIEWS, Resampling.mode)


def _profile(raster: Raster) -> dict:
    size = {"height": SIDE, "width": SIDE, "count": 1, "dtype": "uint8", "nodata": UNKNOWN}
    blocks = {"tiled": True, "blockxsize": BLOCK_SIDE, "blockysize": BLOCK_SIDE}
    return {"driver": "GTiff", **size, **blocks, **raster.place}


def _read_back(path: Path) -> None:
    with rasterio.open(path) as file:
        read_back(file)

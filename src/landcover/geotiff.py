"""Maps as GeoTIFFs: labels with their colours and names, where the picture lay. Needs rasterio (the extra geo)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from landcover import __version__
from landcover.classes import IGNORE, ClassTable
from landcover.files import replacing
from landcover.raster import Raster

_BLOCK = 512  # pixels: side of the blocks in which the files are stored
_SMALLEST = 64  # pixels: overviews are halved until their longer side is no more than that
_STORED = {"compress": "deflate", "num_threads": "all_cpus", "bigtiff": "if_safer"}


class BandWriter:
    """Adds rows to a file that is open for writing, from the top down."""

    def __init__(self, file: DatasetWriter) -> None:
        self._file, self._top = file, 0

    def __call__(self, rows: np.ndarray) -> None:
        """Write the next rows: (bands, rows, W), of the file's type."""
        height, width = rows.shape[1:]
        self._file.write(rows, window=Window(0, self._top, width, height))
        self._top += height


def write_map(
    path: Path,
    bands: Iterable[np.ndarray],
    raster: Raster,
    classes: ClassTable,
    *,
    cog: bool = False,
    tags: Mapping[str, str],
) -> None:
    """Write labels as a GeoTIFF in blocks, compressed, with overviews, in the classes' colours.

    Args:
        path: Replaced when all is written.
        bands: uint8 (rows, W) each, from the top down, all in all as high as the picture; `IGNORE` is nodata.
        raster: The picture, whose reference system and transform the map gets.
        classes: Names (in the tag CLASS_NAMES, JSON by label) and colours of the labels.
        cog: Lay it out as a Cloud Optimized GeoTIFF.
        tags: Further metadata.
    """
    names = {str(label): name for label, name in enumerate(classes.names)}
    with replacing(path) as scratch:
        plain = scratch.with_stem(f"{scratch.stem}-plain") if cog else scratch
        try:
            with _created(plain, raster, 1, np.uint8, IGNORE) as file:
                file.write_colormap(1, dict(enumerate((*colour, 255) for colour in classes.palette.tolist())))
                file.set_band_description(1, "land cover")
                file.update_tags(TIFFTAG_SOFTWARE=f"landcover {__version__}", CLASS_NAMES=json.dumps(names), **tags)
                write = BandWriter(file)
                for labels in bands:
                    write(labels[None])
            with rasterio.open(plain, "r+") as file:
                if factors := _overviews(max(file.shape)):
                    file.build_overviews(factors, Resampling.mode)  # the most frequent class, not a mean of labels
            if cog:
                rasterio.shutil.copy(plain, scratch, driver="COG", blocksize=_BLOCK, **_STORED)
        finally:
            if cog:
                plain.unlink(missing_ok=True)


@contextmanager
def probability_map(path: Path, raster: Raster, classes: ClassTable) -> Iterator[BandWriter]:
    """Yield what writes class probabilities as a GeoTIFF of one float32 band for each class, NaN for nodata."""
    with replacing(path) as scratch, _created(scratch, raster, len(classes), np.float32, np.nan, predictor=3) as file:
        for band, name in enumerate(classes.names, 1):
            file.set_band_description(band, name)
        yield BandWriter(file)


def _created(
    path: Path, raster: Raster, count: int, kind: type[np.generic], nodata: float, **options: Any
) -> DatasetWriter:
    """An empty GeoTIFF of the size and the place of a picture."""
    source = raster.dataset
    points, points_crs = source.gcps
    place = {"crs": points_crs, "gcps": points} if points else {"crs": source.crs}
    if not source.transform.is_identity:  # that of a picture which says nothing of its place
        place["transform"] = source.transform
    size = {"height": raster.height, "width": raster.width, "count": count, "dtype": kind, "nodata": nodata}
    blocks = {"tiled": True, "blockxsize": _BLOCK, "blockysize": _BLOCK}
    return rasterio.open(path, "w", driver="GTiff", **size, **place, **blocks, **_STORED, **options)


def _overviews(side: int) -> list[int]:
    """By what to divide a picture whose longer side has so many pixels: 2, 4, 8, ..."""
    factors = []
    while side > _SMALLEST:
        side = (side + 1) // 2
        factors.append(2 * (factors or [1])[-1])
    return factors

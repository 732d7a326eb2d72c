"""Maps as GeoTIFFs: labels with their colours and names, where the image lay. Needs rasterio (the extra geo)."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.shutil
from rasterio._err import CPLE_BaseError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window

from landcover import __version__
from landcover.classes.class_table import IGNORE, ClassTable
from landcover.geo.raster import Raster
from landcover.system.files import replacing, write_error

_BLOCK = 512  # pixels: side of the blocks in which the files are stored
_SMALLEST = 64  # pixels: overviews are halved until their longer side is no more than that
_STORED = {"compress": "deflate", "num_threads": "all_cpus", "bigtiff": "if_safer"}


class StripWriter:
    """Adds rows to a file that is open for writing, from the top down."""

    def __init__(self, file: DatasetWriter) -> None:
        self._file, self._top = file, 0
        self.checksums = [0] * file.count  # of the bands so far

    def __call__(self, rows: np.ndarray) -> None:
        """Write the next rows: (bands, rows, W), of the file's type."""
        height, width = rows.shape[1:]
        self._file.write(rows, window=Window(0, self._top, width, height))
        self._top += height
        self.checksums = _checksums(rows, self.checksums)


def write_map(
    path: Path | str,
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
        bands: uint8 (rows, W) each, from the top down, all in all as high as the image; `IGNORE` is nodata.
        raster: The image, whose reference system and transform the map gets.
        classes: Names (in the tag CLASS_NAMES, JSON by label) and colours of the labels.
        cog: Lay it out as a Cloud Optimized GeoTIFF.
        tags: Further metadata.
    """
    path = Path(path)
    names = {str(label): name for label, name in enumerate(classes.names)}
    with replacing(path) as scratch, _errors_of_writing(path):
        plain = scratch.with_stem(f"{scratch.stem}-plain") if cog else scratch
        with _created(plain, raster, 1, np.uint8, IGNORE) as file:
            file.write_colormap(1, dict(enumerate((*colour, 255) for colour in classes.palette.tolist())))
            file.set_band_description(1, "land cover")
            file.update_tags(TIFFTAG_SOFTWARE=f"landcover {__version__}", CLASS_NAMES=json.dumps(names), **tags)
            write = StripWriter(file)
            for labels in bands:
                write(labels[None])
        factors = _overviews(raster.height, raster.width)
        with rasterio.open(plain, "r+") as file:
            if factors:
                file.build_overviews(factors, Resampling.mode)  # the most frequent class, not a mean of labels
        _check_written(plain, write.checksums, len(factors))
        if cog:
            layout = {"blocksize": _BLOCK, "overviews": "FORCE_USE_EXISTING"}
            rasterio.shutil.copy(plain, scratch, driver="COG", **layout, **_STORED)
            _check_written(scratch, write.checksums)


@contextmanager
def probability_map(path: Path | str, raster: Raster, classes: ClassTable) -> Iterator[StripWriter]:
    """Yield what writes class probabilities as a GeoTIFF of one float32 band for each class, NaN for nodata."""
    with replacing(path) as scratch, _errors_of_writing(path):
        with _created(
            scratch, raster, len(classes), np.float32, np.nan, predictor=3
        ) as file:  # closed before the check
            for band, name in enumerate(classes.names, 1):
                file.set_band_description(band, name)
            write = StripWriter(file)
            yield write
        _check_written(scratch, write.checksums)


def _created(
    path: Path, raster: Raster, count: int, kind: type[np.generic], nodata: float, **options: Any
) -> DatasetWriter:
    """An empty GeoTIFF of the size and the place of an image."""
    size = {"height": raster.height, "width": raster.width, "count": count, "dtype": kind, "nodata": nodata}
    blocks = {"tiled": True, "blockxsize": _BLOCK, "blockysize": _BLOCK}
    return rasterio.open(path, "w", driver="GTiff", **size, **raster.place, **blocks, **_STORED, **options)


def _check_written(path: Path, checksums: Sequence[int], overviews: int | None = None) -> None:
    """Read a file back: GDAL says nothing if the disk is full when it closes it.

    Raises:
        RasterioError: It cannot be read.
        OSError: It has not so many overviews, or its bands have not these checksums.
    """
    with rasterio.open(path) as file:
        levels = len(file.overviews(1))
        whole = overviews in (None, levels) and _read_back(file) == list(checksums)
    for level in range(levels):
        with rasterio.open(path, overview_level=level) as file:
            _read_back(file)
    if not whole:
        raise OSError("what was written reads back otherwise")


def _read_back(file: DatasetReader) -> list[int]:
    """Checksums of the bands of a file."""
    checksums = [0] * file.count
    for top in range(0, file.height, _BLOCK):
        window = Window(0, top, file.width, min(_BLOCK, file.height - top))
        checksums = _checksums(file.read(window=window), checksums)
    return checksums


def _checksums(rows: np.ndarray, before: Sequence[int]) -> list[int]:
    """Of each band (bands, rows, W), going on from those of the rows before."""
    return [zlib.crc32(np.ascontiguousarray(band), start) for band, start in zip(rows, before, strict=True)]


@contextmanager
def _errors_of_writing(path: Path) -> Iterator[None]:
    """Turn errors of rasterio's in writing a file into a LandcoverError."""
    try:
        yield
    except (RasterioError, CPLE_BaseError, TypeError, UnicodeError) as error:
        # TypeError: of a file that has remained empty; UnicodeError: of a path that is not in UTF-8
        raise write_error(path, error) from error


def _overviews(height: int, width: int) -> list[int]:
    """By what to divide height and width: 2, 4, 8, ...

    Until the longer side has no more than `_SMALLEST` pixels, or the width no pixel to give: readers take the factor
    from the widths, and one of 1 makes a Cloud Optimized GeoTIFF invalid.
    """
    factors = []
    side = max(height, width)
    while side > _SMALLEST and (factor := 2 << len(factors)) <= width:
        side = (side + 1) // 2
        factors.append(factor)
    return factors

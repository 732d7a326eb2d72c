"""Maps and class probabilities as GeoTIFFs, where the image lies. Needs rasterio (the extra geo)."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import rasterio.shutil
from rasterio._err import CPLE_BaseError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window

from landcover._version import __version__
from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.geo.legends import write_legend
from landcover.rasters.raster import Raster
from landcover.system.disk_arrays import zeros
from landcover.system.files import replacing, write_error

BLOCK_SIDE = 512
"""Pixels: side of the blocks in which the files are stored."""

_SMALLEST = 64  # pixels: the longer side of the smallest overview is at most this
_OVERVIEW_PIXELS = 2**23  # of which each thread makes a part of an overview at once; GDAL takes rows of blocks
_STORED = {"compress": "deflate", "num_threads": "all_cpus", "bigtiff": "if_safer"}


class StripWriter:
    """Adds strips of rows to a file that is open for writing, from the top down.

    Rows of whole blocks are written, so that the file does not depend on the strips: GDAL writes a block before it is
    full where its memory ends, and then, elsewhere in the file, once more.
    """

    def __init__(self, file: DatasetWriter) -> None:
        self._file, self._top = file, 0
        self._waiting, self._rows = np.empty(0), 0  # the first rows of blocks that are not full, and their number
        self.checksums = [0] * file.count  # of the bands so far

    def __call__(self, strip: np.ndarray) -> None:
        """Add the next rows: (bands, rows, W), of the file's type.

        Raises:
            ValueError: The file has no more rows.
        """
        if self._top + self._rows + strip.shape[1] > self._file.height:
            raise ValueError("more rows than the file has")
        self.checksums = continued_checksums(strip, self.checksums)
        while strip.shape[1]:
            height = min(BLOCK_SIDE, self._file.height - self._top)
            part, strip = np.split(strip, [height - self._rows], 1)
            if part.shape[1] == height:
                self._write(part)
            else:
                self._add(part)
                if self._rows == height:
                    self._write(self._waiting[:, :height])

    def _add(self, part: np.ndarray) -> None:
        if not self._waiting.size:
            self._waiting = zeros((self._file.count, BLOCK_SIDE, self._file.width), part.dtype)
        self._waiting[:, self._rows : self._rows + part.shape[1]] = part
        self._rows += part.shape[1]

    def _write(self, rows: np.ndarray) -> None:
        height, width = rows.shape[1:]
        self._file.write(rows, window=Window(0, self._top, width, height))
        self._top, self._rows = self._top + height, 0


def write_geotiff(
    path: Path | str, strips: Iterable[np.ndarray], raster: Raster, classes: ClassTable, tags: Mapping[str, str]
) -> None:
    """Write labels as a GeoTIFF: compressed, in blocks, with overviews, in the classes' colours.

    The files by which a GIS shows the names of the classes come with it, see `legends.write_legend`.

    Args:
        path: Replaced when everything is written. The legend is replaced just before: where the map is, it is too.
        strips: uint8 (rows, W) each, from the top down, as many rows in all as the image has; `UNKNOWN` is nodata.
        raster: The image, whose reference system and transform the map gets.
        classes: Names, in the tag CLASS_NAMES (JSON, by label), and colours of the labels.
        tags: Further metadata.

    Raises:
        LandcoverError: The file cannot be written.
    """
    path = Path(path)
    with replacing(path) as scratch, naming_geotiff_errors(path):
        _write_labels(scratch, strips, raster, classes, tags)
        write_legend(path, classes)


def write_cog(
    path: Path | str, strips: Iterable[np.ndarray], raster: Raster, classes: ClassTable, tags: Mapping[str, str]
) -> None:
    """Write labels as a Cloud Optimized GeoTIFF, from a plain one beside it; otherwise as `write_geotiff` does."""
    path = Path(path)
    with replacing(path) as scratch, naming_geotiff_errors(path):
        plain = _plain(scratch)
        checksums = _write_labels(plain, strips, raster, classes, tags)
        _copy_to_cog(plain, scratch, checksums)
        write_legend(path, classes)


@contextmanager
def probability_map(path: Path, raster: Raster, classes: ClassTable) -> Iterator[StripWriter]:
    """Yield a writer of class probabilities to a GeoTIFF with a float32 band for each class, NaN for nodata.

    Raises:
        LandcoverError: The file cannot be written.
    """
    with replacing(path) as scratch, naming_geotiff_errors(path):
        with create_geotiff(scratch, raster, len(classes), np.float32, np.nan, predictor=3) as file:
            for band, name in enumerate(classes.names, 1):
                file.set_band_description(band, name)
            write = StripWriter(file)
            yield write
        _check_written(scratch, write.checksums)  # after the file is closed


@contextmanager
def confidence_map(path: Path, raster: Raster, *, cog: bool) -> Iterator[Callable[[np.ndarray], None]]:
    """Yield a function that adds strips of confidence to a GeoTIFF: uint8 (rows, W), 255 for certain, 0 for nodata.

    Args:
        path: Of the file, which appears when the body has ended without an error.
        raster: The image, whose reference system and transform it gets.
        cog: Whether it is a Cloud Optimized GeoTIFF.

    Raises:
        LandcoverError: The file cannot be written.
    """
    with replacing(path) as scratch, naming_geotiff_errors(path):
        plain = _plain(scratch) if cog else scratch
        with create_geotiff(plain, raster, 1, np.uint8, 0) as file:
            file.set_band_description(1, "confidence")
            file.scales = (1 / 255,)  # a GIS shows probabilities
            write = StripWriter(file)
            yield lambda strip: write(strip[None])
        _add_overviews(plain, raster, Resampling.average, write.checksums)
        if cog:
            _copy_to_cog(plain, scratch, write.checksums)


def _plain(scratch: Path) -> Path:
    """Return the path of the plain GeoTIFF from which a Cloud Optimized one is made."""
    return scratch.with_stem(f"{scratch.stem}-plain")


def _copy_to_cog(plain: Path, path: Path, checksums: Sequence[int]) -> None:
    """Write and check a Cloud Optimized GeoTIFF of a plain one that has overviews."""
    # The driver's own overviews end at the size of a block, and take longer and more memory.
    layout = {"blocksize": BLOCK_SIDE, "overviews": "FORCE_USE_EXISTING"}
    rasterio.shutil.copy(plain, path, driver="COG", **layout, **_STORED)
    _check_written(path, checksums)


def _write_labels(
    path: Path, strips: Iterable[np.ndarray], raster: Raster, classes: ClassTable, tags: Mapping[str, str]
) -> list[int]:
    """Write and check a GeoTIFF of labels with overviews; return the checksums of its bands."""
    names = {str(label): name for label, name in enumerate(classes.names)}
    with create_geotiff(path, raster, 1, np.uint8, UNKNOWN) as file:
        file.write_colormap(1, dict(enumerate((*colour, 255) for colour in classes.palette.tolist())))
        file.set_band_description(1, "land cover")
        file.update_tags(TIFFTAG_SOFTWARE=f"landcover {__version__}", CLASS_NAMES=json.dumps(names), **tags)
        write = StripWriter(file)
        for labels in strips:
            write(labels[None])
    _add_overviews(path, raster, Resampling.mode, write.checksums)  # the most frequent class, not a mean of labels
    return write.checksums


def _add_overviews(path: Path, raster: Raster, resampling: Resampling, checksums: Sequence[int]) -> None:
    """Add overviews to a GeoTIFF and check it."""
    factors = _overview_factors(raster.height, raster.width)
    options: dict[str, Any] = {"GDAL_NUM_THREADS": "ALL_CPUS"}
    if (rows := _OVERVIEW_PIXELS // raster.width) < BLOCK_SIDE:
        options["GDAL_OVR_CHUNKYSIZE"] = max(1, rows // _SMALLEST) * _SMALLEST
    with rasterio.Env(**options), rasterio.open(path, "r+") as file:
        if factors:
            file.build_overviews(factors, resampling)
    _check_written(path, checksums, len(factors))


class Placed(Protocol):
    """Size and place of an image, or of a part of one."""

    @property
    def height(self) -> int:
        """In pixels."""

    @property
    def width(self) -> int:
        """In pixels."""

    @property
    def place(self) -> Mapping[str, Any]:
        """See `place.find_place`."""


def create_geotiff(
    path: Path, raster: Placed, count: int, kind: type[np.generic], nodata: float, **options: Any
) -> DatasetWriter:
    """Open a new GeoTIFF, compressed and in blocks, that has the size and the place of an image."""
    size = {"height": raster.height, "width": raster.width, "count": count, "dtype": kind, "nodata": nodata}
    blocks = {"tiled": True, "blockxsize": BLOCK_SIDE, "blockysize": BLOCK_SIDE}
    return rasterio.open(path, "w", driver="GTiff", **size, **raster.place, **blocks, **_STORED, **options)


def _check_written(path: Path, checksums: Sequence[int], overviews: int | None = None) -> None:
    """Read a file back: if the disk is full when GDAL closes a file, it reports no error.

    Raises:
        RasterioError: It cannot be read.
        OSError: The number of its overviews or the checksums of its bands differ from these.
    """
    with rasterio.open(path) as file:
        levels = len(file.overviews(1))
        is_whole = overviews in (None, levels) and read_back(file) == list(checksums)
    for level in range(levels):
        with rasterio.open(path, overview_level=level) as file:
            read_back(file)
    if not is_whole:
        raise OSError("what was written reads back otherwise")


def read_back(file: DatasetReader) -> list[int]:
    """Return the checksums of the bands of a file."""
    checksums = [0] * file.count
    for top in range(0, file.height, BLOCK_SIDE):
        window = Window(0, top, file.width, min(BLOCK_SIDE, file.height - top))
        checksums = continued_checksums(file.read(window=window), checksums)
    return checksums


def continued_checksums(strip: np.ndarray, before: Sequence[int]) -> list[int]:
    """Continue the checksum of each band with a strip (bands, rows, W)."""
    return [zlib.crc32(np.ascontiguousarray(band).data, start) for band, start in zip(strip, before, strict=True)]


@contextmanager
def naming_geotiff_errors(path: Path) -> Iterator[None]:
    """Turn rasterio's errors in writing a file into a LandcoverError about it."""
    try:
        yield
    except (RasterioError, CPLE_BaseError, TypeError, UnicodeError) as error:
        # TypeError: the file has remained empty; UnicodeError: the path is not in UTF-8
        raise write_error(path, error) from error


def _overview_factors(height: int, width: int) -> list[int]:
    """Return the factors of the overviews, 2, 4, 8, ..., until the longer side has at most `_SMALLEST` pixels.

    No overview is as wide as the image: readers find the factor by dividing the widths, and a factor of 1 makes a Cloud
    Optimized GeoTIFF invalid. (`rasterio.rio.overview.get_maximum_overview_level` goes by the shorter side.)
    """
    factors: list[int] = []
    side = max(height, width)
    while side > _SMALLEST and (factor := 2 << len(factors)) <= width:
        side = (side + 1) // 2
        factors.append(factor)
    return factors

"""Images, masks and confidence of any size, read whole or row by row as their size demands."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from landcover.classes.class_table import ClassTable
from landcover.classes.code_table import CodeTable
from landcover.images.image_files import image_size, read_rgb
from landcover.images.pairs import RASTER_SUFFIXES
from landcover.rasters.images import open_image
from landcover.report.composites import composite, shown_bands
from landcover.report.reduction import area_means, read_means
from landcover.scoring.mask_labels import decode_labels, read_labels
from landcover.system.errors import LandcoverError

LARGE = 1 << 24
"""Pixels from which on TIFFs are read in strips of rows: Pillow holds all of an image in memory, twice."""

ReadRows = Callable[[int, int], np.ndarray]
"""Rows `top` to `bottom` - 1 of an image: uint8 (bottom - top, W)."""


def file_size(path: Path) -> tuple[int, int]:
    """(height, width) in pixels of an image or a mask of any pixel type.

    Raises:
        LandcoverError: It cannot be opened.
    """
    try:
        return image_size(path)
    except LandcoverError:
        if not _is_raster(path):
            raise
    from landcover.rasters.access import open_dataset

    with open_dataset(path) as dataset:
        return dataset.height, dataset.width


@contextmanager
def opened_mask(path: Path, classes: ClassTable, codes: CodeTable | None = None) -> Iterator[ReadRows]:
    """Labels of a mask, see `mask_labels.read_labels`.

    Raises:
        LandcoverError: It cannot be read.
    """
    if codes is not None or not _is_large_raster(path):
        labels, _ = read_labels(path, classes, codes)
        yield lambda top, bottom: labels[top:bottom]
        return
    from landcover.rasters.large_masks import open_large_mask

    with open_large_mask(path) as mask:
        yield lambda top, bottom: decode_labels(mask.read(top, bottom), classes)[0]


@contextmanager
def opened_confidence(path: Path) -> Iterator[ReadRows]:
    """Confidence as `landcover predict --confidence` writes it.

    Raises:
        LandcoverError: It cannot be read.
    """
    if not _is_large_raster(path):
        grey = read_rgb(path)[..., 0]
        yield lambda top, bottom: grey[top:bottom]
        return
    with open_image(path, [1]) as image:
        yield lambda top, bottom: image.read(top, bottom)[..., 0]


def read_image(path: Path, bands: Sequence[int | str] | None, factor: int) -> tuple[np.ndarray, str]:
    """What `composites.draw_composite` returns, reduced by a factor as `reduction.area_means` does.

    Args:
        path: Of the image.
        bands: See `composites.draw_composite`; with None, a raster may have other pixels than red, green and blue of 8
            bits: then of all bands.
        factor: Of the reduction.

    Raises:
        LandcoverError: It cannot be read.
    """
    if bands is None and not _is_large_raster(path):
        try:
            return area_means(read_rgb(path), factor), ""
        except LandcoverError:  # of other pixels
            if not _is_raster(path):
                raise
    bands = bands or _all_bands(path)
    with open_image(path, bands) as image:
        names = image.names
    shown = shown_bands(names)
    with open_image(path, [bands[i] for i in shown]) as image:
        pixels, valid = read_means(image, factor)
    return composite(pixels, valid, [names[i] for i in shown])


def read_degrees(path: Path) -> dict[str, Any] | None:
    """Where a raster lies, see `control_points`; None if its file does not say it, or pyproj is missing.

    Raises:
        LandcoverError: It cannot be opened.
    """
    if not _is_raster(path):
        return None
    from landcover.rasters.access import open_dataset
    from landcover.rasters.control_points import control_points
    from landcover.rasters.grid import Grid

    with open_dataset(path) as dataset, suppress(ImportError):
        return control_points(Grid.of(dataset))
    return None


def _all_bands(path: Path) -> list[int | str]:
    from landcover.rasters.access import open_dataset

    with open_dataset(path) as dataset:
        return [*range(1, dataset.count + 1)]


def _is_large_raster(path: Path) -> bool:
    height, width = file_size(path)
    return _is_raster(path) and height * width > LARGE


def _is_raster(path: Path) -> bool:
    return path.suffix.lower() in RASTER_SUFFIXES

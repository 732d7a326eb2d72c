"""Large images at the size at which a page shows them, from arrays and from files of any size."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from landcover.rasters.images import ImageReader

LONGEST = 1024
"""Longest side of what the page shows, in pixels."""

_STRIP = 1 << 23  # pixels that are read at once


def find_reduction(height: int, width: int) -> int:
    """Pixels of a file, in each direction, per pixel that is shown: the least whole number for `LONGEST`."""
    return -(-max(height, width) // LONGEST)


def strips(height: int, width: int, factor: int = 1) -> list[tuple[int, int]]:
    """First row, and row after the last, of parts of an image that are read at once; of whole areas of a factor."""
    rows = max(1, _STRIP // (width * factor)) * factor
    return [(top, min(top + rows, height)) for top in range(0, height, rows)]


def middle_rows(read: Callable[[int, int], np.ndarray], height: int, width: int, factor: int) -> np.ndarray:
    """What `middles` returns of (height, width) pixels.

    Args:
        read: Returns rows `top` to `bottom` - 1.
    """
    return np.concatenate([middles(read(*rows), factor) for rows in strips(height, width, factor)])


def middles(values: np.ndarray, factor: int) -> np.ndarray:
    """The pixel in the middle of each area of factor x factor pixels: (H, W) to (ceil(H / factor), ceil(W / factor)).

    Areas at the right and lower edge are cut off there.
    """
    rows, columns = (middle_places(length, factor) for length in values.shape)
    return np.asarray(values[np.ix_(rows, columns)])


def middle_places(length: int, factor: int) -> np.ndarray:
    """Where `middles` finds its pixels along a side of so many: int64 (ceil(length / factor),)."""
    starts = np.arange(0, length, factor)
    return (starts + np.minimum(starts + factor, length)) // 2


def area_means(pixels: np.ndarray, factor: int, valid: np.ndarray | None = None) -> np.ndarray:
    """Means of areas of factor x factor pixels: (H, W, B) to (ceil(H / factor), ceil(W / factor), B), of one type.

    Areas at the right and lower edge are cut off there.

    Args:
        valid: Where there is data, bool (H, W): means are of such pixels, and 0 where there are none. None for
            everywhere.
    """
    if factor == 1:
        return pixels
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3 and valid is None:
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(factor))
    where = np.ones(pixels.shape[:2], bool) if valid is None else valid
    weight = np.maximum(_mean(where, factor), np.finfo(np.float32).tiny)
    bands = [_mean(np.where(where, band, 0), factor) / weight for band in np.moveaxis(pixels, 2, 0)]
    means = np.stack(bands, 2)
    if pixels.dtype.kind == "f":
        return means.astype(pixels.dtype)
    limits = np.iinfo(pixels.dtype)
    return means.astype(np.float64).round().clip(limits.min, limits.max).astype(pixels.dtype)


def read_means(image: ImageReader, factor: int) -> tuple[np.ndarray, np.ndarray | None]:
    """An open image as `area_means` makes it; and where it has data, bool, None for everywhere."""
    pixels, masks = [], []
    for top, bottom in strips(image.height, image.width, factor):
        valid = image.valid_mask(top, bottom)
        pixels.append(area_means(image.read(top, bottom), factor, valid))
        any_valid = np.ones(pixels[-1].shape[:2], bool) if valid is None else _mean(valid, factor) > 0
        masks.append(any_valid)
    valid = np.concatenate(masks)
    return np.concatenate(pixels), None if valid.all() else valid


def _mean(band: np.ndarray, factor: int) -> np.ndarray:
    """Means of areas of (H, W): float32."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(band, np.float32)).reduce(factor))

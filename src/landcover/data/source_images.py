"""The images of pairs in their own pixel type: ordinary ones as RGB, GeoTIFFs with any bands."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from landcover.images.image_spec import ImageSpec
from landcover.rasters.images import open_image
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location


class SourceHeader(NamedTuple):
    """What the header of an image tells.

    Attributes:
        size: (height, width) in pixels.
        dtype: Pixel type, NumPy's name of it.
        bands: Names of the bands that are used.
    """

    size: tuple[int, int]
    dtype: str
    bands: tuple[str, ...]


def read_header(path: Path, bands: Sequence[int | str] | None) -> SourceHeader:
    """What the header of an image tells.

    Args:
        path: Of the image.
        bands: Numbers from 1, or names; None for red, green and blue of 8 bits.

    Raises:
        LandcoverError: It cannot be read, or lacks a band.
    """
    with open_image(path, bands) as image:
        dtype = "float32" if image.dtype == np.float64 else image.dtype.name
        return SourceHeader((image.height, image.width), dtype, image.names)


def read_image(path: Path, bands: Sequence[int | str] | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Read an image in its own pixel type, but float64 as float32.

    Args:
        path: Of the image.
        bands: See `read_header`.

    Returns:
        Pixels (H, W, B), finite numbers everywhere: those without data have the mean of the others, which nobody would
        notice; and where there is data, bool (H, W), or None if that is everywhere.

    Raises:
        LandcoverError: It cannot be read to its end, lacks a band, or no pixel of it has data.
    """
    with open_image(path, bands) as image:
        pixels, valid = image.read(), image.valid_mask()
        names = image.names
    if pixels.dtype == np.float64:
        with np.errstate(over="ignore"):
            pixels = pixels.astype(np.float32)
        finite = np.isfinite(pixels).all(2)
        valid = finite if valid is None else valid & finite
    if valid is None or valid.all():
        return pixels, None
    if not valid.any():
        raise LandcoverError(
            f"{path}: {_without_data(pixels, names)} has data. Remove the pair, or choose other `bands`."
        )
    fill(pixels, valid)
    return pixels, valid


def fill(pixels: np.ndarray, valid: np.ndarray) -> None:
    """Give the pixels without data the mean of the others, in place.

    Args:
        pixels: (H, W, B).
        valid: Where there is data, bool (H, W); at least somewhere.
    """
    means = pixels[valid].mean(0, dtype=np.float64)
    pixels[~valid] = means if pixels.dtype.kind == "f" else means.round()


def check_alike(paths: Sequence[Location], headers: Sequence[SourceHeader], like: ImageSpec | None) -> ImageSpec:
    """What all images are; without statistics, if not those of `like`.

    Bands that were chosen by number need not have names in every file, but no others where they have.

    Args:
        paths: Of the images, at least one.
        headers: Of the images.
        like: What they must be; None for what they are themselves.

    Raises:
        LandcoverError: A line for each image of another pixel type, or with bands of other names.
    """
    if like:
        dtype, bands, whose = like.dtype, like.bands, "the training images"
    else:
        best = min(range(len(headers)), key=lambda i: sum(map(_is_unnamed, headers[i].bands)))
        dtype, bands, whose = headers[best].dtype, headers[best].bands, paths[best].name
    lines = []
    for path, header in zip(paths, headers, strict=True):
        if header.dtype != dtype:
            lines.append(f"{path}: its pixels are {header.dtype}, those of {whose} {dtype}. Convert all to one type.")
        elif any(
            a != b and not _is_unnamed(a) and not _is_unnamed(b) for a, b in zip(header.bands, bands, strict=True)
        ):
            lines.append(
                f"{path}: its bands are {', '.join(header.bands)}, those of {whose} {', '.join(bands)}. "
                "Choose the bands by their names in `bands`, or write all files alike."
            )
    if lines:
        raise LandcoverError(*lines)
    return like or ImageSpec(bands, dtype, (0.0,) * len(bands), (1.0,) * len(bands))


def _is_unnamed(band: str) -> bool:
    """Whether a band is called as `band_names.band_name` calls those without a name."""
    return re.fullmatch(r"band \d+", band) is not None


def _without_data(pixels: np.ndarray, names: Sequence[str]) -> str:
    """What has no data, in words: a band that has no number anywhere, or the image."""
    numbers = np.isfinite(pixels).any((0, 1))
    return "no pixel" if numbers.all() else f"no pixel of the band {names[int(np.argmin(numbers))]}"

"""Images of any bands as people see them: in true colours where there are such, stretched to 8 bits."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from landcover.images.image_files import read_rgb
from landcover.images.image_spec import COLOURS
from landcover.rasters.images import open_image
from landcover.rasters.stretching import STRETCH, Stretch

_NO_DATA = 0  # black


def shown_bands(names: Sequence[str]) -> list[int]:
    """Which of the bands are shown, indices from 0: red, green and blue by name, else the first three or the first.

    Args:
        names: Of all bands.
    """
    if set(COLOURS) <= set(names):
        return [names.index(colour) for colour in COLOURS]
    return [0, 1, 2] if len(names) >= 3 else [0]


def draw_composite(path: Path | str, bands: Sequence[int | str] | None) -> tuple[np.ndarray, str]:
    """Three bands of an image, or one as grey.

    Args:
        path: Of the image.
        bands: Numbers from 1, or names, of those that a network takes; None for red, green and blue of 8 bits.

    Returns:
        uint8 RGB (H, W, 3), in which the percentiles `STRETCH` of each band of this image are 0 and 255 if the pixels
        are not of 8 bits, and pixels without data are black; and what is shown, in words, if not true colours.
    """
    if bands is None:
        return read_rgb(path), ""
    with open_image(path, bands) as image:
        names = image.names
    shown = shown_bands(names)
    with open_image(path, [bands[i] for i in shown]) as image:
        pixels, valid = image.read(0, image.height), image.valid_mask(0, image.height)
    return composite(pixels, valid, [names[i] for i in shown])


def composite(pixels: np.ndarray, valid: np.ndarray | None, names: Sequence[str]) -> tuple[np.ndarray, str]:
    """What `draw_composite` returns, from pixels in memory.

    Args:
        pixels: (H, W, B), B = 3 or 1.
        valid: Where there is data, bool (H, W); None for everywhere.
        names: Of the B bands.
    """
    if len(names) == 1:
        pixels = pixels.repeat(3, axis=2)
    if pixels.dtype != np.uint8:
        sample = pixels.reshape(-1, 3) if valid is None else pixels[valid]
        pixels = Stretch.of(list(sample.T), STRETCH)(pixels)
    if valid is not None:
        pixels = np.where(valid[..., None], pixels, np.uint8(_NO_DATA))
    described = ", ".join(names)
    if len(names) == 1:
        return pixels, f"{described} as grey"
    return pixels, "" if described == ", ".join(COLOURS) else described

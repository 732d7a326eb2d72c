"""Images and labels at another resolution."""

import numpy as np
from PIL import Image


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) of an image of `size` at working resolution `scale`: rounded, at least one pixel."""
    height, width = (max(1, round(length * scale)) for length in size)
    return height, width


def scale_down(pixels: np.ndarray, scale: float) -> np.ndarray:
    """An image (H, W, B) of any pixel type at working resolution: each pixel is the mean of the area that it covers."""
    size = scaled_size(pixels.shape[:2], scale)
    return pixels if size == pixels.shape[:2] else area_mean(pixels, size)


def area_mean(
    pixels: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> np.ndarray:
    """An image at (height, width) `size`: each pixel is the mean of the area that it covers.

    Args:
        pixels: (H, W, B) of any of `image_spec.PIXEL_TYPES`. Types other than uint8 are averaged as float32, which
            rounds integers above 2**24.
        size: Neither larger than that of `box`.
        box: Left, upper, right and lower border, in pixels, of the part that is scaled; all of it by default.

    Returns:
        (height, width, B) of the same type; integers are rounded.
    """
    height, width = size
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX, box))
    scaled = np.empty((height, width, pixels.shape[2]), pixels.dtype)
    for i in range(pixels.shape[2]):
        band = pixels[..., i]
        image = Image.fromarray(np.ascontiguousarray(band if band.dtype == np.uint8 else band.astype(np.float32)))
        mean = np.asarray(image.resize((width, height), Image.Resampling.BOX, box))
        if mean.dtype == pixels.dtype or pixels.dtype.kind == "f":
            scaled[..., i] = mean
        else:  # float32 has no number for the largest of 32-bit integers but one above it
            limits = np.iinfo(pixels.dtype)
            scaled[..., i] = mean.astype(np.float64).round().clip(limits.min, limits.max)
    return scaled


def nearest(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An array (H, W, ...) at (height, width) `size`: each pixel is the one under its centre, nothing is mixed.

    A centre on the border of two pixels takes the lower or right one.
    """
    if array.shape[:2] == size:
        return array
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(size, array.shape[:2], strict=True)
    )
    return np.asarray(array[np.ix_(rows, columns)])

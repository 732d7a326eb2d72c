"""Images and labels at another resolution."""

import numpy as np
from PIL import Image


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) of an image of `size` at working resolution `scale`: rounded, at least one pixel."""
    height, width = (max(1, round(length * scale)) for length in size)
    return height, width


def scale_down(rgb: np.ndarray, scale: float) -> np.ndarray:
    """An image, uint8 RGB (H, W, 3), at working resolution: each pixel is the mean of the area that it covers."""
    height, width = scaled_size(rgb.shape[:2], scale)
    if (height, width) == rgb.shape[:2]:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))


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

"""Images and labels at another resolution."""

import numpy as np
from PIL import Image


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) of an image of `size` at working resolution `scale`: rounded, at least one pixel."""
    height, width = (max(1, round(length * scale)) for length in size)
    return height, width


def scale_down(image: np.ndarray, scale: float, valid: np.ndarray | None = None) -> np.ndarray:
    """An image (H, W, B) at working resolution: see `area_means`, of which the arguments are."""
    return area_means(image, scaled_size(image.shape[:2], scale), valid)


def area_means(
    image: np.ndarray,
    size: tuple[int, int],
    valid: np.ndarray | None = None,
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    """An image at a smaller size: each pixel is the mean of the area that it covers, of the valid part of it if any.

    Args:
        image: (H, W, B) of any type of `image_spec.PIXEL_TYPES`; what is not valid is a finite number.
        size: (height, width) of the result.
        valid: Where there is data, bool (H, W); None for everywhere.
        box: The part of the image, as (left, top, right, bottom) in pixels; None for all of it.

    Returns:
        (height, width, B) of the same type; integers are rounded, and have the precision of float32. Where no pixel of
        an area is valid, the mean of what is there.
    """
    if size == image.shape[:2] and box is None:
        return image
    if valid is not None and valid.all():
        valid = None
    if image.dtype == np.uint8 and valid is None:
        if image.shape[2] == 3:
            return _shrunk(image, size, box)
        return np.stack([_shrunk(band, size, box) for band in np.moveaxis(image, 2, 0)], 2)
    weight = None if valid is None else _shrunk(valid.astype(np.float32), size, box)
    means = np.empty((*size, image.shape[2]), image.dtype)
    for i in range(image.shape[2]):
        band = image[..., i].astype(np.float32)
        mean = _shrunk(band, size, box)
        if valid is not None and weight is not None:
            covered = weight > 0
            mean = mean.copy()
            mean[covered] = _shrunk(np.where(valid, band, np.float32(0)), size, box)[covered] / weight[covered]
        means[..., i] = mean if image.dtype.kind == "f" else _rounded(mean, image.dtype)
    return means


def _shrunk(array: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float] | None) -> np.ndarray:
    """The means of areas of uint8 (H, W) or (H, W, 3), or of float32 (H, W)."""
    image = Image.fromarray(np.ascontiguousarray(array))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BOX, box))


def _rounded(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Values as integers of a type, which float32 may just exceed."""
    limits = np.iinfo(dtype)
    return values.astype(np.float64).round().clip(limits.min, limits.max).astype(dtype)


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

"""Images by which a network is quantised: windows that are spread evenly over all that are given."""

from collections.abc import Iterator, Mapping, Sequence
from operator import methodcaller

import numpy as np

from landcover.inference.reading import open_image
from landcover.inference.strips import ScaledStrips
from landcover.models.model_file import Model
from landcover.rasters.stretching import Percentiles
from landcover.system.locations import Location


def calibration_windows(
    model: Model,
    images: Mapping[str, Location],
    count: int,
    side: int,
    *,
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
) -> Iterator[np.ndarray]:
    """Yield up to `count` windows of images, the same ones each time.

    Of more than `count` images, every n-th by name is taken, and of each the window in its middle; of fewer, several
    windows of each, or all that it has.

    Args:
        model: Says what the images are, and their scale.
        images: By name.
        count: At least 1.
        side: Of the windows, in pixels at working resolution; those at the ends of an image may be smaller.
        bands, stretch: See `reading.open_image`.

    Raises:
        LandcoverError: An image cannot be read.

    Yields:
        (H, W, B) of the model's pixel type, or of the image's where that is read as it is.
    """
    names = sorted(images)
    chosen = [names[i] for i in _spread(len(names), count)]
    for i, name in enumerate(chosen):
        wanted = count * (i + 1) // len(chosen) - count * i // len(chosen)
        with open_image(images[name], model.images, bands, stretch, methodcaller("warn_of_values")) as source:
            image = ScaledStrips(source, model.scale)
            boxes = [
                (top, left)
                for top in range(0, image.height - _least(image.height, side), side)
                for left in range(0, image.width - _least(image.width, side), side)
            ]
            for top, left in (boxes[j] for j in _spread(len(boxes), wanted)):
                bottom, right = min(top + side, image.height), min(left + side, image.width)
                yield np.ascontiguousarray(image.read(top, bottom, left, right))


def _least(length: int, side: int) -> int:
    """Pixels at the end of an axis that are no window of their own: less than half of one, unless there is no other."""
    return side // 2 if length > side else 0


def _spread(length: int, count: int) -> list[int]:
    """Up to `count` of the numbers below `length`, spread evenly; each is in the middle of its share."""
    count = min(length, count)
    return [(2 * i + 1) * length // (2 * count) for i in range(count)]

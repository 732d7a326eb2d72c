"""Images that are read in strips of rows, so that memory need not hold them whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Protocol

import numpy as np
from PIL import Image

from landcover.images.image_arrays import check_rgb
from landcover.images.resizing import scaled_size


class RgbReader(Protocol):
    """Pixels that are read in strips, from the top down."""

    @property
    def height(self) -> int:
        """In pixels."""

    @property
    def width(self) -> int:
        """In pixels."""

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Read rows `top` to `bottom` - 1: uint8 RGB (bottom - top, width, 3)."""


class StripReader(RgbReader, Protocol):
    """What an image must offer to be labelled.

    Its rows are read from the top down; at a working resolution below 1, the last row of a strip may be read again as
    the first of the next. The valid mask of rows is read after they have been labelled.
    """

    def valid_mask(self, top: int, bottom: int) -> np.ndarray | None:
        """Return where rows `top` to `bottom` - 1 have data: bool (bottom - top, width); None if everywhere."""


@dataclass(frozen=True)
class ArrayStrips:
    """A `StripReader` of an image in memory: uint8 RGB (H, W, 3), 0 to 255.

    Raises:
        LandcoverError: The array is something else. It is not converted: a guess, such as whether floats end at 1 or
            at 255, could be wrong without anyone noticing.
    """

    array: np.ndarray

    def __post_init__(self) -> None:
        check_rgb(self.array)

    @property
    def height(self) -> int:
        """H in pixels."""
        return len(self.array)

    @property
    def width(self) -> int:
        """W in pixels."""
        return len(self.array[0])

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Return a view of rows `top` to `bottom` - 1."""
        return self.array[top:bottom]

    def valid_mask(self, top: int, bottom: int) -> None:
        """Return None: there is data everywhere."""


class ScaledStrips:
    """An `RgbReader` of an image at working resolution: each pixel is the mean of the area that it covers.

    Row i is the mean of the source's rows from i to i + 1 times the ratio of the heights, wherever the strip begins, so
    strips are equal to those of the whole image scaled down. One exception: where the border between two rows cuts a
    row of the source exactly in half, rounding may assign that row to either.

    Args:
        source: The image at its own resolution.
        scale: Working resolution divided by that of the source, 0 < scale <= 1.
    """

    def __init__(self, source: RgbReader, scale: float) -> None:
        self.source = source
        self.height, self.width = scaled_size((source.height, source.width), scale)

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Read rows `top` to `bottom` - 1: uint8 RGB (bottom - top, width, 3)."""
        source = self.source
        if (self.height, self.width) == (source.height, source.width):
            return source.read(top, bottom)
        first, last = top * source.height / self.height, bottom * source.height / self.height
        start = floor(first)
        rows = source.read(start, min(ceil(last), source.height))
        box = (0, first - start, source.width, min(last - start, len(rows)))
        image = Image.fromarray(rows).resize((self.width, bottom - top), Image.Resampling.BOX, box)
        return np.asarray(image)


def overlapping_strips(image: RgbReader, stretches: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
    """Read strips that may overlap; rows that two of them share are read once.

    Args:
        image: To read from.
        stretches: (top, bottom) of each strip, from the top down.

    Yields:
        uint8 RGB (bottom - top, width, 3).
    """
    strip, start, stop = np.empty((0, image.width, 3), np.uint8), 0, 0
    for top, bottom in stretches:
        strip = np.concatenate([strip[top - start :], image.read(stop, bottom)])
        start, stop = top, bottom
        yield strip

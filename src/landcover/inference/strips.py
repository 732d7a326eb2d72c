"""Images that are read in strips of rows, so that memory need not hold them whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Protocol

import numpy as np

from landcover.images.image_arrays import check_image
from landcover.images.image_spec import RGB, ImageSpec
from landcover.images.resizing import area_means, scaled_size


class PixelReader(Protocol):
    """Pixels that are read in strips, from the top down."""

    @property
    def height(self) -> int:
        """In pixels."""

    @property
    def width(self) -> int:
        """In pixels."""

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Read rows `top` to `bottom` - 1: (bottom - top, width, B) of one pixel type, all finite."""


class StripReader(PixelReader, Protocol):
    """What an image must offer to be labelled.

    Its rows are read from the top down; at a working resolution below 1, the last row of a strip may be read again as
    the first of the next. The valid mask of rows is read after they have been labelled.
    """

    def valid_mask(self, top: int, bottom: int) -> np.ndarray | None:
        """Return where rows `top` to `bottom` - 1 have data: bool (bottom - top, width); None if everywhere."""


@dataclass(frozen=True)
class ArrayStrips:
    """A `StripReader` of an image in memory.

    Attributes:
        array: The image (H, W, B), as a model takes it; see `image_arrays.check_image`. Where one of the bands of a
            pixel is not a finite number, it has no data, and its bands are read as the mean of the training images.
        images: What the model takes.
        valid: Where else there is data: bool (H, W); None for everywhere.

    Raises:
        LandcoverError: The array is something else. It is not converted: a guess, such as whether floats end at 1 or
            at 255, could be wrong without anyone noticing.
    """

    array: np.ndarray
    images: ImageSpec = RGB
    valid: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_image(self.array, self.images)

    @property
    def height(self) -> int:
        """H in pixels."""
        return len(self.array)

    @property
    def width(self) -> int:
        """W in pixels."""
        return len(self.array[0])

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Return rows `top` to `bottom` - 1, a view if all of them are numbers."""
        rows = self.array[top:bottom]
        if rows.dtype.kind == "f" and not (finite := np.isfinite(rows).all(2)).all():
            rows = np.where(finite[..., None], rows, np.array(self.images.mean, rows.dtype))
        return rows

    def valid_mask(self, top: int, bottom: int) -> np.ndarray | None:
        """Return where there is data; None if everywhere."""
        valid = None if self.valid is None else self.valid[top:bottom]
        if self.array.dtype.kind != "f":
            return valid
        finite: np.ndarray = np.isfinite(self.array[top:bottom]).all(2)
        return finite if valid is None else finite & valid


class ScaledStrips:
    """A `PixelReader` of an image at working resolution: each pixel is the mean of the area that it covers.

    Row i is the mean of the source's rows from i to i + 1 times the ratio of the heights, wherever the strip begins, so
    strips are equal to those of the whole image scaled down. One exception: where the border between two rows cuts a
    row of the source exactly in half, rounding may assign that row to either.

    Args:
        source: The image at its own resolution.
        scale: Working resolution divided by that of the source, 0 < scale <= 1.
    """

    def __init__(self, source: PixelReader, scale: float) -> None:
        self.source = source
        self.height, self.width = scaled_size((source.height, source.width), scale)

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Read rows `top` to `bottom` - 1: (bottom - top, width, B) of the source's pixel type."""
        source = self.source
        if (self.height, self.width) == (source.height, source.width):
            return source.read(top, bottom)
        first, last = top * source.height / self.height, bottom * source.height / self.height
        start = floor(first)
        rows = source.read(start, min(ceil(last), source.height))
        box = (0, first - start, source.width, min(last - start, len(rows)))
        return area_means(rows, (bottom - top, self.width), box=box)


def overlapping_strips(image: PixelReader, stretches: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
    """Read strips that may overlap; rows that two of them share are read once.

    Args:
        image: To read from.
        stretches: (top, bottom) of each strip, from the top down.

    Yields:
        (bottom - top, width, B) of the image's pixel type.
    """
    strip, start, stop = None, 0, 0
    for top, bottom in stretches:
        rows = image.read(stop, bottom)
        strip = rows if strip is None else np.concatenate([strip[top - start :], rows])
        start, stop = top, bottom
        yield strip

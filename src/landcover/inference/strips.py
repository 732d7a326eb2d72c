"""Images that are read in bands of rows, so that no more of them than that need be in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Protocol

import numpy as np
from PIL import Image

from landcover.images.image_arrays import check_rgb
from landcover.images.pairs import scaled_size


class StripReader(Protocol):
    """What an image must offer to be labelled: its height and width in pixels, and any of its rows.

    StripReader are asked for from the top down; at a working resolution below 1, one row at most is asked for twice in
    succession. What is known of them is asked for once they are labelled, hence later.
    """

    height: int
    width: int

    def read(self, top: int, bottom: int) -> np.ndarray:
        """StripReader `top` to `bottom` - 1: uint8 RGB (bottom - top, width, 3)."""

    def valid_mask(self, top: int, bottom: int) -> np.ndarray | None:
        """Where these rows have data: bool (bottom - top, width); None if everywhere."""


@dataclass(frozen=True)
class ArrayStrips:
    """StripReader of an image in memory: uint8 RGB (H, W, 3), 0 to 255.

    Raises:
        LandcoverError: It is something else. Nothing is converted: a guess, such as whether floats end at 1 or at 255,
            would be wrong without a word.
    """

    array: np.ndarray

    def __post_init__(self) -> None:
        check_rgb(self.array)

    @property
    def height(self) -> int:
        """H in pixels."""
        return self.array.shape[0]

    @property
    def width(self) -> int:
        """W in pixels."""
        return self.array.shape[1]

    def read(self, top: int, bottom: int) -> np.ndarray:
        """A view of them."""
        return self.array[top:bottom]

    def valid_mask(self, top: int, bottom: int) -> None:
        """Everywhere."""


class ScaledStrips:
    """StripReader of an image at working resolution, each pixel the mean of the area that it stands for.

    Band for band they are those of `samples.scale_down` of the whole image: row i is made of the source's rows
    between i and i + 1 times the ratio of the heights, wherever the band begins. Where such a border halves a row of
    the source exactly, rounding may give it to the other one.

    Args:
        source: The image at its own resolution.
        scale: Working resolution over that, 0 < scale <= 1.
    """

    def __init__(self, source: StripReader, scale: float) -> None:
        self.source = source
        self.height, self.width = scaled_size((source.height, source.width), scale)

    def read(self, top: int, bottom: int) -> np.ndarray:
        """StripReader `top` to `bottom` - 1: uint8 RGB (bottom - top, width, 3)."""
        source = self.source
        if (self.height, self.width) == (source.height, source.width):
            return source.read(top, bottom)
        first, last = top * source.height / self.height, bottom * source.height / self.height
        start = floor(first)
        rows = source.read(start, min(ceil(last), source.height))
        box = (0, first - start, source.width, min(last - start, len(rows)))
        image = Image.fromarray(rows).resize((self.width, bottom - top), Image.Resampling.BOX, box)
        return np.asarray(image)


def sliding(rows: StripReader, stretches: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
    """Read stretches (top, bottom) of an image that go down and may overlap; what two share is read once.

    Yields:
        uint8 RGB (bottom - top, width, 3).
    """
    band, start, stop = np.empty((0, rows.width, 3), np.uint8), 0, 0
    for top, bottom in stretches:
        band = np.concatenate([band[top - start :], rows.read(stop, bottom)])
        start, stop = top, bottom
        yield band

"""The tiles of a raster at halved resolutions, as the viewer's grid of tiles counts them. Needs rasterio."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from rasterio.windows import Window

TILE = 256
"""Side of a tile in pixels of its level; tiles at the right and lower edge may be smaller."""


class Tile(NamedTuple):
    """A tile of a raster.

    Attributes:
        window: What it shows, in pixels of the raster.
        shape: (h, w) of the tile.
        reduction: Side, in pixels of the raster, of what a pixel of the tile shows.
    """

    window: Window
    shape: tuple[int, int]
    reduction: int


@dataclass(frozen=True)
class Pyramid:
    """Levels of a raster, each with half the resolution of the next; the first is a single tile.

    Attributes:
        height, width: Of the raster in pixels.
    """

    height: int
    width: int

    @cached_property
    def reductions(self) -> list[int]:
        """Of each level, the pixels of the raster that a pixel covers along each axis: ..., 4, 2, 1."""
        found = [1]
        while TILE * found[-1] < max(self.height, self.width):
            found.append(2 * found[-1])
        return found[::-1]

    def tile(self, level: int, column: int, row: int) -> Tile | None:
        """A tile, counted from 0 and from the upper left; None if there is none such."""
        if not 0 <= level < len(self.reductions) or column < 0 or row < 0:
            return None
        reduction = self.reductions[level]
        side = TILE * reduction
        width, height = min(side, self.width - column * side), min(side, self.height - row * side)
        if width <= 0 or height <= 0:
            return None
        shape = -(-height // reduction), -(-width // reduction)
        return Tile(Window(column * side, row * side, width, height), shape, reduction)

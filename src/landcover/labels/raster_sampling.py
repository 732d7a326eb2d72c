"""Which pixels of a raster lie under the pixels of a grid, computed for each pixel by itself.

GDAL's warping would do it in chunks, whose results depend on the chunk: it interpolates the transformation, may read
overviews, and rounds the source window.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pyproj import CRS
from rasterio.windows import Window

from landcover.classes.class_table import byte_counts
from landcover.labels.pixel_coordinates import PixelCoordinates
from landcover.rasters.grid import Grid

NO_DATA = 254
"""The label of what has no data in a raster, while labels are sampled: `class_table.MAX_CLASSES` leaves it free."""

_EDGE = 1e-6  # pixels: what lies this near before an edge belongs to the pixel behind it, whatever rounding does
_LATTICE = np.linspace(0, 1, 17)  # along a window, where its place in the raster is looked at
_FEWEST, _MOST = 3, 16  # points along each side of a pixel for the majority
_ROUND = 0.05  # pixels: a pixel that is so little larger than n of the raster's is n of them large


@dataclass(frozen=True)
class RasterSampling:
    """Where the pixels of a grid lie in a raster.

    Attributes:
        grid: With a reference system.
        raster: The grid of the raster, with a reference system.
    """

    grid: Grid
    raster: Grid

    @cached_property
    def _coordinates(self) -> PixelCoordinates:
        assert self.grid.crs is not None
        return PixelCoordinates(CRS.from_wkt(self.grid.crs.to_wkt()), self.raster)

    def centres(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Column and row in the raster of the centres of the pixels of a window: int64 (h, w) each, -1 outside."""
        columns, rows = self._pixels(window, 0.5, 0)
        return self._inside(columns, rows)

    def points(self, window: Window, side: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Column and row of `side` x `side` points, spread evenly over each pixel of a window, as `centres` gives them.

        Between the corners of a pixel, they are interpolated.
        """
        columns, rows = self._pixels(window, 0, 1)
        shares = (np.arange(side) + 0.5) / side
        return [self._inside(_between(columns, x, y), _between(rows, x, y)) for y in shares for x in shares]

    def side(self, window: Window) -> int:
        """How many points along each side of a pixel suffice to find the majority of what it covers.

        A multiple of the number of raster pixels along its side, so that each of these has the same weight; but for
        pixels that cover more than 16 x 16 of them.
        """
        columns, rows = self._pixels(window, 0, 1)
        with np.errstate(invalid="ignore"):
            lengths = [np.hypot(np.diff(columns, axis=axis), np.diff(rows, axis=axis)) for axis in (0, 1)]
        finite = np.concatenate([length[np.isfinite(length)] for length in lengths])
        if not len(finite):
            return 1
        pixels = max(1, int(np.ceil(np.median(finite) - _ROUND)))
        return min(_MOST, pixels * -(-_FEWEST // pixels))

    def bounds(self, window: Window) -> Window | None:
        """The window of the raster under a window; None if they do not meet."""
        columns, rows = self._pixels(window, 0, 1)
        finite = np.isfinite(columns) & np.isfinite(rows)
        if not finite.any():
            return None
        found = [np.floor(self._wrapped(columns[finite])), np.floor(rows[finite])]
        left, top = (max(0, int(values.min()) - 1) for values in found)
        right = min(self.raster.width, int(found[0].max()) + 2)
        bottom = min(self.raster.height, int(found[1].max()) + 2)
        return Window(left, top, right - left, bottom - top) if left < right and top < bottom else None

    def meets(self, window: Window) -> bool:
        """Whether a window may meet the raster."""
        left, top, width, height = map(int, window.flatten())
        columns, rows = self._at(left + width * _LATTICE, top + height * _LATTICE)
        finite = np.isfinite(columns) & np.isfinite(rows)
        if not finite.any():
            return False
        ends = [(values[finite].min(), values[finite].max()) for values in (columns, rows)]
        margins = [(end - start) * _LATTICE[1] + 1 for start, end in ends]
        return any(
            all(
                start - margin <= size and end + margin >= 0
                for (start, end), margin, size in zip(
                    ((ends[0][0] + shift, ends[0][1] + shift), ends[1]),
                    margins,
                    (self.raster.width, self.raster.height),
                    strict=True,
                )
            )
            for shift in (0, -self._turn, self._turn)
        )

    @cached_property
    def _turn(self) -> float:
        """Columns of a whole turn of longitude; 0 where columns are no longitudes."""
        return abs(self._coordinates.turn / self.raster.transform.a) if self.raster.transform.b == 0 else 0.0

    def _pixels(self, window: Window, offset: float, more: int) -> tuple[np.ndarray, np.ndarray]:
        """Column and row, with fractions, of a lattice of h + `more` x w + `more` points in a window."""
        left, top, width, height = map(int, window.flatten())
        return self._at(left + offset + np.arange(width + more), top + offset + np.arange(height + more))

    def _at(self, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and row in the raster, with fractions, of columns and rows of the grid; continuous between them."""
        columns, rows = np.meshgrid(columns, rows)
        xy = np.column_stack(self.grid.at(columns.ravel(), rows.ravel()))
        found, down = self._coordinates.pixels(self._coordinates.on_ground(xy)).T
        if self._turn and np.isfinite(found).any():
            middle = found[np.isfinite(found)][np.isfinite(found).sum() // 2]
            found = found - self._turn * np.round((found - middle) / self._turn)
        return found.reshape(columns.shape), down.reshape(columns.shape)

    def _wrapped(self, columns: np.ndarray) -> np.ndarray:
        """Columns, moved by whole turns into or behind the raster."""
        return columns - self._turn * np.floor((columns + _EDGE) / self._turn) if self._turn else columns

    def _inside(self, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(invalid="ignore"):
            columns, rows = np.floor(self._wrapped(columns) + _EDGE), np.floor(rows + _EDGE)
            inside = (columns >= 0) & (columns < self.raster.width) & (rows >= 0) & (rows < self.raster.height)
        return np.where(inside, columns, -1).astype(np.int64), np.where(inside, rows, -1).astype(np.int64)


def majority(samples: list[np.ndarray]) -> np.ndarray:
    """The most frequent label of each pixel; of several equally frequent ones the lowest, so `UNKNOWN` the last.

    Args:
        samples: Of each pixel: uint8 (h, w) each. `NO_DATA` does not count, and stays only where there is nothing else.
    """
    stack = np.stack(samples)
    found = np.full(stack.shape[1:], NO_DATA, np.uint8)
    most = np.zeros(stack.shape[1:], np.int64)
    for label in np.flatnonzero(byte_counts(stack)):
        if label != NO_DATA:
            count = (stack == label).sum(0)
            found[count > most] = label
            most = np.maximum(most, count)
    return found


def _between(corners: np.ndarray, x: float, y: float) -> np.ndarray:
    """What is at a share of the way across and down each pixel: float64 (h, w), from (h + 1, w + 1)."""
    top = (1 - x) * corners[:-1, :-1] + x * corners[:-1, 1:]
    bottom = (1 - x) * corners[1:, :-1] + x * corners[1:, 1:]
    between: np.ndarray = (1 - y) * top + y * bottom
    return between

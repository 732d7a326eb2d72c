"""The grid of pixels of a raster on the ground, and windows of it. Needs rasterio, and pyproj for degrees and areas."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.warp import transform as warp_points
from rasterio.windows import Window

from landcover.images.resizing import scaled_size
from landcover.rasters.pixel_areas import pixel_areas

if TYPE_CHECKING:
    from pyproj import Transformer

_DEGREES = "EPSG:4326"
_WIDEST = 90  # degrees of longitude between neighbouring pixels, above which it is not clear which way is shorter


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a raster lie.

    Attributes:
        crs: Reference system; None if there is none.
        transform: From (column, row) of a pixel's upper left corner to coordinates.
        height, width: In pixels.
    """

    crs: CRS | None
    transform: Affine
    height: int
    width: int

    @classmethod
    def of(cls, dataset: DatasetReader) -> "Grid":
        """The grid of an open raster; without a reference system if nothing says where in it the raster lies."""
        crs = None if dataset.transform.is_identity else dataset.crs
        return cls(crs, dataset.transform, dataset.height, dataset.width)

    def scaled(self, scale: float) -> "Grid":
        """The grid over the same ground whose size is that of `resizing.scaled_size`."""
        height, width = scaled_size((self.height, self.width), scale)
        transform = self.transform * Affine.scale(self.width / width, self.height / height)
        return Grid(self.crs, transform, height, width)

    def part(self, window: Window) -> "Grid":
        """The grid of a window."""
        transform = self.transform * Affine.translation(window.col_off, window.row_off)
        return Grid(self.crs, transform, int(window.height), int(window.width))

    def at(self, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates x and y of places in the grid, which are counted in pixels from its upper left corner."""
        a, b, c, d, e, f = self.transform[:6]
        return a * columns + b * rows + c, d * columns + e * rows + f

    def is_same(self, other: "Grid") -> bool:
        """Whether two grids have equal sizes, and corners that differ by less than a tenth of a pixel.

        Reference systems are compared by what they say of these: a file may return one in other words.
        """
        if (self.height, self.width, self.crs is None) != (other.height, other.width, other.crs is None):
            return False
        columns, rows = np.array([0, self.width, 0, self.width]), np.array([0, 0, self.height, self.height])
        corners, expected = np.array(self.at(columns, rows)), np.array(other.at(columns, rows))
        if self.crs != other.crs:
            try:
                corners = np.array(warp_points(self.crs, other.crs, *corners))
            except CPLE_BaseError:  # outside the other's projection
                return False
        tolerance = 0.1 * min(np.hypot(*axis) for axis in np.reshape(other.transform, (3, 3))[:2, :2].T)
        return np.allclose(corners, expected, rtol=0, atol=tolerance)

    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates x and y of the centres of all pixels: float64 (H, W) each. For grids of windows: it is large."""
        return self.at(*np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5))

    def degrees(self) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude in WGS 84 of the centres of all pixels: float64 (H, W) each.

        Raises:
            ValueError: The grid has no reference system, or one without a place on Earth.
        """
        return self._in_degrees(*self.centres())

    def degrees_at(self, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude in WGS 84 of places in the grid, see `at`; infinite outside the projection.

        Raises:
            ValueError: As for `degrees`.
        """
        return self._in_degrees(*self.at(columns, rows))

    def bounds_in_degrees(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north ends of what the grid covers, in degrees of WGS 84, and up to a pixel more.

        East is at least west, so that one of them may be beyond 180 degrees.

        Returns:
            None if they are not known: the grid has a pole within it, or pixels outside its projection at the edge.

        Raises:
            ValueError: The grid has no reference system, or one without a place on Earth.
        """
        right, bottom = self.width - 1, self.height - 1
        across, down = np.arange(right), np.arange(bottom)
        columns = np.concatenate([across, np.full(bottom, right), right - across, np.zeros(bottom), [0]]) + 0.5
        rows = np.concatenate([np.zeros(right), down, np.full(right, bottom), bottom - down, [0]]) + 0.5
        lon, lat = self._in_degrees(*self.at(columns, rows))
        if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
            return None
        steps = (np.diff(lon) + 180) % 360 - 180
        lon = lon[0] + np.concatenate([[0], np.cumsum(steps)])
        pixel = np.abs(steps).max(initial=0), np.abs(np.diff(lat)).max(initial=0)
        if pixel[0] > _WIDEST or abs(lon[-1] - lon[0]) > _WIDEST:
            return None
        return lon.min() - pixel[0], lat.min() - pixel[1], lon.max() + pixel[0], lat.max() + pixel[1]

    def areas(self) -> np.ndarray:
        """Areas of the pixels in square metres: see `pixel_areas.pixel_areas`. For grids of windows: it may be large.

        Returns:
            float64 (H, W), or (H, 1) where all pixels of a row have the same.

        Raises:
            ValueError: The grid has no reference system, or one without a place on Earth.
        """
        return pixel_areas(self)

    def _in_degrees(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.crs is None:
            raise ValueError("no reference system")
        lon, lat = _to_degrees(self.crs.to_wkt()).transform(x, y, errcheck=False)  # rasterio's takes twice as long
        return lon, lat


@lru_cache(maxsize=16)
def _to_degrees(crs: str) -> "Transformer":
    from pyproj import Transformer  # slow to import
    from pyproj.exceptions import ProjError

    try:
        return Transformer.from_crs(crs, _DEGREES, always_xy=True)
    except ProjError as error:  # such as of the local system of a building site
        raise ValueError("no reference system with a place on Earth") from error

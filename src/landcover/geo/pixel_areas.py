"""The areas of a map's pixels on the Earth."""

import numpy as np
from rasterio.transform import Affine

from landcover.rasters.earth_coordinates import EarthCoordinates
from landcover.rasters.grid import Grid
from landcover.rasters.pixel_areas import areas_at

_NODES = 257  # at most, along each side of a map: what lies between is interpolated


class PixelAreas:
    """The areas of a map's pixels, interpolated between those of some of them.

    Args:
        earth: Of the map's reference system. Without, areas are in squares of the unit of the coordinates.
        transform: From pixels to the map's coordinates.
        size: (height, width) of the map in pixels.
    """

    def __init__(self, earth: EarthCoordinates | None, transform: Affine, size: tuple[int, int]) -> None:
        self._y, self._x = (np.linspace(0.5, side - 0.5, min(side, _NODES)) for side in size)
        if earth:
            self._areas = areas_at(Grid(None, transform, *size), earth, self._y - 0.5, self._x - 0.5)
        else:
            self._areas = np.full((len(self._y), len(self._x)), abs(transform.determinant))

    def __call__(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return the areas of pixels around places in pixels: float64 (N,)."""
        row, down = _between(self._y, y)
        column, right = _between(self._x, x)
        beside, beneath = np.minimum(column + 1, len(self._x) - 1), np.minimum(row + 1, len(self._y) - 1)
        upper = self._areas[row, column] * (1 - right) + self._areas[row, beside] * right
        lower = self._areas[beneath, column] * (1 - right) + self._areas[beneath, beside] * right
        areas: np.ndarray = upper * (1 - down) + lower * down
        return areas

    @property
    def side(self) -> float:
        """The side of a square as large as most of the pixels; 1 if all are beyond the Earth."""
        seen = self._areas[self._areas > 0]
        return float(np.sqrt(np.median(seen))) if len(seen) else 1.0


def _between(nodes: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of the node before each place, and how far it is on the way to the next: 0 to 1."""
    if len(nodes) == 1:
        return np.zeros(len(places), int), np.zeros(len(places))
    position = ((places - nodes[0]) / (nodes[1] - nodes[0])).clip(0, len(nodes) - 1)
    before = np.minimum(position.astype(int), len(nodes) - 2)
    return before, position - before


def placed(transform: Affine, xy: np.ndarray) -> np.ndarray:
    """The coordinates of places in pixels: float64 (N, 2)."""
    x, y = xy.T
    return np.column_stack(
        [transform.c + x * transform.a + y * transform.b, transform.f + x * transform.d + y * transform.e]
    )

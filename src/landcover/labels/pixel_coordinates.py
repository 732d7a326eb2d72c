"""From the reference system of a layer to the pixels of a grid. Needs pyproj."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pyproj import CRS, Transformer

from landcover.rasters.grid import Grid
from landcover.system.errors import LandcoverError


@dataclass(frozen=True)
class PixelCoordinates:
    """How coordinates of a layer become columns and rows of a grid; (0, 0) is the corner of the first pixel.

    Attributes:
        layer: Reference system of the coordinates.
        grid: With a reference system.
    """

    layer: CRS
    grid: Grid

    @cached_property
    def target(self) -> CRS:
        """Reference system of the grid."""
        assert self.grid.crs is not None
        return CRS.from_wkt(self.grid.crs.to_wkt())

    @cached_property
    def same(self) -> bool:
        """Whether the layer has the grid's reference system, so that coordinates stay as they are."""
        return self.layer.equals(self.target, ignore_axis_order=True)

    @cached_property
    def turn(self) -> float:
        """Length of a whole turn in the unit of the grid's longitudes; 0 for a projected system."""
        return whole_turn(self.target)

    @cached_property
    def transformer(self) -> Transformer:
        """From the layer to the grid's reference system, x before y in both."""
        return Transformer.from_crs(self.layer, self.target, always_xy=True)

    def on_ground(self, xy: np.ndarray) -> np.ndarray:
        """Coordinates of the layer in the grid's reference system: float64 (N, 2), infinite outside its domain."""
        if self.same:
            return xy
        x, y = self.transformer.transform(xy[:, 0], xy[:, 1], errcheck=False)
        if self.turn and (turn := whole_turn(self.layer)):
            before = xy[:, 0] * (self.turn / turn)  # longitudes keep their whole turns
            x = x + self.turn * np.round((before - x) / self.turn)
        return np.column_stack([x, y])

    def near_grid(self, xy: np.ndarray) -> np.ndarray:
        """What `on_ground` returns, longitudes moved by whole turns to where they are nearest to the grid."""
        xy = self.on_ground(xy)
        if not self.turn:
            return xy
        left, _, right, _ = bounds_of(self.grid)
        turns = np.round((xy[:, 0] - (left + right) / 2) / self.turn)
        return np.column_stack([xy[:, 0] - self.turn * turns, xy[:, 1]])

    def pixels(self, xy: np.ndarray) -> np.ndarray:
        """Columns and rows of coordinates in the grid's reference system: float64 (N, 2).

        The arithmetic is that of GDAL (GDALInvGeoTransform and GDALApplyGeoTransform), so that what lies on the edge of
        a pixel lies there for both.
        """
        c, a, b, f, d, e = self.grid.transform.to_gdal()
        if b == 0 and d == 0:
            inverse = (-c / a, 1 / a, 0.0, -f / e, 0.0, 1 / e)
        else:
            inv = 1 / (a * e - b * d)
            inverse = ((b * f - c * e) * inv, e * inv, -b * inv, (-a * f + c * d) * inv, -d * inv, a * inv)
        x, y = xy.T
        return np.column_stack(
            [inverse[0] + x * inverse[1] + y * inverse[2], inverse[3] + x * inverse[4] + y * inverse[5]]
        )


def pixel_coordinates(layer: CRS, grid: Grid, scene: object, labels: object) -> PixelCoordinates:
    """Make it for a layer and the grid of a scene.

    Args:
        scene, labels: Their files, for the message.

    Raises:
        LandcoverError: The grid has no reference system, or one that the layer's cannot be transformed to.
    """
    if grid.crs is None:
        raise LandcoverError(
            f"{scene}: no reference system, so no label can be placed on it. Assign it (gdal_edit.py -a_srs)."
        )
    coordinates = PixelCoordinates(layer, grid)
    if not coordinates.same:
        try:
            _ = coordinates.transformer
            if layer.geodetic_crs is None or coordinates.target.geodetic_crs is None:
                raise ValueError("a local reference system, without a place on Earth")
        except Exception as error:  # pyproj raises several
            cause = str(error).splitlines()[0].rstrip(".")
            raise LandcoverError(
                f"{labels}: cannot be transformed from {layer.name} to {coordinates.target.name}, the reference system "
                f"of {scene} ({cause}). Reproject the labels."
            ) from error
    return coordinates


def bounds_of(grid: Grid) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of a grid in its reference system."""
    x, y = grid.at(np.array([0, grid.width, 0, grid.width]), np.array([0, 0, grid.height, grid.height]))
    return x.min(), y.min(), x.max(), y.max()


def whole_turn(crs: CRS) -> float:
    """Length of a whole turn in the unit of the longitudes of a geographic system; 0 for any other."""
    if not crs.is_geographic or crs.is_derived:
        return 0.0
    return float(2 * np.pi / crs.axis_info[0].unit_conversion_factor)

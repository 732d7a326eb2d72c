"""Areas of a map's polygons on the Earth, and their shapes in degrees."""

from functools import cached_property

import numpy as np
import shapely
from rasterio.transform import Affine

from landcover.geo.antimeridian import cut
from landcover.geo.areas import polygon_areas
from landcover.geo.domains import domain, is_on_earth
from landcover.geo.outlines import outlines
from landcover.rasters.earth_coordinates import EarthCoordinates

_EDGES = 256  # at least so many along the longer side of a map: what is straight there is curved on Earth


class Measurements:
    """Measures polygons of one map, some at a time.

    Args:
        earth: Of the map's reference system.
        transform: From pixels to its coordinates.
        size: (height, width) of the map in pixels.
        in_degrees: Whether polygons are wanted in degrees of WGS 84, cut at the 180th meridian.

    Attributes:
        beyond: How many polygons so far reached beyond the Earth, where the projection has no place.
    """

    def __init__(self, earth: EarthCoordinates, transform: Affine, size: tuple[int, int], in_degrees: bool) -> None:
        self._earth, self._transform, self._size, self._in_degrees = earth, transform, size, in_degrees
        self.beyond = 0

    def __call__(self, polygons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the area of each polygon in square metres, and the polygons, in degrees if asked for.

        Args:
            polygons: In the map's coordinates.
        """
        if not len(polygons):
            return np.zeros(0), polygons
        parts, owners = self._on_earth(polygons)
        if not len(parts):
            return np.zeros(len(polygons)), np.full(len(polygons), None) if self._in_degrees else polygons
        borders = outlines(parts, self._earth, self._longest)
        areas, inverted = polygon_areas(borders, self._earth)
        areas = np.bincount(owners, areas, len(polygons))
        if not self._in_degrees:
            return areas, polygons
        shapes = cut(borders, *self._earth.wgs84(borders.lon, borders.lat), inverted)
        if parts is not polygons:
            groups = np.split(shapes, np.searchsorted(owners, np.arange(1, len(polygons))))
            shapes = np.array([_united(group) for group in groups], object)
        return areas, shapes

    @cached_property
    def _longest(self) -> float:
        """The longest allowed edge of polygons, in the units of the coordinates."""
        (height, width), by = self._size, self._transform
        if not self._earth.wraps and by.b == by.d == 0:
            return np.inf  # along meridians and parallels
        return float(max(width * np.hypot(by.a, by.d), height * np.hypot(by.b, by.e)) / _EDGES)

    @cached_property
    def _domain(self) -> shapely.Geometry:
        height, width = self._size
        corners = np.array([self._transform @ corner for corner in ((0, 0), (width, 0), (0, height), (width, height))])
        return domain(self._earth, (*corners.min(0), *corners.max(0)), self._longest / _EDGES)

    def _on_earth(self, polygons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The parts of polygons for which their projection has a place on Earth, and the polygon of each part."""
        xy, owners = shapely.get_coordinates(polygons, return_index=True)
        beyond = np.unique(owners[~is_on_earth(self._earth, xy, self._longest / _EDGES)])
        if not len(beyond):
            return polygons, np.arange(len(polygons))
        self.beyond += len(beyond)
        shown = polygons.copy()
        shown[beyond] = shapely.intersection(polygons[beyond], self._domain)
        parts, owners = shapely.get_parts(shown, return_index=True)
        solid = shapely.area(parts) > 0
        return parts[solid], owners[solid]


def _united(parts: np.ndarray) -> shapely.Geometry | None:
    """The parts of a polygon as one; a single one as it is, so that it does not depend on what is measured with it."""
    if len(parts) < 2:
        return parts[0] if len(parts) else None
    return shapely.orient_polygons(shapely.union_all(parts))

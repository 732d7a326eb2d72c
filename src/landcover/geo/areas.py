"""Areas of polygons on the ellipsoid."""

import numpy as np

from landcover.geo.outlines import Outlines
from landcover.rasters.earth_coordinates import EarthCoordinates

_NOTHING = 1e-9  # of the Earth's area: what is negative by less than this is rounding, and counts as 0


def polygon_areas(outlines: Outlines, earth: EarthCoordinates) -> tuple[np.ndarray, np.ndarray]:
    """Compute areas of polygons on the ellipsoid of their reference system.

    By Green's theorem in the cylindrical equal-area projection, where the area to the left of an eastward step is the
    area between the step and the north pole. Each edge is approximated by the parabola through its ends and its middle.

    Returns:
        Areas in square metres: float64 (polygons,). And whether each ring encloses both poles: bool (R,); what such a
        ring encloses is all that lies outside its longitudes and latitudes.
    """
    last = outlines.starts[1:] - 1
    edge = np.ones(len(outlines.lon), bool)
    edge[last] = False
    edge = np.flatnonzero(edge)
    lon, lat = earth.degrees((outlines.xy[edge] + outlines.xy[edge + 1]) / 2)
    to_end = outlines.lon[edge + 1] - outlines.lon[edge]
    to_middle = lon - outlines.lon[edge]
    if earth.wraps:
        to_middle -= 360 * np.round((to_middle - to_end / 2) / 360)
    to_middle = np.where(np.isnan(to_middle), to_end / 2, to_middle)

    height = earth.authalic(outlines.lat)
    first = height[outlines.starts[:-1]]  # heights are relative to it: differences of large numbers lose digits
    offset = np.repeat(first, np.diff(outlines.starts) - 1)
    at_start, middle, at_end = height[edge] - offset, earth.authalic(lat) - offset, height[edge + 1] - offset
    middle = np.where(np.isnan(middle), (at_start + at_end) / 2, middle)
    below = at_start * (4 * to_middle - to_end) + 4 * middle * to_end + at_end * (3 * to_end - 4 * to_middle)
    below = np.add.reduceat(np.radians(below) / 6, outlines.starts[:-1] - np.arange(len(last)))

    pole = earth.authalic(np.array(90.0))
    inside = 2 * np.pi * outlines.turns * (pole - first) - below
    inside = np.where(outlines.holes, -inside, inside)
    whole = 4 * np.pi * pole
    beyond = inside < -_NOTHING * whole  # it runs around the other pole, or encloses both
    inside = np.where(beyond, inside + whole, inside).clip(0, None)
    signed = np.where(outlines.holes, -inside, inside)
    return np.bincount(outlines.polygons, signed), beyond & (outlines.turns == 0)

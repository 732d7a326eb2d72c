"""The domain of a projection: the part of its plane that lies on Earth, such as the disc in a view from space."""

import numpy as np
import shapely

from landcover.rasters.earth_coordinates import EarthCoordinates

_SIDE = 64  # side of the grid of places from which the middle of the domain is found
_RAYS = 16_384  # from the middle, along which the border is searched for
_HALVINGS = 40  # of the part of a ray on which the border lies
_STEP = 1e-3  # degrees of longitude: the step by which the length of a whole turn is measured
_EXACT = 1e-6  # of the semi-major axis, 6 m: the smallest tolerance
_RIM = 1e-7  # share of a ray that is left out: on the border itself, one point can stand for half a world


def is_on_earth(earth: EarthCoordinates, xy: np.ndarray, tolerance: float) -> np.ndarray:
    """Whether coordinates lie on Earth.

    Beyond the border of its domain, a projection has either no longitude and latitude, or those of other coordinates.
    Coordinates a whole turn away count as the same: a cylinder goes on beyond the 180th meridian.

    Args:
        earth: Of the reference system.
        xy: Coordinates: float64 (N, 2).
        tolerance: How far from `xy` the coordinates may be that their longitudes and latitudes are projected to, in the
            unit of `xy`; at least `_EXACT`.

    Returns:
        bool (N,).
    """
    lon, lat = earth.degrees(xy)
    if not earth.wraps:
        is_finite: np.ndarray = np.isfinite(lon)
        return is_finite
    back = earth.coordinates(lon, lat)
    some = lon[np.isfinite(lon)][: _SIDE**2]
    west, east = (earth.coordinates(some + step, np.zeros(len(some)))[:, 0] for step in (0, _STEP))
    steps = (east - west)[np.isfinite(east - west)]
    turn = np.median(steps) * 360 / _STEP if len(steps) else 0
    away = back - xy
    if turn:
        away[:, 0] -= turn * np.round(away[:, 0] / turn)
    is_near: np.ndarray = np.hypot(*away.T) < max(tolerance, _EXACT * earth.semi_major)
    return is_near


def domain(earth: EarthCoordinates, bounds: tuple[float, float, float, float], tolerance: float) -> shapely.Geometry:
    """Find the domain of a projection within bounds. It is assumed to be star-shaped, as seen from its middle.

    Args:
        earth: Of the reference system.
        bounds: (left, bottom, right, top).
        tolerance: See `is_on_earth`.

    Returns:
        A polygon or multi-polygon, empty if nothing within the bounds lies on Earth.
    """
    left, bottom, right, top = bounds
    xy = np.stack(np.meshgrid(np.linspace(left, right, _SIDE), np.linspace(bottom, top, _SIDE)), -1).reshape(-1, 2)
    xy = xy[is_on_earth(earth, xy, tolerance)]
    if not len(xy):
        return shapely.Polygon()
    middle = xy[np.argmin(((xy - xy.mean(0)) ** 2).sum(1))]
    angle = np.linspace(0, 2 * np.pi, _RAYS, endpoint=False)
    ray = np.hypot(right - left, top - bottom) * np.column_stack([np.cos(angle), np.sin(angle)])
    inside, outside = np.zeros(_RAYS), np.ones(_RAYS)
    for _ in range(_HALVINGS):
        share = (inside + outside) / 2
        found = is_on_earth(earth, middle + share[:, None] * ray, tolerance)
        inside, outside = np.where(found, share, inside), np.where(found, outside, share)
    return shapely.make_valid(shapely.polygons(middle + (1 - _RIM) * inside[:, None] * ray))

"""The part of a plane that a projection has a place on Earth for: of a view from space, the disc without the sky."""

import numpy as np
import shapely

from landcover.geo.earth_coordinates import EarthCoordinates

_SIDE = 64  # places in a row at which is looked for the middle of the domain
_RAYS = 16_384  # along which its border is looked for
_HALVINGS = 40
_STEP = 1e-3  # degrees of longitude in which a cylinder's turn is measured
_EXACT = 1e-6  # of the semi-major axis, 6 m: how near coordinates have to come back at most
_RIM = 1e-7  # of a ray: on the border itself, half a world can be one point


def is_on_earth(earth: EarthCoordinates, xy: np.ndarray, tolerance: float) -> np.ndarray:
    """Whether coordinates (N, 2) have a place on Earth: bool (N,).

    Beyond its border, a projection may have no answer, or that of coordinates elsewhere. Those a whole turn
    away are no others: a cylinder goes on beyond the 180th meridian.

    Args:
        earth: Of their reference system.
        xy: The coordinates.
        tolerance: How near they come back from longitudes and latitudes, in their own unit; at least `_EXACT`.
    """
    lon, lat = earth.degrees(xy)
    if not earth.wraps:
        return np.isfinite(lon)
    back = earth.coordinates(lon, lat)
    some = lon[np.isfinite(lon)][: _SIDE**2]
    west, east = (earth.coordinates(some + step, np.zeros(len(some)))[:, 0] for step in (0, _STEP))
    steps = (east - west)[np.isfinite(east - west)]
    turn = np.median(steps) * 360 / _STEP if len(steps) else 0
    away = back - xy
    if turn:
        away[:, 0] -= turn * np.round(away[:, 0] / turn)
    return np.hypot(*away.T) < max(tolerance, _EXACT * earth.semi_major)


def domain(earth: EarthCoordinates, bounds: tuple[float, float, float, float], tolerance: float) -> shapely.Geometry:
    """What has a place on Earth within bounds (left, bottom, right, top): polygons, empty if nothing has.

    It is taken for star-shaped, as seen from its middle. `tolerance` is that of `is_on_earth`.
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

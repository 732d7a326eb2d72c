"""Rings of polygons in degrees, with longitudes that are continuous across the 180th meridian and around the poles."""

from dataclasses import dataclass

import numpy as np
import shapely

from landcover.rasters.earth_coordinates import EarthCoordinates

_LONGEST_TURN = 1.0  # degrees of longitude: edges that span more, as those of a pixel near a pole do, are split
_AT_POLE = 1e-9  # degrees, 0.1 mm
_EXACT = 1e-8  # of the semi-major axis, 6 cm: the inverse of some projections is exact to a millimetre only
_PROBES = 100  # places that are tried to find out whether a projection mirrors


@dataclass(frozen=True)
class Outlines:
    """Closed rings of polygons. Exteriors run counter-clockwise on the Earth as seen from above, holes clockwise.

    Attributes:
        xy: Coordinates of the vertices: float64 (N, 2).
        lon, lat: The same vertices in degrees: float64 (N,). Longitudes are continuous within a ring: if it runs around
            a pole, its last longitude differs by 360 from its first.
        starts: Index of the first vertex of each ring, and N: (R + 1,).
        polygons: Index of the polygon of each ring, in rising order: (R,).
        holes: Whether each ring is a hole: bool (R,).
    """

    xy: np.ndarray
    lon: np.ndarray
    lat: np.ndarray
    starts: np.ndarray
    polygons: np.ndarray
    holes: np.ndarray

    @property
    def turns(self) -> np.ndarray:
        """How many times each ring runs eastwards around the Earth: -1, 0 or 1, int (R,)."""
        turns: np.ndarray = np.round((self.lon[self.starts[1:] - 1] - self.lon[self.starts[:-1]]) / 360).astype(int)
        return turns


def outlines(polygons: np.ndarray, earth: EarthCoordinates, longest: float) -> Outlines:
    """Find the outlines of polygons.

    Args:
        polygons: Array of shapely polygons, none of them empty, all on Earth (`domains.is_on_earth`).
        earth: Of the polygons' reference system.
        longest: Longest edge, in the unit of the coordinates. Longer ones are split, because a line that is straight in
            coordinates is curved in degrees.
    """
    rings = shapely.get_rings(polygons)
    count = shapely.get_num_interior_rings(polygons) + 1
    holes = np.ones(len(rings), bool)
    holes[np.cumsum(count) - count] = False
    clockwise = ~shapely.is_ccw(rings)
    rings = np.where(clockwise != (holes ^ _mirrors(rings, earth, longest)), shapely.reverse(rings), rings)

    xy = shapely.get_coordinates(rings)
    starts = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(rings))])
    steps = np.diff(xy, axis=0, append=xy[-1:])
    xy, starts = _split(xy, starts, np.ceil(np.hypot(*steps.T) / longest))
    lon, lat = earth.degrees(xy)
    if earth.wraps:
        xy, starts = _split(xy, starts, np.ceil(np.abs(_turn(np.diff(lon, append=lon[-1:]))) / _LONGEST_TURN))
        lon, lat = earth.degrees(xy)
        xy, lon, lat, starts = _opened_at_poles(xy, lon, lat, starts)
        lon = _continuous(lon, starts)
    return Outlines(xy, lon, lat, starts, np.repeat(np.arange(len(polygons)), count), holes)


def _turn(difference: np.ndarray) -> np.ndarray:
    """Differences of longitudes, taken the shorter way around the Earth: -180 to 180."""
    return difference - 360 * np.round(difference / 360)


def _mirrors(rings: np.ndarray, earth: EarthCoordinates, longest: float) -> bool:
    """Whether the coordinates swap left and right, as they do if they grow to the south and to the west."""
    if not earth.wraps:
        return False
    xy = shapely.get_coordinates(rings)
    xy = xy[:: len(xy) // _PROBES + 1]
    step = max(longest / 16, _EXACT * earth.semi_major)
    (lon, lat), (lon_x, lat_x), (lon_y, lat_y) = (earth.degrees(xy + shift) for shift in ((0, 0), (step, 0), (0, step)))
    cross = _turn(lon_x - lon) * (lat_y - lat) - _turn(lon_y - lon) * (lat_x - lat)
    return bool(np.nansum(np.sign(cross)) < 0)


def _split(xy: np.ndarray, starts: np.ndarray, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and starts after splitting the edge that leaves each vertex into `parts` (N,)."""
    parts = np.nan_to_num(parts, nan=1).clip(1, None).astype(int)
    parts[starts[1:] - 1] = 1  # no edge leaves the last vertex of a ring
    steps = np.diff(xy, axis=0, append=xy[-1:])
    before = np.concatenate([[0], np.cumsum(parts)])
    edge = np.repeat(np.arange(len(xy)), parts)
    share = (np.arange(before[-1]) - before[edge]) / parts[edge]
    return xy[edge] + share[:, None] * steps[edge], before[starts]


def _opened_at_poles(
    xy: np.ndarray, lon: np.ndarray, lat: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Double the vertex where a ring touches a pole: it arrives on one meridian and leaves on another.

    The longitude that a projection gives to a pole is arbitrary.
    """
    last = starts[1:] - 1
    before, after = np.arange(len(lon)) - 1, np.arange(len(lon)) + 1
    before[starts[:-1]], after[last] = last - 1, starts[:-1] + 1
    pole = np.abs(lat) > 90 - _AT_POLE
    pole &= ~pole[before] & ~pole[after]  # where the pole is a line, its longitudes are right
    twice = pole.copy()
    twice[last] = False
    vertex = np.repeat(np.arange(len(lon)), 1 + twice)
    leaves = np.concatenate([[False], vertex[1:] == vertex[:-1]])
    lon = np.where(pole[vertex], lon[np.where(leaves, after[vertex], before[vertex])], lon[vertex])
    return xy[vertex], lon, lat[vertex], np.concatenate([[0], np.cumsum(1 + twice)])[starts]


def _continuous(lon: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Longitudes without jumps within a ring: whole turns are added."""
    jumps = -np.round(np.diff(lon, prepend=lon[:1]) / 360)
    jumps[starts[:-1]] = 0
    turns = np.cumsum(jumps)
    continuous: np.ndarray = lon + 360 * (turns - np.repeat(turns[starts[:-1]], np.diff(starts)))
    return continuous

"""Polygons in degrees from -180 to 180, as GeoJSON wants them (RFC 7946, sections 3.1.6, 3.1.9 and 4)."""

import numpy as np
import shapely

from landcover.geo.outlines import Outlines

_SNAP = 1e-9  # degrees, 0.1 mm: longitudes so close to the 180th meridian lie on it
_WORLD = shapely.box(-180, -90, 180, 90)


def cut(outlines: Outlines, lon: np.ndarray, lat: np.ndarray, inverted: np.ndarray) -> np.ndarray:
    """Make polygons, cut where they cross the 180th meridian and closed along the pole that they enclose.

    Args:
        outlines: Of the polygons.
        lon, lat: Of their vertices in WGS 84, continuous within each ring: float64 (N,).
        inverted: Which rings enclose all that their vertices do not: bool (R,).

    Returns:
        An array of polygons and multi-polygons, valid, with exteriors counter-clockwise; None for what has no extent.
    """
    lon = _snapped(lon)
    first = outlines.starts[:-1]
    turn = np.floor((np.minimum.reduceat(lon, first) + 180) / 360)
    inside = np.maximum.reduceat(lon, first) <= 180 + 360 * turn
    easy = inside & (outlines.turns == 0) & ~inverted
    shifted = _snapped(lon - 360 * np.repeat(turn, np.diff(outlines.starts)))

    owner = outlines.polygons
    hard = np.zeros(owner[-1] + 1, bool)
    hard[owner[~easy]] = True
    rings = np.searchsorted(owner, np.arange(len(hard) + 1))
    vertices = np.column_stack([shifted, lat])
    polygons = shapely.from_ragged_array(shapely.GeometryType.POLYGON, vertices, (outlines.starts, rings))
    broken = ~hard & ~shapely.is_valid(polygons)
    polygons[broken] = [_polygonal(shapely.make_valid(polygon)) for polygon in polygons[broken]]
    north = (outlines.turns > 0) != outlines.holes
    vertices = np.split(np.column_stack([lon, lat]), outlines.starts[1:-1])
    for number in np.flatnonzero(hard):
        exterior, *holes = (
            _region(vertices[ring], outlines.turns[ring], north[ring], inverted[ring])
            for ring in range(rings[number], rings[number + 1])
        )
        polygons[number] = _polygonal(shapely.difference(exterior, shapely.union_all(holes), grid_size=_SNAP))
    polygons[shapely.is_empty(polygons)] = None
    return shapely.orient_polygons(polygons)


def _snapped(lon: np.ndarray) -> np.ndarray:
    meridian = 360 * np.round((lon - 180) / 360) + 180
    return np.where(np.abs(lon - meridian) < _SNAP, meridian, lon)


def _region(ring: np.ndarray, turns: int, north: bool, inverted: bool) -> shapely.Geometry:
    """What a ring (N, 2) encloses, within the world."""
    if turns:
        pole = 90 if north else -90
        nearest = np.argmin(np.abs(ring[:-1, 1] - pole))  # from there, the meridian to the pole crosses no other edge
        ring = np.concatenate([ring[nearest:-1], ring[: nearest + 1] + np.array([360 * turns, 0])])
        ring = np.concatenate([ring, [[ring[-1, 0], pole], [ring[0, 0], pole], ring[0]]])
    region = _polygonal(shapely.make_valid(shapely.polygons(ring)))
    west, _, east, _ = region.bounds
    turns = range(int(np.floor((west + 180) / 360)), int(np.ceil((east - 180) / 360)) + 1)
    worlds = [shapely.transform(region, lambda xy, east=360 * turn: xy - (east, 0)) for turn in turns]
    region = _polygonal(shapely.union_all(shapely.intersection(worlds, _WORLD), grid_size=_SNAP))
    return shapely.difference(_WORLD, region) if inverted else region


def _polygonal(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry, without the lines and points that may lie beside them."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)

"""Polygons in degrees from -180 to 180, as GeoJSON requires (RFC 7946, sections 3.1.6, 3.1.9 and 4)."""

from functools import partial

import numpy as np
import shapely

from landcover.geo.outlines import Outlines

_SNAP = 1e-9  # degrees, 0.1 mm: longitudes this close to the 180th meridian count as on it
_WORLD = shapely.box(-180, -90, 180, 90)


def cut(outlines: Outlines, lon: np.ndarray, lat: np.ndarray, inverted: np.ndarray) -> np.ndarray:
    """Make polygons that are cut at the 180th meridian and closed along the pole that they enclose.

    Args:
        outlines: Of the polygons.
        lon, lat: The vertices in WGS 84, longitudes continuous within each ring: float64 (N,).
        inverted: Whether each ring encloses all that lies outside its vertices: bool (R,).

    Returns:
        Array of valid polygons and multi-polygons, exteriors counter-clockwise; None for those without extent.
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
    vertices_of_rings = np.split(np.column_stack([lon, lat]), outlines.starts[1:-1])
    for number in np.flatnonzero(hard):
        exterior, *holes = (
            _region(vertices_of_rings[ring], outlines.turns[ring], north[ring], inverted[ring])
            for ring in range(rings[number], rings[number + 1])
        )
        polygons[number] = _polygonal(shapely.difference(exterior, shapely.union_all(holes), grid_size=_SNAP))
    polygons[shapely.is_empty(polygons)] = None
    oriented: np.ndarray = shapely.orient_polygons(polygons)
    return oriented


def _snapped(lon: np.ndarray) -> np.ndarray:
    """Longitudes, those next to the 180th meridian moved onto it."""
    meridian = 360 * np.round((lon - 180) / 360) + 180
    return np.where(np.abs(lon - meridian) < _SNAP, meridian, lon)


def _region(ring: np.ndarray, turns: int, north: bool, inverted: bool) -> shapely.Geometry:
    """The region within the world that a ring (N, 2) encloses."""
    if turns:
        pole = 90 if north else -90
        nearest = np.argmin(np.abs(ring[:-1, 1] - pole))  # whose meridian crosses no edge on its way to the pole
        ring = np.concatenate([ring[nearest:-1], ring[: nearest + 1] + np.array([360 * turns, 0])])
        ring = np.concatenate([ring, [[ring[-1, 0], pole], [ring[0, 0], pole], ring[0]]])
    region = _polygonal(shapely.make_valid(shapely.polygons(ring)))
    west, _, east, _ = region.bounds
    first, last = int(np.floor((west + 180) / 360)), int(np.ceil((east - 180) / 360))
    shifted = [shapely.transform(region, partial(_shift_west, turns=turn)) for turn in range(first, last + 1)]
    region = _polygonal(shapely.union_all(shapely.intersection(shifted, _WORLD), grid_size=_SNAP))
    return shapely.difference(_WORLD, region) if inverted else region


def _shift_west(vertices: np.ndarray, turns: int) -> np.ndarray:
    return vertices - (360 * turns, 0)


def _polygonal(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry, without its lines and points."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)

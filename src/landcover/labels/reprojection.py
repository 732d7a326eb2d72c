"""Polygons of a layer in pixels of a grid. Needs shapely and pyproj.

Straight edges of a layer are curves in another reference system: they are divided until what is drawn differs by less
than a tenth of a pixel from the curve.
"""

from functools import partial
from itertools import pairwise

import numpy as np
import shapely

from landcover.labels.footprint import Box, footprint
from landcover.labels.geometries import polygonal
from landcover.labels.pixel_coordinates import PixelCoordinates, bounds_of, whole_turn

_TOLERANCE = 0.05  # pixels
_ROUNDS = 12
_MOST_PIECES = 64  # of an edge in a round
_PROBES = (0.25, 0.5, 0.75)  # along an edge, where it is compared with the curve
_DEEP, _DEEPEST = 4, 10  # how often polygons are quartered: before parts without any coordinates are left out; at most
_MOST_DEGREES = 0.25  # of a turn, that an edge may span in longitude


def in_pixels(parts: np.ndarray, coordinates: PixelCoordinates) -> tuple[np.ndarray, np.ndarray]:
    """The polygons that meet a grid, in its pixels.

    In the grid's own reference system they keep their vertices; else they are cut to the surroundings of the grid, and
    to the domain of its reference system.

    Args:
        parts: Polygons in the layer's reference system: object (N,).
        coordinates: Of the layer and the grid.

    Returns:
        Polygons in columns and rows of the grid: object (M,); and which of the given polygons each is, or is cut from,
        ascending: int64 (M,).
    """
    index = np.arange(len(parts))
    if not coordinates.same:
        box = footprint(coordinates)
        if box is not None:
            parts, index = _copies(parts, box, whole_turn(coordinates.layer), clip=True)
        parts, owner = _on_ground(parts, coordinates)
        index = index[owner]
    near, kept = _copies(parts, bounds_of(coordinates.grid), coordinates.turn, clip=False)
    return shapely.transform(near, coordinates.pixels), index[kept]


def _on_ground(parts: np.ndarray, coordinates: PixelCoordinates) -> tuple[np.ndarray, np.ndarray]:
    """The parts in the grid's reference system, and the index of each, ascending.

    Those that reach beyond its domain are quartered again and again; what still does then is less than a thousandth of
    them wide, and left out.
    """
    found, index, owner = [], [], np.arange(len(parts))
    for depth in range(_DEEPEST + 1):
        ground = _transformed(_divided(parts, coordinates), coordinates)
        xy, number = shapely.get_coordinates(ground, return_index=True)
        is_there = np.isfinite(xy).all(1)
        count = np.bincount(number[is_there], minlength=len(parts))
        whole = count == np.bincount(number, minlength=len(parts))
        found.append(ground[whole])
        index.append(owner[whole])
        again = ~whole & ((count > 0) | (depth < _DEEP))
        if not again.any():
            break
        parts, kept = _quarters(parts[again])
        owner = owner[again][kept]
    order = np.argsort(np.concatenate(index), kind="stable")
    return np.concatenate(found)[order], np.concatenate(index)[order]


def _quarters(parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parts cut into four along the middle of their bounds, and the index of each."""
    left, bottom, right, top = shapely.bounds(parts).T
    x, y = (left + right) / 2, (bottom + top) / 2
    corners = [(left, bottom, x, y), (x, bottom, right, y), (left, y, x, top), (x, y, right, top)]
    cut = [shapely.intersection(parts, shapely.box(*corner)) for corner in corners]
    quarters, index = shapely.get_parts([polygonal(part) for part in np.concatenate(cut)], return_index=True)
    return quarters, index % len(parts)


def _copies(parts: np.ndarray, box: Box, turn: float, *, clip: bool) -> tuple[np.ndarray, np.ndarray]:
    """The parts that meet a box, moved there by whole turns, and the index of each."""
    found, index = [], []
    bounds = shapely.bounds(parts).reshape(-1, 4)
    for shift in (0.0, -turn, turn) if turn else (0.0,):
        left, right = bounds[:, 0] + shift, bounds[:, 2] + shift
        meet = (left <= box[2]) & (right >= box[0]) & (bounds[:, 1] <= box[3]) & (bounds[:, 3] >= box[1])
        chosen = np.flatnonzero(meet)
        moved = parts[chosen]
        if shift:
            moved = shapely.transform(moved, partial(np.add, (shift, 0)))
        if clip:
            inside = (left >= box[0]) & (right <= box[2]) & (bounds[:, 1] >= box[1]) & (bounds[:, 3] <= box[3])
            across = np.flatnonzero(~inside[chosen])
            moved[across] = [polygonal(part) for part in shapely.intersection(moved[across], shapely.box(*box))]
            moved, kept = shapely.get_parts(moved, return_index=True)
            chosen = chosen[kept]
        found.append(moved)
        index.append(chosen)
    order = np.argsort(np.concatenate(index), kind="stable")
    return np.concatenate(found)[order], np.concatenate(index)[order]


def _divided(parts: np.ndarray, coordinates: PixelCoordinates) -> np.ndarray:
    """The parts with as many further vertices on their edges as it takes."""
    if not len(parts):
        return parts
    _, xy, (rings, polygons) = shapely.to_ragged_array(parts)
    for _ in range(_ROUNDS):
        pieces = _pieces(xy, rings, coordinates)
        if pieces.max() == 1:
            break
        start = np.concatenate([[0], np.cumsum(pieces)])  # where each vertex comes to lie
        number = np.repeat(np.arange(len(xy)), pieces)
        share = (np.arange(len(number)) - start[number]) / pieces[number]
        following = np.minimum(number + 1, len(xy) - 1)
        xy = np.where(share[:, None] == 0, xy[number], xy[number] + share[:, None] * (xy[following] - xy[number]))
        rings = start[rings]
    divided: np.ndarray = shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy, (rings, polygons))
    return divided


def _pieces(xy: np.ndarray, rings: np.ndarray, coordinates: PixelCoordinates) -> np.ndarray:
    """Into how many pieces the edge that begins at each vertex is to be divided: int64 (N,), 1 at the end of a ring."""
    begin, end = xy[:-1], xy[1:]
    ground = coordinates.on_ground(xy)
    pixels = coordinates.pixels(ground)
    away = np.zeros(len(begin))
    with np.errstate(invalid="ignore"):
        for share in _PROBES:
            curve = coordinates.pixels(coordinates.on_ground(begin + share * (end - begin)))
            chord = pixels[:-1] + share * (pixels[1:] - pixels[:-1])
            away = np.maximum(away, np.hypot(*(curve - chord).T))
        pieces = np.ceil(np.sqrt(away / _TOLERANCE))
        if coordinates.turn and not whole_turn(coordinates.layer):
            span = np.abs(np.diff(ground[:, 0])) / coordinates.turn
            wide = (span > _MOST_DEGREES) & ~(away > _TOLERANCE)
            pieces = np.where(wide, np.ceil(span / _MOST_DEGREES), pieces)
    there = np.isfinite(ground).all(1)
    pieces = np.where(np.isfinite(pieces), pieces.clip(1, _MOST_PIECES), 1 + (there[:-1] & there[1:])).astype(np.int64)
    pieces = np.append(pieces, 1)
    pieces[rings[1:] - 1] = 1
    return pieces


def _transformed(parts: np.ndarray, coordinates: PixelCoordinates) -> np.ndarray:
    """The parts in the grid's reference system; longitudes are continuous along each ring."""
    if not len(parts):
        return parts
    _, xy, (rings, polygons) = shapely.to_ragged_array(parts)
    xy = coordinates.on_ground(xy)
    if coordinates.turn and not whole_turn(coordinates.layer):
        for start, end in pairwise(rings):
            xy[start:end, 0] = np.unwrap(xy[start:end, 0], period=coordinates.turn)
    moved: np.ndarray = shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy, (rings, polygons))
    return moved

"""Simpler outlines of polygons that share borders, without gaps or overlaps. Needs shapely."""

import numpy as np
import shapely


def simplify(polygons: np.ndarray, tolerance: float) -> np.ndarray:
    """Simplify the borders between polygons, each the same way on both sides; all are held in memory.

    By the area of the triangle of each vertex and its neighbours (Visvalingam and Whyatt, Line generalisation by
    repeated elimination of points, 1993), in `shapely.coverage_simplify`. Corners where three polygons meet stay, and
    so do borders to what is covered by none: the polygons together cover what they covered before.

    Args:
        polygons: Valid polygons of pixels without overlaps, with horizontal and vertical edges between whole numbers.
        tolerance: In pixels, about the width of what is removed.

    Returns:
        Valid polygons in the same order.
    """
    if not len(polygons):
        return polygons
    simpler: np.ndarray = shapely.coverage_simplify(_with_corners(polygons), tolerance, simplify_boundary=False)
    return simpler


def _with_corners(polygons: np.ndarray) -> np.ndarray:
    """The polygons with a vertex wherever a neighbour has one, so that shared borders have the same vertices."""
    kind, xy, (rings, owners) = shapely.to_ragged_array(polygons)
    xy = xy.astype(np.int64)
    stop = np.roll(xy, -1, 0)
    stop[rings[1:] - 1] = xy[rings[1:] - 1]  # no edge leaves the last vertex of a ring
    edges, corners = zip(*(_corners_along(axis, xy, stop) for axis in (0, 1)), strict=True)
    edge = np.concatenate(edges)
    order = np.argsort(edge, kind="stable")
    cornered = np.insert(xy, edge[order] + 1, np.concatenate(corners)[order], axis=0)
    count = np.bincount(edge, minlength=len(xy))
    starts = rings + np.concatenate([[0], np.cumsum(count)])[rings]
    result: np.ndarray = shapely.from_ragged_array(kind, cornered.astype(float), (starts, owners))
    return result


def _corners_along(axis: int, start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vertices that lie within edges along an axis, 0 for horizontal ones.

    Args:
        axis: Other edges have none.
        start, stop: Vertices, and where the edges that leave them lead: int64 (N, 2).

    Returns:
        The number of the edge of each, in rising order, and the vertices, in the order of their edge: int64 (n, 2).
    """
    length = start[:, axis].max() + 1
    keys = start[:, 1 - axis] * length + start[:, axis]  # in the order of lines, and within these along the axis
    corners = np.unique(keys)
    edge = np.flatnonzero((start[:, axis] != stop[:, axis]) & (start[:, 1 - axis] == stop[:, 1 - axis]))
    step = stop[edge, axis] - start[edge, axis]
    low = np.searchsorted(corners, np.minimum(keys[edge], keys[edge] + step), "right")
    high = np.searchsorted(corners, np.maximum(keys[edge], keys[edge] + step), "left")
    count = high - low
    which = np.repeat(np.arange(len(edge)), count)
    number = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    found = corners[np.where(step[which] > 0, low[which] + number, high[which] - 1 - number)]
    across, along = np.divmod(found, length)
    return edge[which], np.column_stack([across, along] if axis else [along, across])

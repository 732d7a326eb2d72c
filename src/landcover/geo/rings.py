"""Polygons from the edges between pixels."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely


@dataclass(frozen=True)
class Edges:
    """Horizontal and vertical edges of areas of pixels, in pixels, x to the right and y down.

    An edge has its area to the right of its direction, as seen on a screen, so that outlines run clockwise.

    Attributes:
        x0, y0, x1, y1: Where it starts and stops: int32 (N,).
        area: The number of its area: int32 (N,).
    """

    x0: np.ndarray
    y0: np.ndarray
    x1: np.ndarray
    y1: np.ndarray
    area: np.ndarray

    @classmethod
    def none(cls) -> "Edges":
        """No edges."""
        return cls(*np.zeros((5, 0), np.int32))

    @classmethod
    def joined(cls, parts: Iterable["Edges"]) -> "Edges":
        """All edges of several, in order."""
        columns = zip(*((part.x0, part.y0, part.x1, part.y1, part.area) for part in parts), strict=True)
        return cls(*(np.concatenate(column, dtype=np.int32, casting="same_kind") for column in columns))

    def of(self, chosen: np.ndarray | slice, area: np.ndarray) -> "Edges":
        """Some of the edges, chosen by a mask (N,), their numbers or a slice, as those of areas of other numbers."""
        return Edges(self.x0[chosen], self.y0[chosen], self.x1[chosen], self.y1[chosen], area.astype(np.int32))


def polygons_of(edges: Edges) -> np.ndarray:
    """Make the polygons of areas from all their edges.

    Args:
        edges: Of connected areas with the numbers 0, 1, ...

    Returns:
        Array of valid polygons by area, exteriors first; vertices only where the outline turns. Rings begin at the
        leftmost of their uppermost vertices, and holes are in the order of these: however the edges were cut, and in
        whichever order they come, the polygons are the same.
    """
    if not len(edges.area):
        return np.zeros(0, object)
    edges, following = _following(edges)
    order, first = _in_rings(following)
    x, y, area = edges.x0[order], edges.y0[order], edges.area[order[first]]
    vertical = (edges.x0 == edges.x1)[order]
    before = np.arange(-1, len(order) - 1)
    before[first] = np.append(first[1:], len(order)) - 1
    turns = vertical != vertical[before]  # not where an edge was cut between two blocks
    number = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(order))))

    # Signed areas, by the horizontal edges. Coordinates are relative, or large ones would overflow.
    after = edges.x1[order].astype(np.int64)
    signed = np.add.reduceat((y - y[first][number]).astype(np.int64) * (x - after), first)
    sequence = np.lexsort((signed < 0, area))  # of rings: the exterior of an area, then its holes
    x, y, number = x[turns], y[turns], number[turns]
    size = np.bincount(number)
    begin = np.cumsum(size) - size

    lengths = size[sequence] + 1  # the first vertex is also the last
    starts = np.concatenate([[0], np.cumsum(lengths)])
    offset = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
    vertex = np.repeat(begin[sequence], lengths) + offset % np.repeat(size[sequence], lengths)
    rings = np.searchsorted(area[sequence], np.arange(area.max() + 2))
    xy = np.column_stack([x[vertex], y[vertex]]).astype(float)
    polygons: np.ndarray = shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy, (starts, rings))
    return polygons


def _following(edges: Edges) -> tuple[Edges, np.ndarray]:
    """The edges by where they start, row by row, and the number of the edge that follows each: int (N,).

    Where two pixels of an area touch only at a corner, two of its edges arrive and two leave. Both turn to the left
    there, around the pixels of other areas, so that a ring passes each vertex once.
    """
    width = int(max(edges.x0.max(), edges.x1.max())) + 1
    # To the left turn: down and right, up and left; left and down, right and up.
    leaving = _by_vertex(edges.area, edges.y0, edges.x0, (edges.x1 < edges.x0) | (edges.y1 < edges.y0), width)
    edges = edges.of(leaving, edges.area[leaving])
    arriving = _by_vertex(edges.area, edges.y1, edges.x1, (edges.y1 < edges.y0) | (edges.x1 > edges.x0), width)
    following = np.empty(len(arriving), np.int64)
    following[arriving] = np.arange(len(arriving))
    return edges, following


def _by_vertex(area: np.ndarray, y: np.ndarray, x: np.ndarray, second: np.ndarray, width: int) -> np.ndarray:
    """The order of edges by one of their ends, then by area, then those that are not `second`."""
    order: np.ndarray = np.lexsort((2 * area.astype(np.int64) + second, y.astype(np.int64) * width + x))
    return order


def _in_rings(following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The edges ring after ring, each in its order; and where each ring begins. By doubling steps.

    A ring begins with its edge of the lowest number, and rings are in the order of these.
    """
    lowest, step = np.arange(len(following)), following
    while not np.array_equal(lowest, lowest[following]):
        lowest = np.minimum(lowest, lowest[step])
        step = step[step]
    is_first = lowest == np.arange(len(lowest))
    step = np.where(is_first, lowest, following)
    left = np.where(is_first, 0, 1)  # steps to the first edge of the ring
    while not np.array_equal(step, lowest):
        left = left + left[step]
        step = step[step]
    left[is_first] = len(left)  # the first edge comes first, not last
    order = np.lexsort((-left, lowest))
    return order, np.flatnonzero(is_first[order])

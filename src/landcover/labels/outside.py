"""Polygons without the vertices that do not matter within a box. Needs shapely.

GDAL looks at every vertex of a polygon for every row that it burns; a polygon of a million vertices meets thousands of
blocks, of which each sees few of them.
"""

from itertools import pairwise

import numpy as np
import shapely

_FEW = 1000  # vertices, with which nothing is gained


def without_outside(part: shapely.Polygon, box: tuple[float, float, float, float]) -> shapely.Polygon | None:
    """A polygon that covers the same of a box with fewer vertices; None if that is nothing.

    Of the vertices in a row that are all beyond the same side of the box only the first and the last stay. The edge
    between these is beyond it too; along each row and column it has as many crossings, up to pairs that are beyond it.
    No vertex is moved or added, so that burning rounds as it does for the whole polygon.

    Args:
        part: In pixels.
        box: Left, top, right, bottom in pixels.
    """
    if shapely.get_num_coordinates(part) <= _FEW:
        return part
    _, xy, (rings, _) = shapely.to_ragged_array([part])
    left, top, right, bottom = box
    for axis, sign, limit in ((0, -1, -left), (0, 1, right), (1, -1, -top), (1, 1, bottom)):
        beyond = sign * xy[:, axis] > limit
        inner = np.zeros(len(xy), bool)
        inner[1:-1] = beyond[:-2] & beyond[1:-1] & beyond[2:]
        inner[rings[:-1]] = inner[rings[1:] - 1] = False  # both ends of a ring
        kept = ~inner
        rings = np.concatenate([[0], np.cumsum(kept)])[rings]
        xy = xy[kept]
    found = [xy[start:end] for start, end in pairwise(rings)]
    shell, *holes = found
    if len(shell) < 4:
        return None
    return shapely.Polygon(shell, [hole for hole in holes if len(hole) >= 4])

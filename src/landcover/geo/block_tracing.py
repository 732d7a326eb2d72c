"""The connected areas of a block of labels, and where they go on in the blocks around it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from landcover.geo.components import neighbours, roots, runs
from landcover.geo.rings import Edges, polygons_of

OUTSIDE = -1
"""What surrounds a map: a label of no class."""

NONE = -1
"""In place of an area's number, where there is none."""


@dataclass(frozen=True)
class Areas:
    """Connected areas, or the parts of some that lie within a block.

    Attributes:
        labels: uint8 (n,).
        first: The number of the first pixel of each in the map, row by row: int64 (n,).
        last: The last row of each: int64 (n,).
        edges: Of these areas, by position.
    """

    labels: np.ndarray
    first: np.ndarray
    last: np.ndarray
    edges: Edges

    @classmethod
    def none(cls) -> "Areas":
        """No areas."""
        return cls(np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64), Edges.none())

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, chosen: np.ndarray) -> "Areas":
        """Some of the areas, chosen by their numbers, each once, in this order."""
        position = np.full(len(self), NONE)
        position[chosen] = np.arange(len(chosen))
        area = position[self.edges.area]
        edges = self.edges.of(area != NONE, area[area != NONE])
        return Areas(self.labels[chosen], self.first[chosen], self.last[chosen], edges)

    @property
    def sequence(self) -> np.ndarray:
        """The numbers of the areas in the order of polygons: by their last row, then by their first pixel."""
        return np.lexsort((self.first, self.last))

    @property
    def polygons(self) -> np.ndarray:
        """Valid polygons (n,) of whole areas, in pixels, with vertices only where the outline turns."""
        return polygons_of(self.edges)


@dataclass(frozen=True)
class Block:
    """What joining a block with its neighbours takes.

    Attributes:
        areas: Its areas, or those of them that go on in neighbours.
        above, below, left, right: The numbers of the areas that cross each side, pixel by pixel; `NONE` where the pixel
            across has another label: int64 (W,) or (H,).
    """

    areas: Areas
    above: np.ndarray
    below: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def split(self) -> tuple[Areas, "Block"]:
        """Return the areas that no neighbour touches, in the order of polygons, and the block without them."""
        sides = self.above, self.below, self.left, self.right
        crosses = np.zeros(len(self.areas) + 1, bool)  # the last for NONE
        for side in sides:
            crosses[side] = True
        position = np.append(np.cumsum(crosses[:-1]) - 1, NONE)
        whole = self.areas.sequence
        whole = whole[~crosses[whole]]
        parts = self.areas.of(np.flatnonzero(crosses[:-1]))
        return self.areas.of(whole), Block(parts, *(position[side] for side in sides))


def trace_block(labels: np.ndarray, top: int, left: int, width: int, without: Collection[int]) -> Block:
    """Find the connected areas of equal labels in a block. Pixels that touch only at a corner are not connected.

    Args:
        labels: Of the block and of one pixel around it, `OUTSIDE` beyond the map: int16 (H + 2, W + 2). Those at the
            corners do not matter.
        top, left: The place of the block in the map, in pixels.
        width: Of the map in pixels.
        without: Labels of no area.
    """
    inner = labels[1:-1, 1:-1]
    numbers, run_labels = runs(inner)
    root = roots(len(run_labels), *neighbours(inner, numbers))
    begin = np.flatnonzero(np.diff(numbers.ravel(), prepend=-1))
    row, column = np.divmod(begin, inner.shape[1])
    kept = np.flatnonzero((root == np.arange(len(root))) & ~np.isin(run_labels, np.array(sorted(without))))
    position = np.full(len(root), NONE, np.int32)
    position[kept] = np.arange(len(kept))
    area_of_run = position[root]
    last = np.zeros(len(kept), np.int64)
    inside = area_of_run != NONE
    last[area_of_run[inside]] = row[inside] + top  # runs come row by row: the last assignment counts
    first = (row[kept] + top).astype(np.int64) * width + column[kept] + left
    areas = area_of_run[numbers]
    edges = Edges.joined(_edges(labels, areas, top, left))
    across = (labels[0, 1:-1], labels[-1, 1:-1], labels[1:-1, 0], labels[1:-1, -1])
    sides: tuple[Any, ...] = np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]
    crossing = (np.where(inner[side] == other, areas[side], NONE) for side, other in zip(sides, across, strict=True))
    return Block(Areas(run_labels[kept].astype(np.uint8), first, last, edges), *crossing)


def _edges(labels: np.ndarray, areas: np.ndarray, top: int, left: int) -> Iterator[Edges]:
    """The edges of the areas in a block, those that lie on its sides as well.

    Args:
        labels: Of the block and of one pixel around it.
        areas: The number of each pixel's area: (H, W).
        top, left: The place of the block in the map.
    """
    inner = labels[1:-1, 1:-1]
    for other, is_below in ((labels[:-2, 1:-1], False), (labels[2:, 1:-1], True)):
        line, start, stop, area = _stretches(inner, other, areas)
        ends = (stop, start) if is_below else (start, stop)  # above its pixels an edge runs to the right
        y = line + (top + is_below)
        yield Edges(ends[0] + left, y, ends[1] + left, y, area)
    for other, is_right in ((labels[1:-1, :-2], False), (labels[1:-1, 2:], True)):
        line, start, stop, area = _stretches(inner.T, other.T, areas.T)
        ends = (start, stop) if is_right else (stop, start)  # on the right of its pixels an edge runs down
        x = line + (left + is_right)
        yield Edges(x, ends[0] + top, x, ends[1] + top, area)


def _stretches(
    own: np.ndarray, other: np.ndarray, areas: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The stretches of rows of pixels of one area whose neighbours on one side have other labels.

    Returns:
        The number of the row, where in it each starts and stops, and the number of the area.
    """
    differs = (own != other) & (areas != NONE)
    goes_on = differs[:, 1:] & differs[:, :-1] & (own[:, 1:] == own[:, :-1])
    starts, stops = differs.copy(), differs.copy()
    starts[:, 1:] &= ~goes_on
    stops[:, :-1] &= ~goes_on
    line, start = np.nonzero(starts)
    return line, start, np.nonzero(stops)[1] + 1, areas[line, start]

"""Labels of a grid, burnt block by block. Needs rasterio."""

import threading
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

import numpy as np
import shapely
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.rasters.grid import Grid

BLOCK = 256
"""Side in pixels of the blocks."""

_KEPT = 128  # blocks of 64 KB: two rows of them in a scene of 16,000 columns


class Tally:
    """Counts by kind, added up by several threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, kind: str, count: int) -> None:
        """Add to a kind."""
        with self._lock:
            self._counts[kind] += count

    def counts(self) -> dict[str, int]:
        """The counts that are not 0."""
        with self._lock:
            return {kind: count for kind, count in self._counts.items() if count}


class Painter(Protocol):
    """What gives the pixels of a grid their labels."""

    def paint(self, labels: np.ndarray, window: Window, *, first: bool) -> None:
        """Write the labels of the window's pixels that have one into `labels`, uint8 (h, w).

        Args:
            first: Whether the window is painted for the first time, so that its pixels count.
        """

    def meets(self, boxes: np.ndarray) -> np.ndarray:
        """Whether the painter may label pixels of boxes (N, 4), left, top, right, bottom in pixels: bool (N,)."""


class BlockLabels:
    """The labels on a grid: `sources.GridLabels`.

    A window is put together from blocks of a fixed lattice, each burnt as a whole. So neighbouring windows fit together
    to the pixel, whatever rounding does on the edges of polygons.

    Args:
        grid: Of the scene.
        painter: Of the labels.
        area: Of the areas of interest, which paints 0 there; None for no limit.
        rest: Label of what neither is painted; `UNKNOWN` for none.
    """

    def __init__(self, grid: Grid, painter: Painter, area: Painter | None, rest: int) -> None:
        self._grid, self._painter, self._area, self._rest = grid, painter, area, rest
        self._burnt: set[tuple[int, int]] = set()
        self._lock = threading.Lock()
        self._block = lru_cache(_KEPT)(self._burn)

    def windows(self, side: int) -> Iterator[Window]:
        """See `sources.GridLabels.windows`."""
        left = np.arange(0, self._grid.width, side)
        right = np.minimum(left + side, self._grid.width)
        for top in range(0, self._grid.height, side):
            bottom = min(top + side, self._grid.height)
            boxes = np.column_stack([left, np.full(len(left), top), right, np.full(len(left), bottom)])
            for i in np.flatnonzero(self._may_label(boxes)):
                yield Window(int(left[i]), top, int(right[i] - left[i]), bottom - top)

    def meets(self) -> bool:
        """See `sources.GridLabels.meets`."""
        return bool(self._may_label(np.array([[0, 0, self._grid.width, self._grid.height]])).any())

    def read(self, window: Window) -> np.ndarray:
        """See `sources.GridLabels.read`."""
        left, top, width, height = map(int, window.flatten())
        labels = np.empty((height, width), np.uint8)
        for row in range(top // BLOCK, (top + height - 1) // BLOCK + 1):
            for column in range(left // BLOCK, (left + width - 1) // BLOCK + 1):
                block = self._block(row, column)
                y, x = row * BLOCK, column * BLOCK
                rows = slice(max(top, y), min(top + height, y + block.shape[0]))
                columns = slice(max(left, x), min(left + width, x + block.shape[1]))
                labels[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = block[
                    rows.start - y : rows.stop - y, columns.start - x : columns.stop - x
                ]
        return labels

    def _may_label(self, boxes: np.ndarray) -> np.ndarray:
        may = np.ones(len(boxes), bool) if self._rest != UNKNOWN else self._painter.meets(boxes)
        return may if self._area is None else may & self._area.meets(boxes)

    def _burn(self, row: int, column: int) -> np.ndarray:
        """Labels of a block of the lattice."""
        top, left = row * BLOCK, column * BLOCK
        height, width = min(BLOCK, self._grid.height - top), min(BLOCK, self._grid.width - left)
        window = Window(left, top, width, height)
        labels = np.full((height, width), self._rest, np.uint8)
        outside = np.full((height, width), UNKNOWN, np.uint8)
        if self._area is not None:
            self._area.paint(outside, window, first=False)
            if outside.all():  # nothing of it is 0
                return outside
        with self._lock:
            first = (row, column) not in self._burnt
            self._burnt.add((row, column))
        self._painter.paint(labels, window, first=first)
        if self._area is not None:
            labels[outside == UNKNOWN] = UNKNOWN
        labels.setflags(write=False)
        return labels


def tree_meets(tree: shapely.STRtree, boxes: np.ndarray, margin: float) -> np.ndarray:
    """Whether some geometry's bounds come as near as `margin` to each of some boxes (N, 4): bool (N,)."""
    found = np.zeros(len(boxes), bool)
    wider = boxes + np.array([-margin, -margin, margin, margin])
    found[tree.query(shapely.box(*wider.T))[0]] = True
    return found

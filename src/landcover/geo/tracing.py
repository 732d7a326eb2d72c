"""Connected areas of labels as polygons, traced strip by strip."""

from collections.abc import Collection, Iterable, Iterator

import numpy as np

from landcover.geo.components import neighbours, roots, runs
from landcover.geo.rings import Edges, polygons_of

_OUTSIDE = -1  # what surrounds the map, a label of no class


def trace(strips: Iterable[np.ndarray], without: Collection[int] = ()) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the connected areas of equal labels as polygons, those that end in a strip as soon as that is read.

    Pixels that touch only at a corner are not connected. Held are the outlines of the areas that reach down to the last
    row read: memory depends on these, and so on the largest area, but not on how many there are nor on the height.

    Args:
        strips: uint8 (rows, W) each, from the top down.
        without: Labels of which no polygons are made.

    Yields:
        Labels, uint8 (n,), and valid polygons (n,) in pixels, x to the right and y down, with vertices only where the
        outline turns. Of areas that end in the same strip, those that begin further up come first.
    """
    tracer = _Tracer(without)
    for strip in strips:
        yield tracer.add(strip)
    yield tracer.finish()


class _Tracer:
    """The areas that reach down to the last row, called open and numbered from 0, those that begin further up first."""

    def __init__(self, without: Collection[int]) -> None:
        self._without = np.array(sorted({_OUTSIDE, *without}))
        self._top = 0
        self._row: np.ndarray | None = None  # the labels of the last row
        self._areas = np.zeros(0, int)  # the numbers of the areas to which its pixels belong
        self._labels = np.zeros(0, np.int16)  # of the open areas
        self._edges = Edges.none()  # of the open areas

    def add(self, strip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Add the next rows; return the labels and the polygons of the areas that have ended above their last row."""
        height, width = strip.shape
        if self._row is None:
            self._row, self._areas = np.full(width, _OUTSIDE), np.zeros(width, int)
            self._labels = np.array([_OUTSIDE])
        labels = np.concatenate([self._row[None], strip]).astype(np.int16)
        numbers, run_labels = runs(labels[1:])
        nodes = np.concatenate([self._areas[None], numbers + len(self._labels)])  # open areas first, then the runs
        node_labels = np.concatenate([self._labels, run_labels])
        root = roots(len(node_labels), *neighbours(labels, nodes))
        edges = Edges.joined([self._edges, *self._edges_of(labels, nodes)])
        still = np.unique(root[nodes[-1]])
        done = self._polygons(edges, root, node_labels, still)
        self._row, self._areas, self._labels = strip[-1], np.searchsorted(still, root[nodes[-1]]), node_labels[still]
        self._top += height
        return done

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels and the polygons of the areas that reach down to the last row."""
        if self._row is None:
            return np.zeros(0, np.uint8), np.zeros(0, object)
        owners = np.stack([self._row, np.full(len(self._row), _OUTSIDE)]).astype(np.int16)
        edges = Edges.joined([self._edges, *self._horizontal(owners, np.stack([self._areas, self._areas]))])
        return self._polygons(edges, np.arange(len(self._labels)), self._labels, np.zeros(0, int))

    def _polygons(
        self, edges: Edges, root: np.ndarray, labels: np.ndarray, still: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The labels and polygons of all areas but those that are open still, whose edges are kept."""
        area = root[edges.area]
        position = np.searchsorted(still, area).clip(0, max(len(still) - 1, 0))
        is_open = still[position] == area if len(still) else np.zeros(len(area), bool)
        self._edges = edges.of(is_open, position[is_open])
        areas, numbers = np.unique(area[~is_open], return_inverse=True)
        return labels[areas].astype(np.uint8), polygons_of(edges.of(~is_open, numbers))

    def _edges_of(self, labels: np.ndarray, nodes: np.ndarray) -> Iterator[Edges]:
        """The edges along the upper sides of the rows of a strip, and between its pixels."""
        yield from self._horizontal(labels, nodes)
        sides = np.pad(labels[1:], ((0, 0), (1, 1)), constant_values=_OUTSIDE).T
        owners = np.pad(nodes[1:], ((0, 0), (1, 1))).T
        for right in (False, True):  # the pixels to the right of a line own edges that run up, those to the left down
            line, start, stop, area = self._along(sides, owners, right)
            ends = (stop, start) if right else (start, stop)
            yield Edges(line, ends[0] + self._top, line, ends[1] + self._top, area)

    def _horizontal(self, labels: np.ndarray, nodes: np.ndarray) -> Iterator[Edges]:
        for below in (False, True):  # the pixels below a line own edges that run to the right, those above to the left
            line, start, stop, area = self._along(labels, nodes, below)
            ends = (start, stop) if below else (stop, start)
            yield Edges(ends[0], line + self._top, ends[1], line + self._top, area)

    def _along(
        self, labels: np.ndarray, nodes: np.ndarray, second: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The edges between each line of pixels and the next that belong to the second of the two, or to the first.

        Returns:
            The number of the line between them, where the edge starts and stops along it, and whose it is.
        """
        own = labels[1:] if second else labels[:-1]
        differs = (labels[1:] != labels[:-1]) & ~np.isin(own, self._without)
        goes_on = differs[:, 1:] & differs[:, :-1] & (own[:, 1:] == own[:, :-1])
        starts, stops = differs.copy(), differs.copy()
        starts[:, 1:] &= ~goes_on
        stops[:, :-1] &= ~goes_on
        line, start = np.nonzero(starts)
        return line, start, np.nonzero(stops)[1] + 1, nodes[line + second, start]

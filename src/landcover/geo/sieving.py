"""Small areas of labels, merged into their neighbours."""

from collections.abc import Callable, Collection, Iterator

import numpy as np

from landcover.geo.components import neighbours, roots, runs

_ROWS = 256  # in which borders are counted together

PixelAreas = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Gives the areas of pixels around places (y, x) in pixels."""


def merge_small(labels: np.ndarray, smallest: float, pixel_areas: PixelAreas, without: Collection[int]) -> np.ndarray:
    """Merge each connected area that is too small into the neighbour with which it shares the longest border.

    In rounds, until none is left: in each, all areas that are too small get the label of that neighbour; or, where the
    neighbour is itself merged, of the one into which it is. Of two that would merge into each other the larger keeps
    its label. Of neighbours with borders of equal length the largest counts, then that which begins further up.

    Args:
        labels: uint8 (H, W), held in memory with about 30 bytes more for each pixel.
        smallest: The smallest area that is kept, in the unit of `pixel_areas`.
        pixel_areas: See `PixelAreas`.
        without: Labels of pixels without data: they neither merge nor grow.

    Returns:
        Labels of the same pixels. An area with no neighbour but pixels without data stays, however small.
    """
    nothing = np.array(sorted(without))
    while True:
        nodes, own = runs(labels)
        root = roots(len(own), *neighbours(labels, nodes))
        begin = np.flatnonzero(np.diff(nodes.ravel(), prepend=-1))
        length = np.diff(np.append(begin, labels.size))
        y, x = np.divmod(begin, labels.shape[1])
        size = np.bincount(root, length * pixel_areas(y + 0.5, x + length / 2), len(own))
        has_data = ~np.isin(own, nothing)
        is_small = (size < smallest) & has_data
        one, other, border = _borders(nodes, root, is_small, has_data)
        if not len(one):
            return labels
        best = np.lexsort((-other, size[other], border, one))
        best = best[np.append(one[best][1:] != one[best][:-1], True)]
        everyone = np.arange(len(own))
        target = everyone.copy()
        target[one[best]] = other[best]
        size_there = size[target]
        leads = (target[target] == everyone) & ((size > size_there) | ((size == size_there) & (everyone < target)))
        target[leads] = everyone[leads]
        while not np.array_equal(target, further := target[target]):
            target = further
        labels = own[target[root]][nodes]


def _borders(
    nodes: np.ndarray, root: np.ndarray, is_small: np.ndarray, has_data: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The small areas, each of their neighbours, and the lengths of the borders between them in pixels.

    Areas are called by their roots.
    """
    keys, counts = [], []
    for pairs in _touching(nodes, root):
        pairs = pairs[:, has_data[pairs].all(0)]
        both = np.concatenate([pairs[:, is_small[pairs[0]]], pairs[::-1][:, is_small[pairs[1]]]], axis=1)
        found, count = np.unique(both[0] * len(root) + both[1], return_counts=True)
        keys.append(found)
        counts.append(count)
    found, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    one, other = np.divmod(found, len(root))
    return one, other, np.bincount(inverse, np.concatenate(counts), len(found)).astype(int)


def _touching(nodes: np.ndarray, root: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the areas on both sides of each edge between pixels of different ones: (2, n)."""
    for top in range(0, len(nodes), _ROWS):
        strip = root[nodes[top : top + _ROWS + 1]]
        for first, second in ((strip[:-1], strip[1:]), (strip[:_ROWS, :-1], strip[:_ROWS, 1:])):
            differ = first != second
            yield np.stack([first[differ], second[differ]])

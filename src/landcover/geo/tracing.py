"""Connected areas of labels as polygons, traced block by block."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from landcover.geo.block_tracing import NONE, OUTSIDE, Areas, Block, trace_block
from landcover.geo.components import roots
from landcover.geo.rings import Edges


def trace(strips: Iterable[np.ndarray], without: Collection[int] = ()) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the connected areas of equal labels as polygons, those that end in a strip when the next has been read.

    Pixels that touch only at a corner are not connected. Held are the outlines of the areas that reach down to the last
    row read: memory depends on these, and so on the largest area, but not on how many there are nor on the height.

    Args:
        strips: uint8 (rows, W) each, from the top down.
        without: Labels of which no polygons are made.

    Yields:
        Labels, uint8 (n,), and valid polygons (n,) in pixels, x to the right and y down, with vertices only where the
        outline turns. In all that is yielded, areas come in the order of their last rows, those that end in the same
        row in the order of their first pixels, row by row: the strips do not matter.
    """
    joiner = Joiner()
    top = 0
    for strip in _with_neighbours(strips):
        areas = joiner.add([trace_block(strip, top, 0, strip.shape[1] - 2, without)])
        top += len(strip) - 2
        yield areas.labels, areas.polygons


def _with_neighbours(strips: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield each strip with the row above and the row below, and with what is `OUTSIDE` around the map."""
    above = current = None
    for strip in strips:
        if current is not None:
            yield _padded(above, current, strip[0])
            above = current[-1]
        current = strip
    if current is not None:
        yield _padded(above, current, None)


def _padded(above: np.ndarray | None, strip: np.ndarray, below: np.ndarray | None) -> np.ndarray:
    padded = np.pad(strip.astype(np.int16), 1, constant_values=OUTSIDE)
    if above is not None:
        padded[0, 1:-1] = above
    if below is not None:
        padded[-1, 1:-1] = below
    return padded


class Joiner:
    """Joins the areas of the blocks of a map along their sides, row after row of blocks."""

    def __init__(self) -> None:
        self._open = Areas.none()  # those that go on below the last row of blocks
        self._front: np.ndarray | None = None  # their numbers along its lower side, pixel by pixel, or NONE

    def add(self, blocks: Sequence[Block]) -> Areas:
        """Add the next row of blocks, from the left; return the areas that have ended there, in order of polygons."""
        held = [self._open, *(block.areas for block in blocks)]
        offsets = np.cumsum([0, *map(len, held)])
        above, below = (
            np.concatenate(
                [_shifted(getattr(block, side), offset) for block, offset in zip(blocks, offsets[1:], strict=False)]
            )
            for side in ("above", "below")
        )
        pairs = [(self._front, above)] if self._front is not None else []
        for number, (one, other) in enumerate(pairwise(blocks), 1):
            pairs.append((_shifted(one.right, offsets[number]), _shifted(other.left, offsets[number + 1])))
        root = _joined(int(offsets[-1]), pairs)
        areas = _merged(held, offsets, root)
        numbers = np.unique(root, return_inverse=True)[1]
        still = np.unique(numbers[below[below != NONE]])
        is_open = np.zeros(len(areas), bool)
        is_open[still] = True
        self._front = np.append(np.searchsorted(still, numbers), NONE)[below]
        self._open = areas.of(still)
        ended = areas.sequence
        return areas.of(ended[~is_open[ended]])


def _shifted(numbers: np.ndarray, by: int) -> np.ndarray:
    return np.where(numbers == NONE, NONE, numbers + by)


def _joined(count: int, pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The smallest of the areas to which each is connected across sides of blocks."""
    first, second = (np.concatenate(numbers) for numbers in zip((np.zeros(0, int),) * 2, *pairs, strict=True))
    crosses = first != NONE
    return roots(count, first[crosses], second[crosses])


def _merged(parts: Sequence[Areas], offsets: np.ndarray, root: np.ndarray) -> Areas:
    """The areas of which these are the parts, in the order of their roots."""
    numbers, of_part = np.unique(root, return_inverse=True)
    labels, first, last = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("labels", "first", "last")
    )
    earliest, latest = first[numbers], last[numbers]
    np.minimum.at(earliest, of_part, first)
    np.maximum.at(latest, of_part, last)
    edges = Edges.joined(
        part.edges.of(slice(None), of_part[part.edges.area + offset])
        for part, offset in zip(parts, offsets, strict=False)
    )
    return Areas(labels[numbers], earliest, latest, edges)

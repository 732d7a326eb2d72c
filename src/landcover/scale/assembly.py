"""Maps of finished blocks, written in a thread of their own while further blocks are drawn."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

import numpy as np

from landcover.geo.maps import MapDrawing
from landcover.scale.block_files import CONFIDENCE, LABELS, PROBABILITIES, BlockFiles, read_row
from landcover.scale.blocks import BlockGrid
from landcover.scale.strips import cut


class FinishedRows:
    """Tells the thread that writes a map which rows of blocks are complete."""

    def __init__(self) -> None:
        self._told: SimpleQueue[int | None] = SimpleQueue()
        self._early: set[int] = set()
        self.writing: Future[None] | None = None

    def complete(self, row: int) -> None:
        """Tell that all blocks of a row are finished, in any order of the rows.

        Raises:
            LandcoverError: The map cannot be written.
        """
        if self.writing and self.writing.done():
            self.writing.result()
        self._told.put(row)

    def stop(self) -> None:
        """Tell that the map will not be complete."""
        self._told.put(None)

    def wait_for(self, row: int) -> None:
        """Wait until a row is complete."""
        while row not in self._early:
            told = self._told.get()
            if told is None:
                raise _StoppedError
            self._early.add(told)
        self._early.remove(row)


class _StoppedError(Exception):
    """Ends the writing of a map that will not be complete."""


@contextmanager
def assembling(drawing: MapDrawing, files: BlockFiles, grid: BlockGrid, ends: Sequence[int]) -> Iterator[FinishedRows]:
    """Write a map while the body tells which rows of its blocks are finished; at the end, wait until it is written.

    Nothing is written if the body raises.

    Args:
        drawing: The map.
        files: Of the blocks.
        grid: Of the blocks.
        ends: Of the strips in which the map is written, see `strips.strip_ends`.

    Raises:
        LandcoverError: The map cannot be written, or a block was damaged.
    """
    rows = FinishedRows()
    with ThreadPoolExecutor(1, "map") as pool:
        rows.writing = pool.submit(lambda: drawing.write(_strips(drawing, files, grid, rows, ends)))
        try:
            yield rows
        except BaseException:
            rows.stop()
            raise
        rows.writing.result()


def _strips(
    drawing: MapDrawing, files: BlockFiles, grid: BlockGrid, rows: FinishedRows, ends: Sequence[int]
) -> Iterator[np.ndarray]:
    """Yield the strips of labels; those of the other layers are given away before."""

    def layer(name: str) -> Iterator[np.ndarray]:
        for row in range(grid.rows):
            if name == LABELS:
                rows.wait_for(row)
            yield from read_row(files, grid.row(row), name)

    others = {name: cut(layer(name), ends) for name in files.layers}
    for labels in cut(layer(LABELS), ends):  # first, as it waits for those that are not finished
        if drawing.add_confidence:
            drawing.add_confidence(next(others[CONFIDENCE])[0])
        if drawing.add_probabilities:
            drawing.add_probabilities(next(others[PROBABILITIES]))
        yield labels[0]

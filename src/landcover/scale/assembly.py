"""Maps of finished blocks, written in a thread of their own while further blocks are drawn."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

import numpy as np

from landcover.geo.maps import MapDrawing
from landcover.scale.block_files import CONFIDENCE, LABELS, PROBABILITIES, BlockFiles, read_row
from landcover.scale.blocks import BlockGrid


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
def assembling(drawing: MapDrawing, files: BlockFiles, grid: BlockGrid) -> Iterator[FinishedRows]:
    """Write a map while the body tells which rows of its blocks are finished; at the end, wait until it is written.

    Nothing is written if the body raises.

    Args:
        drawing: The map.
        files: Of the blocks.
        grid: Of the blocks.

    Raises:
        LandcoverError: The map cannot be written, or a block was damaged.
    """
    rows = FinishedRows()
    with ThreadPoolExecutor(1, "map") as pool:
        rows.writing = pool.submit(lambda: drawing.write(_strips(drawing, files, grid, rows)))
        try:
            yield rows
        except BaseException:
            rows.stop()
            raise
        rows.writing.result()


def _strips(drawing: MapDrawing, files: BlockFiles, grid: BlockGrid, rows: FinishedRows) -> Iterator[np.ndarray]:
    """Yield the strips of labels; those of the other layers are given away before."""
    for row in range(grid.rows):
        rows.wait_for(row)
        layers = {name: read_row(files, grid.row(row), name) for name in (LABELS, *files.layers)}
        for strips in zip(*layers.values(), strict=True):
            strip = dict(zip(layers, strips, strict=True))
            if drawing.add_confidence:
                drawing.add_confidence(strip[CONFIDENCE][0])
            if drawing.add_probabilities:
                drawing.add_probabilities(strip[PROBABILITIES])
            yield strip[LABELS][0]

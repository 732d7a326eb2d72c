"""The folder of a map's blocks: what is left in it, and its removal."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from landcover.scale.block_files import LABELS, PARTIAL, BlockFiles
from landcover.scale.blocks import Block, BlockGrid
from landcover.system.errors import note

MOSAIC = "mosaic"
"""With which the names of the mosaics of blocks begin."""

_BLOCK = re.compile(
    r"r(\d{4,})_c(\d{4,})(?:_x(\d+)-(\d+))?_([0-9a-f]{20})(_confidence|_probabilities)?\.tif"
)  # row, column, columns of pixels of a part, fingerprint, layer
_ATTEMPTS = 3  # at removing a folder in which a worker that nobody waits for may just finish a file


class Found:
    """The blocks of a map of which there is a file of a layer, by one listing of the folder.

    Attributes:
        parts: Of places that are cut: left and right column of pixels of each part that is there, the latter excluded.
    """

    def __init__(self, files: BlockFiles, grid: BlockGrid, layer: str = LABELS) -> None:
        self.parts: dict[int, list[tuple[int, int]]] = {}
        self._columns = grid.columns
        self._whole = bytearray(grid.rows * grid.columns)  # there may be many
        ending = f"_{files.ending(layer)}"
        for name in _names(files.folder):
            if name.endswith(ending) and (match := _BLOCK.fullmatch(name)):
                number = int(match[1]) * grid.columns + int(match[2])
                if match[3]:
                    self.parts.setdefault(number, []).append((int(match[3]), int(match[4]) + 1))
                else:
                    self._whole[number] = True

    def __contains__(self, block: Block) -> bool:
        number = block.row * self._columns + block.column
        if block.is_part:
            return (block.region.left, block.region.right) in self.parts.get(number, ())
        return bool(self._whole[number])

    def cuts(self, grid: BlockGrid) -> dict[int, tuple[int, ...]]:
        """The cuts of a grid that make blocks of the parts that are there, see `BlockGrid.cuts`."""
        cuts = {}
        for number, parts in self.parts.items():
            extent = grid.extent(*divmod(number, grid.columns))
            edges, end = set[int](), extent.left
            for left, right in sorted(parts):
                if left >= end and right <= extent.right:  # else of a worker that nobody waited for, cut otherwise
                    edges |= {left, right}
                    end = right
            if edges := edges - {extent.left, extent.right}:
                cuts[number] = tuple(sorted(edges))
        return {number: edges for number, edges in cuts.items() if not self._whole[number]}


def warn_of_other_blocks(files: BlockFiles) -> None:
    """Say how many blocks in the folder are not of this map: it was begun with another image, model or options."""
    found = (match for name in _names(files.folder) if (match := _BLOCK.fullmatch(name)))
    if others := sum(match[5] != files.fingerprint and not match[6] for match in found):
        note(
            f"{files.folder}: has {others} blocks of other options, another model or another version of the image. "
            "They are not used, and removed when the map is complete."
        )


def remove_blocks(folder: Path) -> None:
    """Remove what this program writes in the folder of a map's blocks, and the folder if nothing else is left.

    It is no error if something stays: the map is complete.
    """
    for _ in range(_ATTEMPTS):
        with suppress(OSError):
            for name in _names(folder):
                is_mosaic = name.startswith(MOSAIC) and name.endswith(".vrt")
                if is_mosaic or name.startswith(PARTIAL) or _BLOCK.fullmatch(name):
                    (folder / name).unlink(missing_ok=True)
            folder.rmdir()
            return


def remove_partial_files(folder: Path) -> None:
    """Remove the files that are not complete. A worker that is still writing one fails, and writes no other.

    Raises:
        OSError: They cannot be removed.
    """
    for name in _names(folder):
        if name.startswith(PARTIAL):
            (folder / name).unlink(missing_ok=True)


def _names(folder: Path) -> Iterator[str]:
    """Names of the files in a folder, one at a time, as there may be many."""
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name

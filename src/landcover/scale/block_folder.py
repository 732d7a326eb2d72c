"""The folder of a map's blocks: what is left in it, and its removal."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from landcover.scale.block_files import LABELS, PARTIAL, BlockFiles
from landcover.scale.blocks import Block, BlockGrid
from landcover.system.errors import note

MOSAIC = "mosaic"
"""With which the names of the mosaics of blocks begin."""

_BLOCK = re.compile(r"r(\d{4,})_c(\d{4,})(?:_p\d+of(\d+))?_([0-9a-f]{20})(_confidence|_probabilities)?\.tif")
_ATTEMPTS = 3  # at removing a folder in which a worker that nobody waits for may just finish a file


def finished_blocks(files: BlockFiles, grid: BlockGrid, layer: str) -> Iterator[Block]:
    """The blocks of a map of which there is a file, row by row, by one listing of the folder."""
    parts, whole = set[str](), bytearray(grid.rows * grid.columns)
    for match in _matches(files, layer):
        if match[3]:
            parts.add(match[0])
        else:
            whole[int(match[1]) * grid.columns + int(match[2])] = True
    for block in grid:
        is_there = whole[block.row * grid.columns + block.column]
        if is_there if block.parts == 1 else files.path(block, layer).name in parts:
            yield block


def divided(grid: BlockGrid, files: BlockFiles, workers: int) -> BlockGrid:
    """Divide the last blocks, see `BlockGrid.last_divided`, unless they are there as they are, whole or in parts."""
    parts, whole = grid.last_divided(workers), set[int]()
    for match in _matches(files, LABELS):
        number = int(match[1]) * grid.columns + int(match[2])
        if match[3]:
            parts[number] = int(match[3])
        elif number in parts:
            whole.add(number)
    return replace(grid, parts={number: count for number, count in parts.items() if number not in whole})


def warn_of_other_blocks(files: BlockFiles) -> None:
    """Say how many blocks in the folder are not of this map: it was begun with another image, model or options."""
    found = (match for name in _names(files.folder) if (match := _BLOCK.fullmatch(name)))
    if others := sum(match[4] != files.fingerprint and not match[5] for match in found):
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


def _matches(files: BlockFiles, layer: str) -> Iterator[re.Match[str]]:
    """What the names tell of a map's blocks of which there is a file."""
    ending = f"_{files.ending(layer)}"
    for name in _names(files.folder):
        if name.endswith(ending) and (match := _BLOCK.fullmatch(name)):
            yield match


def _names(folder: Path) -> Iterator[str]:
    """Names of the files in a folder, one at a time, as there may be many."""
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name

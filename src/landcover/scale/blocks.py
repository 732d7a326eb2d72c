"""The blocks into which the output of a scene is divided, and what identifies their content."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import gcd
from typing import Any

from landcover._version import __version__
from landcover.geo.maps import files_of
from landcover.inference.regions import Region
from landcover.rasters.raster import Raster
from landcover.rasters.scenes import Scene
from landcover.scale.options import BLOCK_UNIT
from landcover.system import object_store
from landcover.system.locations import Location, Remote

_LOWEST = 1024  # rows of pixels of a part of a block, at least
_DIGITS = 20  # of a fingerprint in the names of files: 80 bits


@dataclass(frozen=True)
class Block:
    """A rectangle of a scene's pixels that is drawn at once.

    Attributes:
        row, column: Its place in the grid of blocks, from 0.
        region: Its pixels.
        part, parts: It is the part with this number, from 0, of so many, from the top down, of what is at that place.
    """

    row: int
    column: int
    region: Region
    part: int = 0
    parts: int = 1

    @property
    def name(self) -> str:
        """Tells its place, such as r0003_c0012, or r0003_c0012_p1of2 for a part."""
        part = f"_p{self.part}of{self.parts}" if self.parts > 1 else ""
        return f"r{self.row:04d}_c{self.column:04d}{part}"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.region.height, self.region.width


@dataclass(frozen=True)
class BlockGrid:
    """How a scene is divided.

    Attributes:
        height, width: Of the scene in pixels.
        side: Of a block in pixels; those at the right and at the bottom may be smaller.
        parts: Into how many parts, from the top down, a block is divided, by its number, row by row from 0; those that
            are not named are whole.
    """

    height: int
    width: int
    side: int
    parts: Mapping[int, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows of blocks."""
        return -(-self.height // self.side)

    @property
    def columns(self) -> int:
        """Number of columns of blocks."""
        return -(-self.width // self.side)

    def __len__(self) -> int:
        return self.rows * self.columns + sum(count - 1 for count in self.parts.values())

    def at(self, row: int, column: int) -> list[Block]:
        """The block at a place, or its parts from the top down."""
        top, left = row * self.side, column * self.side
        bottom, right = min(top + self.side, self.height), min(left + self.side, self.width)
        parts = self.parts.get(row * self.columns + column, 1)
        strips = -(-(bottom - top) // BLOCK_UNIT)
        ends = [min(top + strips * part // parts * BLOCK_UNIT, bottom) for part in range(1, parts + 1)]
        starts = [top, *ends[:-1]]
        return [
            Block(row, column, Region(start, end, left, right), part, parts)
            for part, (start, end) in enumerate(zip(starts, ends, strict=True))
        ]

    def row(self, row: int) -> list[list[Block]]:
        """What is at each place of a row, from the left."""
        return [self.at(row, column) for column in range(self.columns)]

    def __iter__(self) -> Iterator[Block]:
        """All blocks and parts, row by row; one at a time, as there may be many."""
        for row in range(self.rows):
            for column in range(self.columns):
                yield from self.at(row, column)

    def last_divided(self, workers: int) -> dict[int, int]:
        """Into how many parts the last blocks are to be divided, so that all workers end at about the same time.

        As many blocks as there are fewer than one for each worker, in the end, are divided. No part is lower than
        `_LOWEST` rows: more windows would be computed twice than the workers gain.

        Args:
            workers: Their number.

        Returns:
            Parts by the number of the block.
        """
        count = self.rows * self.columns
        left = count % workers
        found = {}
        for number in range(count - left, count):
            height = min(self.side, self.height - number // self.columns * self.side)
            parts = min(workers // gcd(left, workers), height // _LOWEST)
            if parts > 1:
                found[number] = parts
        return found


def fingerprint(files: Iterable[Location], model: str, choices: Mapping[str, Any]) -> str:
    """Return what identifies the content of a scene's blocks: hexadecimal digits, part of their names.

    Two maps have the same if the same files, under whatever path, are labelled by the same model with the same choices.

    Args:
        files: Of which the scene consists, such as those of a mosaic.
        model: The SHA-256 of the model's file.
        choices: All else that the content depends on, as plain values.
    """
    content = {
        "landcover": __version__,
        "scene": sorted((identity(file) for file in files), key=str),
        "model": model,
        "choices": dict(choices),
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]


def files_of_scene(scene: Scene, raster: Raster) -> list[Location]:
    """The files of which an open scene consists: its own, and those to which they refer."""
    return [*dict.fromkeys([*scene.files, *(file for file in files_of(raster) if file.is_file())])]


def identity(file: Location) -> list[Any]:
    """What tells, without reading it, that a file is the one that it was: name, bytes, time of the last change."""
    if isinstance(file, Remote):
        return [str(file), object_store.identity(file)]
    status = file.stat()
    return [file.name, status.st_size, status.st_mtime_ns]

"""The blocks into which the output of a scene is divided, and what identifies their content."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from landcover._version import __version__
from landcover.geo.maps import files_of
from landcover.inference.regions import Region
from landcover.rasters.raster import Raster
from landcover.rasters.scenes import Scene
from landcover.system import object_store
from landcover.system.locations import Location, Remote

_DIGITS = 20  # of a fingerprint in the names of files: 80 bits


@dataclass(frozen=True)
class Block:
    """A rectangle of a scene's pixels of which there is a file for each layer.

    Attributes:
        row, column: Its place in the grid of blocks, from 0.
        region: Its pixels.
        is_part: It has all rows of that place, but only some of its columns.
    """

    row: int
    column: int
    region: Region
    is_part: bool = False

    @property
    def name(self) -> str:
        """Tells its place, such as r0003_c0012, or r0003_c0012_x49152-50687 for columns of it."""
        part = f"_x{self.region.left}-{self.region.right - 1}" if self.is_part else ""
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
        cuts: Columns of pixels at which a place of the grid is cut into several blocks, in ascending order, by its
            number, row by row from 0. Those that are not named are whole.
    """

    height: int
    width: int
    side: int
    cuts: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows of blocks."""
        return -(-self.height // self.side)

    @property
    def columns(self) -> int:
        """Number of columns of the grid."""
        return -(-self.width // self.side)

    def __len__(self) -> int:
        return self.rows * self.columns + sum(map(len, self.cuts.values()))

    def extent(self, row: int, column: int) -> Region:
        """The pixels of a place of the grid."""
        top, left = row * self.side, column * self.side
        return Region(top, min(top + self.side, self.height), left, min(left + self.side, self.width))

    def at(self, row: int, column: int) -> list[Block]:
        """The blocks at a place, from the left: a single one, unless it is cut."""
        extent = self.extent(row, column)
        edges = [extent.left, *self.cuts.get(row * self.columns + column, ()), extent.right]
        return [
            Block(row, column, replace(extent, left=left, right=right), len(edges) > 2)
            for left, right in pairwise(edges)
        ]

    def row(self, row: int) -> list[Block]:
        """The blocks of a row, from the left."""
        return [block for column in range(self.columns) for block in self.at(row, column)]

    def __iter__(self) -> Iterator[Block]:
        """All blocks, row by row; one at a time, as there may be many."""
        for row in range(self.rows):
            for column in range(self.columns):
                yield from self.at(row, column)


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

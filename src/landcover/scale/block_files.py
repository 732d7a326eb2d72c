"""Files of finished blocks: a GeoTIFF for each layer, beside each other in one folder. Needs rasterio.

A file is written under a name of its own and renamed when it is complete and reads back as it was written. So what has
the name of a block is whole, unless it was damaged later, which its checksum shows.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.transform import Affine
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.geo.geotiff import StripWriter, continued_checksums, create_geotiff, naming_geotiff_errors, read_back
from landcover.rasters.access import open_dataset, raster_errors
from landcover.scale.blocks import Block
from landcover.scale.options import BLOCK_UNIT
from landcover.system.errors import LandcoverError

LABELS, CONFIDENCE, PROBABILITIES = "labels", "confidence", "probabilities"
"""Layers of a block. The file of the labels is the last to appear: where it is, the others are."""

PARTIAL = ".partial-"
"""With which names of files begin that are not complete; git and DVC ignore them."""

_CHECKSUMS, _PIXELS = "CHECKSUMS", "PIXELS"  # tags: of the bands; of each label, JSON


@dataclass(frozen=True)
class BlockFiles:
    """Where the blocks of a map are.

    Attributes:
        folder: Of all blocks; it exists.
        fingerprint: Of `blocks.fingerprint`.
        layers: Those that are drawn besides the labels.
    """

    folder: Path
    fingerprint: str
    layers: tuple[str, ...] = ()

    def path(self, block: Block, layer: str = LABELS) -> Path:
        """The file of a layer of a block."""
        return self.folder / f"{block.name}_{self.ending(layer)}"

    def ending(self, layer: str = LABELS) -> str:
        """What follows the place in the names of a layer's files."""
        return f"{self.fingerprint}{'' if layer == LABELS else f'_{layer}'}.tif"


@dataclass(frozen=True)
class _Part:
    """Size and place of a block, as a new GeoTIFF takes them."""

    height: int
    width: int
    place: Mapping[str, Any]


@contextmanager
def new_block(
    files: BlockFiles, block: Block, place: Mapping[str, Any], classes: int
) -> Iterator[dict[str, Callable[[np.ndarray], None]]]:
    """Yield writers of the layers of a block, by name; when the body has ended, check and rename the files.

    Args:
        files: Where they are written.
        block: Which.
        place: Of the scene, see `place.find_place`.
        classes: Number of bands of probabilities.

    Raises:
        LandcoverError: A file cannot be written.
    """
    layers = (*files.layers, LABELS)
    scratch = {layer: files.folder / f"{PARTIAL}{block.name}-{uuid4().hex}.tif" for layer in layers}
    part = _Part(*block.size, _place_of(block, place))
    counts = np.zeros(UNKNOWN + 1, np.int64)
    try:
        with naming_geotiff_errors(files.path(block)):
            writers: dict[str, StripWriter] = {}
            with ExitStack() as stack:
                opened = {}
                for layer in layers:
                    opened[layer] = stack.enter_context(_created(scratch[layer], part, layer, classes))
                    writers[layer] = StripWriter(opened[layer])

                def add_labels(labels: np.ndarray) -> None:
                    counts[:] += np.bincount(labels.ravel(), minlength=len(counts))
                    writers[LABELS](labels[None])

                def add_confidence(values: np.ndarray) -> None:
                    writers[CONFIDENCE](values[None])

                adders = {LABELS: add_labels, CONFIDENCE: add_confidence, PROBABILITIES: writers.get(PROBABILITIES)}
                yield {layer: add for layer, add in adders.items() if add and layer in layers}
                pixels = {str(label): int(count) for label, count in enumerate(counts) if count}
                for layer in layers:
                    checksums = ",".join(map(str, writers[layer].checksums))
                    more = {_PIXELS: json.dumps(pixels)} if layer == LABELS else {}
                    opened[layer].update_tags(**{_CHECKSUMS: checksums}, **more)
            for layer in layers:
                if not _is_whole(scratch[layer], block.size):
                    raise OSError("what was written reads back otherwise")
            for layer in layers:
                scratch[layer].replace(files.path(block, layer))
    finally:
        for path in scratch.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)


def is_finished(files: BlockFiles, block: Block) -> bool:
    """Whether all files of a block exist and hold what was written: each is read to the end."""
    return all(_is_whole(files.path(block, layer), block.size) for layer in (LABELS, *files.layers))


def pixels_of(files: BlockFiles, block: Block) -> dict[int, int]:
    """Number of pixels of each label in a finished block."""
    path = files.path(block)
    with open_dataset(path) as file, raster_errors(path):
        return {int(label): count for label, count in json.loads(file.tags()[_PIXELS]).items()}


def read_row(files: BlockFiles, row: Sequence[Block], layer: str) -> Iterator[np.ndarray]:
    """Read a row of blocks strip by strip, from the top down: (bands, rows, width of the scene).

    Files are open only while a strip is read: a wide scene has more blocks in a row than a process may have open files.

    Args:
        files: Of the blocks.
        row: Of `BlockGrid.row`.
        layer: To read.

    Raises:
        LandcoverError: A block was damaged after it was finished. It is then removed.
    """
    first, last = row[0].region.top, row[0].region.bottom
    checksums: dict[str, list[int]] = {}
    for top in range(first, last, BLOCK_UNIT):
        bottom = min(top + BLOCK_UNIT, last)
        strip = []
        for block in row:
            path = files.path(block, layer)
            with _removing_damaged(path), open_dataset(path) as file, raster_errors(path):
                strip.append(file.read(window=Window(0, top - first, file.width, bottom - top)))
                before = checksums.get(block.name, [0] * file.count)
                checksums[block.name] = continued_checksums(strip[-1], before)
                if bottom == last and checksums[block.name] != _checksums_of(file):
                    raise LandcoverError(f"{path}: damaged. Start again: it will be drawn again.")
        yield np.concatenate(strip, 2)


@contextmanager
def _removing_damaged(path: Path) -> Iterator[None]:
    try:
        yield
    except LandcoverError:
        path.unlink(missing_ok=True)
        raise


def _created(path: Path, part: _Part, layer: str, classes: int) -> DatasetWriter:
    if layer == PROBABILITIES:
        return create_geotiff(path, part, classes, np.float32, np.nan, predictor=3)
    return create_geotiff(path, part, 1, np.uint8, UNKNOWN if layer == LABELS else 0)


def _is_whole(path: Path, size: tuple[int, int]) -> bool:
    if not path.is_file():
        return False
    try:
        with open_dataset(path) as file, raster_errors(path):
            return file.shape == size and read_back(file) == _checksums_of(file)
    except LandcoverError:
        return False


def _checksums_of(file: DatasetReader) -> list[int]:
    """The checksums that a file says that its bands have; -1 for none."""
    return [int(text) for text in file.tags().get(_CHECKSUMS, "-1").split(",")]


def _place_of(block: Block, place: Mapping[str, Any]) -> dict[str, Any]:
    """Where a block lies; nowhere, if the scene is placed by control points, which count its own pixels."""
    if "transform" not in place:
        return {}
    moved = place["transform"] * Affine.translation(block.region.left, block.region.top)
    return {"crs": place["crs"], "transform": moved}

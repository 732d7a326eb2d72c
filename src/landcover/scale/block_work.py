"""What a worker does for a map: label blocks of a scene, and write each as a finished file. Needs rasterio."""

import atexit
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_strips
from landcover.inference.regions import Region
from landcover.models.model_file import Model
from landcover.rasters.raster import Raster, open_raster
from landcover.rasters.scenes import Scene
from landcover.rasters.stretching import Percentiles
from landcover.scale.block_files import CONFIDENCE, LABELS, PROBABILITIES, BlockFiles, is_finished, new_block, pixels_of
from landcover.scale.blocks import Block, files_of_scene, fingerprint
from landcover.scale.shared_model import shared_model
from landcover.scale.sweeps import rectangles, region_of
from landcover.scale.work import report
from landcover.system.errors import LandcoverError, naming_memory_errors


@dataclass(frozen=True)
class BlockDrawing:
    """How all blocks of a map are drawn.

    Attributes:
        scene: Of files that each worker can read under these paths.
        model: Key of `shared_model`.
        options: Windows and views.
        bands, stretch, allow_vrt_paths: See `raster.open_raster`.
        files: Where the blocks are.
        choices: What the fingerprint is made of besides scene and model.
    """

    scene: Scene
    model: str
    options: InferenceOptions
    bands: Sequence[int | str] | None
    stretch: Percentiles | None
    allow_vrt_paths: bool
    files: BlockFiles
    choices: dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """Blocks that are drawn in one go, and how; see `sweeps.plan`."""

    drawing: BlockDrawing
    blocks: tuple[Block, ...]

    def __str__(self) -> str:
        regions = [block.region for block in self.blocks]
        around = Region(
            min(region.top for region in regions),
            max(region.bottom for region in regions),
            min(region.left for region in regions),
            max(region.right for region in regions),
        )
        return f"{self.drawing.scene.path}, {around}"


@dataclass(frozen=True)
class BlockResult:
    """What became of a block.

    Attributes:
        place: Row and column of the block, and the first of its columns of pixels.
        is_new: Whether it was drawn, rather than found.
        pixels: Of each label.
    """

    place: tuple[int, int, int]
    is_new: bool
    pixels: dict[int, int]


def draw_sweep(sweep: Sweep) -> list[BlockResult]:
    """Draw the blocks of a sweep, except those of which the files are there and whole.

    Tells the client, as it goes, of each block that is finished, a BlockResult as a tuple; and of pixels that are drawn
    of others, an integer.

    Raises:
        LandcoverError: The scene cannot be read here, or is another; or a file cannot be written.
    """
    drawing, results, left = sweep.drawing, list[BlockResult](), list[Block]()
    for block in sweep.blocks:
        if is_finished(drawing.files, block):
            results.append(_finished(drawing.files, block, is_new=False))
        else:
            left.append(block)
    for rectangle in rectangles(left):
        with naming_memory_errors(drawing.scene.path):
            for block in _draw(drawing, rectangle):
                results.append(_finished(drawing.files, block, is_new=True))
    return results


def _finished(files: BlockFiles, block: Block, *, is_new: bool) -> BlockResult:
    result = BlockResult((block.row, block.column, block.region.left), is_new, pixels_of(files, block))
    report([result.place, is_new, list(result.pixels.items())])
    return result


def _draw(drawing: BlockDrawing, rectangle: list[list[Block]]) -> Iterator[Block]:
    """Draw a rectangle of blocks, and yield those that are finished."""
    model, raster = shared_model(drawing.model), _OPENED.raster(drawing)
    region = region_of(rectangle)
    strips = _strips(model, raster, drawing, region)
    rows = _ending_at(strips, [row[0].region.bottom - region.top for row in rectangle])
    for row, strips_of_row in zip(rectangle, rows, strict=True):
        with ExitStack() as stack:
            place, classes = raster.place, len(model.classes)
            add = [stack.enter_context(new_block(drawing.files, block, place, classes)) for block in row]
            for strip in strips_of_row:
                for block, writers in zip(row, add, strict=True):
                    columns = slice(block.region.left - region.left, block.region.right - region.left)
                    for layer, write in writers.items():
                        write(strip[layer][..., columns])
                report(strip[LABELS].size)
        yield from row


def _strips(model: Model, raster: Raster, drawing: BlockDrawing, region: Region) -> Iterator[dict[str, np.ndarray]]:
    """Yield all layers of the strips of a region: rows are their last axis but one."""
    layers: dict[str, np.ndarray] = {}

    def kept(layer: str) -> Callable[[np.ndarray], None] | None:
        return (lambda strip: layers.update({layer: strip})) if layer in drawing.files.layers else None

    for labels in label_strips(
        model,
        raster,
        drawing.options,
        region=region,
        probabilities=kept(PROBABILITIES),
        confidence=kept(CONFIDENCE),
    ):
        yield {**layers, LABELS: labels}


def _ending_at(
    strips: Iterator[dict[str, np.ndarray]], ends: Iterable[int]
) -> Iterator[Iterator[dict[str, np.ndarray]]]:
    """Divide strips where rows of blocks end, and yield those of each row, to be taken before the next."""
    rest: dict[str, np.ndarray] = {}
    top = 0

    def until(end: int) -> Iterator[dict[str, np.ndarray]]:
        nonlocal rest, top
        while top < end:
            strip = rest or next(strips)
            rows = min(strip[LABELS].shape[0], end - top)
            top += rows
            rest = {}
            if rows < strip[LABELS].shape[0]:
                rest = {layer: values[..., rows:, :] for layer, values in strip.items()}
            yield {layer: values[..., :rows, :] for layer, values in strip.items()}

    for end in ends:
        yield until(end)


@dataclass
class _Opened(threading.local):
    """The scene that this thread has open: opening one may take longer than labelling a block."""

    fingerprint: str = ""
    stack: ExitStack = field(default_factory=ExitStack)
    image: Raster | None = None

    def __post_init__(self) -> None:
        atexit.register(_close_quietly, self.stack)

    def raster(self, drawing: BlockDrawing) -> Raster:
        if self.image is None or self.fingerprint != drawing.files.fingerprint:
            self.close()
            images, bands, stretch = shared_model(drawing.model).images, drawing.bands, drawing.stretch
            image = self.stack.enter_context(
                open_raster(drawing.scene, images, bands, stretch, allow_vrt_paths=drawing.allow_vrt_paths)
            )
            files = files_of_scene(drawing.scene, image)
            if fingerprint(files, drawing.model, drawing.choices) != drawing.files.fingerprint:
                raise LandcoverError(
                    f"{drawing.scene.path}: not the same file for this worker, or changed since the work began. Let "
                    "all workers see the same files, and start again."
                )
            self.image, self.fingerprint = image, drawing.files.fingerprint
        return self.image

    def close(self) -> None:
        self.image = None
        self.stack.close()


def _close_quietly(stack: ExitStack) -> None:
    """Close a scene when the worker ends, in whatever state GDAL then is: rasterio counts its users by thread."""
    with suppress(Exception):
        stack.close()


_OPENED = _Opened()

"""What a worker does for a map: label a block of a scene, and write it as a finished file. Needs rasterio."""

import atexit
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_strips
from landcover.rasters.raster import Raster, open_raster
from landcover.rasters.scenes import Scene
from landcover.rasters.stretching import Percentiles
from landcover.scale.block_files import CONFIDENCE, LABELS, PROBABILITIES, BlockFiles, is_finished, new_block, pixels_of
from landcover.scale.blocks import Block, files_of_scene, fingerprint
from landcover.scale.shared_model import shared_model
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
class BlockTask:
    """A block, and how it is drawn."""

    drawing: BlockDrawing
    block: Block

    def __str__(self) -> str:
        region = self.block.region
        return (
            f"{self.drawing.scene.path}, pixels {region.left} to {region.right - 1} of rows {region.top} to "
            f"{region.bottom - 1}"
        )


@dataclass(frozen=True)
class BlockResult:
    """What became of a block.

    Attributes:
        is_new: Whether it was drawn, rather than found.
        pixels: Of each label.
    """

    is_new: bool
    pixels: dict[int, int]


def draw_block(task: BlockTask) -> BlockResult:
    """Draw a block, unless its files are there and whole.

    Raises:
        LandcoverError: The scene cannot be read here, or is another; or a file cannot be written.
    """
    drawing, block = task.drawing, task.block
    if is_finished(drawing.files, block):
        return BlockResult(False, pixels_of(drawing.files, block))
    model = shared_model(drawing.model)
    with naming_memory_errors(drawing.scene.path):
        raster = _OPENED.raster(drawing)
        with new_block(drawing.files, block, raster.place, len(model.classes)) as add:
            for labels in label_strips(
                model,
                raster,
                drawing.options,
                region=block.region,
                probabilities=add.get(PROBABILITIES),
                confidence=add.get(CONFIDENCE),
            ):
                add[LABELS](labels)
    return BlockResult(True, pixels_of(drawing.files, block))


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

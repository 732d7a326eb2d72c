"""Maps of scenes of any size by many workers: the same files as those of `geo.maps` and `geo.scene_maps`."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from landcover.geo.maps import MapDrawing, drawing_map
from landcover.geo.scene_maps import draw_scenes
from landcover.images.layouts import BLOCKS
from landcover.inference.options import DEFAULTS, InferenceOptions
from landcover.models.model_file import Model
from landcover.rasters.scenes import Scene
from landcover.rasters.stretching import Percentiles
from landcover.scale.assembly import assembling
from landcover.scale.block_files import CONFIDENCE, PROBABILITIES, BlockFiles
from landcover.scale.block_folder import divided, remove_blocks, warn_of_other_blocks
from landcover.scale.block_work import BlockDrawing, BlockTask, draw_block
from landcover.scale.blocks import BlockGrid, files_of_scene, fingerprint
from landcover.scale.cluster import Cluster
from landcover.scale.mosaic import write_mosaic
from landcover.scale.options import BLOCK
from landcover.scale.shared_model import share_model
from landcover.scale.strips import strip_ends
from landcover.system.errors import LandcoverError, note
from landcover.system.progress_bar import progress_bar
from landcover.system.scratch import exclusive, make_folder


@dataclass
class BlockCounts:
    """What became of the blocks of maps.

    Attributes:
        blocks: Number.
        kept: Of these, those that were finished before.
        retries: How often a block was tried again.
        pixels: Of each label.
    """

    blocks: int = 0
    kept: int = 0
    retries: int = 0
    pixels: dict[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        tried = f"{self.retries} tried again" if self.retries else ""
        more = ", ".join(filter(None, [f"{self.kept} kept" if self.kept else "", tried]))
        return f"{self.blocks} block{'s' * (self.blocks != 1)}{f' ({more})' if more else ''}"

    def add(self, other: "BlockCounts") -> None:
        """Add those of another map."""
        self.blocks += other.blocks
        self.kept += other.kept
        self.retries += other.retries
        self.add_pixels(other.pixels)

    def add_pixels(self, pixels: dict[int, int]) -> None:
        """Add pixels of labels."""
        for label, count in pixels.items():
            self.pixels[label] = self.pixels.get(label, 0) + count


def predict_map_on(
    cluster: Cluster,
    model: Model,
    image: Path | str | Scene,
    path: Path | str,
    options: InferenceOptions = DEFAULTS,
    *,
    block: int = BLOCK,
    blocks: Path | None = None,
    cog: bool = False,
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
    allow_vrt_paths: bool = False,
    noted: set[str] | None = None,
    probabilities: Path | str | None = None,
    confidence: Path | str | None = None,
    quiet: bool = False,
) -> BlockCounts:
    """Write the land cover of an image as `maps.predict_map` does, block by block on workers.

    Finished blocks are files in a folder beside the map, `blocks_folder`, of which the map is made while further ones
    are drawn. If the work ends early, they stay there, with mosaics of them that a GIS reads; the next call with the
    same arguments goes on from them. When the map is complete, they are removed.

    Args:
        cluster: Whose workers see the image's files, and the folder of the map, under the same paths.
        model: It was read from a file.
        image, path, options: See `maps.predict_map`.
        block: Side of a block in pixels, a multiple of `options.BLOCK_UNIT`. The map does not depend on it.
        blocks: Folder in which that of the blocks is made; None for the folder of the map.
        cog, bands, stretch, allow_vrt_paths, noted, probabilities, confidence, quiet: See `maps.predict_map`.

    Raises:
        LandcoverError: See `maps.predict_map`; or blocks could not be drawn, a line for each: all others are finished.
    """
    scene, path = image if isinstance(image, Scene) else Scene.of(image), Path(path)
    folder = blocks_folder(blocks / path.name if blocks else path)
    further: dict[str, Any] = {"cog": cog, "bands": bands, "stretch": stretch, "allow_vrt_paths": allow_vrt_paths}
    further |= {"noted": noted, "probabilities": probabilities, "confidence": confidence, "quiet": quiet}
    with exclusive(folder):
        with drawing_map(model, scene, path, **further) as drawing:
            grid = BlockGrid(drawing.raster.height, drawing.raster.width, block)
            layers = ((CONFIDENCE,) if confidence else ()) + ((PROBABILITIES,) if probabilities else ())
            key = share_model(cluster, model)
            choices: dict[str, Any] = {"options": asdict(options), "bands": bands, "stretch": stretch, "layers": layers}
            choices |= {"block": block, "allow_vrt_paths": allow_vrt_paths, "box": scene.box}
            absolute = replace(
                scene, files=tuple(file.absolute() if isinstance(file, Path) else file for file in scene.files)
            )
            mark = fingerprint(files_of_scene(absolute, drawing.raster), key, choices)
            files = BlockFiles(folder.absolute(), mark, layers)
            make_folder(folder)
            if not quiet:
                warn_of_other_blocks(files)
            grid = divided(grid, files, cluster.threads())
            task = BlockDrawing(absolute, key, options, bands, stretch, allow_vrt_paths, files, choices)
            counts = _draw(cluster, drawing, task, grid, model, scene.path.name, quiet)
        remove_blocks(folder)
    return counts


def blocks_folder(path: Path) -> Path:
    """The folder beside a map in which its blocks are until it is complete."""
    return path.with_name(f"{path.stem}{BLOCKS}")


def predict_scenes_on(
    cluster: Cluster,
    model: Model,
    scenes: Iterable[Scene],
    folder: Path,
    options: InferenceOptions = DEFAULTS,
    *,
    block: int = BLOCK,
    blocks: Path | None = None,
    bands: Sequence[int | str] | None = None,
    confidence: bool = False,
) -> BlockCounts:
    """Write the map of each scene as `scene_maps.predict_scenes` does, block by block on workers.

    Args:
        cluster, model, block, blocks: See `predict_map_on`.
        scenes, folder, options, bands, confidence: See `scene_maps.predict_scenes`.

    Raises:
        LandcoverError: Scenes cannot be mapped: a line for each scene or block.
    """
    total = BlockCounts()

    def draw(*arguments: Any, **further: Any) -> None:
        total.add(predict_map_on(cluster, model, *arguments, block=block, blocks=blocks, **further))

    draw_scenes(draw, scenes, folder, options, bands=bands, confidence=confidence)
    return total


def _draw(
    cluster: Cluster, drawing: MapDrawing, task: BlockDrawing, grid: BlockGrid, model: Model, name: str, quiet: bool
) -> BlockCounts:
    """Let the blocks be drawn and the map be made of them."""
    counts, before = BlockCounts(len(grid)), cluster.retries
    failed: list[str] = []
    ends = strip_ends(grid.height, grid.width, model.scale, task.options)
    done: dict[int, int] = {}  # blocks of the rows that are not complete
    tasks = (BlockTask(task, block) for block in grid)
    bar: tqdm[None] = progress_bar(name, grid.height * grid.width / 1e6, "megapixels", decimals=1, quiet=quiet)
    try:
        with bar, assembling(drawing, task.files, grid, ends) as rows:
            for one, result in cluster.map(draw_block, tasks, str):
                if isinstance(result, LandcoverError):
                    failed += result.lines
                    continue
                height, width = one.block.size
                bar.update(height * width / 1e6)
                counts.kept += not result.is_new
                counts.add_pixels(result.pixels)
                done[one.block.row] = done.get(one.block.row, 0) + 1
                if done[one.block.row] == sum(map(len, grid.row(one.block.row))):
                    del done[one.block.row]
                    rows.complete(one.block.row)
            counts.retries = cluster.retries - before
            if failed:
                raise LandcoverError(*failed)
            write_mosaic(task.files, grid, drawing.raster.place, model.classes)
    except BaseException:
        with suppress(OSError):  # whatever happened comes first
            finished = write_mosaic(task.files, grid, drawing.raster.place, model.classes)
            if not finished:
                remove_blocks(task.files.folder)
            elif not quiet:
                note(
                    f"{task.files.folder.name}: {finished} of {len(grid)} blocks of {name} are finished and stay "
                    "there; the same command goes on from them."
                )
        raise
    return counts

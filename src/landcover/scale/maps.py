"""Maps of scenes of any size by many workers: the same files as those of `geo.maps` and `geo.scene_maps`."""

from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, replace
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
from landcover.scale.block_folder import Found, remove_blocks, remove_partial_files, warn_of_other_blocks
from landcover.scale.block_work import BlockDrawing, Sweep, draw_sweep
from landcover.scale.blocks import Block, BlockGrid, files_of_scene, fingerprint
from landcover.scale.cluster import Cluster
from landcover.scale.mosaic import write_mosaic
from landcover.scale.options import BLOCK
from landcover.scale.progress import BlockCounts, Progress
from landcover.scale.shared_model import share_engine, share_model
from landcover.scale.sweeps import plan
from landcover.system.errors import LandcoverError, note
from landcover.system.progress_bar import progress_bar
from landcover.system.scratch import exclusive, make_folder


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
    same arguments goes on from them. When the map is complete, they are removed, unless the folder is `blocks`.

    Args:
        cluster: Whose workers see the image's files, and the folder of the map, under the same paths.
        model: It was read from a file.
        image, path, options: See `maps.predict_map`.
        block: Side of a block in pixels, a multiple of `options.BLOCK_UNIT`. The map does not depend on it.
        blocks: Folder in which that of the blocks is made, which stays until `forget_blocks` is called; None for the
            folder of the map.
        cog, bands, stretch, allow_vrt_paths, noted, probabilities, confidence, quiet: See `maps.predict_map`.

    Raises:
        LandcoverError: See `maps.predict_map`; or blocks could not be drawn, a line for each: all others are finished.
    """
    scene, path = image if isinstance(image, Scene) else Scene.of(image), Path(path)
    folder = blocks_folder(blocks / path.name if blocks else path)
    further: dict[str, Any] = {"cog": cog, "bands": bands, "stretch": stretch, "allow_vrt_paths": allow_vrt_paths}
    further |= {"noted": noted, "probabilities": probabilities, "confidence": confidence, "quiet": quiet}
    key = share_model(cluster, model)  # before anything that takes time: workers begin to load it
    engine, further["engine"] = share_engine(cluster, key, model, options.engine)
    options = replace(options, engine=engine)
    with exclusive(folder):
        with drawing_map(model, scene, path, **further) as drawing:
            layers = ((CONFIDENCE,) if confidence else ()) + ((PROBABILITIES,) if probabilities else ())
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
            grid = BlockGrid(drawing.raster.height, drawing.raster.width, block)
            grid, sweeps = plan(grid, Found(files, grid), cluster.threads())
            task = BlockDrawing(absolute, key, options, bands, stretch, allow_vrt_paths, files, choices)
            counts = _draw(cluster, drawing, task, grid, sweeps, model, scene.path.name, quiet)
        if not blocks:
            remove_blocks(folder)
    return counts


def blocks_folder(path: Path) -> Path:
    """The folder beside a map in which its blocks are until it is complete."""
    return path.with_name(f"{path.stem}{BLOCKS}")


def forget_blocks(folder: Path) -> None:
    """Remove the blocks of all maps that were drawn with a folder for their blocks: the maps are safe.

    Args:
        folder: The argument `blocks` of `predict_map_on`; it need not exist.
    """
    for each in folder.glob(f"*{BLOCKS}"):
        remove_blocks(each)


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
    cluster: Cluster,
    drawing: MapDrawing,
    task: BlockDrawing,
    grid: BlockGrid,
    sweeps: Iterable[tuple[Block, ...]],
    model: Model,
    name: str,
    quiet: bool,
) -> BlockCounts:
    """Let the blocks be drawn and the map be made of them."""
    before, failed = cluster.retries, list[str]()
    bar: tqdm[None] = progress_bar(name, grid.height * grid.width / 1e6, "megapixels", decimals=1, quiet=quiet)
    try:
        with bar, assembling(drawing, task.files, grid) as rows:
            progress = Progress(grid, bar, rows)
            items = (Sweep(task, blocks) for blocks in sweeps)
            drawn = cluster.map(draw_sweep, items, str, divide=progress.left_of, on_report=progress.hear)
            with closing(drawn):  # whatever goes wrong, what is under way ends now
                for _, result in drawn:
                    if isinstance(result, LandcoverError):
                        failed += result.lines
                    else:
                        for block in result:
                            progress.finish(block)
            if failed:
                raise LandcoverError(*failed)
            write_mosaic(task.files, grid, drawing.raster.place, model.classes)
    except BaseException:
        with suppress(OSError):  # whatever happened comes first
            remove_partial_files(task.files.folder)  # of workers that were killed, or do not end
            finished = write_mosaic(task.files, grid, drawing.raster.place, model.classes)
            if not finished:
                remove_blocks(task.files.folder)
            elif not quiet:
                note(
                    f"{task.files.folder.name}: {finished} of {len(grid)} blocks of {name} are finished and stay "
                    "there; the same command goes on from them."
                )
        raise
    progress.counts.retries = cluster.retries - before
    return progress.counts

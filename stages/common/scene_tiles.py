"""Prepare the scenes of a data set, as the block `data` names them."""

from pathlib import Path
from typing import Any

from landcover.data.scene_preparation import prepare_scenes
from landcover.data.tile_files import Prepared
from landcover.system.errors import note, warn
from landcover.system.mapping import Mapper
from landcover.system.outputs import check_outputs
from stages.common.data_block import Data
from stages.common.params import ADVICE
from stages.common.paths import PREPARED
from stages.common.scene_set import files_of, labels_of, scenes_of, split_of


def prepare_data_scenes(
    data: Data, folder: Path, mapper: Mapper, *, tile: int, scale: float, max_off_palette: float
) -> tuple[dict[str, Prepared], float | None]:
    """Cut the scenes into tiles, in new folders `train` and `validation`.

    Args:
        data: The block.
        folder: An existing folder, in which those of the splits are made.
        mapper: Cuts the tiles.
        tile, scale, max_off_palette: See the block `prepare`.

    Returns:
        The prepared splits; and the ground resolution of the scenes in metres per pixel, None if it is unknown.

    Raises:
        LandcoverError: See `prepare_scenes` and `scene_set`.
    """
    scenes = scenes_of(data)
    check_outputs(files_of(data, scenes), folders=[PREPARED], advice=ADVICE)
    labels, split, classes = labels_of(data, max_off_palette), split_of(data, scenes), data.table()
    options: dict[str, Any] = {"tile": tile, "scale": scale, "bands": data.bands, "mapper": mapper}
    splits, resolution, notes = prepare_scenes(scenes, labels, split, classes, folder, **options)
    where = labels.path
    if shared := notes.get("overlapping"):
        which = {"later": "the later row", "smaller": "the smaller one"}[data.overlap]
        note(f"{where}: polygons of different classes overlap in {shared} pixels, where {which} counts (data.overlap)")
    if off_palette := notes.get("off_palette"):
        warn(f"{where}: {off_palette} pixels have {data.masks} of no class and count as unknown")
    return splits, resolution

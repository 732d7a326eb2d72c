"""The scenes of a data set, their labels and their split, as the block `data` names them (layout: scenes).

The stages prepare, predict and evaluate get the same from the same parameters: no labels travel between them. Imports
rasterio: stages import it where the layout is known.
"""

from pathlib import Path

from landcover.data.splitting import Split, split_by_block, split_by_scene
from landcover.labels.sources import LabelSource, open_labels
from landcover.rasters.scenes import Scene, find_scenes
from landcover.system.locations import paths
from stages.common.data_block import Data


def scenes_of(data: Data) -> list[Scene]:
    """The scenes, sorted by name.

    Raises:
        LandcoverError: There are none, or two have the same name.
    """
    return find_scenes(Path(data.root), data.scenes)


def files_of(data: Data, scenes: list[Scene]) -> list[Path]:
    """The files of the scenes, and those, or the folder, of labels and areas of interest."""
    labels = [Path(data.root, name) for name in (data.labels, data.area) if name is not None]
    return [*(path for scene in scenes for path in paths(scene.files)), *labels]


def labels_of(data: Data, max_off_palette: float = 1.0) -> LabelSource:
    """The labels on the ground.

    Args:
        data: The block.
        max_off_palette: Largest allowed share (0..1) of labelled pixels with a code or colour of no class; by default
            all, for stages after the preparation, which has checked it.

    Raises:
        LandcoverError: They cannot be read, or have values of no class.
    """
    return open_labels(Path(data.root), data.labels, data.area, data.label_options(max_off_palette))


def split_of(data: Data, scenes: list[Scene]) -> Split:
    """Which pixels of the scenes train, and which validate.

    Raises:
        LandcoverError: There are too few scenes.
    """
    if data.split == "scene":
        return split_by_scene(scenes, data.holdout)
    return split_by_block(data.block, data.holdout, data.buffer)

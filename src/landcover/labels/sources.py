"""Labels of scenes, whatever they come from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from rasterio.windows import Window

from landcover.labels.areas import Areas
from landcover.labels.options import RASTER_SUFFIXES, VECTOR_SUFFIXES, LabelOptions
from landcover.labels.raster_labels import RasterLabels
from landcover.labels.vector_files import is_vector_file
from landcover.labels.vector_labels import VectorLabels
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError


class GridLabels(Protocol):
    """The labels on the grid of one scene, read window by window in any order, by several threads at once.

    What a window reads does not depend on which windows are read: neighbours fit together.
    """

    def windows(self, side: int) -> Iterator[Window]:
        """Windows of a lattice of squares of `side` pixels that may have labels.

        Row by row; those at the right and lower edge are cut off. The lattice begins at the upper left
        corner of the grid. Windows without any label are left out
        where that is known without burning.
        """

    def meets(self) -> bool:
        """Whether anything may have labels on the grid: False if labels or areas of interest lie elsewhere.

        A caller for whom no scene meets the labels raises `sources.no_overlap`.
        """

    def read(self, window: Window) -> np.ndarray:
        """Labels of a window within the grid: uint8 (h, w), class indices or `UNKNOWN`.

        Raises:
            LandcoverError: A raster of labels cannot be read.
        """


class LabelSource(Protocol):
    """Labels on the ground.

    Attributes:
        path: The file or folder, for messages.
        areas: The areas of interest; None for no limit.
    """

    path: Path
    areas: Areas | None

    def on(self, grid: Grid, scene: Scene) -> GridLabels:
        """The labels on the grid of a scene (its own or a scaled one), in its reference system.

        Raises:
            LandcoverError: They cannot be; for example, the scene has no reference system.
        """

    def extent(self) -> str:
        """Where they lie, in words."""

    def report(self) -> dict[str, int]:
        """What is worth a note, by kind, of all that was read so far; kinds that are 0 are left out.

        `repaired`: rows of the file that were invalid (a warning said so when it was opened); `overlapping`: pixels
        that polygons or points of different classes share; `off_palette`: pixels with a code or colour of no class.
        """

    def check(self) -> None:
        """To be called after all was read.

        Raises:
            LandcoverError: More than a share `max_off_palette` of the pixels have a code or colour of no class.
        """


def open_labels(root: Path, labels: str, area: str | None, options: LabelOptions) -> LabelSource:
    """Open the labels of a data set: polygons, points, or rasters of codes.

    Args:
        root: Folder of the data set.
        labels: Below it: a file of polygons or points, a raster, or a folder or pattern of rasters, of which a scene
            takes those that it meets.
        area: Below it: a file of polygons, outside of which all is unknown; None for no limit.
        options: How they become labels of pixels.

    Raises:
        LandcoverError: They cannot be read, or have values of no class.
    """
    path = Path(root, labels)
    areas = None if area is None else Areas(Path(root, area))
    if is_vector_file(path):
        return VectorLabels(path, areas, options)
    return RasterLabels(path, find_rasters(root, labels), areas, options)


def find_rasters(root: Path, labels: str) -> list[Path]:
    """The rasters that a path below the root names: one, those of a folder, or of a pattern; sorted.

    Raises:
        LandcoverError: There are none, or files of polygons among them.
    """
    path = Path(root, labels)
    if path.is_dir():
        found = [file for file in path.iterdir() if file.suffix.lower() in RASTER_SUFFIXES and file.is_file()]
        wanted = f"in it ends in {', '.join(RASTER_SUFFIXES)}"
    elif set(labels) & set("*?["):
        found = [file for file in root.glob(labels) if file.is_file()]
        wanted = "has such a name"
    else:
        if not path.exists():
            known = ", ".join((*VECTOR_SUFFIXES, *RASTER_SUFFIXES))
            raise LandcoverError(f"{path}: no such file. Name a file of labels (`labels`), such as {known}.")
        return [path]
    if not found:
        raise LandcoverError(f"{path}: no labels: no file {wanted}. Name a file of labels (`labels`).")
    if any(map(is_vector_file, found)):
        raise LandcoverError(f"{path}: several files of polygons or points. Merge them into one layer, and name that.")
    return sorted(found)


def no_overlap(source: LabelSource, scenes: Path | str) -> LandcoverError:
    """The error to raise if the labels meet no scene (`GridLabels.meets`).

    Args:
        source: The labels.
        scenes: Where the scenes are, for the message.
    """
    area = f"; the areas of interest, {source.areas.path}, at {source.areas.extent()}" if source.areas else ""
    return LandcoverError(
        f"{source.path}: no label lies in any scene of {scenes}. The labels are at {source.extent()}{area}. Check the "
        "reference systems, or name other scenes."
    )

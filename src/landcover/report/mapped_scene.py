"""One scene with its labels and its map: what a window of both says. Needs rasterio and geopandas."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.data.scene_labels import SceneLabels
from landcover.data.splitting import Split
from landcover.geo.map_reader import open_map
from landcover.labels.sources import LabelSource
from landcover.rasters.access import open_dataset, raster_errors
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene, SceneReader, open_scene
from landcover.scoring.calibration import Calibration
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.ground_counts import GroundCounts
from landcover.system.errors import LandcoverError

SAMPLE = 256
"""Side in pixels of the windows that can be shown."""

_READ = 2 * SAMPLE  # side of the windows that are read: that of the blocks of most files


class ScoredWindow(NamedTuple):
    """A window of `SAMPLE` pixels with labels that validate.

    Attributes:
        window: The window.
        confusion: Its confusion matrix.
        counts: Its pixels by unit, and areas.
    """

    window: Window
    confusion: np.ndarray
    counts: GroundCounts


class ComparedWindow(NamedTuple):
    """A larger window in which labels validate.

    Attributes:
        window: The window.
        labels: Those that validate; None if they are not kept.
        calibration: None without the confidence of the map.
        parts: Those with such labels.
    """

    window: Window
    labels: np.ndarray | None
    calibration: Calibration | None
    parts: list[ScoredWindow]


@dataclass(frozen=True)
class MappedScene:
    """A scene with its labels and its map: work on its windows, see `mapping.Work`.

    Attributes:
        scene: The scene.
        map: None if there is none, an error only where labels validate.
        confidence: The file with the confidence of the map; None if there is none.
        labels, split: Of the scene.
        classes: Of labels and map.
        bands: Of the scene, see `scenes.open_scene`.
        keeps_labels: Whether labels are part of the results.
    """

    scene: Scene
    map: Path | None
    confidence: Path | None
    labels: LabelSource
    split: Split
    classes: ClassTable
    bands: Sequence[int | str] | None
    keeps_labels: bool = False

    @property
    def result_bytes(self) -> int:
        """See `mapping.Work`."""
        return _READ**2 if self.keeps_labels else 0

    @contextmanager
    def opened(self, threads: int = 1) -> Iterator["Comparison"]:
        """See `mapping.Work`."""
        with open_scene(self.scene, self.bands) as reader, ExitStack() as stack:
            yield Comparison(self, reader, stack)

    def describe(self, window: Window) -> str:
        """See `mapping.Work`."""
        return f"{self.scene.path}, window at row {window.row_off}, column {window.col_off}"

    @contextmanager
    def open_map(self, grid: Grid) -> Iterator[DatasetReader]:
        """Open the map; the grid of the scene is given.

        Raises:
            LandcoverError: There is none, or it cannot be read, or has another grid or other classes.
        """
        path = self.map
        if path is None:
            raise LandcoverError(
                f"{self.scene.path}: has labels that validate, but no map. Predict it too (in the pipeline: name it in "
                "predict.inputs, or set that to null)."
            )
        with open_map(path) as (file, names):
            if names != dict(enumerate(self.classes.names)):
                raise LandcoverError(f"{path}: its classes are not those of `classes`. Predict it again.")
            if not Grid.of(file).is_same(grid):
                raise LandcoverError(f"{path}: its grid is not that of {self.scene.path}. Predict it again.")
            yield file

    @contextmanager
    def open_confidence(self, grid: Grid) -> Iterator[DatasetReader | None]:
        """Open the confidence of the map; yield None if there is none. The grid of the scene is given.

        Raises:
            LandcoverError: It cannot be read, or has another size.
        """
        path = self.confidence
        if path is None:
            yield None
            return
        with open_dataset(path) as file, raster_errors(path):
            if (file.count, file.dtypes[0], file.shape) != (1, "uint8", (grid.height, grid.width)):
                raise LandcoverError(f"{path}: not the confidence of a map of {self.scene.path}. Predict it again.")
            yield file


class Comparison:
    """An open scene with its labels, and with its map and the confidence as soon as they are needed.

    Attributes:
        grid: Of the scene.

    Args:
        work: What is compared.
        reader: Of the scene.
        stack: Closes the map.
    """

    def __init__(self, work: MappedScene, reader: SceneReader, stack: ExitStack) -> None:
        self._work, self._reader, self._stack, self.grid = work, reader, stack, reader.grid
        self._labels = SceneLabels.of(work.scene, reader.grid, work.labels, work.split)
        self._lock = Lock()

    def windows(self) -> list[Window]:
        """Those of `_READ` pixels that may have labels."""
        return list(self._labels.labels.windows(_READ))

    def __call__(self, window: Window) -> ComparedWindow | None:
        """Compare a window; None if no label in it validates."""
        labels = validating(self._labels, self._reader, window)
        if (labels == UNKNOWN).all():
            return None
        with self._lock:  # a dataset of rasterio is not for several threads at once
            file, confidence = self._files
            mapped, sure = file.read(1, window=window), confidence.read(1, window=window) if confidence else None
        calibration = None if sure is None else Calibration.of(labels, mapped, sure)
        parts = [
            self._part(part, labels[here], mapped[here])
            for part, here in _parts(window)
            if (labels[here] != UNKNOWN).any()
        ]
        return ComparedWindow(window, labels if self._work.keeps_labels else None, calibration, parts)

    @cached_property
    def _files(self) -> tuple[DatasetReader, DatasetReader | None]:
        file = self._stack.enter_context(self._work.open_map(self.grid))
        return file, self._stack.enter_context(self._work.open_confidence(self.grid))

    def _part(self, part: Window, labels: np.ndarray, mapped: np.ndarray) -> ScoredWindow:
        work, counts = self._work, GroundCounts(self._work.classes)
        units, areas = work.split.units(work.scene, self.grid, part), _areas(self.grid.part(part))
        counts.add(labels, mapped, *units, areas)
        return ScoredWindow(part, confusion_matrix(labels, mapped, len(work.classes)), counts)


def validating(labels: SceneLabels, scene: SceneReader, window: Window) -> np.ndarray:
    """The labels of a window that validate and where there is data: uint8 (h, w), elsewhere `UNKNOWN`."""
    found = labels.read(window).get("validation")
    if found is None:  # most windows: reading the image takes longer
        return np.full((window.height, window.width), UNKNOWN, np.uint8)
    _, valid = scene.read_window(window)
    return found if valid is None else np.where(valid, found, np.uint8(UNKNOWN))


def _areas(grid: Grid) -> np.ndarray:
    """`Grid.areas`, NaN if the grid has no place on Earth."""
    try:
        return grid.areas()
    except ValueError:
        return np.array(np.nan)


def _parts(window: Window) -> Iterator[tuple[Window, tuple[slice, slice]]]:
    """Windows of `SAMPLE` pixels within one whose corner is on their lattice; and where they are in its arrays."""
    for top, left in product(range(0, window.height, SAMPLE), range(0, window.width, SAMPLE)):
        height, width = min(SAMPLE, window.height - top), min(SAMPLE, window.width - left)
        part = Window(window.col_off + left, window.row_off + top, width, height)
        yield part, (slice(top, top + height), slice(left, left + width))

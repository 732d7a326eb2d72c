"""Maps of scenes against the labels that validate: scores, and windows to show. Needs rasterio and geopandas."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

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
from landcover.report.composites import composite, shown_bands
from landcover.report.examples import titled
from landcover.report.figures import Panels, draw_panels
from landcover.scoring.calibration import Calibration
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.ground_counts import GroundCounts
from landcover.scoring.scores import Scores
from landcover.system.errors import LandcoverError, Problems
from landcover.system.progress_bar import progress_bar

SAMPLE = 256
"""Side in pixels of the windows that can be shown."""

_READ = 2 * SAMPLE  # side of the windows that are read: that of the blocks of most files


Seen = Callable[[Scene, Grid, Window, np.ndarray], None]
"""Takes a scene, its grid, a window in which labels validate, and these labels."""


@dataclass(frozen=True)
class SceneScores:
    """How well maps of scenes agree with the labels that validate.

    Attributes:
        counts: Of all scenes.
        windows: Scores of each window of `SAMPLE` pixels with such labels by name, `SCENE at ROW,COLUMN` of its upper
            left pixel.
        places: Scene and window of each name.
        calibration: Of the maps whose confidence was given.
    """

    counts: GroundCounts
    windows: Scores
    places: Mapping[str, tuple[Scene, Window]]
    calibration: Calibration


@dataclass(frozen=True)
class MappedScenes:
    """Scenes with their labels and maps.

    Attributes:
        scenes: To score; those without labels that validate need no map.
        maps: By name of the scene; there may be others.
        labels, split: Of the scenes.
        classes: Of labels and maps.
        bands: Of the scenes, see `scenes.open_scene`.
        confidences: Files with the confidence of the maps by name of the scene; some or all may be missing.
    """

    scenes: Sequence[Scene]
    maps: Mapping[str, Path]
    labels: LabelSource
    split: Split
    classes: ClassTable
    bands: Sequence[int | str] | None = None
    confidences: Mapping[str, Path] = field(default_factory=dict)

    def score(self, seen: Seen = lambda *_: None) -> SceneScores:
        """Compare the maps with the labels window by window: memory does not grow with the size of the scenes.

        Args:
            seen: Is called with each window, scene by scene.

        Raises:
            LandcoverError: A line for each scene that cannot be read, or that validates but has no map, or one of
                another grid or other classes, or whose confidence is of another size; or no labelled pixel validates.
        """
        counts, windows, places, calibration = GroundCounts(self.classes), {}, {}, Calibration()
        problems = Problems()
        for scene in self.scenes:
            with problems.collecting():
                for window, labels, mapped, confidence, grid in self._compared(scene):
                    seen(scene, grid, window, labels)
                    if confidence is not None:
                        calibration += Calibration.of(labels, mapped, confidence)
                    for part, here in _parts(window):
                        if (labels[here] != UNKNOWN).any():
                            name = f"{scene.name} at {part.row_off},{part.col_off}"
                            windows[name] = confusion_matrix(labels[here], mapped[here], len(self.classes))
                            places[name] = scene, part
                            units, areas = self.split.units(scene, grid, part), _areas(grid.part(part))
                            counts.add(labels[here], mapped[here], *units, areas)
        problems.raise_any()
        if not places:
            raise LandcoverError("no labelled pixel validates: nothing can be scored. Label more, or lower `holdout`.")
        return SceneScores(counts, Scores(self.classes, windows), places, calibration)

    def draw(self, scores: SceneScores, chosen: int | Sequence[str], path: Path | str) -> None:
        """Write a PNG of windows as `figures.draw_samples` does of images; unknown is what is not scored.

        Args:
            scores: Of these scenes.
            chosen: Names of windows, or how many: see `examples.examples`.
            path: Of the PNG.

        Raises:
            LandcoverError: No window has such a name.
        """
        if not isinstance(chosen, int) and (missing := [name for name in chosen if name not in scores.places]):
            raise LandcoverError(
                f"`samples`: no window with labels that validate is called {missing[0]!r}; one is called "
                f"{next(iter(scores.places))!r}."
            )
        titles = titled(chosen, scores.windows, SAMPLE**2)
        panels = [self._panels(title, *scores.places[name]) for title, name in titles.items()]
        draw_panels(panels, self.classes, path)

    @contextmanager
    def open_map(self, scene: Scene, grid: Grid) -> Iterator[DatasetReader]:
        """Open the map of a scene, whose grid is given.

        Raises:
            LandcoverError: There is none, or it cannot be read, or has another grid or other classes.
        """
        if scene.name not in self.maps:
            raise LandcoverError(
                f"{scene.path}: has labels that validate, but no map. Predict it too (in the pipeline: name it in "
                "predict.inputs, or set that to null)."
            )
        path = self.maps[scene.name]
        with open_map(path) as (file, names):
            if names != dict(enumerate(self.classes.names)):
                raise LandcoverError(f"{path}: its classes are not those of `classes`. Predict it again.")
            if not Grid.of(file).is_same(grid):
                raise LandcoverError(f"{path}: its grid is not that of {scene.path}. Predict it again.")
            yield file

    @contextmanager
    def open_confidence(self, scene: Scene, grid: Grid) -> Iterator[DatasetReader | None]:
        """Open the confidence of a map of a scene, whose grid is given; yield None if there is none.

        Raises:
            LandcoverError: It cannot be read, or has another size.
        """
        path = self.confidences.get(scene.name)
        if path is None:
            yield None
            return
        with open_dataset(path) as file, raster_errors(path):
            if (file.count, file.dtypes[0], file.shape) != (1, "uint8", (grid.height, grid.width)):
                raise LandcoverError(f"{path}: not the confidence of a map of {scene.path}. Predict it again.")
            yield file

    def _panels(self, title: str, scene: Scene, window: Window) -> Panels:
        with open_scene(scene, self.bands) as reader, self.open_map(scene, reader.grid) as file:
            labels = validating(SceneLabels.of(scene, reader.grid, self.labels, self.split), reader, window)
            shown, (pixels, valid) = shown_bands(reader.names), reader.read_window(window)
            image, bands = composite(pixels[..., shown], valid, [reader.names[i] for i in shown])
            return Panels(title, image, bands, labels, file.read(1, window=window), labels)

    def _compared(self, scene: Scene) -> Iterator[tuple[Window, np.ndarray, np.ndarray, np.ndarray | None, Grid]]:
        """Yield windows in which labels validate, these labels, the map there, its confidence, and the scene's grid."""
        with open_scene(scene, self.bands) as reader, ExitStack() as stack:
            scene_labels = SceneLabels.of(scene, reader.grid, self.labels, self.split)
            file = confidence = None
            windows = list(scene_labels.labels.windows(_READ))
            for window in progress_bar(scene.name, len(windows), "windows", windows):
                labels = validating(scene_labels, reader, window)
                if (labels != UNKNOWN).any():
                    if file is None:
                        file = stack.enter_context(self.open_map(scene, reader.grid))
                        confidence = stack.enter_context(self.open_confidence(scene, reader.grid))
                    sure = confidence.read(1, window=window) if confidence else None
                    yield window, labels, file.read(1, window=window), sure, reader.grid


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

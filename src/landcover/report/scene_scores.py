"""Maps of scenes against the labels that validate: scores, and windows to show. Needs rasterio and geopandas."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader
from rasterio.warp import transform as warp_points
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.data.scene_labels import SceneLabels
from landcover.data.splitting import Split
from landcover.geo.map_reader import open_map
from landcover.labels.sources import LabelSource
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene, SceneReader, open_scene
from landcover.report.composites import composite, shown_bands
from landcover.report.examples import titled
from landcover.report.figures import Panels, draw_panels
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.ground_counts import GroundCounts
from landcover.scoring.scores import Scores
from landcover.system.errors import LandcoverError, Problems
from landcover.system.progress_bar import progress_bar

SAMPLE = 256
"""Side in pixels of the windows that can be shown."""

_READ = 2 * SAMPLE  # side of the windows that are read: that of the blocks of most files


@dataclass(frozen=True)
class SceneScores:
    """How well maps of scenes agree with the labels that validate.

    Attributes:
        counts: Of all scenes.
        windows: Scores of each window of `SAMPLE` pixels with such labels by name, `SCENE at ROW,COLUMN` of its upper
            left pixel.
        places: Scene and window of each name.
    """

    counts: GroundCounts
    windows: Scores
    places: Mapping[str, tuple[Scene, Window]]


@dataclass(frozen=True)
class MappedScenes:
    """Scenes with their labels and maps.

    Attributes:
        scenes: To score; those without labels that validate need no map.
        maps: By name of the scene; there may be others.
        labels, split: Of the scenes.
        classes: Of labels and maps.
        bands: Of the scenes, see `scenes.open_scene`.
    """

    scenes: Sequence[Scene]
    maps: Mapping[str, Path]
    labels: LabelSource
    split: Split
    classes: ClassTable
    bands: Sequence[int | str] | None = None

    def score(self) -> SceneScores:
        """Compare the maps with the labels window by window: memory does not grow with the size of the scenes.

        Raises:
            LandcoverError: A line for each scene that cannot be read, or that validates but has no map, or one of
                another grid or other classes; or no labelled pixel validates.
        """
        counts, windows, places = GroundCounts(self.classes), {}, {}
        problems = Problems()
        for scene in self.scenes:
            with problems.collecting():
                for window, labels, mapped, grid in self._compared(scene):
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
        return SceneScores(counts, Scores(self.classes, windows), places)

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

    def _panels(self, title: str, scene: Scene, window: Window) -> Panels:
        with open_scene(scene, self.bands) as reader, self._open_map(scene, reader.grid) as file:
            labels = _validating(SceneLabels.of(scene, reader.grid, self.labels, self.split), reader, window)
            shown, (pixels, valid) = shown_bands(reader.names), reader.read_window(window)
            image, bands = composite(pixels[..., shown], valid, [reader.names[i] for i in shown])
            return Panels(title, image, bands, labels, file.read(1, window=window), labels)

    def _compared(self, scene: Scene) -> Iterator[tuple[Window, np.ndarray, np.ndarray, Grid]]:
        """Yield windows in which labels validate, these labels, what is mapped there, and the grid of the scene."""
        with open_scene(scene, self.bands) as reader, ExitStack() as stack:
            scene_labels, file = SceneLabels.of(scene, reader.grid, self.labels, self.split), None
            windows = list(scene_labels.labels.windows(_READ))
            for window in progress_bar(scene.name, len(windows), "windows", windows):
                labels = _validating(scene_labels, reader, window)
                if (labels != UNKNOWN).any():
                    file = file or stack.enter_context(self._open_map(scene, reader.grid))
                    yield window, labels, file.read(1, window=window), reader.grid

    @contextmanager
    def _open_map(self, scene: Scene, grid: Grid) -> Iterator[DatasetReader]:
        if scene.name not in self.maps:
            raise LandcoverError(
                f"{scene.path}: has labels that validate, but no map. Predict it too (in the pipeline: name it in "
                "predict.inputs, or set that to null)."
            )
        path = self.maps[scene.name]
        with open_map(path) as (file, names):
            if names != dict(enumerate(self.classes.names)):
                raise LandcoverError(f"{path}: its classes are not those of `classes`. Predict it again.")
            if not _is_same(Grid.of(file), grid):
                raise LandcoverError(f"{path}: its grid is not that of {scene.path}. Predict it again.")
            yield file


def _validating(labels: SceneLabels, scene: SceneReader, window: Window) -> np.ndarray:
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


def _is_same(one: Grid, other: Grid) -> bool:
    """Whether two grids have equal sizes, and corners that differ by less than a tenth of a pixel.

    Reference systems are compared by what they say of these: a file may return one in other words.
    """
    if (one.height, one.width, one.crs is None) != (other.height, other.width, other.crs is None):
        return False
    places = np.array([[0, one.width, 0, one.width], [0, 0, one.height, one.height], [1, 1, 1, 1]])
    corners, expected = ((np.reshape(grid.transform, (3, 3)) @ places)[:2] for grid in (one, other))
    if one.crs != other.crs:
        corners = np.array(warp_points(one.crs, other.crs, *corners))
    tolerance = 0.1 * min(np.hypot(*axis) for axis in np.reshape(other.transform, (3, 3))[:2, :2].T)
    return np.allclose(corners, expected, rtol=0, atol=tolerance)


def _parts(window: Window) -> Iterator[tuple[Window, tuple[slice, slice]]]:
    """Windows of `SAMPLE` pixels within one whose corner is on their lattice; and where they are in its arrays."""
    for top, left in product(range(0, window.height, SAMPLE), range(0, window.width, SAMPLE)):
        height, width = min(SAMPLE, window.height - top), min(SAMPLE, window.width - left)
        part = Window(window.col_off + left, window.row_off + top, width, height)
        yield part, (slice(top, top + height), slice(left, left + width))

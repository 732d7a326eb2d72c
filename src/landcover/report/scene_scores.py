"""Maps of scenes against the labels that validate: scores, and windows to show. Needs rasterio and geopandas."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.classes.class_table import ClassTable
from landcover.data.scene_labels import SceneLabels
from landcover.data.splitting import Split
from landcover.labels.sources import LabelSource
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene, open_scene
from landcover.report.composites import composite, shown_bands
from landcover.report.examples import titled
from landcover.report.figures import Panels, draw_panels
from landcover.report.mapped_scene import SAMPLE, MappedScene, validating
from landcover.scoring.calibration import Calibration
from landcover.scoring.ground_counts import GroundCounts
from landcover.scoring.scores import Scores
from landcover.system.errors import LandcoverError, Problems
from landcover.system.mapping import Mapper
from landcover.system.progress_bar import progress_bar

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

    def score(self, seen: Seen | None = None, *, mapper: Mapper | None = None) -> SceneScores:
        """Compare the maps with the labels window by window: memory does not grow with the size of the scenes.

        Args:
            seen: Is called with each window, scene by scene.
            mapper: Compares the windows of a scene; None for one after the other in this thread.

        Raises:
            LandcoverError: A line for each scene that cannot be read, or that validates but has no map, or one of
                another grid or other classes, or whose confidence is of another size; or no labelled pixel validates.
        """
        counts, windows, places, calibration = GroundCounts(self.classes), {}, {}, Calibration()
        problems = Problems()
        for scene in self.scenes:
            comparing = replace(self._of(scene), keeps_labels=seen is not None)
            with problems.collecting(), comparing.opened() as opened, ExitStack() as stack:
                todo = opened.windows()
                results = map(opened, todo) if mapper is None else stack.enter_context(closing(mapper(comparing, todo)))
                for found in filter(None, progress_bar(scene.name, len(todo), "windows", results)):
                    if seen is not None and found.labels is not None:
                        seen(scene, opened.grid, found.window, found.labels)
                    if found.calibration is not None:
                        calibration += found.calibration
                    for part in found.parts:
                        name = f"{scene.name} at {part.window.row_off},{part.window.col_off}"
                        windows[name], places[name] = part.confusion, (scene, part.window)
                        counts.add_counts(part.counts)
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

    def open_map(self, scene: Scene, grid: Grid) -> AbstractContextManager[DatasetReader]:
        """Open the map of a scene, whose grid is given. Raises as `MappedScene.open_map` does."""
        return self._of(scene).open_map(grid)

    def open_confidence(self, scene: Scene, grid: Grid) -> AbstractContextManager[DatasetReader | None]:
        """Open the confidence of the map of a scene, whose grid is given; yield None if there is none.

        Raises as `MappedScene.open_confidence` does.
        """
        return self._of(scene).open_confidence(grid)

    def _panels(self, title: str, scene: Scene, window: Window) -> Panels:
        with open_scene(scene, self.bands) as reader, self.open_map(scene, reader.grid) as file:
            labels = validating(SceneLabels.of(scene, reader.grid, self.labels, self.split), reader, window)
            shown, (pixels, valid) = shown_bands(reader.names), reader.read_window(window)
            image, bands = composite(pixels[..., shown], valid, [reader.names[i] for i in shown])
            return Panels(title, image, bands, labels, file.read(1, window=window), labels)

    def _of(self, scene: Scene) -> MappedScene:
        maps = self.maps.get(scene.name), self.confidences.get(scene.name)
        return MappedScene(scene, *maps, self.labels, self.split, self.classes, self.bands)

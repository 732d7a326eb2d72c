"""Scenes on the page of the report: each as a whole, reduced, and its windows where labels validate. Needs rasterio."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.data.scene_labels import SceneLabels
from landcover.rasters.control_points import control_points
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene, SceneReader, open_scene
from landcover.report.composites import composite, shown_bands
from landcover.report.content import Entry, Labelled
from landcover.report.mapped_scene import validating
from landcover.report.reduction import find_reduction, middle_places, middle_rows, read_means
from landcover.report.scene_scores import MappedScenes

_KEPT = 8  # scenes whose labels stay open: windows of several scenes take turns


class SceneItems:
    """What the page shows of scenes. Memory does not grow with their size.

    Args:
        maps: The scenes with their labels and maps. They are compared at once, see `MappedScenes.score`, whose errors
            are raised.

    Attributes:
        scores: Of the maps.
    """

    def __init__(self, maps: MappedScenes) -> None:
        self._maps = maps
        self._truths: dict[str, np.ndarray] = {}  # of the reduced scenes
        self._one_scene = Lock()
        self._labels_of = lru_cache(_KEPT)(self._open_labels)
        self.scores = maps.score(self._add_truth)

    def entries(self) -> list[Entry]:
        """Each scene that has a map, under its name; then the windows, see `SceneScores.windows`."""
        of_windows, of_scenes = self.scores.windows.per_image, dict[str, np.ndarray]()
        for name, (scene, _) in self.scores.places.items():
            of_scenes[scene.name] = of_scenes.get(scene.name, 0) + of_windows[name]
        mapped = [scene.name for scene in self._maps.scenes if scene.name in self._maps.maps]
        overviews = [Entry(name, of_scenes.get(name), is_overview=True) for name in mapped]
        return [*overviews, *(Entry(name, confusion) for name, confusion in of_windows.items())]

    def load(self, name: str) -> Labelled:
        """Read a scene, reduced as `PageFiles` reduces images, or a window.

        Args:
            name: Of one of the `entries`.

        Raises:
            LandcoverError: It cannot be read, or its confidence has another size.
        """
        if name in self.scores.places:
            return self._window(*self.scores.places[name])
        with self._one_scene:  # memory must not grow with the number of cores
            return self._overview(next(scene for scene in self._maps.scenes if scene.name == name))

    def _add_truth(self, scene: Scene, grid: Grid, window: Window, labels: np.ndarray) -> None:
        """Note the labels of the pixels that the reduced scene shows."""
        factor = find_reduction(grid.height, grid.width)
        rows, columns = middle_places(grid.height, factor), middle_places(grid.width, factor)
        truth = self._truths.setdefault(scene.name, np.full((len(rows), len(columns)), UNKNOWN, np.uint8))
        (top, bottom), (left, right) = (
            np.searchsorted(places, [start, start + length])
            for places, start, length in (
                (rows, window.row_off, window.height),
                (columns, window.col_off, window.width),
            )
        )
        inside = np.ix_(rows[top:bottom] - window.row_off, columns[left:right] - window.col_off)
        truth[top:bottom, left:right] = labels[inside]

    def _window(self, scene: Scene, window: Window) -> Labelled:
        with self._opened(scene) as (reader, file, confidence):
            labels = validating(self._labels_of(scene, reader.grid), reader, window)
            shown, (pixels, valid) = shown_bands(reader.names), reader.read_window(window)
            image, bands = composite(pixels[..., shown], valid, [reader.names[i] for i in shown])
            return Labelled(
                file.read(1, window=window),
                image,
                labels,
                confidence=confidence.read(1, window=window) if confidence else None,
                bands=bands,
                degrees=control_points(reader.grid.part(window)),
            )

    def _overview(self, scene: Scene) -> Labelled:
        with self._opened(scene) as (reader, file, confidence):
            height, width = reader.height, reader.width
            factor, grid, shown = find_reduction(height, width), reader.grid, shown_bands(reader.names)
            names = [reader.names[i] for i in shown]
            mapped = middle_rows(_rows_of(file), height, width, factor)
            sure = middle_rows(_rows_of(confidence), height, width, factor) if confidence else None
        bands = None if self._maps.bands is None else [self._maps.bands[i] for i in shown]
        with open_scene(scene, bands) as reader:
            image, described = composite(*read_means(reader, factor), names)
        return Labelled(
            mapped,
            image,
            self._truths.get(scene.name),
            confidence=sure,
            bands=described,
            degrees=control_points(grid),
            reduction=factor,
            size=(height, width),
        )

    def _open_labels(self, scene: Scene, grid: Grid) -> SceneLabels:
        return SceneLabels.of(scene, grid, self._maps.labels, self._maps.split)

    @contextmanager
    def _opened(self, scene: Scene) -> Iterator[tuple[SceneReader, DatasetReader, DatasetReader | None]]:
        """Open a scene, its map and, if there is one, the confidence of it."""
        with (
            open_scene(scene, self._maps.bands) as reader,
            self._maps.open_map(scene, reader.grid) as file,
            self._maps.open_confidence(scene, reader.grid) as confidence,
        ):
            yield reader, file, confidence


def _rows_of(file: DatasetReader) -> Callable[[int, int], np.ndarray]:
    """A function that reads rows `top` to `bottom` - 1 of a file of one band."""

    def read(top: int, bottom: int) -> np.ndarray:
        rows: np.ndarray = file.read(1, window=Window(0, top, file.width, bottom - top))
        return rows

    return read

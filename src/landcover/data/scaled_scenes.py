"""Scenes at working resolution, read window by window. Needs rasterio."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import ceil, floor
from queue import SimpleQueue

import numpy as np
from rasterio.windows import Window

from landcover.data.source_images import SourceHeader, check_alike, fill
from landcover.images.image_spec import ImageSpec
from landcover.images.resizing import area_means
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene, SceneReader, open_scene
from landcover.system.errors import Problems
from landcover.system.parallel import error_as_result, parallel_map


def check_scenes(scenes: Sequence[Scene], bands: Sequence[int | str] | None) -> tuple[ImageSpec, list[Grid]]:
    """What all scenes are, without statistics; and where the pixels of each lie.

    Args:
        scenes: At least one.
        bands: Numbers from 1, or names; None for red, green and blue of 8 bits.

    Raises:
        LandcoverError: A line for each scene that cannot be read, or whose bands or pixel type are unlike the others.
    """

    @error_as_result
    def header_of(scene: Scene) -> tuple[SourceHeader, Grid]:
        with open_scene(scene, bands) as reader:
            return SourceHeader((reader.height, reader.width), reader.dtype.name, reader.names), reader.grid

    problems = Problems()
    found = list(problems.successes(parallel_map(header_of, scenes)))
    problems.raise_any()
    spec = check_alike([scene.path for scene in scenes], [header for header, _ in found], None)
    return spec, [grid for _, grid in found]


class ScaledScene:
    """A scene at working resolution. Its windows may be read by several threads at once, each by a reader of its own.

    Attributes:
        grid: Where its pixels at working resolution lie.

    Args:
        readers: Of the same scene, at least one.
        scale: Working resolution divided by that of the scene, 0 < scale <= 1.
    """

    def __init__(self, readers: Sequence[SceneReader], scale: float) -> None:
        self._source = readers[0].grid
        self.grid = self._source.scaled(scale)
        self._free: SimpleQueue[SceneReader] = SimpleQueue()
        for reader in readers:
            self._free.put(reader)

    def read_window(self, window: Window) -> tuple[np.ndarray, np.ndarray | None] | None:
        """Read a window at working resolution: each pixel is the mean of the valid part of the area that it covers.

        What a window reads does not depend on which windows are read: neighbours fit together. One exception: where the
        border between two rows or columns cuts one of the scene exactly in half, rounding may assign it to either.

        Returns:
            Pixels (h, w, B), finite numbers everywhere; and where there is data under the centres of pixels, bool
            (h, w), or None if that is everywhere. None if there is no data in the whole window.

        Raises:
            LandcoverError: It cannot be read.
        """
        source, grid = self._source, self.grid
        axes = (
            _Axis(int(window.row_off), int(window.height), source.height, grid.height),
            _Axis(int(window.col_off), int(window.width), source.width, grid.width),
        )
        (rows, top, bottom), (columns, left, right) = (axis.covered() for axis in axes)
        reader = self._free.get()
        try:
            pixels, valid = reader.read_window(Window(columns.start, rows.start, len(columns), len(rows)))
        finally:
            self._free.put(reader)
        if valid is not None:
            if not valid.any():
                return None
            fill(pixels, valid)
        if (grid.height, grid.width) != (source.height, source.width):
            size = int(window.height), int(window.width)
            pixels = area_means(pixels, size, valid, (left, top, right, bottom))
            if valid is not None:
                valid = valid[np.ix_(axes[0].centres() - rows.start, axes[1].centres() - columns.start)]
        return pixels, valid


@contextmanager
def open_scaled(scene: Scene, bands: Sequence[int | str] | None, scale: float, readers: int) -> Iterator[ScaledScene]:
    """Open a scene at working resolution.

    Args:
        scene, bands: See `scenes.open_scene`.
        scale: Working resolution divided by that of the scene, 0 < scale <= 1.
        readers: How many windows can be read at once.
    """
    with ExitStack() as stack:
        yield ScaledScene([stack.enter_context(open_scene(scene, bands)) for _ in range(readers)], scale)


@dataclass(frozen=True)
class _Axis:
    """Rows or columns of a window at working resolution."""

    start: int
    count: int
    source: int  # number of rows of the scene
    scaled: int  # number of rows of the scene at working resolution

    def covered(self) -> tuple[range, float, float]:
        """The rows of the scene that these cover at least in part; where among them these begin, and end."""
        first, last = (at * self.source / self.scaled for at in (self.start, self.start + self.count))
        rows = range(floor(first), min(ceil(last), self.source))
        return rows, first - rows.start, min(last - rows.start, len(rows))

    def centres(self) -> np.ndarray:
        """The row of the scene under the centre of each of these, as in `resizing.nearest`."""
        numbers = self.start + np.arange(self.count)
        return (2 * numbers + 1) * self.source // (2 * self.scaled)

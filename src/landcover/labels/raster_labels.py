"""Rasters of codes or colours as labels of scenes, whatever their grids. Needs rasterio and pyproj."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.classes.code_table import CodeTable
from landcover.classes.off_palette import OffPalette
from landcover.labels.areas import Areas
from landcover.labels.blocks import BlockLabels
from landcover.labels.extents import extent
from landcover.labels.options import LabelOptions
from landcover.labels.pixel_coordinates import bounds_of, pixel_coordinates
from landcover.labels.raster_files import Decoder, LabelRaster, open_raster
from landcover.labels.raster_sampling import NO_DATA, RasterSampling, majority
from landcover.labels.rereading import ReadAgain
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError

_MOST_PIXELS = 1 << 24  # of a raster that are read at a time


class RasterLabels(ReadAgain):
    """Labels of rasters: a `sources.LabelSource`. Where they overlap, the first by name that has data counts.

    Args:
        path: The file, folder or pattern, for messages.
        files: The rasters, sorted by name.
        areas: The areas of interest; None for no limit.
        options: How they become labels of pixels.

    Raises:
        LandcoverError: See `raster_files.open_raster`, `CodeTable`; or `rest` is set, which is not for rasters.
    """

    def __init__(self, path: Path, files: Sequence[Path], areas: Areas | None, options: LabelOptions) -> None:
        if options.rest is not None:
            raise LandcoverError(
                f"{path}: `rest` = {options.rest!r} is for polygons and points; a raster labels all that it "
                "covers. Set it to null."
            )
        super().__init__(path, files, areas, options)
        self.path, self.areas, self._options = path, areas, options
        codes = CodeTable(options.classes, options.codes) if options.masks == "codes" else None
        self._decoder: Decoder = options.classes if codes is None else codes
        self._rasters = [open_raster(file, options, codes) for file in files]
        self._off_palette = OffPalette(kind=options.masks)
        self._lock = threading.Lock()

    def on(self, grid: Grid, scene: Scene) -> BlockLabels:
        """See `sources.LabelSource`."""
        for raster in self._rasters[:1]:  # for its errors
            pixel_coordinates(raster.crs, grid, scene.files[0], raster.path)
        whole = Window(0, 0, grid.width, grid.height)
        near = [(raster, RasterSampling(grid, raster.grid)) for raster in self._rasters]
        painter = _RasterPainter(self, [(raster, sampling) for raster, sampling in near if sampling.meets(whole)])
        return BlockLabels(grid, painter, None if self.areas is None else self.areas.on(grid, scene), UNKNOWN)

    def extent(self) -> str:
        """See `sources.LabelSource`."""
        return extent([(bounds_of(raster.grid), raster.crs) for raster in self._rasters])

    def report(self) -> dict[str, int]:
        """See `sources.LabelSource`."""
        with self._lock:
            return {"off_palette": self._off_palette.total} if self._off_palette.total else {}

    def check(self) -> None:
        """See `sources.LabelSource`."""
        advice = "Add them to `classes` or raise `max_off_palette`."
        self._off_palette.check(self.path, self._options.max_off_palette, advice)

    def decode(self, values: np.ndarray) -> tuple[np.ndarray, dict[str, int]]:
        """See `Decoder`."""
        return self._decoder.decode(values)

    @property
    def by_majority(self) -> bool:
        """Whether a pixel has the most frequent label in it, not that of its centre."""
        return self._options.resample == "majority"

    def count(self, pixels: int, off_palette: dict[str, int]) -> None:
        """Count pixels with data, and those of them of no class by value."""
        with self._lock:
            self._off_palette += OffPalette(pixels, off_palette, self._options.masks)


class _RasterPainter:
    """Rasters on the grid of a scene."""

    def __init__(self, labels: RasterLabels, rasters: Sequence[tuple[LabelRaster, RasterSampling]]) -> None:
        self._labels, self._rasters = labels, rasters

    def paint(self, labels: np.ndarray, window: Window, *, first: bool) -> None:
        """See `blocks.Painter`."""
        missing = np.ones(labels.shape, bool)
        for raster, sampling in self._rasters:
            side = sampling.side(window) if self._labels.by_majority else 1
            found = self._sample(raster, sampling, window, side, missing if first else None)
            filled = missing & (found != NO_DATA)
            labels[filled] = found[filled]
            missing &= ~filled
            if not missing.any():
                return

    def meets(self, boxes: np.ndarray) -> np.ndarray:
        """See `blocks.Painter`."""
        found = np.zeros(len(boxes), bool)
        for i, (left, top, right, bottom) in enumerate(boxes.astype(int)):
            window = Window(left, top, right - left, bottom - top)
            found[i] = any(sampling.meets(window) for _, sampling in self._rasters)
        return found

    def _sample(
        self, raster: LabelRaster, sampling: RasterSampling, window: Window, side: int, counted: np.ndarray | None
    ) -> np.ndarray:
        """Labels of a window from one raster, `NO_DATA` where it has none: uint8 (h, w).

        Args:
            side: Points along each side of a pixel; 1 for its centre.
            counted: Which pixels count, bool (h, w); None for none.
        """
        source = sampling.bounds(window)
        left, top, width, height = map(int, window.flatten())
        if source is None:
            return np.full((height, width), NO_DATA, np.uint8)
        if source.width * source.height > _MOST_PIXELS and max(width, height) > 1:
            found = np.empty((height, width), np.uint8)
            half = (width + 1) // 2 if width >= height else width, (height + 1) // 2 if width < height else height
            for y in range(0, height, half[1]):
                for x in range(0, width, half[0]):
                    part = (slice(y, y + half[1]), slice(x, x + half[0]))
                    smaller = Window(left + x, top + y, min(half[0], width - x), min(half[1], height - y))
                    mine = None if counted is None else counted[part]
                    found[part] = self._sample(raster, sampling, smaller, side, mine)
            return found
        with raster.opened() as dataset:
            values, valid = raster.read(dataset, source)
        columns, rows = sampling.centres(window)
        inside = columns >= 0
        columns, rows = columns - int(source.col_off), rows - int(source.row_off)
        inside[inside] = valid[rows[inside], columns[inside]]
        if counted is not None:
            _, off_palette = self._labels.decode(values[rows[counted & inside], columns[counted & inside]])
            self._labels.count(int((counted & inside).sum()), off_palette)
        if side == 1:
            found = np.full((height, width), NO_DATA, np.uint8)
            found[inside], _ = self._labels.decode(values[rows[inside], columns[inside]])
            return found
        labels, _ = self._labels.decode(values)
        labels[~valid] = NO_DATA
        samples = []
        for columns, rows in sampling.points(window, side):
            sample = np.full((height, width), NO_DATA, np.uint8)
            inside = columns >= 0
            sample[inside] = labels[rows[inside] - int(source.row_off), columns[inside] - int(source.col_off)]
            samples.append(sample)
        return majority(samples)

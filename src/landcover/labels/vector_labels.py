"""Polygons and points as labels of scenes. Needs geopandas, shapely, pyproj and rasterio."""

from pathlib import Path

import numpy as np
import shapely
from pyproj import CRS

from landcover.classes.class_table import UNKNOWN
from landcover.labels.areas import Areas
from landcover.labels.blocks import BlockLabels, Painter, Tally
from landcover.labels.class_values import label_of_class, labels_of_column
from landcover.labels.extents import extent
from landcover.labels.geometries import Shapes, shapes_of
from landcover.labels.options import LabelOptions
from landcover.labels.painting import PointPainter, polygon_painter
from landcover.labels.pixel_coordinates import PixelCoordinates, pixel_coordinates
from landcover.labels.rereading import ReadAgain
from landcover.labels.vector_files import read_layer
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene


class VectorLabels(ReadAgain):
    """Labels of a file of polygons or points: a `sources.LabelSource`.

    Args:
        path: The file.
        areas: The areas of interest; None for no limit.
        options: How they become labels of pixels.

    Raises:
        LandcoverError: See `vector_files.read_layer`, `geometries.shapes_of`, `class_values.labels_of_column`.
    """

    def __init__(self, path: Path, areas: Areas | None, options: LabelOptions) -> None:
        super().__init__(path, areas, options)
        self.path = path
        self.areas, self._options, self._tally = areas, options, Tally()
        self._rest = UNKNOWN if options.rest is None else label_of_class(options.classes, options.rest)
        layer = read_layer(path, options.column)
        assert layer.values is not None
        self._crs: CRS = layer.crs
        self._shapes = shapes_of(layer)
        self._labels = labels_of_column(path, layer.values, options)[self._shapes.rows]
        self._tally.add("repaired", self._shapes.repaired)

    def on(self, grid: Grid, scene: Scene) -> BlockLabels:
        """See `sources.LabelSource`."""
        coordinates = pixel_coordinates(self._crs, grid, scene.files[0], self.path)
        painter: Painter
        if self._shapes.kind == "points":
            painter = _points(self._shapes, self._labels, coordinates, self._options.points, self._tally)
        else:
            order = self._shapes.rows if self._options.overlap == "later" else _by_area(self._shapes)
            touched = self._options.burn == "touched"
            painter = polygon_painter(
                self._shapes, self._labels, order, coordinates, touched=touched, tally=self._tally
            )
        areas = None if self.areas is None else self.areas.on(grid, scene)
        return BlockLabels(grid, painter, areas, self._rest)

    def extent(self) -> str:
        """See `sources.LabelSource`."""
        return extent([(tuple(shapely.total_bounds(self._shapes.parts)), self._crs)])

    def report(self) -> dict[str, int]:
        """See `sources.LabelSource`."""
        return self._tally.counts()

    def check(self) -> None:
        """See `sources.LabelSource`."""


def _by_area(shapes: Shapes) -> np.ndarray:
    """Ranks by which smaller polygons are painted over larger ones, and later over earlier ones of the same size."""
    ranks = np.empty(len(shapes.rows), np.int64)
    ranks[np.lexsort([shapes.rows, -shapes.areas])] = np.arange(len(ranks))
    return ranks


def _points(shapes: Shapes, labels: np.ndarray, coordinates: PixelCoordinates, side: int, tally: Tally) -> PointPainter:
    """The points that lie in a pixel of the grid."""
    xy = coordinates.near_grid(shapely.get_coordinates(shapes.parts))
    with np.errstate(invalid="ignore"):
        pixels = np.floor(coordinates.pixels(xy))
        size = (coordinates.grid.width, coordinates.grid.height)
        inside = (np.isfinite(pixels) & (pixels >= 0) & (pixels < size)).all(1)
    return PointPainter(pixels[inside].astype(np.int64), labels[inside], side, tally)

"""The areas of interest, outside of which nothing is labelled. Needs geopandas, shapely, pyproj and rasterio."""

from pathlib import Path

import numpy as np
import shapely

from landcover.labels.blocks import Painter
from landcover.labels.extents import extent
from landcover.labels.geometries import shapes_of
from landcover.labels.painting import polygon_painter
from landcover.labels.pixel_coordinates import pixel_coordinates
from landcover.labels.rereading import ReadAgain
from landcover.labels.vector_files import read_layer
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError


class Areas(ReadAgain):
    """The areas of interest.

    Args:
        path: A file of polygons.

    Raises:
        LandcoverError: See `vector_files.read_layer`, `geometries.shapes_of`; or it has points.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path
        layer = read_layer(path, None)
        self._shapes, self._crs = shapes_of(layer), layer.crs
        if self._shapes.kind != "polygons":
            raise LandcoverError(f"{path}: points, where areas of interest (`area`) are polygons. Draw polygons.")

    def on(self, grid: Grid, scene: Scene) -> Painter:
        """Paints 0 where pixels have their centre in an area."""
        coordinates = pixel_coordinates(self._crs, grid, scene.files[0], self.path)
        zeros = np.zeros(len(self._shapes.parts), np.uint8)
        return polygon_painter(self._shapes, zeros, zeros, coordinates, touched=False, tally=None)

    def extent(self) -> str:
        """Where they lie, in words."""
        return extent([(tuple(shapely.total_bounds(self._shapes.parts)), self._crs)])

"""The rows of a layer of polygons: class, area and geometry. Needs pyarrow, rasterio and shapely (the extra geo)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow
import shapely
from pyproj.exceptions import ProjError

from landcover.classes.class_table import UNKNOWN
from landcover.geo.map_reader import REMEDY, open_map
from landcover.geo.measurements import Measurements
from landcover.geo.pixel_areas import placed
from landcover.geo.polygon_layers import BATCH, schema_of
from landcover.rasters.earth_coordinates import EarthCoordinates
from landcover.system.errors import LandcoverError, reason


class RowMaker:
    """Makes rows of the polygons of one map, some at a time.

    Attributes:
        path: Of the map.
        in_degrees: Whether polygons are wanted in degrees of WGS 84, cut at the 180th meridian.
        names: Of the map's classes by label.
        earth: Of its reference system. Without, areas are in squares of the unit of the coordinates.
        transform: From pixels to its coordinates.
        size: Its (height, width) in pixels.
        without: Labels of which no polygons are made.
        schema: The columns.
    """

    def __init__(self, path: Path, in_degrees: bool) -> None:
        """Read what it needs from a map.

        Args:
            path: Of the map.
            in_degrees: Whether polygons are wanted in degrees of WGS 84, cut at the 180th meridian.

        Raises:
            LandcoverError: It is not a map of this program, or PROJ does not know its reference system.
        """
        with open_map(path) as (file, self.names):
            crs, self.transform, self.size = file.crs, file.transform, file.shape
            self.without = {UNKNOWN, *([] if file.nodata is None else [int(file.nodata)])}
        try:
            self.earth = EarthCoordinates.of(crs) if crs else None
        except ProjError as error:
            raise LandcoverError(f"{path}: PROJ does not know its reference system ({reason(error)}).") from error
        self.path, self.in_degrees, self._others = path, in_degrees, 0
        self._measure = Measurements(self.earth, self.transform, self.size, in_degrees) if self.earth else None
        self.schema = schema_of("area_m2" if self.earth else "area")

    def __call__(self, labels: np.ndarray, polygons: np.ndarray) -> Iterator[pyarrow.RecordBatch]:
        """Yield rows: the polygons in the map's coordinates, or in degrees, with their classes and areas.

        Args:
            labels: uint8 (n,).
            polygons: (n,), in pixels.

        Raises:
            LandcoverError: The map does not name one of the labels.
        """
        self.check_named(labels)
        for begin in range(0, len(labels), BATCH):
            some = polygons[begin : begin + BATCH]
            some = shapely.orient_polygons(shapely.transform(some, partial(placed, self.transform)))
            areas, shapes = self._measure(some) if self._measure else (shapely.area(some), some)
            classes = [self.names[label] for label in labels[begin : begin + BATCH].tolist()]
            yield pyarrow.record_batch([classes, areas, shapely.to_wkb(shapes)], self.schema)

    def check_named(self, labels: np.ndarray) -> None:
        """Raise a LandcoverError if the map does not name one of these labels."""
        unnamed = np.setdiff1d(labels, list(self.names))
        if len(unnamed):
            raise LandcoverError(
                f"{self.path}: has the label {unnamed[0]}, which is neither one of its {len(self.names)} classes nor "
                f"nodata. {REMEDY}"
            )

    def count_beyond(self, count: int) -> None:
        """Count polygons that others have made and that reach beyond the Earth."""
        self._others += count

    @property
    def beyond(self) -> int:
        """How many polygons so far reached beyond the Earth, where the projection has no place."""
        return self._others + (self._measure.beyond if self._measure else 0)

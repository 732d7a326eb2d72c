"""Polygons and points in pixels, painted into windows of a grid. Needs rasterio and shapely."""

from functools import partial

import numpy as np
import shapely
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.windows import Window

from landcover.labels.blocks import Tally, tree_meets
from landcover.labels.geometries import Shapes
from landcover.labels.outside import without_outside
from landcover.labels.pixel_coordinates import PixelCoordinates
from landcover.labels.reprojection import in_pixels

OVERLAPPING = "overlapping"
"""Kind under which pixels are counted that geometries of different classes share."""

_NOT_A_LABEL = 254  # `UNKNOWN` is one here: that of the ignored class


class PolygonPainter:
    """Polygons.

    Args:
        parts: In pixels of the whole grid: object (N,).
        labels: Of each: uint8 (N,).
        order: Those with higher numbers are painted over those with lower ones: int64 (N,).
        touched: Whether all pixels that a polygon touches belong to it, not only those whose centre it contains.
        north_up: Whether rows count downwards on the map. By the direction in which a polygon is drawn on the map GDAL
            says whether edges through the centres of pixels belong to it.
        tally: Counts `OVERLAPPING` pixels; None for no counting.
    """

    def __init__(
        self,
        parts: np.ndarray,
        labels: np.ndarray,
        order: np.ndarray,
        *,
        touched: bool,
        north_up: bool,
        tally: Tally | None,
    ) -> None:
        sequence = np.argsort(order, kind="stable")
        self._parts, self._labels = parts[sequence], labels[sequence]
        self._touched, self._up, self._tally = touched, -1 if north_up else 1, tally
        self._tree = shapely.STRtree(self._parts)

    def paint(self, labels: np.ndarray, window: Window, *, first: bool) -> None:
        """See `blocks.Painter`."""
        box = shapely.box(*_bounds(window, 1))
        chosen = np.sort(self._tree.query(box))
        parts = [without_outside(part, _bounds(window, 1)) for part in self._parts[chosen]]
        up = np.array([1, self._up])
        parts = [part and shapely.transform(part, lambda xy: xy * up) for part in parts]
        transform = Affine(1, 0, window.col_off, 0, self._up, self._up * window.row_off)
        burn = partial(rasterize, transform=transform, all_touched=self._touched)
        shapes = [(part, int(label)) for part, label in zip(parts, self._labels[chosen], strict=True) if part]
        if shapes:
            burn(shapes, out=labels)
        if not first or self._tally is None or len({label for _, label in shapes}) < 2:
            return
        times = np.zeros(labels.shape, np.uint8)
        for wanted in {label for _, label in shapes}:
            mine = [(part, 1) for part, label in shapes if label == wanted]
            times += burn(mine, out_shape=labels.shape, dtype=np.uint8)
        self._tally.add(OVERLAPPING, int((times > 1).sum()))

    def meets(self, boxes: np.ndarray) -> np.ndarray:
        """See `blocks.Painter`."""
        return tree_meets(self._tree, boxes, 1 if self._touched else -0.5)  # from the centres


class PointPainter:
    """Points, each of which labels a square of pixels; later ones are painted over earlier ones.

    Args:
        pixels: Column and row of the pixel of each: int64 (N, 2).
        labels: Of each: uint8 (N,).
        side: Of the squares, odd.
        tally: Counts `OVERLAPPING` pixels.
    """

    def __init__(self, pixels: np.ndarray, labels: np.ndarray, side: int, tally: Tally) -> None:
        self._pixels, self._labels, self._reach, self._tally = pixels, labels, side // 2, tally
        self._tree = shapely.STRtree(shapely.points(pixels + 0.5))

    def paint(self, labels: np.ndarray, window: Window, *, first: bool) -> None:
        """See `blocks.Painter`."""
        chosen = np.sort(self._tree.query(shapely.box(*_bounds(window, self._reach))))
        before = np.full(labels.shape, _NOT_A_LABEL, np.uint8)
        shared = np.zeros(labels.shape, bool)
        for (column, row), label in zip(
            self._pixels[chosen] - (int(window.col_off), int(window.row_off)), self._labels[chosen], strict=True
        ):
            square = (
                slice(max(0, row - self._reach), max(0, row + self._reach + 1)),
                slice(max(0, column - self._reach), max(0, column + self._reach + 1)),
            )
            shared[square] |= (before[square] != _NOT_A_LABEL) & (before[square] != label)
            before[square] = label
        np.copyto(labels, before, where=before != _NOT_A_LABEL)
        if first:
            self._tally.add(OVERLAPPING, int(shared.sum()))

    def meets(self, boxes: np.ndarray) -> np.ndarray:
        """See `blocks.Painter`."""
        return tree_meets(self._tree, boxes, self._reach - 0.5)


def polygon_painter(
    shapes: Shapes,
    labels: np.ndarray,
    order: np.ndarray,
    coordinates: PixelCoordinates,
    *,
    touched: bool,
    tally: Tally | None,
) -> PolygonPainter:
    """A painter of the polygons of a layer that meet a grid.

    Args:
        shapes: Polygons, N of them.
        labels, order: Of each, see `PolygonPainter`.
        coordinates: Of the layer and the grid.
        touched, tally: See `PolygonPainter`.
    """
    parts, index = in_pixels(shapes.parts, coordinates)
    return PolygonPainter(
        parts,
        labels[index],
        order[index],
        touched=touched,
        north_up=coordinates.grid.transform.determinant < 0,
        tally=tally,
    )


def _bounds(window: Window, margin: int) -> tuple[float, float, float, float]:
    left, top, width, height = window.flatten()
    return left - margin, top - margin, left + width + margin, top + height + margin

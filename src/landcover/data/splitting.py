"""Which pixels of scenes train, and which validate."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from rasterio.windows import Window

from landcover.rasters.blocks import BlockLattice
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError

TRAIN, VALIDATION, NEITHER = 0, 1, 2


class Split(Protocol):
    """A rule that says of each pixel of a scene whether it trains, validates or does neither."""

    def sides(self, scene: Scene, grid: Grid, window: Window) -> np.ndarray:
        """Sides of the pixels of a window: uint8 (h, w) of `TRAIN`, `VALIDATION` and `NEITHER`."""

    def units(self, scene: Scene, grid: Grid, window: Window) -> tuple[np.ndarray, list[str]]:
        """To which unit each pixel belongs, those that are drawn as a whole: for intervals of scores.

        Returns:
            Number of the unit of each pixel: int64 (h, w); and the name of each unit: that of a block, or of the scene.
        """


def split_by_scene(scenes: list[Scene], holdout: int) -> Split:
    """Every `holdout`-th scene, sorted by name, validates.

    Raises:
        LandcoverError: No scene validates, or none trains.
    """
    validating = frozenset(sorted(scene.name for scene in scenes)[holdout - 1 :: holdout])
    if not 0 < len(validating) < len(scenes):
        found = f"there {'is' if len(scenes) == 1 else 'are'} only {len(scenes)} scene{'s' * (len(scenes) != 1)}"
        raise LandcoverError(f"`holdout` = {holdout}: {found}. Lower it, add scenes, or split by blocks.")
    return _SceneSplit(validating)


def split_by_block(block: float, holdout: int, buffer: float) -> Split:
    """One in `holdout` cells of a fixed lattice over the Earth validates, chosen by a hash of the cell.

    The lattice is that of `blocks.BlockLattice`, which is the same whatever the scenes are. A pixel is `NEITHER` if a
    cell of the other side comes nearer than half the buffer to its centre. Then two centres of different sides are at
    least `buffer` apart: were they closer, then the middle of the shortest line between them would be nearer than half
    the buffer to both, and the cell in which it lies would have the sides of both.

    Args:
        block: Side of a cell in metres.
        holdout: At least 2.
        buffer: Smallest distance in metres between the centres of pixels that train and of pixels that validate.
    """
    return _BlockSplit(BlockLattice(block), holdout, buffer / 2)


@dataclass(frozen=True)
class _SceneSplit:
    validating: frozenset[str]

    def sides(self, scene: Scene, grid: Grid, window: Window) -> np.ndarray:
        side = VALIDATION if scene.name in self.validating else TRAIN
        return np.full(_shape(window), side, np.uint8)

    def units(self, scene: Scene, grid: Grid, window: Window) -> tuple[np.ndarray, list[str]]:
        return np.zeros(_shape(window), np.int64), [scene.name]


@dataclass(frozen=True)
class _BlockSplit:
    lattice: BlockLattice
    holdout: int
    margin: float  # metres around a pixel in which all cells must be of its side

    def sides(self, scene: Scene, grid: Grid, window: Window) -> np.ndarray:
        part = grid.part(window)
        if cells := self._cells_of(scene, part, self.margin):  # most windows lie far from the other side
            found = self._validates(*cells)
            if (found == found[0]).all():
                return np.full(_shape(window), VALIDATION if found[0] else TRAIN, np.uint8)
        lon, lat = part.degrees()
        is_placed = np.isfinite(lon) & np.isfinite(lat)
        lon, lat = np.where(is_placed, lon, 0), np.where(is_placed, lat, 0)
        side = self._validates(*self.lattice.cells(lon, lat))
        is_clear = is_placed
        for cells in self.lattice.cells_around(lon, lat, self.margin):
            is_clear &= self._validates(*cells) == side
        return np.where(is_clear, np.where(side, VALIDATION, TRAIN), NEITHER).astype(np.uint8)

    def units(self, scene: Scene, grid: Grid, window: Window) -> tuple[np.ndarray, list[str]]:
        part = grid.part(window)
        cells = self._cells_of(scene, part, 0)
        if not cells or len(cells[0]) > 1:
            lon, lat = (np.nan_to_num(angles, posinf=0, neginf=0) for angles in part.degrees())
            cells = self.lattice.cells(lon, lat)
        found, numbers = np.unique(np.stack(cells, -1).reshape(-1, 2), axis=0, return_inverse=True)
        numbers = np.zeros(_shape(window), np.int64) + numbers.reshape(_shape(window) if numbers.size > 1 else (1, 1))
        return numbers, [f"block {row},{column}" for row, column in found]

    def _cells_of(self, scene: Scene, part: Grid, margin: float) -> tuple[np.ndarray, np.ndarray] | None:
        """Rows and columns of all cells near to a grid; None if many are, or it is not clear which."""
        try:
            bounds = part.bounds_in_degrees()
        except ValueError as error:
            raise LandcoverError(
                f"{scene.path}: {error}, so that its pixels are in no block. Assign one (gdal_edit.py -a_srs), or "
                "split by scene."
            ) from error
        return self.lattice.cells_near(*bounds, margin) if bounds else None

    def _validates(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        validates: np.ndarray = self.lattice.hashes(rows, columns) % np.uint64(self.holdout) == 0
        return validates


def _shape(window: Window) -> tuple[int, int]:
    return int(window.height), int(window.width)

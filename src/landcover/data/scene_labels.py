"""The labels of scenes by split, and the windows that have any. Needs rasterio."""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.data.splitting import NEITHER, TRAIN, VALIDATION, Split
from landcover.labels.sources import GridLabels, LabelSource, no_overlap
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError, note
from landcover.system.locations import paths
from landcover.system.parallel import parallel_map

_LISTED = 5  # scenes that a message names

SIDES = {"train": TRAIN, "validation": VALIDATION}


class Place(NamedTuple):
    """A window with labels.

    Attributes:
        window: At working resolution.
        labelled: Number of labelled pixels by split, `train` and `validation`; only of splits that have any.
    """

    window: Window
    labelled: Mapping[str, int]

    @property
    def size(self) -> int:
        """Number of pixels."""
        return int(self.window.height) * int(self.window.width)


@dataclass(frozen=True)
class SceneLabels:
    """The labels of a scene.

    Attributes:
        scene: The scene.
        grid: Of its pixels at working resolution.
        labels: On this grid.
        split: Which pixels train, and which validate.
    """

    scene: Scene
    grid: Grid
    labels: GridLabels
    split: Split

    @classmethod
    def of(cls, scene: Scene, grid: Grid, source: LabelSource, split: Split) -> "SceneLabels":
        """The labels of a scene on a grid.

        Raises:
            LandcoverError: See `LabelSource.on`.
        """
        return cls(scene, grid, source.on(grid, scene), split)

    def read(self, window: Window) -> dict[str, np.ndarray]:
        """Labels of a window by split, uint8 (h, w) each; only of splits that have any.

        Pixels of the other side and of the buffer between the sides are `UNKNOWN`.
        """
        labels = self.labels.read(window)
        known = labels != UNKNOWN
        if not known.any():
            return {}
        # Sides take longer than labels, and where few pixels have labels, they are often side by side.
        (top, bottom), (left, right) = (np.flatnonzero(known.any(axis))[[0, -1]] + (0, 1) for axis in (1, 0))
        part = Window(window.col_off + left, window.row_off + top, right - left, bottom - top)
        sides = np.full(labels.shape, NEITHER, np.uint8)
        sides[top:bottom, left:right] = self.split.sides(self.scene, self.grid, part)
        found = {name: np.where(sides == side, labels, np.uint8(UNKNOWN)) for name, side in SIDES.items()}
        return {name: part for name, part in found.items() if (part != UNKNOWN).any()}

    def places(self, tile: int) -> list[Place]:
        """The windows of a lattice of squares of side `tile` that have labels, found with all cores."""

        def place_of(window: Window) -> Place:
            return Place(window, {name: int((part != UNKNOWN).sum()) for name, part in self.read(window).items()})

        with closing(parallel_map(place_of, self.labels.windows(tile))) as places:
            return [place for place in places if place.labelled]


def check_labelled(
    source: LabelSource, scenes: Sequence[Scene], grids: Sequence[Grid], places: Sequence[Sequence[Place]]
) -> None:
    """Check that both splits have labels; note which scenes have none.

    Args:
        source: The labels.
        scenes: At least one.
        grids: Of the scenes.
        places: Of the scenes.

    Raises:
        LandcoverError: Nothing is labelled, or nothing in one of the splits.
    """
    without = [scene.name for scene, found in zip(scenes, places, strict=True) if not found]
    if len(without) == len(scenes):
        folder = os.path.commonpath([path.parent for scene in scenes for path in paths(scene.files)])
        where = [f"{scene.name}: {extent(grid)}" for scene, grid in zip(scenes, grids, strict=True)]
        more = f"; and {len(where) - _LISTED} more" if len(where) > _LISTED else ""
        raise no_overlap(source, f"{folder} ({'; '.join(where[:_LISTED])}{more})")
    for name, does, other in (("train", "trains", "validation"), ("validation", "validates", "training")):
        if not any(name in place.labelled for found in places for place in found):
            raise LandcoverError(
                f"{source.path}: no labelled pixel {does}, as `split` puts all of them into the {other} or near to it. "
                "Choose a smaller `block` or `buffer` or another `holdout`, or label more places."
            )
    if without:
        shown = ", ".join(without[:_LISTED]) + (", ..." if len(without) > _LISTED else "")
        note(f"{source.path}: no label in {len(without)} of {len(scenes)} scenes, which are not used: {shown}")


def extent(grid: Grid) -> str:
    """Which part of the Earth a grid covers, in words."""
    bounds = grid.bounds_in_degrees() if grid.crs else None
    if not bounds:
        return "no reference system" if not grid.crs else "around a pole"
    west, south, east, north = bounds
    return f"longitudes {west:.4f} to {east:.4f}, latitudes {south:.4f} to {north:.4f}"

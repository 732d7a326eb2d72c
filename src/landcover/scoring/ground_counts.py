"""Counts of maps against labels on the ground, in pixels and in hectares, added up window by window.

Unlike in a mask (see `scores`), a pixel without a label says nothing here: polygons cover a part of a scene, and what
is mapped outside of them may be right. So only pixels of known label count. Where the map has none, that is a miss.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.scoring.confusion import UNKNOWN_ROW, number
from landcover.scoring.scores import Scores

if TYPE_CHECKING:
    import pandas as pd

_SQUARE_METRES = 10_000.0  # of a hectare


class GroundCounts:
    """Pixels and areas by label and by class on the map.

    Args:
        classes: The C classes of labels and map.

    Attributes:
        classes: As given.
        units: Confusion matrix of each unit by name, int64 (C + 1, C + 1), see `scoring.confusion`; a unit is what is
            drawn as a whole in resamples, such as a block of the ground.
        areas: The same of all units together, in square metres: float64 (C + 1, C + 1), NaN where not known.
    """

    def __init__(self, classes: ClassTable) -> None:
        self.classes = classes
        self._side = len(classes) + 1
        self.units: dict[str, np.ndarray] = {}
        self.areas = np.zeros((self._side, self._side))

    def add(
        self, labels: np.ndarray, mapped: np.ndarray, units: np.ndarray, names: Sequence[str], areas: np.ndarray
    ) -> None:
        """Add the pixels of a window whose label is known.

        Args:
            labels, mapped: Class indices or `UNKNOWN`, uint8 (h, w).
            units: To which unit each pixel belongs: indices into `names`, integers (h, w).
            names: Of the units.
            areas: Of the pixels in square metres: float64 (h, w), or a shape that broadcasts to it; NaN if not known.
        """
        known = labels != UNKNOWN
        cells = self._side**2
        pairs = labels[known].astype(np.int64) * self._side + np.minimum(mapped[known], self._side - 1)
        sums = np.bincount(pairs, np.broadcast_to(areas, labels.shape)[known], cells)
        self.areas += sums.reshape(self.areas.shape)
        present, numbers = np.unique(units[known], return_inverse=True)
        counts = np.bincount(numbers * cells + pairs, minlength=len(present) * cells)
        for unit, matrix in zip(present, counts.reshape(-1, *self.areas.shape), strict=True):
            self.units[names[unit]] = self.units.get(names[unit], 0) + matrix

    def add_counts(self, other: "GroundCounts") -> None:
        """Add the counts of another window: to the bit what adding its pixels would give."""
        self.areas += other.areas
        for name, matrix in other.units.items():
            self.units[name] = self.units.get(name, 0) + matrix

    @property
    def extent(self) -> str:
        """How much was counted, in words."""
        pixels, hectares = sum(matrix.sum() for matrix in self.units.values()), self.areas.sum() / _SQUARE_METRES
        return f"{pixels:,} pixels" + (f", {hectares:,.1f} hectares" if np.isfinite(hectares) else "")

    def scores(self) -> Scores:
        """The scores of all pixels together; `Scores.per_image` is by unit, sorted by name."""
        return Scores(self.classes, dict(sorted(self.units.items())))

    def hectares(self) -> dict[str, dict[str, float | None]]:
        """Of each class by name: `labelled`, `mapped` and `correct`, in hectares of known label; None if not known."""
        hectares = self.areas / _SQUARE_METRES
        columns = zip(hectares.sum(1), hectares.sum(0), np.diagonal(hectares), strict=True)
        figures = [dict(zip(("labelled", "mapped", "correct"), map(number, row), strict=True)) for row in columns]
        return dict(zip(self.classes.names, figures[:UNKNOWN_ROW], strict=True))

    def confusion_table(self) -> "pd.DataFrame":
        """`Scores.confusion_table` with the column `hectares`."""
        return self.scores().confusion_table().assign(hectares=(self.areas / _SQUARE_METRES).ravel())

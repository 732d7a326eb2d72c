"""Scores of predicted colour masks against ground truth, by the course's rules.

Over the whole set of pixels, not per image. Pixels whose truth is unknown are not left out: a class predicted there
is a false positive. Unknown predicted on a known pixel is a miss. mean IoU is the plain mean over the classes but
unknown; a class that is neither present nor predicted has no IoU (None) and is left out of the mean.

How colours become labels, `mask_labels` says.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from landcover.classes.class_table import ClassTable
from landcover.classes.off_palette import OffPalette
from landcover.images.pairs import find_masks
from landcover.scoring.confusion import (
    class_accuracy,
    class_f1,
    class_iou,
    class_mean,
    class_precision,
    mean,
    number,
    pixel_accuracy,
)
from landcover.scoring.mask_labels import OpenMask, count_pair
from landcover.system.errors import LandcoverError
from landcover.system.parallel import error_as_result, parallel_map
from landcover.system.progress_bar import progress_bar

if TYPE_CHECKING:  # takes longer to import than a few masks to score
    import pandas as pd

_NONE = OffPalette()


@dataclass(frozen=True)
class Scores:
    """Counts of a set of masks.

    Attributes:
        classes: The C classes that are scored.
        per_image: Confusion matrix of each image by name: int64 (C + 1, C + 1), rows are truths, columns
            predictions; the last of each is unknown. A few hundred bytes an image.
        truth_off_palette, predicted_off_palette: The pixels of each side whose colours are of no class.
        broken: A line for each mask that could not be scored.
        missing: Names of the images that were left out because only the truth or the prediction has a mask of them.
    """

    classes: ClassTable
    per_image: Mapping[str, np.ndarray]
    truth_off_palette: OffPalette = _NONE
    predicted_off_palette: OffPalette = _NONE
    broken: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()

    @property
    def strays(self) -> int:
        """Number of pixels, of truth and predictions, whose colours are of no class."""
        return self.truth_off_palette.total + self.predicted_off_palette.total

    @cached_property
    def confusion(self) -> np.ndarray:
        """The counts of all images: int64 (C + 1, C + 1)."""
        return sum(self.per_image.values())

    def figures(self) -> dict:
        """`mean_iou`, `pixel_accuracy`, `mean_accuracy`, `frequency_weighted_iou` and `iou` by class, all 0..1.

        The accuracies and frequencies are over the pixels whose truth is known (Long et al. 2015, section 5).
        """
        table, known = self.by_class(), self.confusion[:-1]
        pixels = known.sum()
        return {
            "mean_iou": mean(table["iou"]),
            "pixel_accuracy": pixel_accuracy(known),
            "mean_accuracy": mean(table["recall"]),
            "frequency_weighted_iou": float(np.nansum(table["share"] * table["iou"])) if pixels else None,
            "iou": self.named(table["iou"]),
        }

    def by_class(self) -> dict[str, np.ndarray]:
        """`iou`, `precision`, `recall`, `f1` and `share`: float64 (C,) in 0..1, NaN where undefined.

        The share is that of the pixels whose truth is known.
        """
        pixels = self.confusion[:-1].sum(1)
        return {
            "iou": scored_iou(self.confusion),
            "precision": class_precision(self.confusion)[:-1],
            "recall": class_accuracy(self.confusion)[:-1],
            "f1": class_f1(self.confusion)[:-1],
            "share": pixels / pixels.sum() if pixels.any() else np.full(len(pixels), np.nan),
        }

    def named(self, values: np.ndarray) -> dict[str, float | None]:
        """Values (C,) by the names of their classes, None for NaN."""
        return {name: number(value) for name, value in zip(self.classes.names, values, strict=True)}

    def iou_table(self) -> "pd.DataFrame":
        """A row per class: `class`, `iou`."""
        import pandas as pd

        return pd.DataFrame({"class": self.classes.names, "iou": self.by_class()["iou"]})

    def confusion_table(self) -> "pd.DataFrame":
        """A row per pair of classes, unknown among them: `actual`, `predicted`, `pixels`."""
        import pandas as pd

        names = [*self.classes.names, self.classes.ignore_name]
        pairs = pd.MultiIndex.from_product([names, names], names=["actual", "predicted"])
        return pd.DataFrame({"pixels": self.confusion.ravel()}, index=pairs).reset_index()

    def truth_pixels(self) -> dict[str, np.ndarray]:
        """Number of pixels of each class in the truth of each image: int64 (C,) by name."""
        return {name: confusion[:-1].sum(1) for name, confusion in self.per_image.items()}

    def image_accuracy(self, name: str) -> float | None:
        """Pixel accuracy of one image: of its pixels whose truth is known; None if there are none."""
        return pixel_accuracy(self.per_image[name][:-1])

    def ranked(self) -> list[str]:
        """Names of the images from the highest pixel accuracy to the lowest; those that have none last, by name."""
        accuracy = {name: self.image_accuracy(name) for name in self.per_image}
        return sorted(accuracy, key=lambda name: (accuracy[name] is None, -(accuracy[name] or 0.0), name))

    def caption(self, name: str) -> str:
        """Pixel accuracy of an image and its place among all, in words."""
        accuracy, ranked = self.image_accuracy(name), self.ranked()
        if accuracy is None:
            return "no pixel of known class"
        return f"pixel accuracy {accuracy:.3f} ({ranked.index(name) + 1} of {len(ranked)})"


def scored_iou(confusion: np.ndarray) -> np.ndarray:
    """IoU of the classes but unknown, NaN if neither present nor predicted: (..., C + 1, C + 1) to float64 (..., C)."""
    return class_iou(confusion)[..., :-1]


def mean_iou(confusion: np.ndarray) -> np.ndarray:
    """Mean of `scored_iou`: (..., C + 1, C + 1) to float64 (...), NaN where no class has one."""
    return class_mean(scored_iou(confusion))


def score_masks(
    truth: Path | str,
    predictions: Path | str,
    classes: ClassTable,
    *,
    only: Collection[str] | None = None,
    plain: bool = False,
    keep_going: bool = False,
    allow_missing: bool = False,
    open_large: OpenMask | None = None,
    quiet: bool = False,
) -> Scores:
    """Compare the masks `NAME_mask.png` of two folders, matched by name; all cores, one pass.

    Args:
        only: Names of the images whose truth counts; None for all.
        plain: See `find_masks`.
        keep_going: Score what can be read, and list what cannot be in `Scores.broken`, as long as anything is left.
        allow_missing: Leave out masks without a partner, and name them in `Scores.missing`, as long as any have one.
        open_large: Opens masks that are too large to be read as a whole, to be read in strips; None if there is no way.
        quiet: Show no progress, not even to a terminal.

    Returns:
        The scores, whatever the colours; `OffPalette.check` tells whether they are those of the classes.

    Raises:
        LandcoverError: A folder is missing or empty, or no mask has a partner; or a line for each mask that has none,
            cannot be read, or is of another size than its partner.
    """
    truths, predicted = find_masks(truth, plain), find_masks(predictions, plain)
    if only is not None:
        truths = {name: path for name, path in truths.items() if name in only}
    lonely = [
        f"{ours[name]}: no mask of this name in {folder}. Add or remove one."
        for ours, theirs, folder in ((truths, predicted, predictions), (predicted, truths, truth))
        for name in ours
        if name not in theirs
    ]
    missing = frozenset(truths.keys() ^ predicted.keys())
    truths = {name: path for name, path in truths.items() if name in predicted}
    if allow_missing and not truths:
        raise LandcoverError(f"{predictions}: no mask in it has the name of one in {truth}. Give folders that match.")
    if lonely and not allow_missing:
        raise LandcoverError(*lonely)

    @error_as_result
    def count(name: str) -> tuple[np.ndarray, OffPalette, OffPalette]:
        return count_pair(truths[name], predicted[name], classes, open_large)

    results = progress_bar("score", len(truths), "images", parallel_map(count, truths), quiet=quiet)
    per_image, broken, sides = {}, [], [_NONE, _NONE]
    for name, result in zip(truths, results, strict=True):
        if isinstance(result, LandcoverError):
            broken += result.lines
        else:
            per_image[name], *more = result
            sides = [side + found for side, found in zip(sides, more, strict=True)]
    if broken and not (keep_going and per_image):
        raise LandcoverError(*broken)
    return Scores(classes, per_image, *sides, tuple(broken), missing)

"""Scores of predicted colour masks against ground truth, by the course's rules.

Over the whole set of pixels, not per picture. Pixels whose truth is unknown are not left out: a class predicted there
is a false positive. Unknown predicted on a known pixel is a miss. mean IoU is the plain mean over the classes but
unknown; a class that is neither present nor predicted has no IoU (None) and is left out of the mean.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.classes import IGNORE, ClassTable
from landcover.confusion import class_accuracy, class_iou, confusion_matrix, mean
from landcover.errors import LandcoverError
from landcover.parallel import parallel_map
from landcover.samples import find_masks, read_rgb


@dataclass(frozen=True)
class Scores:
    """Counts of a set of masks.

    Attributes:
        classes: The C classes that are scored.
        confusion: int64 (C + 1, C + 1), rows are truths, columns predictions; the last of each is unknown.
        per_picture: The same for each picture alone, by name.
    """

    classes: ClassTable
    confusion: np.ndarray
    per_picture: dict[str, np.ndarray]

    def figures(self) -> dict:
        """`mean_iou`, `pixel_accuracy`, `mean_accuracy`, `frequency_weighted_iou` and `iou` by class, all 0..1.

        The accuracies and frequencies are over the pixels whose truth is known (Long et al. 2015, section 5).
        """
        iou, known = self._iou(self.confusion), self.confusion[:-1]
        present = known.sum(1)
        pixels = present.sum()
        return {
            "mean_iou": mean(iou),
            "pixel_accuracy": float(np.trace(known) / pixels) if pixels else None,
            "mean_accuracy": mean(class_accuracy(self.confusion)[:-1]),
            "frequency_weighted_iou": float(np.nansum(present * iou) / pixels) if pixels else None,
            "iou": {name: None if np.isnan(x) else float(x) for name, x in zip(self.classes.names, iou, strict=True)},
        }

    def iou_table(self) -> pd.DataFrame:
        """A row per class: `class`, `iou`."""
        return pd.DataFrame({"class": self.classes.names, "iou": self._iou(self.confusion)})

    def confusion_table(self) -> pd.DataFrame:
        """A row per pair of classes, unknown among them: `actual`, `predicted`, `pixels`."""
        names = [*self.classes.names, self.classes.ignore_name]
        pairs = pd.MultiIndex.from_product([names, names], names=["actual", "predicted"])
        return pd.DataFrame({"pixels": self.confusion.ravel()}, index=pairs).reset_index()

    def picture_iou(self, name: str) -> float | None:
        """Mean IoU of one picture, over the classes that are present or predicted in it."""
        return mean(self._iou(self.per_picture[name]))

    def ranked(self) -> list[str]:
        """Names of the pictures from the highest mean IoU to the lowest; those that have none last, equals by name."""
        iou = {name: self.picture_iou(name) for name in self.per_picture}
        return sorted(iou, key=lambda name: (iou[name] is None, -(iou[name] or 0.0), name))

    def spread(self, count: int) -> list[str]:
        """`count` names evenly over the ranks: best and worst included and, if the count is odd, the median."""
        ranked = self.ranked()
        return [ranked[i] for i in np.unique(np.linspace(0, len(ranked) - 1, count).round().astype(int))]

    def caption(self, name: str) -> str:
        """Mean IoU of a picture and its place among all, in words."""
        iou, ranked = self.picture_iou(name), self.ranked()
        return f"mean IoU {'-' if iou is None else f'{iou:.3f}'} ({ranked.index(name) + 1} of {len(ranked)})"

    def _iou(self, confusion: np.ndarray) -> np.ndarray:
        return class_iou(confusion)[:-1]


def score_masks(truth: Path, predictions: Path, classes: ClassTable) -> Scores:
    """Compare the masks `NAME_mask.png` of two folders, matched by name; all cores, one pass.

    Raises:
        LandcoverError: A folder is missing or empty, a mask has no partner, or the two are of different sizes.
    """
    truths, predicted = find_masks(truth), find_masks(predictions)
    for ours, theirs, folder in ((truths, predicted, predictions), (predicted, truths, truth)):
        if lonely := sorted(ours.keys() - theirs):
            more = f" ({len(lonely)} such)" if len(lonely) > 1 else ""
            raise LandcoverError(f"{ours[lonely[0]]}: no mask of this name in {folder}{more}. Add or remove one.")

    def count(name: str) -> np.ndarray:
        labels, _ = classes.decode(read_rgb(truths[name]))
        answers, _ = classes.decode(read_rgb(predicted[name]))
        if labels.shape != answers.shape:
            sizes = " and ".join(f"{array.shape[1]}x{array.shape[0]}" for array in (answers, labels))
            raise LandcoverError(f"{predicted[name]}: its size and that of {truths[name]} differ: {sizes} pixels.")
        return confusion_matrix(*(_unknown_last(array, len(classes)) for array in (labels, answers)), len(classes) + 1)

    names = list(truths)
    per_picture = dict(zip(names, parallel_map(count, names), strict=True))
    return Scores(classes, sum(per_picture.values()), per_picture)


def _unknown_last(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labels with `IGNORE` replaced by the index after the last class."""
    return np.where(labels == IGNORE, np.uint8(classes), labels)

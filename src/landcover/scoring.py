"""Scores of predicted colour masks against ground truth, by the course's rules.

Over the whole set of pixels, not per picture. Pixels whose truth is unknown are not left out: a class predicted there
is a false positive. Unknown predicted on a known pixel is a miss. mean IoU is the plain mean over the classes but
unknown; a class that is neither present nor predicted has no IoU (None) and is left out of the mean.

Where each channel of all the classes' colours is 0 or 255, as in the course, the channels of other colours count as 0
below 128 and as 255 from there on. What then is no class's colour is unknown, as it is with any other table; the
course's scorer leaves such pixels, which are red, at whatever value its memory held.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from landcover.classes import ClassTable
from landcover.confusion import (
    class_accuracy,
    class_f1,
    class_iou,
    class_mean,
    class_precision,
    confusion_matrix,
    mean,
    number,
)
from landcover.errors import LandcoverError, memory_errors_name
from landcover.parallel import error_as_result, parallel_map
from landcover.progress_bar import progress_bar
from landcover.samples import find_masks, read_packed

if TYPE_CHECKING:  # takes longer to import than a few masks to score
    import pandas as pd

_THRESHOLD = 128


@dataclass(frozen=True)
class Scores:
    """Counts of a set of masks.

    Attributes:
        classes: The C classes that are scored.
        per_picture: Confusion matrix of each picture by name: int64 (C + 1, C + 1), rows are truths, columns
            predictions; the last of each is unknown. A few hundred bytes a picture.
        strays: Number of pixels, of truth and predictions, whose colour is not in the table of classes.
        broken: A line for each mask that could not be scored.
        missing: Names of the pictures that were left out because only the truth or the prediction has a mask of them.
    """

    classes: ClassTable
    per_picture: Mapping[str, np.ndarray]
    strays: int = 0
    broken: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()

    @cached_property
    def confusion(self) -> np.ndarray:
        """The counts of all pictures: int64 (C + 1, C + 1)."""
        return sum(self.per_picture.values())

    def figures(self) -> dict:
        """`mean_iou`, `pixel_accuracy`, `mean_accuracy`, `frequency_weighted_iou` and `iou` by class, all 0..1.

        The accuracies and frequencies are over the pixels whose truth is known (Long et al. 2015, section 5).
        """
        table, known = self.by_class(), self.confusion[:-1]
        pixels = known.sum()
        return {
            "mean_iou": mean(table["iou"]),
            "pixel_accuracy": float(np.trace(known) / pixels) if pixels else None,
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

    def picture_iou(self, name: str) -> float | None:
        """Mean IoU of one picture, over the classes that are present or predicted in it."""
        return mean(scored_iou(self.per_picture[name]))

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
    quiet: bool = False,
) -> Scores:
    """Compare the masks `NAME_mask.png` of two folders, matched by name; all cores, one pass.

    Args:
        only: Names of the pictures whose truth counts; None for all.
        plain: See `find_masks`.
        keep_going: Score what can be read, and list what cannot be in `Scores.broken`, as long as anything is left.
        allow_missing: Leave out masks without a partner, and name them in `Scores.missing`, as long as any have one.
        quiet: Show no progress, not even to a terminal.

    Raises:
        LandcoverError: A folder is missing or empty; or a line for each mask that has no partner, cannot be read, or
            is of another size than its partner.
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
    if lonely and not (allow_missing and truths):
        raise LandcoverError(*lonely)

    read = error_as_result(lambda path: read_labels(path, classes))

    @error_as_result
    def count(name: str) -> tuple[np.ndarray, int]:
        sides = [read(path) for path in (truths[name], predicted[name])]
        if wrong := [line for side in sides if isinstance(side, LandcoverError) for line in side.lines]:
            raise LandcoverError(*wrong)
        (labels, strays), (answers, more) = sides
        if labels.shape != answers.shape:
            sizes = " and ".join(f"{array.shape[1]}x{array.shape[0]}" for array in (answers, labels))
            raise LandcoverError(
                f"{predicted[name]}: its size and that of {truths[name]} differ: {sizes} pixels. Make them equal."
            )
        return confusion_matrix(labels, answers, len(classes) + 1), strays + more

    results = progress_bar("score", len(truths), "pictures", parallel_map(count, truths), quiet=quiet)
    per_picture, strays, broken = {}, 0, []
    for name, result in zip(truths, results, strict=True):
        if isinstance(result, LandcoverError):
            broken += result.lines
        else:
            per_picture[name] = result[0]
            strays += result[1]
    if broken and not (keep_going and per_picture):
        raise LandcoverError(*broken)
    return Scores(classes, per_picture, strays, tuple(broken), missing)


def read_labels(path: Path | str, classes: ClassTable) -> tuple[np.ndarray, int]:
    """Read a colour mask by the course's rules.

    Returns:
        Labels uint8 (H, W), unknown after the last class; how many pixels' colours are no class's.

    Raises:
        LandcoverError: See `samples.read_rgb`.
    """
    with memory_errors_name(path):
        mask = read_packed(path)
        labels, off_palette = classes.decode(mask)
        if off_palette and classes.saturated:  # colours of the table stay what they are
            channels = np.where(mask.view(np.uint8) < _THRESHOLD, np.uint8(0), np.uint8(255))
            labels, _ = classes.decode(channels.view(np.uint32))
        return np.minimum(labels, len(classes)), sum(off_palette.values())  # IGNORE is the largest of all

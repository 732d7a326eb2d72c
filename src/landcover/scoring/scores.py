"""Scores of predicted colour masks against the truth, as a course defines them.

The course is Deep Learning for Computer Vision, National Taiwan University 2018, homework 3; its scorer came with it.

The pixels of all images are counted together, not image by image. Pixels of unknown truth count: a class predicted
there is a false positive. Unknown predicted where the truth is known is a miss. The mean IoU is the plain mean over the
classes without unknown; a class that is neither present nor predicted has no IoU (None) and no part in the mean.

`mask_labels` turns colours into labels.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from landcover.classes.class_table import ClassTable
from landcover.classes.code_table import CodeTable
from landcover.classes.off_palette import OffPalette
from landcover.images.pairs import find_masks, unpaired
from landcover.rasters.images import read_valid_mask
from landcover.scoring.confusion import (
    UNKNOWN_ROW,
    class_accuracy,
    class_f1,
    class_iou,
    class_mean,
    class_precision,
    known_truth,
    mean,
    number,
    pixel_accuracy,
)
from landcover.scoring.mask_labels import OpenMask, PairCounts, count_pair
from landcover.system.errors import LandcoverError, Problems
from landcover.system.mapping import Mapper, map_in_threads
from landcover.system.parallel import error_as_result
from landcover.system.progress_bar import progress_bar

if TYPE_CHECKING:  # importing pandas takes longer than scoring a few masks
    import pandas as pd

_NONE = OffPalette()
_NO_IMAGES: Mapping[str, Path] = {}


@dataclass(frozen=True)
class Scores:
    """Pixel counts of a set of masks, and the scores that follow from them.

    Attributes:
        classes: The C classes that are scored.
        per_image: Confusion matrix of each image by name, int64 (C + 1, C + 1): a few hundred bytes each.
        truth_off_palette, predicted_off_palette: The off-palette pixels of each side.
        broken: A line for each mask that could not be scored.
        missing: Names of the images that were left out because their truth or their prediction is missing.
    """

    classes: ClassTable
    per_image: Mapping[str, np.ndarray]
    truth_off_palette: OffPalette = _NONE
    predicted_off_palette: OffPalette = _NONE
    broken: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()

    @property
    def off_palette(self) -> int:
        """Number of off-palette pixels of truth and predictions."""
        return self.truth_off_palette.total + self.predicted_off_palette.total

    @cached_property
    def confusion(self) -> np.ndarray:
        """The counts of all images: int64 (C + 1, C + 1)."""
        side = len(self.classes) + 1
        return sum(self.per_image.values(), np.zeros((side, side), np.int64))

    def figures(self) -> dict[str, Any]:
        """`mean_iou`, `pixel_accuracy`, `mean_accuracy`, `frequency_weighted_iou` and `iou` by class, all 0..1.

        The accuracies and frequencies are over the pixels whose truth is known (Long et al. 2015, section 5).
        """
        table, known = self.by_class(), known_truth(self.confusion)
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
        pixels = known_truth(self.confusion).sum(1)
        return {
            "iou": scored_iou(self.confusion),
            "precision": class_precision(self.confusion)[:UNKNOWN_ROW],
            "recall": class_accuracy(self.confusion)[:UNKNOWN_ROW],
            "f1": class_f1(self.confusion)[:UNKNOWN_ROW],
            "share": pixels / pixels.sum() if pixels.any() else np.full(len(pixels), np.nan),
        }

    def named(self, values: np.ndarray) -> dict[str, float | None]:
        """Values (C,) by the names of their classes, None for NaN."""
        return {name: number(float(value)) for name, value in zip(self.classes.names, values, strict=True)}

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
        """Number of pixels of each class in the truth of each image: int64 (C,), by name of the image."""
        return {name: known_truth(confusion).sum(1) for name, confusion in self.per_image.items()}

    def image_accuracy(self, name: str) -> float | None:
        """Share of an image's pixels of known truth that are predicted right; None if it has none."""
        return pixel_accuracy(known_truth(self.per_image[name]))


def scored_iou(confusion: np.ndarray) -> np.ndarray:
    """IoU of the classes without unknown: (..., C + 1, C + 1) to float64 (..., C), NaN as in `class_iou`."""
    return class_iou(confusion)[..., :UNKNOWN_ROW]


def mean_iou(confusion: np.ndarray) -> np.ndarray:
    """Mean of `scored_iou`: (..., C + 1, C + 1) to float64 (...), NaN where no class has one."""
    return class_mean(scored_iou(confusion))


def score_masks(
    truth: Path | str | Mapping[str, Path],
    predictions: Path | str,
    classes: ClassTable,
    *,
    true_codes: CodeTable | None = None,
    unscored: Collection[str] = (),
    plain: bool = False,
    keep_going: bool = False,
    allow_missing: bool = False,
    open_large: OpenMask | None = None,
    images: Mapping[str, Path] = _NO_IMAGES,
    bands: Sequence[int | str] | None = None,
    quiet: bool = False,
    mapper: Mapper = map_in_threads,
) -> Scores:
    """Score the masks `NAME_mask.png` of a folder against those of another, paired by name.

    Args:
        truth: Folder of the true masks; or these masks by name.
        predictions: Folder of the predicted masks.
        classes: Those to score, with the colours of both folders.
        true_codes: Of the classes, if the true masks have codes instead of colours.
        unscored: Names of predictions that are no masks of these images.
        plain: See `find_masks`.
        keep_going: Score the masks that can be read, if there are any, and list the others in `Scores.broken`.
        allow_missing: Leave out unpaired masks, and name them in `Scores.missing`, if there are any pairs.
        open_large: Opens a mask that is too large to be read as a whole; None if such masks are errors.
        images: By name; where an image has no data, its truth counts as unknown.
        bands: Of the images, see `images.open_image`.
        quiet: Show no progress bar, which only terminals show anyway.
        mapper: Counts the pixels of the pairs; by default on all cores.

    Returns:
        The scores, also of masks in other colours: `OffPalette.check` tells whether they are those of the classes.

    Raises:
        LandcoverError: A folder is missing or empty, or there is no pair; or a line for each mask that is unpaired,
            cannot be read, or is of another size than its partner.
    """
    truths = dict(truth) if isinstance(truth, Mapping) else find_masks(truth, plain)
    masks = find_masks(predictions, plain)
    predicted = {name: path for name, path in masks.items() if name not in unscored}
    missing = frozenset(truths.keys() ^ predicted.keys())
    names = [name for name in truths if name in predicted]
    problems = Problems()
    if not allow_missing:
        problems.lines += unpaired(truths, predicted, lambda _: f"mask of this name in {predictions}")
        place = os.path.commonpath([path.parent for path in truth.values()]) if isinstance(truth, Mapping) else truth
        problems.lines += unpaired(predicted, truths, lambda _: f"mask of this name in {place}")
        problems.raise_any()
    elif not names:
        raise LandcoverError(f"{predictions}: no mask in it has the name of one in {truth}. Give folders that match.")

    counting = _Counting(classes, open_large, bands, true_codes)
    pairs = [_Pair(name, truths[name], predicted[name], images.get(name)) for name in names]
    results = progress_bar("score", len(names), "images", mapper(counting, pairs), quiet=quiet)
    per_image: dict[str, np.ndarray] = {}
    in_truth, in_predictions = OffPalette(), OffPalette()
    for name, counts in problems.successes(results, keep_going=keep_going):
        per_image[name] = counts.confusion
        in_truth += counts.truth_off_palette
        in_predictions += counts.predicted_off_palette
    if not (keep_going and per_image):
        problems.raise_any()
    return Scores(classes, per_image, in_truth, in_predictions, tuple(problems.lines), missing)


class _Pair(NamedTuple):
    """A pair of masks.

    Attributes:
        name: Of both.
        truth, predicted: The masks.
        image: Of which they are; None if it is not needed.
    """

    name: str
    truth: Path
    predicted: Path
    image: Path | None


@dataclass(frozen=True)
class _Counting:
    """Work on pairs of masks: count their pixels; errors are results.

    Attributes:
        classes, open_large, bands, true_codes: See `score_masks`.
    """

    classes: ClassTable
    open_large: OpenMask | None
    bands: Sequence[int | str] | None
    true_codes: CodeTable | None
    result_bytes = 0

    def opened(
        self, threads: int
    ) -> AbstractContextManager[Callable[[_Pair], tuple[str, PairCounts] | LandcoverError]]:
        """See `mapping.Work`."""
        return nullcontext(error_as_result(self.count))

    def describe(self, pair: _Pair) -> str:
        """See `mapping.Work`."""
        return str(pair.predicted)

    def count(self, pair: _Pair) -> tuple[str, PairCounts]:
        """Count the pixels of a pair; with its name."""
        valid = None if pair.image is None else read_valid_mask(pair.image, self.bands)
        return pair.name, count_pair(pair.truth, pair.predicted, self.classes, self.open_large, valid, self.true_codes)

"""Scores of labels or masks in Python, equal to those that `landcover evaluate` prints."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from landcover.api.class_search import find_class_table
from landcover.classes.class_files import read_class_table
from landcover.classes.class_table import UNKNOWN, ClassTable, byte_counts
from landcover.classes.off_palette import OffPalette
from landcover.images.image_arrays import describe
from landcover.images.pairs import check_same_size
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.mask_labels import MaskStrips, PairCounts, count_pair, read_labels
from landcover.scoring.scores import Scores, score_masks
from landcover.system.errors import LandcoverError, note, requiring_extra

if TYPE_CHECKING:
    import pandas as pd

LabelSource = np.ndarray | str | PathLike[str]
"""Labels uint8 (H, W), a mask in a file, or a folder of masks."""

_Item = np.ndarray | Path
_ADVICE = "Give the table of these masks as classes, or raise max_off_palette."


@dataclass(frozen=True, repr=False)
class Score:
    """Scores of a set of predictions, in 0..1, by the rules of the course; `landcover.score` makes it.

    Attributes:
        mean_iou: Mean IoU of the classes that have one; None if none has.
        pixel_accuracy: Share of the pixels that are labelled right; like the other accuracies, of the pixels whose
            truth is known. None if there are none.
        mean_accuracy: Mean recall of the classes.
        frequency_weighted_iou: Mean of the classes' IoU, weighted by their share of the pixels.
        iou: Intersection over union by class name; None for a class that is neither present nor predicted.
        precision, recall, f1: By class name; None where undefined.
        share: Share of the pixels whose truth is known, by class name.
        confusion: Pixels: int64 (C + 1, C + 1), rows are the truth and columns the prediction; the last row and the
            last column are unknown.
        classes: The C classes.
    """

    mean_iou: float | None
    pixel_accuracy: float | None
    mean_accuracy: float | None
    frequency_weighted_iou: float | None
    iou: dict[str, float | None]
    precision: dict[str, float | None]
    recall: dict[str, float | None]
    f1: dict[str, float | None]
    share: dict[str, float | None]
    confusion: np.ndarray = field(compare=False)
    classes: ClassTable

    @classmethod
    def of(cls, scores: Scores) -> Self:
        """Take the figures of counted masks."""
        by_class: dict[str, Any] = {name: scores.named(values) for name, values in scores.by_class().items()}
        return cls(**{**scores.figures(), **by_class}, confusion=scores.confusion, classes=scores.classes)

    def __repr__(self) -> str:
        means = f"mean IoU {_shown(self.mean_iou)}, pixel accuracy {_shown(self.pixel_accuracy)}"
        iou = ", ".join(f"{name} {_shown(value)}" for name, value in self.iou.items())
        return f"<landcover.Score: {means}; IoU: {iou}>"

    def table(self) -> "pd.DataFrame":
        """Make a table of a row for each class: `iou`, `precision`, `recall`, `f1`, `share`, NaN for None."""
        import pandas as pd

        columns = {name: getattr(self, name) for name in ("iou", "precision", "recall", "f1", "share")}
        return pd.DataFrame(columns, index=pd.Index(self.iou, name="class"), dtype=float)


def score(
    truth: LabelSource | Sequence[LabelSource],
    prediction: LabelSource | Sequence[LabelSource],
    classes: ClassTable | str | PathLike[str] | None = None,
    *,
    max_off_palette: float = 0.01,
    allow_missing: bool = False,
) -> Score:
    """Score predictions against the truth, over all pixels together.

    A class predicted where the truth is unknown is a false positive; unknown predicted where the truth is a class is a
    miss. A class that is neither present nor predicted has no IoU and no part in the mean.

    Args:
        truth: One of

            - labels: a NumPy array uint8 (H, W) of class indices, 255 for unknown;
            - the path of a mask: a colour image of png or tif, in the colours of `classes`;
            - a list of these, an item for each image;
            - the path of a folder of masks `NAME_mask.png`.
        prediction: The same, item for item of the same size. If one is a folder, both are: masks are paired by name.
        classes: `model.classes`, or a file that has a table of classes: params.yaml, model.safetensors or JSON. By
            default, for masks, the table that `landcover evaluate` finds beside them, and a note on stderr says where;
            for arrays alone, as many classes as they have, called "0", "1", ...
        max_off_palette: Share of the pixels, 0 to 1, of each side's masks that may have colours of no class.
        allow_missing: Leave out masks of folders that have no partner.

    Raises:
        LandcoverError: A file cannot be read; sizes differ; labels are of another type or beyond the classes; too many
            pixels have colours of no class; or masks have no partner.

    Example:
        >>> result = landcover.score("town_mask.png", model.predict("town_sat.jpg"), model.classes)
        >>> result.mean_iou, result.iou["water"]
        (0.5312, 0.8077)
    """
    if _is_folder(truth) or _is_folder(prediction):
        folders = _folder(truth, "truth"), _folder(prediction, "prediction")
        options: dict[str, Any] = {"plain": True, "allow_missing": allow_missing, "quiet": True}
        scores = score_masks(*folders, _class_table(classes, folders), open_large=open_large_mask, **options)
    else:
        pairs = _pairs(_items(truth, "truth"), _items(prediction, "prediction"))
        items = [*(item for item, _ in pairs), *(item for _, item in pairs)]
        paths = [item for item in items if isinstance(item, Path)]
        if paths or classes is not None:
            table = _class_table(classes, [path.parent for path in paths])
        else:
            table = _numbered([item for item in items if isinstance(item, np.ndarray)])
        scores = _count(pairs, table)
    for name, side, off_palette in (
        ("truth", truth, scores.truth_off_palette),
        ("prediction", prediction, scores.predicted_off_palette),
    ):
        off_palette.check(side if isinstance(side, str | PathLike) else name, max_off_palette, _ADVICE)
    return Score.of(scores)


@contextmanager
def open_large_mask(path: Path) -> Iterator[MaskStrips]:
    """Open a mask that is too large to be read as a whole; see `scoring.score_masks`."""
    with requiring_extra(f"{path}: masks of so many pixels", "geo"):
        from landcover.rasters import large_masks
    with large_masks.open_large_mask(path) as mask:
        yield mask


def _count(pairs: Sequence[tuple[_Item, _Item]], classes: ClassTable) -> Scores:
    per_image, in_truth, in_predictions = {}, OffPalette(), OffPalette()
    for number, (truth, prediction) in enumerate(pairs):
        if isinstance(truth, Path) and isinstance(prediction, Path):  # of any size: not read as a whole
            counted = count_pair(truth, prediction, classes, open_large_mask)
        else:
            counted = _count_labels(truth, prediction, classes)
        per_image[str(number)] = counted.confusion
        in_truth += counted.truth_off_palette
        in_predictions += counted.predicted_off_palette
    return Scores(classes, per_image, in_truth, in_predictions)


def _count_labels(truth: _Item, prediction: _Item, classes: ClassTable) -> PairCounts:
    """Count the pixels of a pair by label, as `count_pair` does, where at least one of them is an array."""
    true_labels, in_truth = _labels(truth, "truth", classes)
    labels, in_prediction = _labels(prediction, "prediction", classes)
    check_same_size("prediction", labels.shape, "truth", true_labels.shape)
    return PairCounts(confusion_matrix(true_labels, labels, len(classes)), in_truth, in_prediction)


def _labels(item: _Item, name: str, classes: ClassTable) -> tuple[np.ndarray, OffPalette]:
    """Labels uint8 (H, W), and the pixels whose colours are of no class."""
    if isinstance(item, Path):
        return read_labels(item, classes)
    beyond = np.flatnonzero(byte_counts(item)[len(classes) : UNKNOWN])
    if len(beyond):
        raise LandcoverError(
            f"{name}: label {beyond[0] + len(classes)}, but the {len(classes)} classes {', '.join(classes.names)} have "
            f"labels 0 to {len(classes) - 1}, and unknown is {UNKNOWN}. Give the table of these labels as classes."
        )
    return item, OffPalette()


def _items(side: Any, name: str) -> list[_Item]:
    """The images of a side, arrays checked."""
    items = side if isinstance(side, list | tuple) else [side]
    return [Path(item) if isinstance(item, str | PathLike) else _checked(item, name) for item in items]


def _checked(labels: Any, name: str) -> np.ndarray:
    if type(labels) is not np.ndarray or labels.dtype != np.uint8 or labels.ndim != 2 or not labels.size:
        raise LandcoverError(
            f"{name}: {describe(labels)}; should be labels, a NumPy array of uint8 (H, W) with class indices and "
            f"{UNKNOWN} for unknown, or the path of a mask."
        )
    return labels


def _pairs(truth: list[_Item], prediction: list[_Item]) -> list[tuple[_Item, _Item]]:
    if len(truth) != len(prediction) or not truth:
        raise LandcoverError(f"truth has {len(truth)} images, prediction {len(prediction)}. Give as many of each.")
    return list(zip(truth, prediction, strict=True))


def _is_folder(side: object) -> bool:
    return isinstance(side, str | PathLike) and Path(side).is_dir()


def _folder(side: Any, name: str) -> Path:
    if not _is_folder(side):
        shown = side if isinstance(side, str | PathLike) else describe(side)
        raise LandcoverError(f"{name}: {shown}: not a folder, as the other side is. Give two folders, or none.")
    return Path(side)


def _class_table(classes: ClassTable | str | PathLike[str] | None, folders: Sequence[Path]) -> ClassTable:
    if isinstance(classes, ClassTable):
        return classes
    if classes is not None:
        return read_class_table(Path(classes))
    table, source = find_class_table(folders)
    if source:
        note(f"{source}: classes and colours are taken from this file; classes=... names another")
    return table


def _numbered(arrays: Sequence[np.ndarray]) -> ClassTable:
    """As many classes as labels have, at least two, called by their numbers."""
    known = [int(labels[labels != UNKNOWN].max(initial=1)) for labels in arrays]
    return ClassTable({str(label): (label, label, label) for label in range(max(known) + 1)})


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"

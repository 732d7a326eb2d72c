"""What a page of the report holds, as plain types: what its callers give, and `report_page` writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landcover.classes.class_table import ClassTable


@dataclass(frozen=True)
class Entry:
    """What is known of an image before its pixels are read.

    Attributes:
        name: No two images have the same.
        confusion: Of its prediction, int64 (C + 1, C + 1), see `scoring.confusion`; None if there is no truth.
        other: Of another prediction, likewise.
        confidence: Mean of the prediction's confidence, 0..1: chooses and sorts images where there is no truth.
        is_overview: Whether it is of a whole scene of which other images are parts: shown first, and not counted.
    """

    name: str
    confusion: np.ndarray | None = None
    other: np.ndarray | None = None
    confidence: float | None = None
    is_overview: bool = False


@dataclass(frozen=True)
class Labelled:
    """The pixels of an image and what is known of them. All arrays have one height and width.

    Attributes:
        prediction: Labels, uint8 (H, W).
        image: uint8 RGB (H, W, 3); None if it was not given.
        truth: Labels, uint8 (H, W), `UNKNOWN` where nothing is scored; None if it was not given.
        other: Another prediction, likewise.
        confidence: Probability of the predicted class, uint8 (H, W): 255 is 1, 0 where the image has no data; None if
            it was not given.
        bands: What the image shows if not true colours, in words.
        degrees: Where it lies, see `control_points.control_points`; None if that is not known.
        reduction: Pixels of the files, in each direction, per pixel of these arrays: above 1 if they were reduced as
            `reduction` does.
        size: (height, width) of the files in pixels; None for that of the arrays.
    """

    prediction: np.ndarray
    image: np.ndarray | None = None
    truth: np.ndarray | None = None
    other: np.ndarray | None = None
    confidence: np.ndarray | None = None
    bands: str = ""
    degrees: Mapping[str, Any] | None = None
    reduction: int = 1
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Report:
    """All that the page says beside the images.

    Attributes:
        title: Its heading; any text.
        classes: Of all labels.
        prediction, other: What the two predictions are called.
        items: What the images are called, a plural.
        scores, other_scores: See `score_blocks.scores_block`; None without truth.
        comparison: See `score_blocks.comparison_block`.
        calibration: See `Calibration.figures`.
        training: `columns`, and `rows` of numbers: the curves of the training.
        about: Parts of what is said of the model, `heading` and `rows` of two texts each.
    """

    title: str
    classes: ClassTable
    prediction: str = "prediction"
    other: str = "other"
    items: str = "images"
    scores: Mapping[str, Any] | None = None
    other_scores: Mapping[str, Any] | None = None
    comparison: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None
    about: Sequence[Mapping[str, Any]] = ()

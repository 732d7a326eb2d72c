"""Scores as text and as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from landcover.cli.printing import format_table
from landcover.scoring.bootstrap import LEVEL, Difference
from landcover.scoring.confusion import mean
from landcover.scoring.scores import Scores

if TYPE_CHECKING:  # it imports PyTorch, which scoring masks does without
    from landcover.inference.model_scores import ModelScores

_HEADINGS = {"iou": "IoU", "precision": "precision", "recall": "recall", "f1": "F1", "share": "share"}


def course_lines(scores: Scores) -> str:
    """The lines of the course's scorer: IoU of each class, and the mean between empty lines.

    For a class that is neither present nor predicted, that scorer prints nan, and nan as the mean; here such a class
    has `-` and does not count in the mean.
    """
    iou = scores.by_class()["iou"]
    lines = [f"class #{label} : {_shown(value, 5)}" for label, value in enumerate(scores.named(iou).values())]
    return "\n".join([*lines, "", f"mean_iou: {_shown(mean(iou), 6)}", ""])


def score_table(scores: Scores) -> str:
    """A row of figures for each class, their means, and the figures of all pixels."""
    columns, figures = scores.by_class(), scores.figures()
    cells = [scores.named(columns[key]).values() for key in _HEADINGS]
    means = [mean(columns[key]) for key in _HEADINGS if key != "share"]
    rows = [*zip(scores.classes.names, *cells, strict=True), ("mean", *means)]
    pixels, known = scores.confusion.sum(), scores.confusion[:-1].sum()
    return "\n".join(
        [
            format_table(
                ["class", *_HEADINGS.values()], [[name, *(_shown(value, 4) for value in row)] for name, *row in rows]
            ),
            "",
            f"pixel accuracy: {_shown(figures['pixel_accuracy'], 4)}",
            f"frequency-weighted IoU: {_shown(figures['frequency_weighted_iou'], 4)}",
            f"images: {len(scores.per_image)}, pixels: {pixels}, of known truth: {known}",
        ]
    )


def score_json(scores: Scores) -> dict[str, Any]:
    """All scores as plain types: the keys of metrics/evaluate.json, and the rest of the table by class."""
    columns = scores.by_class()
    return {
        **scores.figures(),
        **{key: scores.named(columns[key]) for key in _HEADINGS if key != "iou"},
        "images": len(scores.per_image),
        "pixels": int(scores.confusion.sum()),
        "off_palette": scores.off_palette,
        "broken": list(scores.broken),
        "missing": len(scores.missing),
    }


def model_scores_text(result: "ModelScores") -> str:
    """Loss, mean IoU and pixel accuracy of a model."""
    figures = result.scores.figures()
    return "\n".join(
        [
            f"loss: {_shown(result.loss, 6)}",
            f"mean_iou: {_shown(figures['mean_iou'], 6)}",
            f"pixel_accuracy: {_shown(figures['pixel_accuracy'], 6)}",
        ]
    )


def model_scores_json(result: "ModelScores") -> dict[str, Any]:
    """The loss and all scores of a model as plain types."""
    return {"loss": result.loss, **score_json(result.scores), "engine": result.engine}


def difference_text(difference: Difference) -> str:
    """Both mean IoUs, their difference with its interval, and the share of resamples in which A is better."""
    interval = " to ".join(_shown(bound, 6) for bound in (difference.low, difference.high) if bound is not None) or "-"
    share = difference.share_a_better
    better = "-" if share is None else f"{100 * share:.1f} %"
    return "\n".join(
        [
            f"mean_iou of A: {_shown(difference.mean_iou_a, 6)}",
            f"mean_iou of B: {_shown(difference.mean_iou_b, 6)}",
            f"A - B: {_shown(difference.difference, 6)}, {100 * LEVEL:.0f} % interval {interval}",
            f"A is better in {better} of {difference.resamples} resamples of {difference.images} images",
        ]
    )


def difference_json(difference: Difference) -> dict[str, Any]:
    """The comparison as plain types."""
    return {**asdict(difference), "verdict": difference.verdict}


def _shown(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"

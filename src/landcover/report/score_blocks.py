"""Scores as the scripts of the page take them: plain types, 0..1 and unrounded, None where undefined."""

from typing import Any

import numpy as np

from landcover.scoring.bootstrap import Difference
from landcover.scoring.confusion import known_truth, mean, number, pixel_accuracy
from landcover.scoring.scores import Scores, scored_iou


def scores_block(
    scores: Scores, interval: tuple[float | None, float | None] = (None, None), unit: str = "images"
) -> dict[str, Any]:
    """All scores of a prediction: those that `landcover evaluate` prints.

    Args:
        interval: Of the mean IoU, see `bootstrap.mean_iou_interval`.
        unit: What is drawn as a whole in resamples, a plural: images, scenes or blocks.
    """
    figures = scores.figures()
    return {
        "mean_iou": figures["mean_iou"],
        "mean_iou_low": interval[0],
        "mean_iou_high": interval[1],
        "pixel_accuracy": figures["pixel_accuracy"],
        "mean_accuracy": figures["mean_accuracy"],
        "frequency_weighted_iou": figures["frequency_weighted_iou"],
        "images": len(scores.per_image),
        "unit": unit,
        "by_class": {key: _numbers(values) for key, values in scores.by_class().items()},
        "confusion": scores.confusion.tolist(),
    }


def comparison_block(difference: Difference) -> dict[str, Any]:
    """What `landcover compare` says of two predictions."""
    return {
        "verdict": difference.verdict,
        "difference": difference.difference,
        "low": difference.low,
        "high": difference.high,
        "mean_iou_a": difference.mean_iou_a,
        "mean_iou_b": difference.mean_iou_b,
        "images": difference.images,
    }


def image_block(confusion: np.ndarray | None) -> dict[str, Any] | None:
    """Scores of one image from its confusion matrix; None without one.

    Beside `mean_iou`, `pixel_accuracy` and `iou` by class there is `wrong`, the number of pixels of known truth that
    are predicted wrong.
    """
    if confusion is None:
        return None
    known, iou = known_truth(confusion), scored_iou(confusion)
    return {
        "mean_iou": mean(iou),
        "pixel_accuracy": pixel_accuracy(known),
        "wrong": int(known.sum() - np.trace(known)),
        "iou": _numbers(iou),
    }


def _numbers(values: np.ndarray) -> list[float | None]:
    return [number(float(value)) for value in values]

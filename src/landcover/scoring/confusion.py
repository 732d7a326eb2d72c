"""The confusion matrix: every figure about a prediction follows from its counts.

A matrix of C classes is int64 (C + 1, C + 1): rows are the truth, columns the prediction, and the last row and the last
column, `UNKNOWN_ROW`, count the pixels that are labelled `UNKNOWN`.
"""

import numpy as np

from landcover.classes.class_table import UNKNOWN, byte_counts

UNKNOWN_ROW = -1
"""Index of the row, and of the column, of the unknown pixels."""


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count pixels by label and prediction.

    Args:
        labels, predicted: Integers of one shape, uint8 for speed: 0 to C - 1, or `UNKNOWN`.
        classes: Their number C, at most 255.

    Returns:
        int64 (C + 1, C + 1).
    """
    side = classes + 1
    if side * (side + 1) < UNKNOWN:
        # Bytes, as memory traffic is what takes the time. They wrap: `UNKNOWN` counts as -1, and no two pairs meet.
        names = np.array([*range(classes), UNKNOWN], np.uint8)
        counts = byte_counts(np.asarray(labels, np.uint8) * np.uint8(side) + np.asarray(predicted, np.uint8))
        return np.asarray(counts[names[:, None] * np.uint8(side) + names])
    pairs = np.minimum(labels, classes).astype(np.uint16)
    pairs *= side
    pairs += np.minimum(predicted, classes).astype(np.uint16, copy=False)
    return np.bincount(pairs.ravel(), minlength=side**2)[: side**2].reshape(side, side)


def known_truth(confusion: np.ndarray) -> np.ndarray:
    """The counts of the pixels whose truth is known: (..., C + 1, C + 1) to (..., C, C + 1)."""
    return confusion[..., :UNKNOWN_ROW, :]


def known_pairs(confusion: np.ndarray) -> np.ndarray:
    """The counts of the pixels whose truth and prediction are known: (..., C + 1, C + 1) to (..., C, C)."""
    return confusion[..., :UNKNOWN_ROW, :UNKNOWN_ROW]


def class_iou(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union TP / (TP + FP + FN) of each row's class.

    Args:
        confusion: (..., S, S), one matrix or a stack of them, with the unknown row or without it (`known_pairs`).

    Returns:
        float64 (..., S), NaN where a class is neither present nor predicted.
    """
    hits = _hits(confusion)
    return _ratio(hits, confusion.sum(-2) + confusion.sum(-1) - hits)


def class_f1(confusion: np.ndarray) -> np.ndarray:
    """F1 or Dice, 2 TP / (2 TP + FP + FN): float64 (..., S), NaN where a class is neither present nor predicted."""
    return _ratio(2 * _hits(confusion), confusion.sum(-2) + confusion.sum(-1))


def class_precision(confusion: np.ndarray) -> np.ndarray:
    """Share of the pixels predicted as a class that are of it: float64 (..., S), NaN where it is not predicted."""
    return _ratio(_hits(confusion), confusion.sum(-2))


def class_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of a class's pixels that are predicted as it (recall): float64 (..., S), NaN where it is not present."""
    return _ratio(_hits(confusion), confusion.sum(-1))


def class_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the classes that have a value: float64 (..., C) to (...), NaN where none has."""
    return _ratio(np.nansum(values, -1), np.isfinite(values).sum(-1))


def mean(values: np.ndarray) -> float | None:
    """Mean over the classes (C,) that have a value; None if none has."""
    return number(float(class_mean(values)))


def number(value: float) -> float | None:
    """A float as JSON can hold it: None for NaN."""
    return None if np.isnan(value) else float(value)


def pixel_accuracy(confusion: np.ndarray) -> float | None:
    """Share of the pixels that are predicted right; None if there are no pixels.

    Args:
        confusion: A matrix, or the part of it that `known_truth` or `known_pairs` gives.
    """
    total = confusion.sum()
    return float(np.trace(confusion) / total) if total else None


def _hits(confusion: np.ndarray) -> np.ndarray:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        return np.asarray(part / whole)

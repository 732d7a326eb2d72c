"""The confusion matrix: every figure about a prediction follows from its counts."""

import numpy as np


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, size: int) -> np.ndarray:
    """Count pixels by label and prediction.

    Args:
        labels, predicted: Integers of one shape. Pixels for which either is `size` or more are left out.
        size: Number of classes C.

    Returns:
        int64 (C, C): rows are labels, columns are predictions.
    """
    counted = (labels < size) & (predicted < size)
    pairs = labels[counted].astype(np.int64) * size + predicted[counted]
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def class_iou(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union TP / (TP + FP + FN) by class: float64 (C,), NaN where neither present nor predicted."""
    hits = np.diag(confusion)
    return _ratio(hits, confusion.sum(0) + confusion.sum(1) - hits)


def class_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of each class's pixels that are predicted as such (recall): float64 (C,), NaN where not present."""
    return _ratio(np.diag(confusion), confusion.sum(1))


def mean(values: np.ndarray) -> float | None:
    """Mean over the classes that have a value; None if none has."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def pixel_accuracy(confusion: np.ndarray) -> float | None:
    """Share of the pixels that are predicted right; None if there are no pixels."""
    total = confusion.sum()
    return float(np.trace(confusion) / total) if total else None


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return part / whole

"""The confusion matrix: every figure about a prediction follows from its counts."""

import numpy as np

from landcover.classes.counting import byte_counts


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, size: int) -> np.ndarray:
    """Count pixels by label and prediction.

    Args:
        labels, predicted: Integers of one shape, uint8 for speed. Pixels for which either is `size` or more are left
            out.
        size: Number of classes C, at most 255.

    Returns:
        int64 (C, C): rows are labels, columns are predictions.
    """
    # One more row and column take what is left out. Bytes, where pairs fit into them: memory traffic is what counts.
    side = size + 1
    pairs = np.minimum(labels, size).astype(np.uint8 if side**2 <= 256 else np.uint16)
    pairs *= side
    pairs += np.minimum(predicted, size).astype(pairs.dtype, copy=False)
    counts = byte_counts(pairs) if pairs.dtype == np.uint8 else np.bincount(pairs.ravel(), minlength=side**2)
    return counts[: side**2].reshape(side, side)[:size, :size]


def class_iou(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union TP / (TP + FP + FN) by class.

    Args:
        confusion: (..., C, C), one matrix or a stack of them.

    Returns:
        float64 (..., C), NaN where a class is neither present nor predicted.
    """
    hits = _hits(confusion)
    return _ratio(hits, confusion.sum(-2) + confusion.sum(-1) - hits)


def class_f1(confusion: np.ndarray) -> np.ndarray:
    """F1, alias Dice, 2 TP / (2 TP + FP + FN) by class: float64 (..., C), NaN where neither present nor predicted."""
    return _ratio(2 * _hits(confusion), confusion.sum(-2) + confusion.sum(-1))


def class_precision(confusion: np.ndarray) -> np.ndarray:
    """Share of the pixels predicted as a class that are of it: float64 (..., C), NaN where not predicted."""
    return _ratio(_hits(confusion), confusion.sum(-2))


def class_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of each class's pixels that are predicted as such (recall): float64 (..., C), NaN where not present."""
    return _ratio(_hits(confusion), confusion.sum(-1))


def class_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the classes that have a value: float64 (..., C) to (...), NaN where none has."""
    return _ratio(np.nansum(values, -1), np.isfinite(values).sum(-1))


def mean(values: np.ndarray) -> float | None:
    """Mean over the classes (C,) that have a value; None if none has."""
    return number(class_mean(values))


def number(value: float) -> float | None:
    """A figure as JSON can hold it: None for NaN."""
    return None if np.isnan(value) else float(value)


def pixel_accuracy(confusion: np.ndarray) -> float | None:
    """Share of the pixels that are predicted right; None if there are no pixels.

    Args:
        confusion: (C, C), or (C, S) if more is predicted than the classes.
    """
    total = confusion.sum()
    return float(np.trace(confusion) / total) if total else None


def _hits(confusion: np.ndarray) -> np.ndarray:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return part / whole

import numpy as np
import pytest

from landcover.classes.class_table import UNKNOWN
from landcover.scoring.calibration import BINS, Calibration


def counted(pixels):
    """Counts of pixels, each (label, prediction, confidence)."""
    return Calibration.of(*np.array([pixels], np.uint8).transpose(2, 0, 1))


def test_bins_and_error_of_a_case_counted_by_hand():
    # Confidence 0.6 (153 / 255): 1 of 2 is right; 0.8 (204 / 255): 0 of 1; 1: 3 of 3.
    counts = counted([(0, 0, 153), (1, 0, 153), (2, 2, 255), (1, 1, 255), (0, 0, 255), (2, 1, 204)])
    bins = counts.bins()
    assert [(bin["low"], bin["high"]) for bin in bins][5] == (0.5, 0.6)
    assert bins[5] == {"low": 0.5, "high": 0.6, "confidence": 0.6, "accuracy": 0.5, "share": pytest.approx(2 / 6)}
    assert bins[7] == {"low": 0.7, "high": 0.8, "confidence": 0.8, "accuracy": 0.0, "share": pytest.approx(1 / 6)}
    assert bins[9] == {"low": 0.9, "high": 1.0, "confidence": 1.0, "accuracy": 1.0, "share": 0.5}
    assert all(
        bin["confidence"] is bin["accuracy"] is None and not bin["share"] for bin in (*bins[:5], bins[6], bins[8])
    )
    assert counts.expected_error() == pytest.approx(2 / 6 * 0.1 + 1 / 6 * 0.8)
    assert counts.figures() == {"bins": bins, "expected_error": counts.expected_error()}


def test_every_confidence_falls_into_the_bin_that_ends_at_or_above_it():
    for value in range(1, 256):
        (index,) = (i for i, bin in enumerate(counted([(0, 0, value)]).bins()) if bin["share"])
        assert index / BINS < value / 255 <= (index + 1) / BINS or value / 255 == (index + 1) / BINS, value


def test_pixels_of_unknown_truth_and_without_data_are_not_counted():
    counts = counted([(UNKNOWN, 0, 200), (0, UNKNOWN, 0), (0, 0, 0), (1, 1, 1)])
    assert (counts.known.sum(), counts.right.sum()) == (1, 1)
    assert counts.known[1] == 1


def test_counts_of_parts_add_up_to_those_of_the_whole():
    rng = np.random.default_rng(0)
    labels, predicted = (rng.choice([0, 1, 2, UNKNOWN], (40, 60)).astype(np.uint8) for _ in range(2))
    confidence = rng.integers(0, 256, (40, 60)).astype(np.uint8)
    arrays = labels, predicted, confidence
    whole = Calibration.of(*arrays)
    parts = sum(
        (Calibration.of(*(array[rows] for array in arrays)) for rows in (slice(13), slice(13, 40))), Calibration()
    )
    np.testing.assert_array_equal(parts.known, whole.known)
    np.testing.assert_array_equal(parts.right, whole.right)
    assert whole.known.sum() == ((labels != UNKNOWN) & (confidence > 0)).sum()
    assert sum(bin["share"] for bin in whole.bins()) == pytest.approx(1)


def test_without_pixels_of_known_truth_there_are_no_figures():
    assert counted([(UNKNOWN, 0, 200)]).figures() is None
    assert Calibration().expected_error() is None

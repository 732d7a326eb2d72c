import numpy as np
import pytest

from landcover.models.collapse import DominantClass


@pytest.mark.parametrize(
    ("confusion", "expected", "has_collapsed"),
    [
        ([[0, 40], [0, 60]], (1, 1.0, 0.6), True),
        ([[2, 38], [0, 160]], (1, 0.99, 0.8), True),
        ([[3, 37], [0, 160]], (1, 0.985, 0.8), False),
        ([[0, 1], [0, 999]], (1, 1.0, 0.999), False),  # nearly all pixels are of this class
        ([[9, 0], [0, 1]], (0, 0.9, 0.9), False),
    ],
)
def test_predictions_of_one_class_have_collapsed_unless_they_are_right(confusion, expected, has_collapsed):
    dominant = DominantClass.of(np.array(confusion))
    assert dominant == DominantClass(*expected)
    assert dominant.has_collapsed == has_collapsed


def test_there_is_no_dominant_class_without_pixels():
    assert DominantClass.of(np.zeros((3, 3), int)) is None

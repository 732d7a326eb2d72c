import numpy as np
import pytest

from landcover.models.collapse import Favourite


@pytest.mark.parametrize(
    ("confusion", "expected", "is_all"),
    [
        ([[0, 40], [0, 60]], (1, 1.0, 0.6), True),
        ([[2, 38], [0, 160]], (1, 0.99, 0.8), True),
        ([[3, 37], [0, 160]], (1, 0.985, 0.8), False),
        ([[0, 1], [0, 999]], (1, 1.0, 0.999), False),  # nearly all is of this class indeed
        ([[9, 0], [0, 1]], (0, 0.9, 0.9), False),
    ],
)
def test_a_network_with_one_answer_to_everything_is_found_out_unless_the_answer_is_right(confusion, expected, is_all):
    favourite = Favourite.of(np.array(confusion))
    assert favourite == Favourite(*expected)
    assert favourite.is_all == is_all


def test_of_no_pixels_there_is_none():
    assert Favourite.of(np.zeros((3, 3), int)) is None

import numpy as np
import pytest

from landcover.geo.sieving import merge_small


def one_each(y, x):
    return np.ones(len(y))


def merged(rows, smallest, without=(9,), areas=one_each):
    labels = np.array([[int(label) for label in row] for row in rows], np.uint8)
    return ["".join(map(str, row)) for row in merge_small(labels, smallest, areas, without)]


def test_a_speck_gets_the_label_of_the_neighbour_with_the_longest_common_border():
    assert merged(["00000", "00000", "12221", "11111"], 4) == ["00000", "00000", "11111", "11111"]
    assert merged(["00000", "02220", "00200", "11111"], 5) == ["00000", "00000", "00000", "11111"]


def test_areas_of_the_smallest_size_stay():
    assert merged(["0000", "0220", "0000"], 2) == ["0000", "0220", "0000"]
    assert merged(["0000", "0220", "0000"], 2.5) == ["0000", "0000", "0000"]


def test_pixels_that_touch_at_a_corner_are_areas_of_their_own():
    assert merged(["00000", "01000", "00100", "00000"], 2) == ["00000"] * 4


def test_of_neighbours_with_equal_borders_the_largest_counts():
    assert merged(["02111"], 2) == ["11111"]  # and so does 0, which is as small


def test_specks_within_specks_end_in_what_surrounds_them():
    assert merged(["00000", "01110", "01210", "01110", "00000"], 9) == ["00000"] * 5


def test_of_two_that_are_too_small_the_larger_keeps_its_label():
    assert merged(["1229"], 3) == ["2229"]


def test_pixels_without_data_stay_and_take_no_speck():
    rows = ["99999", "91999", "99929", "92220"]
    assert merged(rows, 3) == ["99999", "91999", "99929", "92222"]


def test_a_map_of_one_small_area_stays():
    assert merged(["11"], 5) == ["11"]
    assert merged(["9"], 5) == ["9"]


def test_areas_count_by_the_size_of_their_pixels():
    assert merged(["00000", "01100", "00000"], 5, areas=lambda y, x: np.full(len(y), 3.0)) == [
        "00000",
        "01100",
        "00000",
    ]
    by_row = merged(["0000", "0100", "0000", "0100", "0000"], 2, areas=lambda y, x: np.where(y < 2, 5.0, 1.0))
    assert by_row == ["0000", "0100", "0000", "0000", "0000"]


@pytest.mark.parametrize("seed", range(10))
def test_specks_in_maps_of_several_strips_are_merged_whatever_their_place(seed):
    labels = np.zeros((700, 40), np.uint8)
    labels[
        np.random.default_rng(seed).integers(700, size=60), np.random.default_rng(seed + 1).integers(40, size=60)
    ] = 1
    assert (merge_small(labels, 20, one_each, {9}) == 0).all()

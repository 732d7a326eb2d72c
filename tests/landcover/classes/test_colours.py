import numpy as np
import pytest

from landcover.classes.colours import hex_colour, pack, read_colour, read_colours


@pytest.mark.parametrize("value", ["#00ff80", "#00FF80", [0, 255, 128]])
def test_a_colour_is_text_or_three_numbers(value):
    assert read_colour(value) == (0, 255, 128)
    assert hex_colour(read_colour(value)) == "#00ff80"


def test_a_class_has_one_colour_or_a_list_of_several():
    assert read_colours([0, 0, 0]) == ((0, 0, 0),)
    assert read_colours(["#000000", [1, 2, 3]]) == ((0, 0, 0), (1, 2, 3))


@pytest.mark.parametrize("value", ["black", "#00ff8", [0, 0], [0, 0, 256], [0.0, 0, 0], None, {}])
def test_what_is_no_colour_is_refused(value):
    with pytest.raises(ValueError, match="should be a colour such as"):
        read_colour(value)


def test_a_packed_colour_is_one_number_with_blue_first():
    assert pack(np.array([[[0x11, 0x22, 0x33]]], np.uint8)).tolist() == [[0x332211]]

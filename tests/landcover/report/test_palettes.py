import numpy as np
import pytest

from landcover.classes.class_table import DEEPGLOBE, ClassTable
from landcover.report.palettes import OKABE_ITO, UNKNOWN_COLOUR, safe_colours, seen_distances


def table(count):
    return ClassTable({f"class {i}": (i, 0, 0) for i in range(count)})


@pytest.mark.parametrize(("count", "least"), [(2, 0.08), (7, 0.07), (8, 0.07), (20, 0.07), (60, 0.04), (253, 0.01)])
def test_any_two_colours_differ_for_every_vision_and_from_unknown(count, least):
    colours = np.array([*safe_colours(table(count).names), UNKNOWN_COLOUR], np.uint8)
    distances = seen_distances(colours, colours)
    assert len(colours) == count + 1
    assert distances[~np.eye(len(colours), dtype=bool)].min() > least


def test_a_distance_is_what_the_vision_sees_that_sees_least():
    black, white, red, green = np.uint8([[[0, 0, 0]], [[255, 255, 255]], [[200, 60, 0]], [[80, 110, 0]]])
    assert seen_distances(black, white)[0, 0] == pytest.approx(1, abs=1e-3)
    assert seen_distances(red, green)[0, 0] < 0.1  # without red or green cones, these are much alike


def test_water_is_blue_and_forest_green_whatever_their_places():
    colours = dict(zip(DEEPGLOBE.names, safe_colours(DEEPGLOBE.names), strict=True))
    assert (colours["water"], colours["forest"]) == OKABE_ITO[:2]
    assert len(set(colours.values())) == 6
    twice = ClassTable({"Water": (0, 0, 1), "deep water": (0, 0, 2), "other": (0, 0, 3)})
    assert safe_colours(twice.names) == [*OKABE_ITO[:3]]

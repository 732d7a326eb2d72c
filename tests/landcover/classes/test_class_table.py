import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml

from landcover.classes.class_table import DEEPGLOBE, UNKNOWN, ClassTable
from landcover.classes.colours import pack
from landcover.system.errors import LandcoverError


def test_decoding_undoes_encoding(classes):
    labels = np.array([[0, 1, 2], [UNKNOWN, 2, 0]], np.uint8)
    decoded, off_palette = classes.decode(pack(classes.encode(labels)))
    np.testing.assert_array_equal(decoded, labels)
    assert off_palette == {}


def test_a_colour_of_no_class_is_ignored_and_counted_the_most_frequent_first(classes):
    mask = np.array([[(255, 0, 0), (0, 255, 0), (1, 0, 0), (255, 0, 0)]], np.uint8)
    labels, off_palette = classes.decode(pack(mask))
    assert labels.tolist() == [[UNKNOWN, 1, UNKNOWN, UNKNOWN]]
    assert list(off_palette.items()) == [("#ff0000", 2), ("#010000", 1)]


def test_the_ignored_class_takes_no_label_wherever_it_stands_in_the_table():
    table = ClassTable.of({"a": (1, 1, 1), "none": (2, 2, 2), "b": (3, 3, 3)}, "none")
    assert table.names == ["a", "b"]
    assert table.decode(pack(np.uint8([[(3, 3, 3), (2, 2, 2)]])))[0].tolist() == [[1, UNKNOWN]]


def test_without_an_ignored_class_no_colour_stands_for_it():
    table = ClassTable.of({"a": (1, 1, 1), "b": (0, 0, 0)}, None)
    assert table.decode(pack(np.uint8([[(0, 0, 0), (9, 9, 9)]])))[0].tolist() == [[1, UNKNOWN]]


def test_the_preset_table_is_that_of_the_parameters():
    data = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())["data"]
    assert ClassTable.from_json(data) == DEEPGLOBE
    assert list(data["classes"]) == list(DEEPGLOBE.to_json()["classes"])


@pytest.mark.parametrize(
    ("colours", "ignore", "reason"),
    [
        ({"a": (1, 1, 1), "b": (1, 1, 1)}, None, "share the colour #010101"),
        ({"a": (1, 1, 1), "b": (2, 2, 2), "none": (1, 1, 1)}, "none", "share the colour"),
        ({"a": (1, 1, 1), "none": (2, 2, 2)}, "none", "1 classes"),
        ({}, None, "0 classes"),
    ],
)
def test_an_impossible_table_is_refused(colours, ignore, reason):
    with pytest.raises(LandcoverError, match=reason):
        ClassTable.of(colours, ignore)


def test_json_gives_the_same_table_back(classes):
    assert ClassTable.from_json(classes.to_json()) == classes


SEVERAL = {"classes": {"land": ["#010101", [2, 2, 2]], "sea": [3, 3, 3], "none": [[155, 155, 155], "#000000"]}}


def test_any_of_the_colours_of_a_class_is_read_and_the_first_is_drawn():
    table = ClassTable.from_json(SEVERAL | {"ignore": "none"})
    mask = np.uint8([[[1] * 3, [2] * 3, [3] * 3, [155] * 3, [0] * 3, [4] * 3]])
    labels, off_palette = table.decode(pack(mask))
    assert labels.tolist() == [[0, 0, 1, UNKNOWN, UNKNOWN, UNKNOWN]]
    assert off_palette == {"#040404": 1}
    assert table.encode(labels)[0, :, 0].tolist() == [1, 1, 3, 155, 155, 155]
    assert dict(table.colours) == {"land": (1, 1, 1), "sea": (3, 3, 3)}
    assert table.all_colours("none") == [(155, 155, 155), (0, 0, 0)]


def test_several_colours_stay_in_json_and_a_single_one_is_no_list():
    table = ClassTable.from_json(SEVERAL | {"ignore": "none"})
    content = table.to_json()
    assert content["classes"] == {"land": ["#010101", "#020202"], "sea": "#030303", "none": ["#9b9b9b", "#000000"]}
    assert ClassTable.from_json(content) == table
    assert ClassTable.from_json({"classes": {"a": ["#000000"], "b": [0, 0, 1]}, "ignore": None}).to_json() == {
        "classes": {"a": "#000000", "b": "#000001"},
        "ignore": None,
    }
    other = ClassTable.from_json({"classes": {**SEVERAL["classes"], "land": "#010101"}, "ignore": "none"})
    assert other != table


def test_a_second_colour_that_is_no_0_or_255_ends_the_courses_threshold():
    assert not ClassTable.of({"a": ((0, 0, 0), (255, 255, 254)), "b": (255, 0, 0)}, None).saturated
    assert ClassTable.of({"a": ((0, 0, 0), (255, 255, 255)), "b": (255, 0, 0)}, None).saturated


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        ({"a": ["#010101", "#000000"], "b": [0, 0, 0]}, "'a' and 'b' share the colour #000000"),
        ({"a": ["#010101", [1, 1, 1]], "b": [0, 0, 0]}, "'a' has the colour #010101 twice: remove one"),
    ],
)
def test_a_colour_that_stands_twice_is_named(classes, reason):
    with pytest.raises(LandcoverError, match=reason):
        ClassTable.from_json({"classes": classes, "ignore": None})


@pytest.mark.parametrize(
    "value", [[], [[]], [0, "#000000"], ["#000000", 0], [["#000000"]], [0, 0], ["black"], None, [True] * 3]
)
def test_what_is_neither_a_colour_nor_a_list_of_colours_is_refused(value):
    with pytest.raises(ValueError, match=r"should be a colour .* or a list of such"):
        ClassTable.from_json({"classes": {"a": value, "b": "#ffffff"}, "ignore": None})


def test_what_is_pickled_is_small():
    classes = ClassTable({"a": (0, 0, 0), "b": (1, 2, 3)}, further={"a": ((9, 9, 9),)})
    classes.decode(np.uint32([[0]]))
    pickled = pickle.dumps(classes)
    assert len(pickled) < 1000
    assert pickle.loads(pickled) == classes

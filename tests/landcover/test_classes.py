from pathlib import Path

import numpy as np
import pytest
import yaml

from landcover.classes import DEEPGLOBE, IGNORE, ClassTable, pack
from landcover.errors import LandcoverError


def test_decoding_undoes_encoding(classes):
    labels = np.array([[0, 1, 2], [IGNORE, 2, 0]], np.uint8)
    decoded, off_palette = classes.decode(pack(classes.encode(labels)))
    np.testing.assert_array_equal(decoded, labels)
    assert off_palette == {}


def test_a_colour_of_no_class_is_ignored_and_counted_the_most_frequent_first(classes):
    mask = np.array([[(255, 0, 0), (0, 255, 0), (1, 0, 0), (255, 0, 0)]], np.uint8)
    labels, off_palette = classes.decode(pack(mask))
    assert labels.tolist() == [[IGNORE, 1, IGNORE, IGNORE]]
    assert list(off_palette.items()) == [("#ff0000", 2), ("#010000", 1)]


def test_the_ignored_class_takes_no_label_wherever_it_stands_in_the_table():
    table = ClassTable.of({"a": (1, 1, 1), "none": (2, 2, 2), "b": (3, 3, 3)}, "none")
    assert table.names == ["a", "b"]
    assert table.decode(pack(np.uint8([[(3, 3, 3), (2, 2, 2)]])))[0].tolist() == [[1, IGNORE]]


def test_without_an_ignored_class_no_colour_stands_for_it():
    table = ClassTable.of({"a": (1, 1, 1), "b": (0, 0, 0)}, None)
    assert table.decode(pack(np.uint8([[(0, 0, 0), (9, 9, 9)]])))[0].tolist() == [[1, IGNORE]]


def test_the_preset_table_is_that_of_the_parameters():
    data = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["data"]
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

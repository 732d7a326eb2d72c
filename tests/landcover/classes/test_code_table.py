import numpy as np
import pytest

from landcover.classes.class_table import UNKNOWN
from landcover.classes.code_table import CodeTable
from landcover.system.errors import LandcoverError

CODES = {"urban": (50,), "forest": (10, 20, 95), "water": (-3, "80"), "unknown": (0,)}


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64"])
def test_codes_of_any_range_become_labels(classes, dtype):
    values = np.array([[50, 10, 20], [95, -3, 0]], dtype)
    labels, counts = CodeTable(classes, CODES).decode(values)
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[0, 1, 1], [1, 2, UNKNOWN]]
    assert counts == {}


def test_codes_of_no_class_are_unknown_and_counted_where_there_is_data(classes):
    values = np.array([[7, 7, 200, 50, 9]], np.uint8)
    labels, counts = CodeTable(classes, CODES).decode(values, values != 9)
    assert labels.tolist() == [[UNKNOWN, UNKNOWN, UNKNOWN, 0, UNKNOWN]]
    assert counts == {"7": 2, "200": 1}


def test_a_class_without_codes_and_a_code_of_two_classes_are_refused(classes):
    with pytest.raises(LandcoverError, match=r"`classes`: 'water' has no codes, .* Write it as water: \{colour: "):
        CodeTable(classes, {**CODES, "water": ("80",)})
    with pytest.raises(LandcoverError, match="'urban' and 'forest' share the code 50"):
        CodeTable(classes, {**CODES, "forest": (50,)})
    assert CodeTable(classes, {**CODES, "unknown": ()}).decode(np.array([[0]]))[1] == {"0": 1}

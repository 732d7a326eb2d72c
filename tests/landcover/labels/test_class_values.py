import numpy as np
import pytest
from label_files import FIELD, FOREST, WATER, labels_on, open_file, square, utm_grid, write_layer

from landcover.classes.class_table import UNKNOWN
from landcover.labels.class_values import as_text
from landcover.system.errors import LandcoverError

CODES = {"field": (10, 20), "forest": ("wood",), "unknown": (0,)}


def _labels(tmp_path, values, **options):
    """Labels of a row of squares, one a value."""
    squares = [square(10 * i, 0, 10) for i in range(len(values))]
    path = write_layer(tmp_path / "labels.gpkg", squares, **{"class": values})
    return labels_on(path, utm_grid(), **options)[5, 5 : 10 * len(values) : 10].tolist()


def test_names_mean_their_class(tmp_path):
    assert _labels(tmp_path, ["water", " field ", "unknown"]) == [WATER, FIELD, UNKNOWN]


@pytest.mark.parametrize("values", [[10, 20, 0], [10.0, 20.0, 0.0], ["10", "20.0", "00"], np.array([10, 20, 0], "u1")])
def test_codes_may_be_numbers_or_text(tmp_path, values):
    assert _labels(tmp_path, values, codes=CODES) == [FIELD, FIELD, UNKNOWN]


def test_text_is_a_code_too_and_names_stay_valid(tmp_path):
    assert _labels(tmp_path, ["wood", "forest", "field"], codes=CODES) == [FOREST, FOREST, FIELD]


@pytest.mark.parametrize(("value", "text"), [(50, "50"), (50.0, "50"), ("-0", "0"), ("1.50", "1.50"), ("007", "7")])
def test_equal_numbers_have_the_same_text(value, text):
    assert as_text(value) == text


def test_values_of_no_class_are_named_with_their_number_of_rows_and_what_to_do(tmp_path):
    with pytest.raises(LandcoverError) as raised:
        _labels(tmp_path, ["forrest", "forrest", "x", "water"])
    message = str(raised.value)
    assert "labels.gpkg: column 'class' (`column`): of no class: 'forrest' (2 rows), 'x' (1 row)." in message
    assert "Did you mean 'forest'?" in message
    assert "`classes`" in message


def test_numbers_of_no_class_are_named(tmp_path):
    with pytest.raises(LandcoverError, match=r"of no class: 30 \(1 row\)\."):
        _labels(tmp_path, [10, 30], codes=CODES)


def test_rows_without_a_value_are_unknown_and_a_warning_counts_them(tmp_path, capsys):
    assert _labels(tmp_path, ["water", None, " "], rest="field") == [WATER, UNKNOWN, UNKNOWN]
    assert "column 'class' is empty in 2 of 3 rows" in capsys.readouterr().err


def test_numbers_with_missing_values(tmp_path):
    assert _labels(tmp_path, [10, None, 20], codes=CODES) == [FIELD, UNKNOWN, FIELD]


def test_a_column_without_any_value_is_an_error(tmp_path):
    with pytest.raises(LandcoverError, match="is empty in all 2 rows"):
        _labels(tmp_path, [None, None])


def test_a_code_of_two_classes_is_an_error(tmp_path):
    with pytest.raises(LandcoverError, match="means both 'field' and 'forest'"):
        _labels(tmp_path, ["water"], codes={"field": (1,), "forest": ("1",)})


def test_an_unknown_class_for_the_rest_is_an_error(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1)])
    with pytest.raises(LandcoverError, match="'wather': no class"):
        open_file(path, rest="wather")

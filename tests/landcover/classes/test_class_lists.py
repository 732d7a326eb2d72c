import json

import pytest

from landcover.classes.class_entries import ClassEntry
from landcover.classes.class_files import read_class_table
from landcover.classes.class_lists import parse_class_list, read_class_list
from landcover.system.errors import LandcoverError

WATER, LAND = (80, 227, 194), (245, 166, 35)

DUBAI = [
    {"title": "Water", "shape": "polygon", "color": "#50E3C2", "geometry_config": {}},
    {"title": "Land (unpaved area)", "shape": "polygon", "color": "#F5A623", "geometry_config": {}},
]


@pytest.mark.parametrize(
    "content",
    [
        {"classes": DUBAI, "tags": []},
        DUBAI,
        {"classes": {"Water": "#50e3c2", "Land (unpaved area)": [245, 166, 35]}},
        {"Water": [[80, 227, 194]], "Land (unpaved area)": {"color": "#f5a623"}},
        [{"label": "Water", "colour": [80, 227, 194]}, {"name": "Land (unpaved area)", "color": "#F5A623"}],
    ],
)
def test_the_forms_of_labelling_tools_give_the_same_classes(content):
    found = parse_class_list(content)
    assert found.entries == {"Water": ClassEntry((WATER,)), "Land (unpaved area)": ClassEntry((LAND,))}
    assert not found.says_ignore


@pytest.mark.parametrize("key", ["codes", "code", "value", "index", "id"])
def test_codes_have_the_names_that_tools_give_them(key):
    found = parse_class_list([{"name": "Water", "color": "#50E3C2", key: 0}])
    assert found.entries["Water"].codes == (0,)


def test_the_ignored_class_may_be_named():
    assert parse_class_list({"classes": DUBAI, "ignore": "Water"})[1:] == ("Water", True)
    assert parse_class_list({"classes": DUBAI, "ignore": None})[1:] == (None, True)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{", "Expecting property name"),
        ("3", "neither a table nor a list"),
        ("[3]", "class 1 is no object with a name and a colour"),
        ('[{"color": "#000000"}]', "class 1 has no name, title or label"),
        ('[{"name": "a"}]', "a = {'colour': None, 'codes': []} should be a colour"),
        ('[{"name": "a", "color": "red"}]', "a = {'colour': 'red', 'codes': []} should be a colour"),
        (
            '[{"name": "a", "color": "#000000", "code": 1.5}]',
            "a = {'colour': '#000000', 'codes': 1.5} should have",
        ),
        ('[{"name": "a", "color": "#000000"}, {"name": "a", "color": "#010101"}]', "two classes are called a"),
        ('{"classes": {"a": "#000000"}, "ignore": "b"}', "ignore = 'b' should be null or one of a"),
    ],
)
def test_what_is_no_list_is_refused_with_an_example(tmp_path, text, cause):
    path = tmp_path / "classes.json"
    path.write_text(text)
    with pytest.raises(LandcoverError) as error:
        read_class_list(path)
    assert str(error.value).startswith(f"{path}: no list of classes ({cause}")
    assert '{"name": "water", "color": "#0000ff", "code": 80}' in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(LandcoverError, match=r"classes\.json: no such file"):
        read_class_list(tmp_path / "classes.json")


def test_commands_find_the_list_that_params_name(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "c.json").write_text(json.dumps(DUBAI))
    (tmp_path / "params.yaml").write_text("data: {root: data, classes: c.json, ignore: null}")
    assert read_class_table(tmp_path / "params.yaml").colours == {"Water": WATER, "Land (unpaved area)": LAND}
    (tmp_path / "own.json").write_text(json.dumps({"classes": DUBAI, "ignore": None}))
    assert read_class_table(tmp_path / "own.json") == read_class_table(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("data: {root: data, classes: d.json, ignore: null}")
    with pytest.raises(LandcoverError, match=r"data/d\.json: no such file"):
        read_class_table(tmp_path / "params.yaml")


def test_commands_take_entries_with_codes(tmp_path):
    text = "data: {classes: {a: {colour: '#000001', codes: [3]}, b: '#000002'}, ignore: null}"
    (tmp_path / "params.yaml").write_text(text)
    assert read_class_table(tmp_path / "params.yaml").colours == {"a": (0, 0, 1), "b": (0, 0, 2)}

import pytest
import yaml

from landcover.system.documents import DuplicateKeyError, load_json, load_yaml


def test_a_duplicate_key_in_yaml_is_named_with_its_line():
    with pytest.raises(DuplicateKeyError, match="line 3: duplicate key 'water'"):
        load_yaml("data:\n  water: 1\n  water: 2\n")


def test_a_duplicate_key_in_json_is_named():
    with pytest.raises(DuplicateKeyError, match="duplicate key 'water'"):
        load_json('{"classes": {"water": 1, "water": 2}}')


def test_the_same_key_in_two_tables_is_no_duplicate():
    assert load_yaml("a: {x: 1}\nb: {x: 2}") == load_json('{"a": {"x": 1}, "b": {"x": 2}}')


def test_merged_keys_are_overridden():
    assert load_yaml("base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  x: 3")["mine"] == {"x": 3, "y": 2}


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system ['true']", "? [a, b]\n: 1", "a: b: c"])
def test_yaml_gives_plain_types_only(text):
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)

import json
from pathlib import Path

import pytest
import yaml

from landcover.classes.class_files import read_class_table
from landcover.classes.class_table import DEEPGLOBE
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build
from landcover.system.errors import LandcoverError

PARAMS = Path(__file__).parents[3] / "params.yaml"


def test_parameters_models_and_json_give_the_table_that_they_hold(classes, tmp_path):
    architecture = Architecture("baseline", None)
    save_model(Model(build(architecture, 3), classes, 1.0), tmp_path / "m.safetensors")
    (tmp_path / "c.json").write_text(json.dumps(classes.to_json(), indent="\t"))
    assert read_class_table(tmp_path / "m.safetensors") == read_class_table(tmp_path / "c.json") == classes
    assert read_class_table(PARAMS) == DEEPGLOBE


def test_colours_may_be_triples_and_there_may_be_no_unknown(tmp_path):
    data = {"classes": {"roof": [60, 16, 152], "soil": "#fedd3a"}, "ignore": None}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump({"data": data}))
    table = read_class_table(tmp_path / "p.yaml")
    assert dict(table.colours) == {"roof": (60, 16, 152), "soil": (254, 221, 58)}
    assert table.ignore is None


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("p.yaml", "train: {}", "no key 'data'"),
        ("p.yaml", "data:\n  ignore: null\n  ignore: sea", "line 3: duplicate key 'ignore'"),
        ("c.json", '{"ignore": null, "ignore": "sea"}', "duplicate key 'ignore'"),
        ("p.yaml", "a: [1", "no table of classes"),
        ("p.yaml", "", "no table of classes"),
        ("c.json", "{", "no table of classes"),
        ("c.json", "[1, 2]", "no table of classes"),
        ("c.json", '{"classes": {"a": "#000000"}}', "no key 'ignore'"),
        ("c.json", '{"classes": ["a"], "ignore": null}', "no table of classes"),
        ("c.json", '{"classes": {"a": "black", "b": "#ffffff"}, "ignore": null}', "a = 'black' should be a colour"),
        (
            "c.json",
            '{"classes": {"a": "#000000", "b": "#ffffff"}, "ignore": "c"}',
            "ignore = 'c' should be null or one",
        ),
        ("c.json", '{"classes": {"a": "#000000", "b": "#000000"}, "ignore": null}', "share the colour"),
        ("m.safetensors", "no tensors", "no table of classes"),
        ("c.json", b"\xff\xfe\x00", "no table of classes"),
    ],
)
def test_what_has_no_table_is_refused_in_one_line(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(LandcoverError, match=reason) as error:
        read_class_table(tmp_path / name)
    assert str(error.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(LandcoverError, match="no such file"):
        read_class_table(tmp_path / "p.yaml")
    with pytest.raises(LandcoverError, match="no regular file"):
        read_class_table(tmp_path)

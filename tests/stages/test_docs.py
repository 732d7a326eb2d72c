"""The comments of params.yaml and docs/parameters.md are those of the fields."""

import re
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from pydantic import Field

from landcover.system.errors import LandcoverError
from landcover.training.recipe import Recipe
from stages.docs import KINDS, PAGE, page, params_text
from stages.docs import main as write

TEXT = (ROOT / "params.yaml").read_text()


def test_the_committed_comments_are_the_generated_ones():
    aligned = re.compile(r" +(?=# )")  # a value that was edited may have moved its comment
    assert aligned.sub(" ", TEXT) == aligned.sub(" ", params_text(TEXT)), "run: make docs"


def test_the_committed_page_is_the_generated_one():
    assert (ROOT / PAGE).read_text() == page(), "run: make docs"


@pytest.mark.parametrize("block", KINDS)
def test_the_committed_values_are_the_defaults(block):
    defaults = {name: field.default for name, field in KINDS[block].model_fields.items() if not field.is_required()}
    values = yaml.safe_load(TEXT)[block]
    assert {name: values[name] for name in defaults} == defaults


def test_every_parameter_has_a_description():
    for kind in KINDS.values():
        assert all(field.description for field in kind.model_fields.values())


def test_generating_keeps_values_as_they_are_written_and_replaces_comments():
    text = (
        TEXT.replace("lr: 0.004 ", "lr: 1e-05  # mine")
        .replace('urban: "#00ffff"', "urban: [[0, 255, 255], '#00fffe']")
        .replace("class_weights: sqrt_inverse ", "class_weights:\n    - 1.0\n    - 2\n  # mine")
        .replace("samples: 5 ", "samples: [a b, c]")
    )
    written = params_text(text)
    assert yaml.safe_load(written) == yaml.safe_load(text)
    assert "  lr: 1e-05                 # peak learning rate (above 0)\n" in written
    assert "    urban: [[0, 255, 255], '#00fffe']\n" in written
    assert "\n    - 1.0\n    - 2\n" in written
    assert "mine" not in written
    assert params_text(written) == written


def test_a_missing_key_is_added_with_its_default_and_a_moved_one_is_put_back():
    line = next(line for line in TEXT.splitlines(True) if line.startswith("  loss: "))
    assert params_text(TEXT.replace(line, "")) == TEXT
    assert params_text(TEXT.replace(line, "").replace("  model: ", f"{line}  model: ")) == TEXT


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  lr: ", "  rate: ", r"params\.yaml: train\.rate: no such key"),
        ("predict:", "predikt:", r"params\.yaml: predikt: no such block"),
        ("  classes: ", "  clases: ", r"params\.yaml: data\.clases: no such key"),
        ("evaluate:", "evaluate: 5\nmore:", r"params\.yaml: more: no such block"),
    ],
)
def test_what_would_get_lost_is_an_error(old, new, message):
    with pytest.raises(LandcoverError, match=message):
        params_text(TEXT.replace(old, new))
    with pytest.raises(LandcoverError, match=r"params\.yaml: some values cannot be kept"):
        params_text(TEXT.split("evaluate:")[0] + "evaluate: 5\n")


def test_a_new_parameter_needs_nothing_but_its_field(monkeypatch):
    class Longer(Recipe):
        dropout: float = Field(0.5, ge=0, lt=1, description="share of the features that are dropped")

    monkeypatch.setitem(KINDS, "train", Longer)
    added = "  dropout: 0.5              # share of the features that are dropped (0 to below 1)\n"
    assert added in params_text(TEXT)
    assert "| `train.dropout` | 0.5 | share of the features that are dropped (0 to below 1) |\n" in page()


def test_both_files_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(TEXT)
    write()
    assert Path("params.yaml").read_text() == params_text(TEXT)
    assert PAGE.read_text() == page()
    assert capsys.readouterr().out == "params.yaml, docs/parameters.md: 81 parameters\n"

"""Where the classes of masks are found, as the commands that score masks show it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import landcover
from safetensors.numpy import save_file

from landcover.classes.class_table import DEEPGLOBE, ClassTable
from landcover.images.image_files import save_png
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build
from landcover.scoring.scores import score_masks

DUBAI = ClassTable.of(
    {
        "building": (60, 16, 152),
        "land": (132, 41, 246),
        "road": (110, 193, 228),
        "vegetation": (254, 221, 58),
        "water": (226, 169, 41),
        "unlabeled": (155, 155, 155),
    },
    "unlabeled",
)


@pytest.fixture
def dubai(tmp_path):
    """`data/validation` and `maps` of masks in other colours, which a threshold at 128 makes classes of the preset."""
    rng = np.random.default_rng(0)
    for i in range(8):
        labels = rng.integers(5, size=(30, 40), dtype=np.uint8)
        for folder, share in (("data/validation", 0), ("maps", 0.2)):
            (tmp_path / folder).mkdir(exist_ok=True, parents=True)
            noise = rng.integers(5, size=labels.shape, dtype=np.uint8)
            mask = DUBAI.encode(np.where(rng.random(labels.shape) < share, noise, labels))
            save_png(mask, tmp_path / folder / f"{i}_mask.png")
    return tmp_path


EVALUATE = ("evaluate", "-g", "data/validation", "-p", "maps", "--json")
COMPARE = ("compare", "maps", "maps", "-g", "data/validation")


def test_colours_of_another_table_stop_the_scores_and_are_named(dubai):
    done = landcover(*EVALUATE, folder=dubai)
    assert (done.returncode, done.stdout) == (1, "")
    truth, predicted = done.stderr.removeprefix("error: ").splitlines()
    for line, folder in ((truth, "data/validation"), (predicted, "maps")):
        assert line.startswith(f"{folder}: 100.00% of the pixels have colours of no class: #")
        assert re.search(r"no class: (#\w{6} \(\d+\)(, )?){3} and 2 more\. .*--classes \(used here: the preset\)", line)
    assert landcover(*COMPARE, folder=dubai).returncode == 1
    lifted = landcover(*EVALUATE, "--max-off-palette", "1", folder=dubai)
    assert (lifted.returncode, json.loads(lifted.stdout)["off_palette"]) == (0, 2 * 8 * 30 * 40)


def right_score(folder):
    return score_masks(folder / "data/validation", folder / "maps", DUBAI).figures()["mean_iou"]


def write_model(path, classes):
    architecture = Architecture("baseline", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(Model(build(architecture, len(classes)), classes, 1.0), path)


def write_table(path, classes):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = classes.to_json()
    path.write_text(yaml.safe_dump({"data": content}) if path.suffix == ".yaml" else json.dumps(content))


@pytest.mark.parametrize(
    "place",
    [
        "data/validation/dataset.json",
        "data/dataset.json",
        "data/model.safetensors",
        "maps/fcn8s.safetensors",
        "maps/dataset.json",
        "dataset.json",
        "m.safetensors",
        "params.yaml",
    ],
)
def test_the_classes_are_found_beside_the_masks_or_in_the_project(dubai, place):
    (write_model if place.endswith("safetensors") else write_table)(dubai / place, DUBAI)
    done = landcover(*EVALUATE, folder=dubai)
    assert done.stderr == f"note: {place}: classes and colours are taken from this file; --classes names another\n"
    assert json.loads(done.stdout)["mean_iou"] == right_score(dubai)
    assert landcover(*EVALUATE, "--quiet", folder=dubai).stderr == ""
    assert landcover(*COMPARE, folder=dubai).returncode == 0


def test_the_project_is_found_from_a_folder_below(dubai):
    write_table(dubai / "params.yaml", DUBAI)
    (dubai / "a" / "b").mkdir(parents=True)
    truth, maps = dubai / "data/validation", dubai / "maps"
    done = landcover("evaluate", "-g", truth, "-p", maps, "--json", folder=dubai / "a" / "b")
    assert json.loads(done.stdout)["mean_iou"] == right_score(dubai)
    assert done.stderr.startswith(f"note: {dubai / 'params.yaml'}: ")


def test_what_is_given_comes_first_then_the_truths_then_the_predictions_then_the_projects(dubai):
    write_table(dubai / "params.yaml", DEEPGLOBE)
    write_table(dubai / "maps" / "dataset.json", DUBAI)
    assert landcover(*EVALUATE, folder=dubai).returncode == 0
    write_table(dubai / "data" / "dataset.json", DEEPGLOBE)
    refused = landcover(*EVALUATE, folder=dubai)
    assert refused.returncode == 1
    assert "--classes (used here: data/dataset.json)" in refused.stderr
    given = landcover(*EVALUATE, "--classes", "maps/dataset.json", folder=dubai)
    assert (given.returncode, given.stderr) == (0, "")


def test_of_several_models_none_is_taken(dubai):
    write_model(dubai / "data" / "a.safetensors", DEEPGLOBE)
    write_model(dubai / "data" / "b.safetensors", DUBAI)
    write_table(dubai / "params.yaml", DUBAI)
    assert landcover(*EVALUATE, folder=dubai).stderr.startswith("note: params.yaml: ")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data/dataset.json", '{"name": "cats", "classes": ["cat", "dog"]}'),
        ("data/dataset.json", '{"classes": {"0": "cat"}}'),
        ("data/dataset.json", "[1, 2]"),
        ("data/dataset.json", "not even JSON"),
        ("data/dataset.json", ""),
        ("data/dataset.json", b"\xff\xfe\x00"),
        ("params.yaml", "train: {lr: 1}"),
        ("params.yaml", "data: {root: x}"),
        ("params.yaml", "data: {classes: 10}"),
        ("params.yaml", "data: {classes: [cat, dog]}"),
        ("params.yaml", "data: {classes: {cat: 0, dog: 1}}"),
        ("params.yaml", "data: [1"),
        ("params.yaml", "{{ jinja }}: x"),
        ("params.yaml", ""),
        ("maps/weights.safetensors", b"no tensors"),
    ],
)
def test_files_of_other_programs_are_passed_over(masks, name, content):
    (masks / name).parent.mkdir(exist_ok=True)
    (masks / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for folder in ("truth", "good"):
        (masks / folder).rename(masks / Path(name).parent / folder)
    here = Path(name).parent
    done = landcover("evaluate", "-g", here / "truth", "-p", here / "good", folder=masks)
    assert (done.returncode, done.stderr) == (0, "")


def test_models_of_other_programs_are_passed_over(masks):
    save_file({"weight": np.zeros(3)}, masks / "a.safetensors", metadata={"format": "pt"})
    save_file({"weight": np.zeros(3)}, masks / "b.safetensors")
    (masks / "dataset.json").mkdir()
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert (done.returncode, done.stderr) == (0, "")
    write_model(masks / "ours.safetensors", DEEPGLOBE)
    assert "note: ours.safetensors: " in landcover("evaluate", "-g", "truth", "-p", "good", folder=masks).stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dataset.json", '{"classes": {"a": "#000000", "b": "#000000"}, "ignore": null}'),
        ("dataset.json", '{"classes": {"a": "#000000", "b": "black"}, "ignore": null}'),
        ("dataset.json", '{"classes": {"a": "#000000", "b": "#ffff'),
        ("dataset.json", '{"classes": {"a": "#000000", "b": "#ffffff"}}'),
        ("params.yaml", "data: {classes: {a: '#000000', b: '#ffffff'}, ignore: c}"),
        ("params.yaml", "data:\n  classes: {a: '#000000'}\n  classes: {b: '#ffffff'}"),
        ("params.yaml", "data:\n  classes: [1"),
    ],
)
def test_a_damaged_file_of_this_program_is_an_error(masks, name, content):
    (masks / name).write_text(content)
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {name}: no table of classes (")
    assert done.stderr.count("\n") == 1


def test_a_model_that_was_cut_short_is_an_error(masks):
    write_model(masks / "m.safetensors", DEEPGLOBE)
    (masks / "m.safetensors").write_bytes((masks / "m.safetensors").read_bytes()[:-100])
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert done.returncode == 1
    assert done.stderr.startswith("error: m.safetensors: no table of classes (")

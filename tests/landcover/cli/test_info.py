import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from conftest import BACKBONE, landcover

from landcover.classes.class_table import ClassTable
from landcover.images.image_spec import ImageSpec
from landcover.models.collapse import DominantClass
from landcover.models.model_file import Model, load_model, save_model
from landcover.models.networks import Architecture, build
from landcover.models.provenance import Origin

ORIGIN = Origin(
    data={
        "root": "data/mine",
        "holdout": 0,
        "train_images": 20,
        "train_tiles": 80,
        "validation_images": 4,
        "validation_tiles": 16,
    },
    resolution=0.5,
    weights="some-package==1.0",
    params={"model": "fcn8s", "lr": 1e-5, "epochs": 13, "class_weights": [1.0, 2.0, 3.0]},
    score={"epoch": 12, "validation_loss": 0.7, "tile_mean_iou": 0.6123, "tile_accuracy": None},
    dominant=DominantClass(2, 0.4, 0.5),
)


@pytest.fixture
def told(classes, tmp_path):
    """A function that saves an untrained model of another origin as `m.safetensors`."""

    def save(origin: Origin = ORIGIN) -> Path:
        torch.manual_seed(0)
        architecture = Architecture("fcn8s", BACKBONE)
        model = Model(build(architecture, 3), classes, 0.5, origin=origin)
        save_model(model, tmp_path / "m.safetensors")
        return tmp_path / "m.safetensors"

    return save


def test_it_says_what_a_model_is_and_where_it_comes_from(told, tmp_path):
    parameters = sum(weights.numel() for weights in load_model(told()).network.parameters())
    done = landcover("info", "m.safetensors", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "model: fcn8s",
        "backbone: test_resnet",
        "upsampling: bilinear",
        "context: 0",
        f"parameters: {parameters:,}",
        "stride: 8",
        "scale: 0.5",
        "bands: red, green, blue; 8 bits, 0 to 255",
        "  red: mean 123.675, standard deviation 58.395",
        "  green: mean 116.28, standard deviation 57.12",
        "  blue: mean 103.53, standard deviation 57.375",
        "ground resolution: 0.5 m per pixel at this scale",
        "classes:",
        "  urban #00ffff",
        "  forest #00ff00",
        "  water #0000ff",
        "  unknown #000000, never predicted",
        "data: data/mine, trained on 20 images (80 tiles), validated on 4 (16 tiles)",
        "score: mean IoU 0.6123, pixel accuracy - on the validation tiles, epoch 12",
        "initial weights: some-package==1.0",
        "params:",
        "  train.model = fcn8s",
        "  train.lr = 1e-05",
        "  train.epochs = 13",
        "  train.class_weights = [1.0, 2.0, 3.0]",
        "format: 3",
        "commit: not known here",
    ]
    missing = landcover("info", "none.safetensors", folder=tmp_path)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("error: none.safetensors: no such file.")


def test_bands_of_any_type_are_told_with_their_statistics(classes, tmp_path):
    images = ImageSpec(("red", "nir"), "uint16", (800.0, 2500.5), (200.0, 300.0), (300.0, 1000.0), (2000.0, 4800.0))
    save_model(Model(build(Architecture("baseline", None), 3, images), classes, 1.0), tmp_path / "m.safetensors")
    lines = landcover("info", "m.safetensors", folder=tmp_path).stdout.splitlines()
    first = lines.index("bands: red, nir; uint16")
    assert lines[first + 1 : first + 3] == [
        "  red: mean 800, standard deviation 200, percentiles 2 and 98: 300 and 2000",
        "  nir: mean 2500.5, standard deviation 300, percentiles 2 and 98: 1000 and 4800",
    ]
    content = json.loads(landcover("info", "m.safetensors", "--json", folder=tmp_path).stdout)
    assert (content["bands"], content["high"], content["divisor"]) == (["red", "nir"], [2000, 4800], 1)


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ({"holdout": 0}, "20 images (80 tiles), validated on 4 (16 tiles)"),
        ({"holdout": 5}, "20 images (80 tiles), validated on 4 (16 tiles), every 5th image of train/ kept aside"),
        ({"layout": "folders", "split": "scene", "holdout": 5}, "(16 tiles), every 5th image of train/ kept aside"),
        (
            {"layout": "scenes", "split": "scene", "holdout": 4},
            "20 scenes (80 tiles), validated on 4 (16 tiles), every 4th scene kept aside for validation",
        ),
        (
            {"layout": "scenes", "split": "block", "holdout": 4, "block": 1e6, "buffer": 0.0},
            "20 scenes (80 tiles), validated on 4 (16 tiles), one in 4 blocks of 1,000,000 m kept aside for validation",
        ),
        (
            {"layout": "scenes", "split": "block", "holdout": 4, "block": 1250.5, "buffer": 500.0},
            "one in 4 blocks of 1,250.5 m kept aside for validation, 500 m from training",
        ),
    ],
    ids=str,
)
def test_how_the_validation_data_were_chosen_is_told(told, tmp_path, split, expected):
    told(replace(ORIGIN, data={**ORIGIN.data, **split}))  # the first two as earlier versions have it
    (line,) = (
        line for line in landcover("info", "m.safetensors", folder=tmp_path).stdout.splitlines() if "data: " in line
    )
    assert expected in line


def test_of_a_model_that_does_not_say_it_nothing_is_known(model_file, tmp_path):
    lines = landcover("info", model_file, folder=tmp_path).stdout.splitlines()
    for name in ("ground resolution", "data", "score", "initial weights", "params"):
        assert f"{name}: not known" in lines


def test_in_a_project_only_the_parameters_that_differ_from_its_own_are_told(told, tmp_path):
    told()
    train = {"model": "fcn8s", "lr": "1e-05", "epochs": 4, "class_weights": [1, 2, 3], "device": "cuda"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"train": train}))
    lines = landcover("info", "m.safetensors", folder=tmp_path).stdout.splitlines()
    assert lines[lines.index("params that differ from params.yaml:") + 1] == "  train.epochs = 13 (params.yaml: 4)"
    assert len([line for line in lines if line.startswith("  train.")]) == 1
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"train": train | {"epochs": 13}}))
    assert "params that differ from params.yaml: none" in landcover("info", "m.safetensors", folder=tmp_path).stdout
    (tmp_path / "params.yaml").write_text("train: [")
    assert "  train.epochs = 13\n" in landcover("info", "m.safetensors", folder=tmp_path).stdout


def test_as_json_it_is_all_that_the_file_tells(told, tmp_path):
    content = json.loads(landcover("info", told(), "--json", folder=tmp_path).stdout)
    assert content["params"] == ORIGIN.params
    assert content["favourite"] == {"label": 2, "predicted": 0.4, "truth": 0.5}
    assert (content["resolution"], content["commit"], content["format"]) == (0.5, None, 3)
    assert (content["bands"], content["dtype"]) == (["red", "green", "blue"], "uint8")
    assert content["classes"]["urban"] == "#00ffff"


def git(folder, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_commit_is_the_first_whose_lock_file_names_this_very_file(told, tmp_path):
    md5 = hashlib.md5(told().read_bytes()).hexdigest()
    git(tmp_path, "init", "--quiet")
    commits = []
    for content in ("md5: 0", f"md5: {md5}", f"# later\nmd5: {md5}", "md5: 1"):
        (tmp_path / "dvc.lock").write_text(content)
        git(tmp_path, "add", "dvc.lock")
        git(tmp_path, "commit", "--quiet", "--message", content)
        commits.append(git(tmp_path, "rev-parse", "--short", "HEAD"))
    assert landcover("info", "m.safetensors", folder=tmp_path).stdout.splitlines()[-1] == f"commit: {commits[1]}"
    told(Origin())
    assert landcover("info", "m.safetensors", folder=tmp_path).stdout.splitlines()[-1] == "commit: not known here"


@pytest.mark.parametrize("command", [["info"], ["predict", "a.png", "-o", "maps", "-m"], ["export", "-o", "m.onnx"]])
def test_a_model_with_one_answer_to_everything_is_a_warning_wherever_it_is_used(told, tmp_path, command, pairs):
    (pairs / "0000_sat.png").rename(tmp_path / "a.png")
    told(Origin(dominant=DominantClass(2, 0.998, 0.41)))
    done = landcover(*command, "m.safetensors", folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == (
        "warning: m.safetensors: it predicts the class 'water' for 99.8% of the labelled validation pixels, which is "
        "right for 41.0% of them: expect the same of its maps. Train for more epochs or steps, or with a lower ema, "
        "warmup or lr."
    )


def test_the_only_class_there_is_may_be_the_only_answer(told, tmp_path):
    told(Origin(dominant=DominantClass(2, 0.998, 0.995)))
    assert "warning" not in landcover("info", "m.safetensors", folder=tmp_path).stderr


def test_all_colours_of_a_class_are_shown(tmp_path):
    colours = {"land": (1, 1, 1), "sea": [(2, 2, 2), (3, 3, 3)], "none": [(155, 155, 155), (0, 0, 0)]}
    architecture = Architecture("baseline", None)
    model = Model(build(architecture, 2), ClassTable.of(colours, "none"), 1.0)
    save_model(model, tmp_path / "m.safetensors")
    lines = landcover("info", "m.safetensors", folder=tmp_path).stdout.splitlines()
    first = lines.index("classes:") + 1
    assert lines[first : first + 3] == [
        "  land #010101",
        "  sea #020202, #030303",
        "  none #9b9b9b, #000000, never predicted",
    ]

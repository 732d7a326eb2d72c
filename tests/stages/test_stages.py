"""What the stages do beyond calling the library: each is run in a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, TABLE, read_table
from PIL import Image

from landcover.images.image_files import read_packed, read_rgb
from landcover.models.model_file import load_model
from landcover.system.errors import LandcoverError
from stages import evaluate, predict, prepare, train
from stages.common.data_block import Data
from stages.common.params import read_block

SPLITS = ("train", "validation")


def test_stages_use_the_library_of_their_own_checkout_whatever_is_installed(tmp_path):
    (tmp_path / "landcover").mkdir()
    (tmp_path / "landcover" / "__init__.py").write_text("raise SystemExit('another checkout')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}  # as an editable install of another checkout
    command = [sys.executable, "-c", "import stages, landcover; print(landcover.__file__)"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(ROOT / "src" / "landcover" / "__init__.py")


def test_the_stages_in_order_make_all_that_the_pipeline_declares(project):
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    rows = read_table("plots/training.csv")
    assert list(rows[0]) == ["epoch", "lr", "train_loss", "validation_loss", "tile_accuracy", "tile_mean_iou"]
    assert [row["epoch"] for row in rows] == ["1", "2"]
    figures = json.loads(Path("metrics/train.json").read_text())
    assert figures["epoch"] == 2
    assert figures["parameters"] == sum(p.numel() for p in load_model(train.MODEL).network.parameters())
    made = [f"{name}_{kind}.png" for name in "abc" for kind in ("confidence", "mask")]
    assert sorted(path.name for path in predict.PREDICTIONS.iterdir()) == made
    scores = json.loads(Path("metrics/evaluate.json").read_text())
    assert list(scores["iou"]) == TABLE.names
    assert list(scores)[:3] == ["mean_iou", "mean_iou_low", "mean_iou_high"]
    assert scores["mean_iou_low"] <= scores["mean_iou"] <= scores["mean_iou_high"]
    confusion = read_table("plots/confusion.csv")
    assert sum(int(row["pixels"]) for row in confusion) == 3 * 40 * 56
    assert not [path for path in Path().rglob(".partial*")]


def test_masks_are_the_same_bytes_without_confidence(project):
    for stage in (prepare, train, predict):
        stage.main()
    masks = {path.name: path.read_bytes() for path in predict.PREDICTIONS.glob("*_mask.png")}
    project(predict={"confidence": False})
    predict.main()
    assert {path.name: path.read_bytes() for path in predict.PREDICTIONS.iterdir()} == masks


def test_the_best_epoch_is_kept_when_asked_for(project):
    project(train={"keep": "best", "epochs": 4, "lr": 0.01, "warmup": 0, "ema": 0.0})
    prepare.main()
    train.main()
    rows = read_table("plots/training.csv")
    best = max(rows, key=lambda row: float(row["tile_mean_iou"]))
    figures = json.loads(Path("metrics/train.json").read_text())
    assert figures["epoch"] == int(best["epoch"])
    assert figures["tile_mean_iou"] == pytest.approx(float(best["tile_mean_iou"]), abs=1e-4)


def test_the_model_says_what_it_was_trained_on_and_how_well(project):
    project(data={"resolution": 10}, prepare={"scale": 0.5, "tile": 16}, train={"device": "cpu", "log_every": 1})
    prepare.main()
    train.main()
    model = load_model(train.MODEL)
    assert model.origin.data == {
        "root": "data",
        "layout": "pairs",
        "split": "folder",
        "holdout": 0,
        "train_images": 3,
        "train_tiles": 3 * 2 * 2,
        "validation_images": 3,
        "validation_tiles": 3 * 2 * 2,
    }
    assert model.origin.resolution == 20.0
    assert model.origin.params["epochs"] == 2
    assert not {"device", "workers", "log_every", "checkpoint_minutes"} & model.origin.params.keys()
    figures = json.loads(Path("metrics/train.json").read_text())
    assert model.origin.score == {name: figures[name] for name in model.origin.score}
    assert model.origin.score.keys() == {"epoch", "validation_loss", "tile_mean_iou", "tile_accuracy"}
    assert model.origin.dominant.predicted > 1 / 3
    first = train.MODEL.read_bytes()
    project(train={"log_every": 2, "checkpoint_minutes": 1})
    train.main()
    assert train.MODEL.read_bytes() == first


def test_no_path_of_this_machine_travels_in_a_model(project, tmp_path):
    project(data={"root": str(tmp_path / "data")})
    prepare.main()
    train.main()
    assert load_model(train.MODEL).origin.data["root"] == "data"
    assert str(tmp_path).encode() not in train.MODEL.read_bytes()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"root": "data/bluemarble", "resolution": "auto"}, 7420.0),
        ({"root": "./data/bluemarble/", "resolution": "auto"}, 7420.0),
        ({"root": "data/mine", "resolution": "auto"}, None),  # not that of the embedded data set
        ({"root": "data/mine", "resolution": 0.5}, 0.5),
        ({"root": "data/bluemarble", "resolution": None}, None),
    ],
    ids=str,
)
def test_the_ground_resolution_is_never_that_of_another_data_set(project, data, expected):
    project(data=data)
    assert prepare.resolution_of(read_block("data", Data)) == expected


def test_the_shares_of_the_classes_are_a_table(project):
    prepare.main()
    rows = read_table(prepare.SHARES)
    assert [row["class"] for row in rows] == [*TABLE.names, "unknown"]
    for split in SPLITS:
        assert sum(float(row[split]) for row in rows) == pytest.approx(1, abs=1e-3)


def test_a_model_with_one_answer_to_everything_is_a_warning_of_train_and_of_predict(project, capsys):
    project(train={"epochs": 1, "steps": 1, "loss": "cross_entropy", "class_weights": [1e-9, 1e-9, 1.0], "lr": 1.0})
    project(train={"warmup": 0, "ema": 0.0, "optimizer": "sgd", "model": "baseline"})
    prepare.main()
    assert capsys.readouterr().err == ""
    for stage in (train, predict):
        stage.main()
        warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
        assert len(warnings) == 1
        expected = "predicts the class 'water' for 100.0% of the labelled validation pixels, which is right for"
        assert expected in warnings[0]
        assert warnings[0].startswith("warning: models/model.safetensors: ")


def test_a_class_that_never_occurs_in_training_is_a_warning(project, capsys):
    for path in Path("data/train").glob("*_mask.png"):
        labels = TABLE.decode(read_packed(path))[0]
        labels[labels == 2] = 0
        Image.fromarray(TABLE.encode(labels)).save(path)
    prepare.main()
    assert (
        capsys.readouterr().err.splitlines()[-1]
        == "warning: data/train: class 'water' never occurs and cannot be learned"
    )


def test_off_palette_pixels_within_the_limit_are_one_warning(project, capsys):
    project(prepare={"max_off_palette": 0.01})
    for path in map(Path, ("data/validation/a_mask.png", "data/validation/b_mask.png", "data/train/a_mask.png")):
        mask = read_rgb(path).copy()
        mask[0, 0] = (255, 0, 0)
        Image.fromarray(mask).save(path)
    prepare.main()
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert warnings == ["warning: data: 3 mask pixels have colours of no class and count as unknown"]


def test_a_refused_data_set_leaves_earlier_results_as_they_were(project):
    prepare.main()
    before = {path: path.read_bytes() for path in Path("data/prepared").rglob("*") if path.is_file()}
    Path("data/validation/b_mask.png").write_bytes(b"")
    with pytest.raises(LandcoverError, match="b_mask"):
        prepare.main()
    assert {path: path.read_bytes() for path in Path("data/prepared").rglob("*") if path.is_file()} == before
    assert not list(Path("data").glob(".partial*"))


def test_samples_can_be_asked_for_by_name(project):
    project(evaluate={"samples": ["c", "a"]})
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    project(evaluate={"samples": ["a", "nobody"]})
    with pytest.raises(LandcoverError, match="is called 'nobody'"):
        evaluate.main()


def test_samples_are_of_the_same_images_whatever_was_predicted(project):
    project(evaluate={"samples": 2})
    shown = []
    evaluate.PREDICTIONS.mkdir(parents=True)
    masks = {path.name: TABLE.decode(read_packed(path))[0] for path in Path("data/validation").glob("*_mask.png")}
    for best in masks:
        for name, labels in masks.items():
            labels = labels if name == best else (labels + 1) % 3
            Image.fromarray(TABLE.encode(labels)).save(evaluate.PREDICTIONS / name)
        evaluate.main()
        shown.append(read_rgb(Path("plots/samples.png")))
    width = shown[0].shape[1]
    captions, originals, predictions = slice(0, width // 20), slice(width // 20, width // 2), slice(width // 2, width)
    for other in shown[1:]:
        assert (other[:, originals] == shown[0][:, originals]).all()
        assert (other[:, predictions] != shown[0][:, predictions]).any()
    assert any((other[:, captions] != shown[0][:, captions]).any() for other in shown[1:])


def test_predictions_in_other_colours_than_the_classes_are_refused(project):
    shutil.copytree("data/validation", evaluate.PREDICTIONS, ignore=shutil.ignore_patterns("*_sat*"))
    mask = read_rgb(evaluate.PREDICTIONS / "b_mask.png").copy()
    mask[0, 0] = (60, 16, 152)
    Image.fromarray(mask).save(evaluate.PREDICTIONS / "b_mask.png")
    with pytest.raises(LandcoverError, match=r"^data/predictions: 0\.01% of .* no class: #3c1098 \(1\)\. .*predict"):
        evaluate.main()
    assert not Path("metrics/evaluate.json").exists()


def test_a_border_in_a_second_colour_of_the_ignored_class_passes_the_whole_pipeline(project):
    classes = {"urban": "#00ffff", "forest": "#00ff00", "water": ["#0000ff", [1, 2, 3]], "none": ["#9b9b9b", "#000000"]}
    project(data={"classes": classes, "ignore": "none"})
    for path in Path("data").rglob("*_mask.png"):
        mask = read_rgb(path).copy()
        mask[:7] = 0  # 17 %
        mask[-3:, :20] = 155
        mask[-3:, 20:30] = (1, 2, 3)
        Image.fromarray(mask).save(path)
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    shares = {row["class"]: float(row["validation"]) for row in read_table("plots/data.csv")}
    assert shares["none"] == pytest.approx((7 * 56 + 3 * 20) / (40 * 56), abs=1e-4)
    assert json.loads(Path("data/prepared/dataset.json").read_text())["classes"] == {
        **classes,
        "water": ["#0000ff", "#010203"],
    }
    assert load_model(train.MODEL).classes.further == {"water": ((1, 2, 3),), "none": ((0, 0, 0),)}
    drawn = {
        colour
        for path in predict.PREDICTIONS.glob("*_mask.png")
        for _, colour in Image.open(path).convert("RGB").getcolors()
    }
    assert drawn <= {(0, 255, 255), (0, 255, 0), (0, 0, 255)}


def test_parameters_can_be_chosen_on_training_images_that_are_kept_aside(project):
    project(data={"split": "scene", "holdout": 2})
    shutil.rmtree("data/validation")  # nobody looks at it
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    splits = {split: [row["name"] for row in read_table(f"data/prepared/{split}/tiles.csv")] for split in SPLITS}
    assert splits == {"train": ["a", "c"], "validation": ["b"]}
    assert [path.name for path in predict.PREDICTIONS.glob("*_mask.png")] == ["b_mask.png"]
    assert sum(int(row["pixels"]) for row in read_table("plots/confusion.csv")) == 40 * 56

"""The pipeline under DVC, on a small data set of other classes, colours and sizes, in a copy of this checkout."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from checkout import Checkout
from conftest import BACKBONE, draw_pair
from page_data import about, blocks
from PIL import Image

from landcover.classes.class_table import ClassTable
from landcover.images.image_files import read_packed

CLASSES = {
    "roof": (60, 16, 152),
    "soil": (132, 41, 246),
    "road": (110, 193, 228),
    "plants": (254, 221, 58),
    "lake": (226, 169, 41),
    "void": (155, 155, 155),
}
TABLE = ClassTable.of(CLASSES, "void")


def draw_data(folder: Path) -> None:
    for split, sizes in {"train": [(70, 55), (41, 90), (64, 64)], "validation": [(60, 47), (33, 80)]}.items():
        for i, (height, width) in enumerate(sizes):
            draw_pair(folder / split, f"{split[0]} {i}", height, width, seed=i + len(split), table=TABLE)
            mask = Image.open(folder / split / f"{split[0]} {i}_mask.png")
            mask.quantize(16).save(folder / split / f"{split[0]} {i}_mask.png")  # a palette mask


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, path_with_python):
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    draw_data(checkout.folder / "data" / "other")
    classes = {name: "#{:02x}{:02x}{:02x}".format(*colour) for name, colour in CLASSES.items()}
    checkout.set(
        data={"root": "data/other", "classes": classes, "ignore": "void"},
        prepare={"tile": 48},
        train={"model": "fcn8s", "backbone": BACKBONE, "epochs": 1, "steps": 2, "warmup": 0},
        predict={"tta": "none"},
    )
    checkout.set(train={"weights": "none", "freeze_batch_norm": False, "crop": 32, "batch_size": 2})
    checkout.dvc("add", "data/other")
    checkout.run("git", "add", ".")
    checkout.run("git", "commit", "--quiet", "--message", "start")
    assert checkout.repro() == ["prepare", "weights", "train", "predict", "evaluate", "report"]
    checkout.run("git", "add", ".")
    checkout.run("git", "commit", "--quiet", "--message", "run")
    return checkout


def test_every_declared_output_is_there(checkout):
    assert set(checkout.metrics("evaluate")["iou"]) == {"roof", "soil", "road", "plants", "lake"}
    table = ClassTable.of(CLASSES, "void")
    for name, size in {"v 0": (60, 47), "v 1": (33, 80)}.items():
        mask = read_packed(checkout.folder / "data" / "predictions" / f"{name}_mask.png")
        labels, off_palette = table.decode(mask)
        assert labels.shape == size
        assert not off_palette
        assert labels.max() < 5
    for name in ("data.csv", "iou.csv", "confusion.csv", "training.csv", "samples.png"):
        assert (checkout.folder / "plots" / name).stat().st_size
    page = blocks(checkout.folder / "report" / "index.html")["report"]
    assert page["scores"]["mean_iou"] == pytest.approx(checkout.metrics("evaluate")["mean_iou"], abs=5e-5)
    start = checkout.run("git", "log", "-1", "--format=%H", "--", "params.yaml")[:10]
    assert about(page)["Code"]["commit"] == start


@pytest.mark.long
def test_what_did_not_change_does_not_run_and_what_did_runs_with_all_after_it(checkout):
    checkout.append("README.md", "More.\n")
    assert checkout.repro() == []
    checkout.set(evaluate={"samples": 1})
    assert checkout.repro() == ["evaluate", "report"]
    checkout.append("src/landcover/scoring/scores.py", "# changed\n")
    assert checkout.repro() == ["evaluate", "report"]
    checkout.set(predict={"tta": "flip"})
    assert checkout.repro()[0] == "predict"  # and evaluate, unless the masks are the same all the same
    checkout.append("src/landcover/models/networks.py", "# changed\n")
    assert checkout.repro()[:2] == ["train", "predict"]
    checkout.run("git", "checkout", "--quiet", ".")


@pytest.mark.long
def test_going_back_to_earlier_params_restores_the_model_instead_of_training(checkout):
    checkout.repro()
    model = checkout.folder / "models" / "model.safetensors"
    weights = model.read_bytes()
    checkout.set(train={"model": "fcn32s"})
    assert "train" in checkout.repro()
    assert model.read_bytes() != weights
    checkout.set(train={"model": "fcn8s"})
    assert "train" not in checkout.repro()
    assert model.read_bytes() == weights
    checkout.run("git", "checkout", "--quiet", ".")


@pytest.mark.long
def test_another_class_table_runs_everything_from_prepare_on(checkout):
    checkout.repro()
    params = yaml.safe_load((checkout.folder / "params.yaml").read_text())
    renamed = {"park" if name == "plants" else name: colour for name, colour in params["data"]["classes"].items()}
    checkout.set(data={"classes": renamed})
    assert checkout.repro() == ["prepare", "train", "predict", "evaluate", "report"]
    assert "park" in checkout.metrics("evaluate")["iou"]
    checkout.run("git", "checkout", "--quiet", ".")


@pytest.mark.long
def test_from_scratch_again_everything_has_the_same_bytes(checkout):
    checkout.repro()
    lock = (checkout.folder / "dvc.lock").read_bytes()
    checkout.dvc("repro", "--force", "report")
    assert (checkout.folder / "dvc.lock").read_bytes() == lock


@pytest.mark.long
def test_experiments_can_be_compared(checkout):
    checkout.repro()
    options = {"hasty": ("train.model=fcn16s", "train.lr=1e-5"), "patient": ("train.lr=0.01", "train.steps=40")}
    masks = {}
    for name, (first, second) in options.items():
        checkout.dvc("exp", "run", "report", "-n", name, "-S", first, "-S", second)
        masks[name] = checkout.predictions()
    diff = json.loads(checkout.dvc("metrics", "diff", "--all", "--json"))["metrics/evaluate.json"]
    assert {"mean_iou", "iou.roof"} <= set(diff)
    checkout.run("git", "checkout", "--quiet", ".")
    assert masks["hasty"] != masks["patient"]
    for name, expected in masks.items():
        checkout.dvc("get", ".", "data/predictions", "--rev", name, "-o", f"maps/{name}")
        assert checkout.predictions(f"maps/{name}") == expected
    environment = ("env", f"PYTHONPATH={checkout.folder / 'src'}", sys.executable, "-m", "landcover")
    said = checkout.run(*environment, "compare", "maps/hasty", "maps/patient", "-g", "data/other/validation")
    assert "too few images for a verdict: 2, at least 6 are needed\n" in said
    assert "note: params.yaml: classes and colours are taken from this file" in said


def test_data_that_was_added_stay_when_dvc_clears_away_what_it_does_not_know(checkout):
    checkout.repro()
    checkout.dvc("checkout", "--allow-missing")  # the embedded data set
    assert (checkout.folder / "data" / "other" / "train").is_dir()


@pytest.mark.long
def test_a_recorded_experiment_keeps_the_time_of_its_training(checkout):
    checkout.repro()
    checkout.run("git", "commit", "--quiet", "--all", "--allow-empty", "--message", "before")
    params = (checkout.folder / "params.yaml").read_bytes()
    path = checkout.folder / "results" / "fcn32s.json"
    command = ("dvc", "exp", "run", "evaluate", "-S", "train.model=fcn32s", "-S", "train.lr=1e-3")
    recorded = []
    for _ in range(2):  # the second time the training is restored
        checkout.run(sys.executable, "-m", "results.record", "fcn32s", *command)
        recorded.append(json.loads(path.read_text()))
    assert recorded[0] == recorded[1]
    assert recorded[0]["trained"]["minutes"] >= 1
    assert recorded[0]["command"] == " ".join(command)
    assert recorded[0]["params"]["train"]["model"] == "fcn32s"
    assert recorded[0]["scores"].keys() == {"none", "d4"}
    assert (checkout.folder / "params.yaml").read_bytes() == params


def test_an_experiment_is_recorded_on_committed_code_only(checkout):
    checkout.append("src/landcover/training/trainer.py", "# changed\n")
    said = checkout.run(sys.executable, "-m", "results.record", "x", "dvc", "exp", "run", "evaluate", fails=True)
    assert said == "error: not as committed: M src/landcover/training/trainer.py. Commit it, or 'git checkout' it.\n"
    checkout.run("git", "checkout", "--quiet", ".")


@pytest.mark.long
def test_the_committed_run_comes_back_as_docs_experiments_says(checkout):
    checkout.repro()
    checkout.run("git", "commit", "--quiet", "--all", "--allow-empty", "--message", "before")
    model = checkout.folder / "models" / "model.safetensors"
    lock, before, masks = (checkout.folder / "dvc.lock").read_bytes(), model.read_bytes(), checkout.predictions()
    checkout.set(train={"lr": 0.5})
    checkout.repro()
    assert model.read_bytes() != before
    checkout.run("git", "checkout", "dvc.lock")
    assert (checkout.folder / "dvc.lock").read_bytes() != lock  # DVC has staged the new one, so HEAD must be named
    checkout.run("git", "checkout", "HEAD", "params.yaml", "dvc.lock", "metrics", "plots")
    checkout.dvc("checkout", "--allow-missing")  # the embedded data set
    assert (model.read_bytes(), checkout.predictions()) == (before, masks)
    assert checkout.repro() == []


def test_plots_make_a_page(checkout):
    checkout.repro()
    checkout.dvc("plots", "show")
    page = (checkout.folder / "dvc_plots" / "index.html").read_text()
    for title in ("IoU of each class", "Confusion matrix", "Loss", "samples.png"):
        assert title in page


@pytest.mark.long
def test_a_user_error_is_one_line_and_leaves_the_results_alone(checkout):
    checkout.repro()
    checkout.set(train={"lr": -1})
    before = (checkout.folder / "dvc.lock").read_bytes()
    stage = checkout.run(sys.executable, "-m", "stages.train", fails=True)
    assert stage.splitlines() == [
        "note: params.yaml: train.lr = -1 (committed: 0.004)",
        "error: params.yaml: train.lr = -1: should be greater than 0.",
    ]
    checkout.dvc("repro", "report", fails=True)
    assert (checkout.folder / "dvc.lock").read_bytes() == before
    checkout.run("git", "checkout", "--quiet", ".")


def test_a_fresh_clone_knows_without_data_that_lock_code_and_params_agree(checkout, tmp_path):
    checkout.repro()
    checkout.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Checkout.__new__(Checkout)
    clone.folder = tmp_path / "clone"
    gate = ("repro", "--dry", "--allow-missing", "report")
    assert "Data and pipelines are up to date" in clone.dvc(*gate)
    clone.append("src/landcover/training/trainer.py", "# changed\n")
    clone.dvc(*gate, fails=True)


@pytest.mark.long
def test_queued_experiments_run_the_code_they_were_queued_with(checkout, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(checkout.folder / "src"))  # as an editable install of the original tree would
    checkout.repro()
    checkout.dvc("exp", "run", "evaluate", "--queue", "-S", "train.model=fcn32s,fcn16s")
    checkout.append("src/landcover/training/trainer.py", "raise SystemExit('code of the original tree')\n")
    checkout.dvc("exp", "run", "--run-all")
    checkout.run("git", "checkout", "--quiet", ".")
    shown = json.loads(checkout.dvc("exp", "show", "--json"))
    rows = [experiment["revs"][0]["data"] for row in shown for experiment in row["experiments"] or []]
    queued = [row for row in rows if row["params"]["params.yaml"]["data"]["train"]["model"] != "fcn8s"]
    assert len(queued) >= 2
    assert all(row["metrics"]["metrics/evaluate.json"]["data"]["mean_iou"] is not None for row in queued)

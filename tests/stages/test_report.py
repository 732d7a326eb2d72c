"""The stage report: one page with what the stages before it have made."""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import TABLE
from page_data import about, blocks, corners, layer

from landcover.images.image_files import read_packed
from landcover.images.pairs import Sample
from landcover.report.page_files import PageFiles
from landcover.system.errors import LandcoverError
from landcover.training.recipe import Recipe
from stages import evaluate, predict, prepare, report, train
from stages.about import commit


@pytest.fixture
def evaluated(project):
    """A project that lacks its report only; returns the function that changes its parameters."""
    project(evaluate={"resamples": 100})
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    return project


def page() -> dict:
    report.main()
    return blocks(report.REPORT)


def test_the_page_has_the_scores_of_evaluate_and_each_image(evaluated, capsys):
    content = page()
    assert capsys.readouterr().out.splitlines()[-1] == "report/index.html: all 3 images are shown."
    found, written = content["report"], json.loads(Path("metrics/evaluate.json").read_text())
    for key, value in written.items():
        shown = dict(zip(TABLE.names, found["scores"]["by_class"]["iou"], strict=True)) if key == "iou" else None
        assert (shown or found["scores"][key]) == pytest.approx(value, abs=5e-5), key
    assert (found["scores"]["mean_iou_low"], found["scores"]["unit"]) == (written["mean_iou_low"], "images")
    assert [item["name"] for item in found["items"]] == ["a", "b", "c"]
    assert found["calibration"]["bins"][-1]["high"] == 1
    assert 0 <= found["calibration"]["expected_error"] <= 1
    for item in found["items"]:
        pixels = content[f"pixels-{item['id']}"]
        for name, folder in (("truth", Path("data/validation")), ("prediction", predict.PREDICTIONS)):
            labels = TABLE.decode(read_packed(folder / f"{item['name']}_mask.png"))[0]
            np.testing.assert_array_equal(layer(item, pixels, name), labels)
        assert item["has"] == {"image": True, "truth": True, "prediction": True, "other": False, "confidence": True}
        assert item["degrees"] is None
    assert not list(Path().rglob(".partial*"))


def test_the_page_has_the_curves_of_the_training(evaluated):
    training = page()["report"]["training"]
    with Path("plots/training.csv").open() as file:
        columns, *rows = csv.reader(file)
    assert training["columns"] == columns
    assert training["rows"] == [[float(value) if value else None for value in row] for row in rows]


def test_the_page_says_what_was_trained_on_what(evaluated):
    parts = about(page()["report"])
    assert parts["Data set"]["folder"] == "data"
    assert parts["Data set"]["training"] == "3 images, 3 tiles"
    assert list(parts["Share of the pixels"]) == [*TABLE.names, "unknown"]
    assert parts["Network"]["network"] == "fcn8s on test_resnet"
    changed = parts["Parameters that differ from their defaults"]
    assert changed["train.epochs"] == f"2 (default: {Recipe.model_fields['epochs'].default})"
    assert changed["predict.tta"] == "none (default: d4)"
    assert changed["evaluate.resamples"] == "100 (default: 2000)"
    assert not [key for key in changed if key.startswith(("data.classes", "report."))]
    assert "Code" not in parts  # this folder is no repository


def test_the_same_inputs_give_the_same_bytes(evaluated):
    page()
    first = report.REPORT.read_bytes()
    report.REPORT.unlink()
    page()
    assert report.REPORT.read_bytes() == first


def test_without_confidence_there_is_no_calibration(evaluated):
    evaluated(predict={"confidence": False})
    predict.main()
    found = page()["report"]
    assert found["calibration"] is None
    assert not any(item["has"]["confidence"] for item in found["items"])


def test_no_path_of_this_machine_is_on_the_page(project, tmp_path):
    project(data={"root": str(tmp_path / "data")}, evaluate={"resamples": 100})
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    page()
    assert str(tmp_path) not in report.REPORT.read_text()


def test_scores_of_other_predictions_are_refused(evaluated):
    page()
    before = report.REPORT.read_bytes()
    truth = "data/validation/a_mask.png"
    shutil.copy(truth, predict.PREDICTIONS)
    with pytest.raises(LandcoverError, match=r"^metrics/evaluate\.json: not the scores of data/predictions\. Run "):
        report.main()
    for text in ("{", "[]", "{}"):
        Path("metrics/evaluate.json").write_text(text)
        with pytest.raises(LandcoverError, match=r"^metrics/evaluate\.json: not written by the stage evaluate"):
            report.main()
    assert report.REPORT.read_bytes() == before


def test_a_page_that_is_too_small_is_refused_and_a_small_one_says_what_it_shows(evaluated):
    evaluated(report={"megabytes": 0.01})
    with pytest.raises(LandcoverError, match=r"report/index\.html: no image fits .* report\.megabytes"):
        report.main()
    assert not report.REPORT.exists()


def git(*arguments):
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout


def test_the_commit_is_the_last_that_changed_code_or_parameters(project):
    assert commit() is None
    git("init", "--quiet")
    assert commit() is None
    git("add", "params.yaml")
    git("commit", "-qm", "one")
    first = git("rev-parse", "HEAD")[:10]
    assert commit() == first
    Path("README.md").write_text("of something else")
    git("add", "README.md")
    assert commit() == first
    git("commit", "-qm", "two")
    assert commit() == first
    project(train={"lr": 0.5})
    assert commit() == f"{first} with changes"
    git("commit", "-qam", "three")
    assert commit() == git("rev-parse", "HEAD")[:10] != first


def test_a_clone_without_history_names_no_commit(project, tmp_path, monkeypatch):
    git("init", "--quiet")
    for message in ("one", "two"):
        Path("params.yaml").write_text(message)
        git("add", "params.yaml")
        git("commit", "-qm", message)
    git("clone", "--quiet", "--depth", "1", f"file://{tmp_path}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    assert commit() is None


def test_tiles_of_the_embedded_data_set_lie_where_their_names_say(project):
    sample = Sample("N30W090", Path("data/train/a_sat.png"), Path("data/train/a_mask.png"))
    for name, places in (
        ("N30W090", [(-90, 45), (-75, 45), (-75, 30), (-90, 30)]),
        ("S45E015", [(15, -30), (30, -30), (30, -45), (15, -45)]),
        ("a", None),
    ):
        files = PageFiles(TABLE, {name: sample.mask}, {name: sample.image})
        degrees = report.load_placed(files, name).degrees
        assert (degrees and corners(degrees)) == places


def test_the_place_of_georeferenced_images_is_on_the_page(project):
    for split in ("train", "validation"):
        for path in sorted(Path("data", split).glob("*_sat.png")):
            with rasterio.open(path) as file:
                pixels = file.read()
            place = {"crs": "EPSG:4326", "transform": rasterio.Affine(0.1, 0, 7, 0, -0.1, 50)}
            size = {"count": 3, "height": pixels.shape[1], "width": pixels.shape[2], "dtype": "uint8"}
            with rasterio.open(path.with_suffix(".tif"), "w", driver="GTiff", **place, **size) as file:
                file.write(pixels)
            path.unlink()
    project(evaluate={"resamples": 100})
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    item, *_ = page()["report"]["items"]
    expected = [[7, 50], [12.6, 50], [12.6, 46], [7, 46]]
    np.testing.assert_allclose(corners(item["degrees"]), expected, atol=1e-9)

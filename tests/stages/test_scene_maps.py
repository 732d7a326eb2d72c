"""Scenes with labels on the map go from files to scored maps."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import TABLE, read_table, write_geotiff
from page_data import about, blocks, corners, layer
from scene_projects import SIDE, scenes_in

from landcover.geo.maps import predict_map
from landcover.models.model_file import load_model
from landcover.system.errors import LandcoverError
from stages import evaluate, predict, prepare, report, train


@pytest.fixture
def scenes(project):
    """A project of two scenes and polygons in one file; returns a function that changes its parameters."""
    return scenes_in(project)


@pytest.fixture
def mapped(scenes):
    for stage in (prepare, train, predict):
        stage.main()
    return scenes


def test_scenes_go_from_files_to_scored_maps(mapped, capsys):
    capsys.readouterr()
    evaluate.main()
    printed = capsys.readouterr().out.splitlines()
    made = sorted(path.name for path in predict.PREDICTIONS.iterdir())
    ends = ("confidence.tif", "mask.qml", "mask.tif", "mask.tif.aux.xml")
    assert made == [f"{name}_{end}" for name in ("north", "south") for end in ends]
    scores = json.loads(Path("metrics/evaluate.json").read_text())
    assert list(scores)[:3] == ["mean_iou", "mean_iou_low", "mean_iou_high"]
    assert scores["mean_iou_low"] <= scores["mean_iou"] <= scores["mean_iou_high"]
    assert list(scores["hectares"]) == TABLE.names
    rows = read_table("plots/confusion.csv")
    pixels, hectares = (sum(float(row[column]) for row in rows) for column in ("pixels", "hectares"))
    assert 0 < pixels < 2 * 30 * (SIDE // 8) ** 2
    assert hectares == pytest.approx(pixels / 100, rel=2e-3)
    labelled = [scores["hectares"][name]["labelled"] for name in TABLE.names]
    assert sum(labelled) == pytest.approx(hectares, abs=1e-2)
    assert not [row for row in rows if row["actual"] == "unknown" and row["pixels"] != "0"]
    assert printed[0].startswith(f"data/predictions: scored on {pixels:,.0f} pixels, {hectares:,.1f} hectares, in ")
    assert printed[1] == (
        f"metrics/evaluate.json: mean IoU {scores['mean_iou']}, pixel accuracy {scores['pixel_accuracy']}"
    )
    assert Path("plots/samples.png").stat().st_size
    assert not [path for path in Path().rglob(".partial*")]


def test_the_page_shows_each_scene_as_a_whole_and_the_windows_where_labels_validate(mapped, capsys):
    evaluate.main()
    capsys.readouterr()
    report.main()
    assert capsys.readouterr().out == "report/index.html: all 2 windows are shown.\n"
    content, written = blocks(report.REPORT), json.loads(Path("metrics/evaluate.json").read_text())
    found = content["report"]
    assert [item["name"] for item in found["items"]] == ["north", "south", "north at 0,0", "south at 0,0"]
    assert found["scores"]["mean_iou"] == pytest.approx(written["mean_iou"], abs=5e-5)
    assert (found["scores"]["mean_iou_low"], found["scores"]["unit"]) == (written["mean_iou_low"], "blocks")
    assert found["calibration"]["expected_error"] >= 0
    hectares = written["hectares"]["urban"]
    expected = ", ".join(f"{key} {value:,.1f}" for key, value in hectares.items())
    assert about(found)["Hectares where labels validate"]["urban"] == expected
    for item in found["items"]:
        pixels, name = content[f"pixels-{item['id']}"], item["name"][:5]
        labels, truth = (layer(item, pixels, key) for key in ("prediction", "truth"))
        with rasterio.open(f"data/predictions/{name}_mask.tif") as file:
            np.testing.assert_array_equal(labels, file.read(1))
        known = truth != 255
        assert 0 < known.sum() < SIDE**2 / 2
        assert item["scores"]["wrong"] == (labels != truth)[known].sum()
        assert (item["bands"], item["reduction"]) == ("red, green, blue"[:0], 1)
        west, north = corners(item["degrees"])[0]
        assert (14 < west < 16, 44 < north < 46) == (True, True)
    assert sum(item["scores"]["wrong"] for item in found["items"][2:]) > 0
    first = report.REPORT.read_bytes()
    report.main()
    assert report.REPORT.read_bytes() == first


def test_a_map_has_the_pixels_of_the_commands(mapped, tmp_path):
    model = load_model(predict.MODEL)
    options = predict.InferenceOptions(window=64, tta="none")
    for name in ("north", "south"):
        predict_map(model, f"data/{name}.tif", tmp_path / "one.tif", options, cog=True)
        with rasterio.open(tmp_path / "one.tif") as one, rasterio.open(f"data/predictions/{name}_mask.tif") as file:
            np.testing.assert_array_equal(file.read(1), one.read(1))
            assert (file.read(1)[:9, :9] == file.nodata).all()


def test_only_the_scenes_that_are_named_are_mapped_and_those_that_validate_are_among_them(mapped):
    mapped(predict={"inputs": "south.tif"})
    predict.main()
    assert {path.name for path in predict.PREDICTIONS.glob("*.tif")} == {"south_mask.tif", "south_confidence.tif"}
    with pytest.raises(
        LandcoverError, match=r"^data/north\.tif: has labels that validate, but no map\. .*predict\.inputs"
    ):
        evaluate.main()
    assert not Path("metrics/evaluate.json").exists()


def test_samples_are_windows_that_can_be_asked_for_by_name(mapped):
    mapped(evaluate={"samples": ["south at 0,0", "north at 0,0"]})
    evaluate.main()
    mapped(evaluate={"samples": ["south at 0,1"]})
    with pytest.raises(LandcoverError, match="no window with labels that validate is called 'south at 0,1'"):
        evaluate.main()


def test_few_units_are_a_warning_and_all_else_is_as_ever(mapped, capsys):
    mapped(data={"split": "scene", "holdout": 2, "buffer": 0})
    evaluate.main()
    warning = "warning: metrics/evaluate.json: 1 scene: too few for the interval of the mean IoU to be trusted. "
    assert capsys.readouterr().err.splitlines()[-1] == warning + "Label in more scenes"
    scores = json.loads(Path("metrics/evaluate.json").read_text())
    assert (scores["mean_iou_low"], scores["mean_iou_high"]) == (None, None)


def test_scenes_are_mapped_beside_the_masks_of_pairs_and_are_not_scored(project):
    project(predict={"inputs": "scene.tif"}, train={"model": "baseline", "epochs": 1})
    rng = np.random.default_rng(0)
    write_geotiff(Path("data/scene.tif"), rng.integers(1, 255, (3, 40, 50), dtype=np.uint8))
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    made = sorted(path.name for path in predict.PREDICTIONS.glob("*_mask.*"))
    assert made == [
        *(f"{name}_mask.png" for name in "abc"),
        *(f"scene_mask{end}" for end in (".qml", ".tif", ".tif.aux.xml")),
    ]
    assert sum(int(row["pixels"]) for row in read_table("plots/confusion.csv")) == 3 * 40 * 56

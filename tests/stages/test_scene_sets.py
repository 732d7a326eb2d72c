"""Scenes and labels on the map, from files to a scored map by params alone."""

import json
import re
from pathlib import Path

import broken_labels
import geopandas
import numpy as np
import pytest
import rasterio
import yaml
from conftest import ROOT, landcover, read_table
from scene_sets import SETS, UTM_32, bands_and_polygons, points, real_pixels, tile_folders, worldcover

from landcover.classes.class_table import UNKNOWN
from stages import evaluate, predict, prepare, train
from stages.common.data_block import Data
from stages.common.runner import run

CHECKED = pytest.mark.parametrize("build", [pytest.param(build, id=name) for name, build in SETS.items()])


@pytest.fixture
def scenes_project(project):
    """A project on one of the sets: its params are those of params.yaml but for what the set and speed ask for."""

    def start(build, **data):
        classes = yaml.safe_load((ROOT / "params.yaml").read_text())["data"]["classes"]
        Path("set").mkdir()
        project(data={"root": "set", "classes": classes} | build(Path("set")) | data)
        project(prepare={"tile": 64}, train={"model": "baseline"})
        return project

    return start


def run_all():
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    return json.loads(Path("metrics/evaluate.json").read_text())


def check_map(path, like):
    """Check that a map is a COG on the grid of its scene, and explains itself."""
    with rasterio.open(path) as found, rasterio.open(like) as scene:
        assert (found.crs, found.transform, found.shape) == (scene.crs, scene.transform, scene.shape)
        assert found.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert set(np.unique(found.read(1))) <= {*range(6), 255}
    assert "paletteEntry" in path.with_suffix(".qml").read_text()


def scenes_of(data):
    """Each scene by name: the file, or one of the files of its bands."""
    found = sorted(Path("set").glob(data["scenes"]))
    return {path.stem: path if path.is_file() else min(path.iterdir()) for path in found}


def params():
    return yaml.safe_load(Path("params.yaml").read_text())


@CHECKED
@pytest.mark.long
def test_a_set_goes_from_files_to_scored_maps_by_params_alone(scenes_project, build):
    change = scenes_project(build)
    change(train={"model": "fcn4s", "steps": 20, "batch_size": 4, "epochs": 2, "lr": 4e-3, "warmup": 5, "ema": 0.9})
    scores = run_all()
    data = params()["data"]
    assert scores["mean_iou"] > 0.05  # so few steps from random weights do not learn more of each set
    if build is tile_folders:
        return
    for name, file in scenes_of(data).items():
        check_map(Path("data/predictions", f"{name}_mask.tif"), file)


@pytest.mark.parametrize(
    ("build", "name", "least"),
    [(bands_and_polygons, "china", 1.0), (worldcover, "iberia", 1.0), (points, "andes", 0.85)],  # squares around points
)
def test_prepared_labels_are_those_of_the_ground(scenes_project, build, name, least):
    scenes_project(build)
    prepare.main()
    truth = np.pad(real_pixels(name)[1], 64)
    for split in ("train", "validation"):
        labels = np.load(prepare.PREPARED / split / "labels.npy")
        rows = read_table(prepare.PREPARED / split / "tiles.csv")
        corners = [(int(row["row"]) + 64, int(row["column"]) + 64) for row in rows]
        ground = np.stack([truth[row : row + 64, column : column + 64] for row, column in corners])
        known = labels != UNKNOWN
        assert known.sum() > 1000
        assert (labels == ground)[known].mean() >= least


def test_thirteen_bands_and_polygons_in_an_area_go_to_a_scored_map(scenes_project):
    scenes_project(bands_and_polygons)
    scores = run_all()
    assert scores["pixel_accuracy"] > 0
    check_map(Path("data/predictions/scene_mask.tif"), Path("set/scene.tif"))
    counted = sum(int(row["pixels"]) for row in read_table("plots/confusion.csv") if row["actual"] != "unknown")
    area = geopandas.read_file("set/area.geojson").to_crs(UTM_32).area.sum() / 100  # pixels of 10 m
    assert 0 < counted < area


@CHECKED
def test_check_says_what_a_set_holds_and_its_params_block_works(scenes_project, build):
    change = scenes_project(build)
    done = landcover("check", "set", folder=Path.cwd())
    assert (done.returncode, done.stderr) == (0, "")
    data = yaml.safe_load(done.stdout.partition("For params.yaml:")[2])["data"]
    assert data["resample"] == ("majority" if build is worldcover else "nearest")
    change(data=data)
    prepare.main()
    shares = {row["class"]: float(row["train"]) for row in read_table(prepare.SHARES)}
    assert sum(share > 0 for name, share in shares.items() if name != params()["data"]["ignore"]) >= 5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (broken_labels.empty, "error: .*labels.gpkg"),
        (broken_labels.unknown_class, "error: .*labels.gpkg.*forrest"),
        (broken_labels.missing_column, "error: .*labels.gpkg.*data.column.*klass"),
        (broken_labels.elsewhere, "error: .*labels.gpkg"),
        (broken_labels.mixed, "error: .*labels.gpkg.*point"),
        (broken_labels.without_system, "error: .*labels.gpkg.*reference system"),
    ],
)
def test_labels_that_cannot_be_used_are_one_line_and_nothing_is_written(scenes_project, capsys, spoil, message):
    scenes_project(bands_and_polygons)
    spoil(Path("set"))
    with pytest.raises(SystemExit) as stopped:
        run(prepare.main, data=Data, prepare=prepare.Prepare)
    assert capsys.readouterr() == ("", "")
    (line,) = str(stopped.value).splitlines()
    assert re.match(message, line, flags=re.IGNORECASE), line
    assert not Path("data/prepared").exists()


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (broken_labels.across_the_edge, []),
        (broken_labels.invalid, ["warning: set/labels.gpkg: 1 row with invalid geometry .*217.*: repaired"]),
    ],
)
def test_labels_that_can_be_used_are_and_a_line_says_what_was_done(scenes_project, capsys, spoil, expected):
    scenes_project(bands_and_polygons)
    prepare.main()
    before = capsys.readouterr().err.splitlines()
    spoil(Path("set"))
    prepare.main()
    *new, overlaps = [line for line in capsys.readouterr().err.splitlines() if line not in before]
    assert all(re.match(pattern, line) for pattern, line in zip(expected, new, strict=True)), new
    assert re.match("note: set/labels.gpkg: polygons of different classes overlap in [0-9]+ pixels", overlaps)

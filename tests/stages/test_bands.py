"""GeoTIFF pairs of any number of bands of any pixel type, from files to a scored map."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import TABLE, read_table
from raster_pairs import NAMES, draw_raster_pair

from landcover.classes.class_table import UNKNOWN
from landcover.data.tiles import read_dataset
from landcover.images.image_files import read_packed, save_png
from landcover.images.image_spec import RGB
from landcover.models.model_file import load_model
from stages import evaluate, predict, prepare, train


def raster_project(project, bands, dtype, **options):
    """Let the project's data be GeoTIFFs, with a hole of pixels without data in each."""
    hole = {"hole": np.nan} if dtype.startswith("f") else {"hole": 0, "nodata": 0}
    for path in Path("data").rglob("*_*.png"):
        path.unlink()
    for split, seed in (("train", 10), ("validation", 20)):
        for i in range(3):
            draw_raster_pair(Path("data", split), "abc"[i], bands, dtype, seed=seed + i, **hole, **options)
    project(data={"bands": list(NAMES[bands])}, prepare={"tile": 64}, train={"model": "baseline"})


def run_all():
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    return json.loads(Path("metrics/evaluate.json").read_text())


QUICK = [(1, "float32"), (4, "uint8"), (13, "uint16")]
ALL = [(bands, dtype) for bands in NAMES for dtype in ("uint8", "uint16", "float32")]


@pytest.mark.parametrize(
    ("bands", "dtype"), [pytest.param(*case, marks=() if case in QUICK else pytest.mark.long) for case in ALL]
)
def test_any_bands_of_any_type_go_from_pairs_to_a_scored_map(project, bands, dtype):
    raster_project(project, bands, dtype)
    scores = run_all()
    assert scores["pixel_accuracy"] > 0
    spec = read_dataset("data/prepared").spec
    assert (spec.bands, spec.dtype) == (NAMES[bands], dtype)
    assert np.load("data/prepared/train/images.npy").dtype == np.dtype(dtype)
    assert load_model(train.MODEL).network.images == spec
    assert Path("plots/samples.png").stat().st_size


@pytest.mark.long
@pytest.mark.parametrize(("bands", "dtype"), [(4, "uint16"), (1, "float32")])
def test_it_learns_what_the_bands_tell(project, bands, dtype):
    raster_project(project, bands, dtype)
    project(train={"model": "fcn1s", "backbone": "resnet18", "steps": 12, "batch_size": 4, "lr": 4e-3, "warmup": 5})
    project(train={"ema": 0.9})
    assert run_all()["mean_iou"] > 0.8


@pytest.mark.parametrize("normalisation", ["imagenet", "dataset"])
def test_ordinary_images_are_normalised_as_asked_for_and_their_tiles_stay_the_same(project, normalisation):
    prepare.main()
    automatic = {path: path.read_bytes() for path in prepare.PREPARED.rglob("*.npy")}
    assert read_dataset(prepare.PREPARED).normalisation == "imagenet"
    project(data={"normalisation": normalisation}, train={"model": "baseline", "epochs": 1})
    prepare.main()
    train.main()
    assert {path: path.read_bytes() for path in prepare.PREPARED.rglob("*.npy")} == automatic
    spec = load_model(train.MODEL).network.images
    assert spec.is_rgb
    assert (spec.mean == RGB.mean) == (normalisation == "imagenet")
    assert spec.high is not None


def test_bands_of_ordinary_images_are_chosen_by_name_or_number(project):
    for bands in (["blue", "red"], [3, 1]):
        project(data={"bands": bands})
        prepare.main()
        dataset = read_dataset(prepare.PREPARED)
        assert (dataset.spec.bands, dataset.normalisation) == (("blue", "red"), "dataset")
        assert np.load(prepare.PREPARED / "train" / "images.npy").shape[3] == 2


def test_a_class_where_there_is_no_data_is_neither_learned_nor_scored(project, capsys):
    raster_project(project, 4, "uint16")
    for path in Path("data").rglob("*_mask.png"):
        labels = TABLE.decode(read_packed(path))[0]
        labels[labels == UNKNOWN] = 1
        save_png(TABLE.encode(labels), path)
    prepare.main()
    line = "warning: data: 210 pixels have a class in the masks but no data in the images, and count as unknown"
    assert line in capsys.readouterr().err.splitlines()
    train.main()
    predict.main()
    evaluate.main()
    counted = {(row["actual"], row["predicted"]): int(row["pixels"]) for row in read_table("plots/confusion.csv")}
    assert counted[("unknown", "unknown")] == 3 * 5 * 7
    assert sum(counted.values()) == 3 * 64 * 64

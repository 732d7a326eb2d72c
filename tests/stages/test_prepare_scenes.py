"""The stage prepare on scenes with labels on the map: what it writes, prints and refuses."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from conftest import TABLE, read_table, write_geotiff
from rasterio.transform import from_origin
from shapely import box

from landcover.classes.class_table import UNKNOWN
from landcover.data.tiles import Tiles, read_dataset
from landcover.models.model_file import load_model
from landcover.system.errors import LandcoverError
from stages import prepare, train

SIDE = 96  # pixels of 10 m
PLACES = {"east": (503_000, 5_000_000), "west": (500_000, 5_000_000)}


def square(scene: str, name: str, row: int, column: int, side: int = 8) -> tuple[str, object]:
    """A polygon that covers a square of pixels of a scene."""
    x, y = PLACES[scene][0] + 10 * column, PLACES[scene][1] - 10 * row
    return name, box(x, y - 10 * side, x + 10 * side, y)


def write_polygons(polygons: list[tuple[str, object]]) -> None:
    names, shapes = zip(*polygons, strict=True)
    frame = gpd.GeoDataFrame({"class": names}, geometry=list(shapes), crs="EPSG:32633")
    frame.to_crs("EPSG:4326").to_file("data/labels.gpkg")


@pytest.fixture
def scenes(project):
    """A project of two scenes of three bands of 16 bits and some polygons; returns what changes its parameters."""
    for name, corner in PLACES.items():
        pixels = np.random.default_rng(len(name)).integers(1, 3000, size=(3, SIDE, SIDE)).astype(np.uint16)
        pixels[:, :10, :10] = 0
        write_geotiff(Path(f"data/{name}.tif"), pixels, nodata=0, transform=from_origin(*corner, 10, 10))
    write_polygons([square(scene, name, 20, 10 + 26 * i) for scene in PLACES for i, name in enumerate(TABLE.names)])
    split = {"split": "scene", "holdout": 2}
    project(data={"layout": "scenes", "scenes": "*.tif", "labels": "labels.gpkg", "bands": [1, 2, 3], **split})
    project(prepare={"tile": 32}, train={"model": "baseline", "epochs": 1, "steps": 1})
    return project


def lines(text: str, kind: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(kind)]


def test_scenes_become_tiles_that_train(scenes, capsys):
    prepare.main()
    printed = capsys.readouterr()
    assert printed.err == ""
    shares = "192 labelled: urban 33.3%, forest 33.3%, water 33.3%"
    assert printed.out.splitlines() == [
        f"data/prepared/train: 3 tiles of 1 scene, 3072 pixels, {shares}",
        f"data/prepared/validation: 3 tiles of 1 scene, 3072 pixels, {shares}",
    ]
    dataset = read_dataset("data/prepared")
    assert dataset.split == {"layout": "scenes", "split": "scene", "holdout": 2}
    assert (dataset.resolution, dataset.normalisation, dataset.images) == (
        10.0,
        "dataset",
        {"train": 1, "validation": 1},
    )
    tiles = Tiles.open("data/prepared/train", dataset.classes, dataset.spec)
    assert set(tiles.table.name) == {"east"}
    assert (np.array(tiles.labels) != UNKNOWN).sum() == 192
    rows = {row["class"]: row for row in read_table(prepare.SHARES)}
    assert float(rows["forest"]["validation"]) == pytest.approx(1 / 3, abs=1e-3)
    assert float(rows["unknown"]["train"]) == pytest.approx(1 - 192 / 3072, abs=1e-3)
    train.main()
    origin = load_model(train.MODEL).origin
    assert (origin.data["layout"], origin.data["split"], origin.data["train_images"]) == ("scenes", "scene", 1)
    assert origin.resolution == 10.0


def test_the_split_by_blocks_is_recorded_and_both_sides_have_tiles_of_a_scene(scenes):
    write_polygons([square(scene, "urban", 10, 10, side=80) for scene in PLACES])
    split = {"split": "block", "holdout": 2, "block": 200, "buffer": 40}
    scenes(data=split)
    prepare.main()
    dataset = read_dataset("data/prepared")
    assert dataset.split == {"layout": "scenes", **split}
    known: list[dict[tuple, np.ndarray]] = []
    for name in ("train", "validation"):
        tiles = Tiles.open(f"data/prepared/{name}", dataset.classes, dataset.spec)
        places = zip(tiles.table.name, tiles.table.row, tiles.table.column, strict=True)
        known.append({place: labels != UNKNOWN for place, labels in zip(places, tiles.labels, strict=True)})
    shared = known[0].keys() & known[1].keys()
    assert {place[0] for place in shared} == PLACES.keys()
    assert not any((known[0][place] & known[1][place]).any() for place in shared)


def test_at_working_resolution_tiles_are_smaller_and_pixels_larger(scenes):
    scenes(prepare={"scale": 0.5})
    prepare.main()
    dataset = read_dataset("data/prepared")
    assert (dataset.scale, dataset.resolution) == (0.5, 10.0)
    tiles = Tiles.open("data/prepared/train", dataset.classes, dataset.spec)
    assert (np.array(tiles.labels) != UNKNOWN).sum() == 192 / 4


def test_classes_of_one_split_only_are_warnings(scenes, capsys):
    write_polygons(
        [
            square("east", "urban", 20, 10),
            square("east", "forest", 20, 60),
            square("west", "urban", 20, 10),
            square("west", "water", 0, 0, side=12),
        ]
    )
    prepare.main()
    assert lines(capsys.readouterr().err, "warning") == [
        "warning: data: 100 pixels have a class in the labels but no data in the images, and count as unknown",
        "warning: data/labels.gpkg: class 'forest' never occurs where it validates and cannot be scored",
        "warning: data/labels.gpkg: class 'water' never occurs where it trains and cannot be learned",
    ]


def test_overlapping_polygons_are_noted(scenes, capsys):
    polygons = [square(scene, name, 20, 10 + 26 * i) for scene in PLACES for i, name in enumerate(TABLE.names)]
    write_polygons([*polygons, square("east", "water", 24, 14)])
    prepare.main()
    assert lines(capsys.readouterr().err, "note") == [
        "note: data/labels.gpkg: polygons of different classes overlap in 16 pixels, where the later row counts "
        "(data.overlap)"
    ]


def test_a_split_without_labels_is_refused_and_nothing_is_left(scenes):
    write_polygons([square("west", "urban", 20, 10)])
    with pytest.raises(LandcoverError, match=r"labels\.gpkg: no labelled pixel trains, as `split` puts"):
        prepare.main()
    assert not Path("data/prepared").exists()
    assert not list(Path().rglob(".partial*"))


def test_scenes_in_the_folder_of_the_output_are_refused(scenes):
    Path("data/prepared").mkdir()
    Path("data/east.tif").rename("data/prepared/dataset.json")
    scenes(data={"scenes": ["west.tif", "prepared/dataset.json"]})
    with pytest.raises(LandcoverError, match="would be replaced"):
        prepare.main()
    assert Path("data/prepared/dataset.json").is_file()


def test_the_resolution_may_be_set_by_hand(scenes):
    scenes(data={"resolution": 12.5})
    prepare.main()
    assert json.loads(Path("data/prepared/dataset.json").read_text())["resolution"] == 12.5

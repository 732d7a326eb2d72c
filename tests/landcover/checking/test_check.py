"""Data sets of every kind are told apart, and the block that is suggested for each is accepted."""

import json
import warnings
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
import yaml
from conftest import ROOT, TABLE, draw_pair, landcover, write_geotiff
from PIL import Image
from rasterio.transform import from_origin

from landcover.checking.check import check_data_set
from landcover.checking.findings import block_text
from landcover.labels.sources import open_labels
from landcover.rasters.scenes import find_scenes, open_scene
from landcover.system.errors import LandcoverError, Problems
from stages.common.data_block import Data
from stages.common.params import read_block

SENTINEL = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
WEST, NORTH, PIXEL = 500_000, 5_000_000, 10
RNG = np.random.default_rng(0)


def suggested(findings):
    """The suggested block, as the stages read it from a params.yaml into which it was pasted."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    del params["data"]
    Path("params.yaml").write_text(yaml.safe_dump(params) + block_text(findings.block()))
    data = read_block("data", Data)
    assert list(findings.block()) == list(Data.model_fields)
    assert data.table()
    if data.layout == "scenes":
        open_labels(Path(data.root), data.labels, data.area, data.label_options(0.001))
        for scene in find_scenes(data.root, data.scenes):
            with open_scene(scene, data.bands) as reader:
                assert len(reader.names) == len(data.bands or "rgb")
    else:
        problems = Problems()
        assert data.samples("train", problems)
        assert data.samples("validation", problems)
        assert not problems.lines
        assert data.masks == "colours" or data.codes()
    return data


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    return Path("data")


def write_scene(path, bands=3, dtype="uint8", west=WEST, side=200, crs="EPSG:32633", names=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 200, (bands, side, side)).astype(dtype)
    write_geotiff(path, pixels, crs, transform=from_origin(west, NORTH, PIXEL, PIXEL))
    if names:
        with rasterio.open(path, "r+") as file:
            file.descriptions = names


def squares(count=36, step=330, side=200, west=WEST):
    """Squares on the ground, in the scene's reference system."""
    corners = [(west + step * (i % 6), NORTH - step * (i // 6)) for i in range(count)]
    return [shapely.box(x, y - side, x + side, y) for x, y in corners]


def write_layer(path, geometry, crs="EPSG:32633", to="EPSG:4326", **columns):
    frame = geopandas.GeoDataFrame(columns, geometry=geometry, crs=crs)
    frame = frame.to_crs(to) if crs else frame
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_file(path)


def classes_of(count=36):
    return [("field", "wood", "lake")[i % 3] for i in range(count)]


def test_pairs_in_the_colours_of_deepglobe(folder):
    for split in ("train", "validation"):
        for name in ("a", "b", "c"):
            draw_pair(folder / split, name, 40, 40, seed=ord(name))
    findings = check_data_set(folder)
    assert not findings.problems
    data = suggested(findings)
    assert (data.layout, data.split, data.holdout, data.bands, data.ignore) == ("pairs", "folder", 0, None, "unknown")
    assert data.table().names == ["urban", "agriculture", "rangeland", "forest", "water", "barren"]
    assert sum(findings.shares.values()) == pytest.approx(1)


def write_dubai(folder, codes=False, tiles=("Tile 1", "Tile 2"), listed=True):
    for tile in tiles:
        (folder / tile / "images").mkdir(parents=True)
        (folder / tile / "masks").mkdir()
        for number in (1, 2, 3):
            draw_pair(folder / "tmp", "x", 40, 48, seed=number)
            image, mask = (Image.open(folder / "tmp" / f"x_{kind}.png") for kind in ("sat", "mask"))
            image.save(folder / tile / "images" / f"part_00{number}.jpg")
            if codes:
                labels = (np.asarray(mask)[..., 2] > 0) * 1 + (np.asarray(mask)[..., 0] > 0) * 2 + 5
                mask = Image.fromarray(labels.astype(np.uint8))
            mask.save(folder / tile / "masks" / f"part_00{number}.png")
    for path in (folder / "tmp").iterdir():
        path.unlink()
    (folder / "tmp").rmdir()
    if listed:
        items = [
            {"title": name.title(), "shape": "polygon", "color": "#{:02X}{:02X}{:02X}".format(*colour)}
            for name, colour in {**TABLE.colours, "Unlabeled": (155, 155, 155)}.items()
        ]
        (folder / "classes.json").write_text(json.dumps({"classes": items}))


def test_tiles_of_images_and_masks_with_a_list_of_classes(folder):
    write_dubai(folder)
    findings = check_data_set(folder)
    assert not findings.problems
    data = suggested(findings)
    assert (data.layout, data.split, data.holdout, data.masks) == ("folders", "scene", 5, "colours")
    assert (data.classes, data.ignore) == ("classes.json", "Unlabeled")
    assert len(data.samples("train", Problems())) == 5


def test_the_same_without_a_list_gets_a_class_for_each_colour(folder):
    write_dubai(folder, listed=False)
    mask = folder / "Tile 1" / "masks" / "part_001.png"
    pixels = np.asarray(Image.open(mask)).copy()
    pixels[0, 0] = (9, 9, 9)
    pixels[pixels[..., 2] == 0] = (1, 2, 3)
    Image.fromarray(pixels).save(mask)
    findings = check_data_set(folder)
    assert list(suggested(findings).table().colours) == ["class_1", "class_2", "class_3", "class_4"]
    assert any("have colours of no class: #090909. They count as unknown" in line for line in findings.notes)


def test_masks_of_codes(folder):
    write_dubai(folder, codes=True, listed=False)
    findings = check_data_set(folder)
    assert not findings.problems
    data = suggested(findings)
    assert data.masks == "codes"
    assert [entry.codes for entry in data.entries().values()] == [(5,), (6,)]


def test_other_endings_are_found(folder):
    for name in ("a", "b"):
        draw_pair(folder, name, 40, 40)
        (folder / f"{name}_sat.png").rename(folder / f"{name}.png")
    assert suggested(check_data_set(folder)).suffixes == ("", "_mask")


def test_a_scene_of_thirteen_bands_with_polygons_and_an_area(folder):
    write_scene(folder / "s2.tif", 13, "uint16", names=SENTINEL)
    write_layer(folder / "drawn.gpkg", squares(), landuse=classes_of(), id=range(36))
    write_layer(folder / "aoi.gpkg", [shapely.box(WEST, NORTH - 1900, WEST + 1900, NORTH)])
    findings = check_data_set(folder, column="landuse")
    assert not findings.problems
    data = suggested(findings)
    assert (data.scenes, data.labels, data.area, data.column) == ("s2.tif", "drawn.gpkg", "aoi.gpkg", "landuse")
    assert (data.split, data.table().names, data.ignore) == ("block", ["field", "lake", "wood"], None)
    assert len(data.bands) == 13
    assert "EPSG:32633, 10 m per pixel" in findings.facts["scenes"]["s2"]
    assert findings.shares == pytest.approx(dict.fromkeys(("field", "lake", "wood"), 1 / 3), abs=0.01)


def test_points_only(folder):
    write_scene(folder / "earth.tif")
    write_layer(folder / "points.geojson", [box.centroid for box in squares()], label=[i % 3 + 1 for i in range(36)])
    findings = check_data_set(folder)
    assert not findings.problems
    data = suggested(findings)
    assert (data.column, data.bands) == ("label", None)
    assert [entry.codes for entry in data.entries().values()] == [(1,), (2,), (3,)]


def write_worldcover(path):
    codes = RNG.choice([10, 30, 40, 50, 80], (1, 20, 20)).astype(np.uint8).repeat(4, 1).repeat(4, 2)
    write_geotiff(path, codes, transform=from_origin(WEST, NORTH, 3 * PIXEL, 3 * PIXEL), nodata=0)


@pytest.mark.parametrize("place", ["worldcover.tif", "labels/ESA_WorldCover_N45E015.tif"])
def test_a_raster_of_known_codes(folder, place):
    (folder / "labels").mkdir()
    write_scene(folder / "scene.tif", 4, "uint16", names=("blue", "green", "red", "nir"))
    write_worldcover(folder / place)
    findings = check_data_set(folder)
    assert not findings.problems
    data = suggested(findings)
    assert (data.scenes, data.masks, data.bands) == ("scene.tif", "codes", ["blue", "green", "red", "nir"])
    assert data.labels == place
    names = ["tree cover", "grassland", "cropland", "built-up", "permanent water"]
    assert {name: entry.codes for name, entry in data.entries().items()} == dict(
        zip(names, [(10,), (30,), (40,), (50,), (80,)], strict=True)
    )
    assert "ESA WorldCover" in findings.text()


def test_three_scenes_of_two_zones(folder):
    for name, crs in (("one", "EPSG:32632"), ("two", "EPSG:32632"), ("three", "EPSG:32633")):
        write_scene(folder / "scenes" / f"{name}.tif", crs=crs, west=WEST + 3000 * (name == "two"))
    parts = [
        geopandas.GeoSeries(squares(18, west=west), crs=crs).to_crs(4326)
        for west, crs in ((WEST, "EPSG:32632"), (WEST + 3000, "EPSG:32632"), (WEST, "EPSG:32633"))
    ]
    geometry = [shape for part in parts for shape in part]
    write_layer(folder / "labels.fgb", geometry, "EPSG:4326", **{"class": classes_of(54)})
    findings = check_data_set(folder)
    assert not findings.problems
    data = suggested(findings)
    assert (data.scenes, data.labels, data.split) == ("scenes", "labels.fgb", "block")
    assert list(findings.facts["scenes"]) == ["one", "three", "two"]


def test_the_file_that_is_named_is_used(folder):
    for name in ("a", "b"):
        write_scene(folder / f"{name}.tif")
        write_layer(folder / f"{name}.gpkg", squares(), kind=classes_of())
    assert check_data_set(folder).problems[0].startswith("data: several files of polygons or points: a.gpkg, b.gpkg.")
    assert suggested(check_data_set(folder / "b.gpkg")).labels == "b.gpkg"


def broken_pairs(folder):
    draw_pair(folder, "a", 40, 40)
    draw_pair(folder, "b", 40, 40)
    (folder / "b_mask.png").unlink()
    draw_pair(folder, "c", 40, 40)
    (folder / "c_sat.png").write_bytes(b"")
    draw_pair(folder, "d", 40, 40)
    draw_pair(folder, "x", 40, 32)
    (folder / "x_mask.png").rename(folder / "d_mask.png")
    (folder / "x_sat.png").unlink()


def jpeg_masks(folder):
    write_dubai(folder)
    for path in folder.glob("*/masks/*.png"):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()


def noise(folder):
    draw_pair(folder, "a", 200, 200)
    Image.fromarray(RNG.integers(0, 256, (200, 200, 3), np.uint8)).save(folder / "a_mask.png")
    draw_pair(folder, "b", 20, 20)


def far_away(folder):
    write_scene(folder / "a.tif", west=WEST + 90_000)
    write_layer(folder / "a.gpkg", squares(), kind=classes_of())


def nowhere(folder):
    write_scene(folder / "a.tif", crs=None)
    write_layer(folder / "a.shp", squares(), None, kind=classes_of())


def unlike(folder):
    for name, bands in (("a", 5), ("b", 5), ("c", 6)):
        write_scene(folder / f"{name}.tif", bands, "uint16")
    write_layer(folder / "a.gpkg", squares(), kind=classes_of())


def unlabelled(folder):
    write_scene(folder / "a.tif")
    (folder / "b.tif").write_bytes(b"II*\0")


@pytest.mark.parametrize(
    ("write", "lines"),
    [
        (broken_pairs, ["b_sat.png: no mask", "c_sat.png: not readable", "d_mask.png: its size"]),
        (jpeg_masks, ["no masks/NAME.png", "part_001.jpg is a JPEG, whose compression changes pixels"]),
        (noise, ["masks have more than 20000 colours"]),
        (far_away, ["no label lies in any scene"]),
        (nowhere, ["a.tif: no reference system", "a.shp: the layer has no reference system"]),
        (unlike, ["c.tif: 6 bands of uint16, most others have 5"]),
        (unlabelled, ["b.tif: not readable", "no labels: no polygons, points or raster"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_has_a_line_each(folder, write, lines):
    write(folder)
    problems = check_data_set(folder).problems
    for line in lines:
        assert [problem for problem in problems if line in problem], problems
    assert not any("\n" in problem for problem in problems)


def test_invalid_geometries_are_noted(folder):
    write_scene(folder / "a.tif")
    bow = shapely.Polygon([(WEST, NORTH), (WEST + 300, NORTH - 300), (WEST + 300, NORTH), (WEST, NORTH - 300)])
    write_layer(folder / "a.gpkg", [bow, *squares()], kind=["lake", *classes_of()])
    findings = check_data_set(folder)
    assert not findings.problems
    assert any("1 rows with invalid geometry" in line for line in findings.notes)


def test_a_misspelt_class_is_noted(folder):
    write_scene(folder / "a.tif")
    write_layer(folder / "a.gpkg", squares(), kind=["feild", *classes_of()[1:]])
    findings = check_data_set(folder)
    assert "data/a.gpkg: 'feild' (1) is almost 'field' (11): is it the same class?" in findings.notes


def test_a_column_that_is_not_there_is_refused_by_its_key(folder):
    write_scene(folder / "a.tif")
    write_layer(folder / "a.gpkg", squares(), kind=classes_of())
    problems = check_data_set(folder, column="class").problems
    assert problems == ["data/a.gpkg: no column 'class' (data.column); there is kind."]


def test_what_is_no_data_set_is_one_line(folder):
    (folder / "notes.txt").write_text("")
    with pytest.raises(LandcoverError, match="data: neither pairs of images and masks"):
        check_data_set(folder)
    with pytest.raises(LandcoverError, match="nowhere: no such file or folder"):
        check_data_set("nowhere")


def test_the_command_prints_text_or_json_and_ends_with_1_if_something_is_wrong(folder):
    draw_pair(folder, "a", 40, 40)
    draw_pair(folder, "b", 40, 40)
    done = landcover("check", "data", folder=folder.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\ndata:\n  root: data\n  layout: pairs\n" in done.stdout
    (folder / "b_mask.png").unlink()
    done = landcover("check", "data", "--json", folder=folder.parent)
    assert done.returncode == 1
    assert done.stderr.startswith("error: data/b_sat.png: no mask")
    found = json.loads(done.stdout)
    assert found["data"]["layout"] == "pairs"
    assert len(found["problems"]) == 2  # only one pair is left

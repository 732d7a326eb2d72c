import json

import numpy as np
import pytest
import rasterio
import torch
from catalogs import BANDS, COLLECTION, inner_box, item, serving, write_catalog, write_item
from conftest import TABLE, landcover

from landcover.geo.stac_access import item_of
from landcover.geo.stac_composites import write_composite
from landcover.geo.stac_scenes import composite_scene, scene_of, warn_of_units
from landcover.geo.stac_search import Query
from landcover.images.image_spec import ImageSpec
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build
from landcover.system.errors import LandcoverError

NAMES = ("red", "green", "blue", "swir16")
WORLD = Query((-180.0, -90.0, 180.0, 90.0))


@pytest.fixture
def model(tmp_path):
    """An untrained model of four bands of 16 bits."""
    torch.manual_seed(0)
    images = ImageSpec(NAMES, "uint16", (2500.0,) * 4, (1400.0,) * 4, (100.0,) * 4, (4900.0,) * 4)
    save_model(
        Model(build(Architecture("fcn8s", "resnet18"), len(TABLE), images), TABLE, 1.0), tmp_path / "m.safetensors"
    )
    return tmp_path / "m.safetensors"


def items(folder, *contents):
    return [item_of(content, folder / content["id"] / "item.json") for content in contents]


def test_an_item_here_is_mapped_under_its_id_and_is_the_source_of_the_map_s_item(tmp_path, model):
    write_item(tmp_path, item(tmp_path, "S2A_1"))
    done = landcover("predict", "S2A_1/item.json", "-m", model, "-o", "maps", "--stac-item", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "maps: 1 masks\n"), done.stderr
    with rasterio.open(tmp_path / "maps" / "S2A_1_mask.tif") as file:
        assert file.shape == (64, 64)
        assert file.crs == "EPSG:32633"
        assert file.tags()["BANDS"] == "1,2,3,4"
    content = json.loads((tmp_path / "maps" / "S2A_1_mask.json").read_text())
    assert content["properties"]["datetime"] == "2024-06-01T10:00:00Z"
    assert [link["href"] for link in content["links"] if link["rel"] == "derived_from"] == ["../S2A_1/item.json"]
    done = landcover("predict", "S2A_1/item.json", "-m", model, "-o", "maps", "--stac-item", folder=tmp_path)
    assert done.stdout.startswith("maps: 0 masks; 1 kept")


def test_other_bands_are_chosen_by_name(tmp_path, model):
    write_item(tmp_path, item(tmp_path, "a"))
    chosen = ("predict", "a/item.json", "-m", model, "-o", "maps", "--bands")
    assert landcover(*chosen, "nir,green,blue,swir16", folder=tmp_path).returncode == 0
    for bands, message in (("1,2,3,4", "give names"), ("red,green", "Name as many"), ("red,green,blue,pan", "pan")):
        done = landcover(*chosen, bands, folder=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert message in done.stderr


@pytest.mark.parametrize(
    ("href", "message"),
    [("https://user:SECRET@h/x.tif?key=SECRET", "by its URL instead"), ("/etc/passwd", "not in its folder")],
)
def test_an_item_here_reads_nothing_elsewhere(tmp_path, model, href, message):
    content = item(tmp_path, "a")
    content["assets"]["red"]["href"] = href
    write_item(tmp_path, content)
    done = landcover("predict", "a/item.json", "-m", model, "-o", "maps", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert message in done.stderr
    assert "SECRET" not in done.stderr
    assert not (tmp_path / "maps").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--stac", "http://h/c.json"),
        ("--bbox", "1,2,3,4"),
        ("--stac", "http://h/c.json", "--bbox", "1,2,3"),
        ("--stac", "http://h/c.json", "--bbox", "1,4,3,2"),
        ("--stac", "http://h/c.json", "--bbox", "1,2,3,4", "--datetime", "noon"),
    ],
)
def test_options_that_do_not_fit_are_errors_of_usage(tmp_path, model, arguments):
    assert landcover("predict", "-m", model, "-o", "maps", *arguments, folder=tmp_path).returncode == 2


def test_a_range_of_time_is_for_a_search(tmp_path, model):
    write_item(tmp_path, item(tmp_path, "a"))
    arguments = ("a/item.json", "-m", model, "-o", "maps", "--stac-item", "--datetime", "2024/2025")
    done = landcover("predict", *arguments, folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "is for a search" in done.stderr


def test_different_units_are_a_warning_and_an_error_of_a_median(tmp_path, capsys):
    old, new = item(tmp_path, "old"), item(tmp_path, "new", day="2024-06-02")
    for asset in list(new["assets"].values())[: len(BANDS)]:
        asset["raster:bands"][0]["offset"] = -0.1
    both = items(tmp_path, old, new)
    warn_of_units([scene_of(one, NAMES, "uint16") for one in both])
    assert "old and new: their values have different units" in capsys.readouterr().err
    warn_of_units([scene_of(both[1], NAMES, "uint16")])
    assert "scale 0.0001, offset -1000 steps" in capsys.readouterr().err
    warn_of_units([scene_of(both[0], NAMES, "uint16")])
    assert capsys.readouterr().err == ""
    with pytest.raises(LandcoverError, match="different units"):
        composite_scene(both, NAMES, "uint16", WORLD)


def test_a_median_is_that_of_all_items_without_clouds(tmp_path, capsys):
    contents = [item(tmp_path, name, day=f"2024-06-0{day}") for day, name in enumerate("abc", 1)]
    pixels = {one["id"]: rasterio.open(tmp_path / one["id"] / "B04.tif").read(1) for one in contents}
    for one in contents:  # b has a cloud in the upper half; nothing is seen in the left column
        scl = np.full((1, 64, 64), 4, np.uint8)
        scl[:, :32] = 9 if one["id"] == "b" else 4
        scl[:, :, 0] = 0
        with rasterio.open(tmp_path / one["id"] / "B04.tif") as red:
            profile = red.profile | {"dtype": "uint8"}
        with rasterio.open(tmp_path / one["id"] / "SCL.tif", "w", **profile) as file:
            file.write(scl)
        one["assets"]["scl"] = {"href": "./SCL.tif", "type": "image/tiff", "roles": ["data"]}
    made = composite_scene(items(tmp_path, *contents), ("red", "swir16"), "uint16", WORLD)
    assert made.scene.name.startswith("sentinel-2-l2a_median_")
    write_composite(made.composite, tmp_path / "median.tif", quiet=False)
    assert "no clouds are hidden" not in capsys.readouterr().err
    with rasterio.open(tmp_path / "median.tif") as file:
        assert file.descriptions == ("red", "swir16")
        left, top = (round(value) for value in ~file.transform * (500_000, 5_000_000))
        red = file.read(1)[top : top + 64, left : left + 64]
        valid = file.read_masks(1)[top : top + 64, left : left + 64] > 0
    assert not valid[:, 0].any()
    assert valid[:, 1:].all()
    below, above = (np.median([pixels[name] for name in names], axis=0) for names in ("abc", "ac"))
    assert np.abs(red[32:, 1:] - below[32:, 1:]).max() <= 1
    assert np.abs(red[:32, 1:] - above[:32, 1:]).max() <= 1


def test_a_median_is_of_the_box_alone(tmp_path):
    contents = [item(tmp_path, name, day=f"2024-06-0{day}") for day, name in enumerate("ab", 1)]
    query = Query(tuple(inner_box(0)))
    made = composite_scene(items(tmp_path, *contents), ("red",), "uint16", query)
    write_composite(made.composite, tmp_path / "median.tif", quiet=True)
    with rasterio.open(tmp_path / "median.tif") as file:
        assert 30 <= min(file.shape) <= max(file.shape) <= 36
        assert file.read_masks(1).all()
    assert made.scene.name != composite_scene(items(tmp_path, *contents), ("red",), "uint16", WORLD).scene.name


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """A server with items of two tiles and two days."""
    folder = tmp_path_factory.mktemp("catalog")
    items = [item(folder, f"t{tile}_{day}", tile, f"2024-06-0{day}", day) for tile in (0, 1) for day in (1, 2)]
    write_catalog(folder, items)
    with serving(folder, items) as (url, asked):
        yield url, asked


def searched(url, box, *more):
    box = ",".join(map(str, box))
    return ("predict", "--stac", url, "--collection", COLLECTION, "--bbox", box, "--datetime", "2024-06", *more)


@pytest.mark.long
@pytest.mark.parametrize("path", ["catalog.json", "api"])
def test_a_search_gives_a_map_of_the_box_for_each_tile(tmp_path, model, catalog, path):
    url, _ = catalog
    west, south, _, north = inner_box(0)
    box = west, south, inner_box(1)[2], north
    command = searched(f"{url}/{path}", box, "-m", model, "-o", "maps", "--stac-item")
    done = landcover(*command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "maps: 2 masks\n"), done.stderr
    assert "of 4 items the least cloudy of each tile: t0_1 (1 % cloud), t1_1 (1 % cloud)" in done.stderr
    for name, width in (("t0_1", 48), ("t1_1", 48)):
        with rasterio.open(tmp_path / "maps" / f"{name}_mask.tif") as file:
            assert abs(file.width - width) <= 2
            assert 30 <= file.height <= 36
    content = json.loads((tmp_path / "maps" / "t0_1_mask.json").read_text())
    assert [link["href"] for link in content["links"]] == [f"{url}/t0_1/item.json"]
    assert landcover(*command, folder=tmp_path).stdout.startswith("maps: 0 masks; 2 kept")
    done = landcover(*searched(f"{url}/{path}", inner_box(0), "-m", model, "-o", "maps"), folder=tmp_path)
    assert (done.returncode, done.stderr.count("error")) == (1, 1)
    assert "of another --bbox" in done.stderr


@pytest.mark.long
def test_a_map_of_an_item_elsewhere_is_that_of_the_item_here(tmp_path, model, catalog):
    url, asked = catalog
    write_item(tmp_path, item(tmp_path, "t0_1", 0, "2024-06-01", 1))
    asked.clear()
    for source, folder in (("t0_1/item.json", "here"), (f"{url}/t0_1/item.json?key=SECRET", "there")):
        done = landcover("predict", source, "-m", model, "-o", folder, "--stac-item", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "SECRET" not in done.stderr + done.stdout
    here, there = ((tmp_path / folder / "t0_1_mask.tif").read_bytes() for folder in ("here", "there"))
    assert here == there
    assert "SECRET" not in (tmp_path / "there" / "t0_1_mask.json").read_text()
    assert {path.rpartition("/")[2] for path in asked} == {"item.json", "B02.tif", "B03.tif", "B04.tif", "B11.tif"}


@pytest.mark.long
def test_a_median_of_a_search_is_one_map(tmp_path, model, catalog):
    url, _ = catalog
    command = searched(f"{url}/api", inner_box(1), "-m", model, "-o", "maps", "--composite", "median", "--stac-item")
    done = landcover(*command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "maps: 1 masks\n"), done.stderr
    (path,) = (tmp_path / "maps").glob("sentinel-2-l2a_median_*_mask.json")
    content = json.loads(path.read_text())
    assert [link["href"] for link in content["links"]] == [f"{url}/t1_{day}/item.json" for day in (1, 2)]
    assert content["properties"]["start_datetime"] == "2024-06-01T10:00:00Z"
    assert content["properties"]["end_datetime"] == "2024-06-02T10:00:00Z"
    assert not [one for one in (tmp_path / "maps").iterdir() if one.name.startswith(".partial")]
    assert landcover(*command, folder=tmp_path).stdout.startswith("maps: 0 masks; 1 kept")


@pytest.mark.long
def test_an_asset_that_is_missing_is_an_error_of_one_line(tmp_path, model):
    content = item(tmp_path, "a")
    content["assets"]["red"]["href"] = "./missing.tif?key=SECRET"
    write_item(tmp_path, content)
    with serving(tmp_path) as (url, _):
        done = landcover("predict", f"{url}/a/item.json", "-m", model, "-o", "maps", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "a/missing.tif" in done.stderr
    assert "SECRET" not in done.stderr

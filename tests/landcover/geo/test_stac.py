import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pystac
import pytest
import rasterio
from conftest import landcover, write_geotiff
from rasterio.transform import Affine

from landcover.classes.class_table import ClassTable
from landcover.geo.geotiff import write_cog
from landcover.geo.geotiff import write_geotiff as write_map
from landcover.geo.stac import write_stac_item
from landcover.geo.stac_files import add_polygons, check_item
from landcover.geo.times import parsed_time, time_of
from landcover.models.model_file import load_model
from landcover.rasters.raster import open_raster
from landcover.system.errors import LandcoverError

TIME = datetime(2024, 6, 1, 10, 30, tzinfo=UTC)


def image(folder, tags=None, **place):
    write_geotiff(folder / "scene.tif", np.full((3, 40, 50), 90, np.uint8), photometric="RGB", **place)
    if tags:
        with rasterio.open(folder / "scene.tif", "r+") as file:
            file.update_tags(**tags)


def item_of(folder, model_file, *, write=write_map, time=TIME, polygons=None, **place):
    """The item of a map."""
    image(folder, **place)
    model, path = load_model(model_file), folder / "maps" / "scene_mask.tif"
    with open_raster(folder / "scene.tif") as raster:
        write(path, [np.zeros((40, 50), np.uint8)], raster, model.classes, {})
    write_stac_item(path.with_suffix(".json"), path, folder / "scene.tif", model, time)
    if polygons:
        add_polygons(path.with_suffix(".json"), polygons)
    content = json.loads(path.with_suffix(".json").read_text())
    validate(content)
    return content


def validate(content):
    """By the schema of STAC's core, which comes with pystac; the extensions' are only on the network."""
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing.jsonschema")
    from pystac.validation.local_validator import get_local_schema_cache
    from referencing import Registry

    schemas = get_local_schema_cache()
    resources = [(name, referencing.DRAFT7.create_resource(schema)) for name, schema in schemas.items()]
    (name,) = (name for name in schemas if name.endswith("/item.json"))
    validator = jsonschema.Draft7Validator(schemas[name], registry=Registry().with_resources(resources))
    assert [error.message for error in validator.iter_errors(content)] == []
    assert pystac.Item.from_dict(content).to_dict(include_self_link=False, transform_hrefs=False) == content


def test_an_item_says_what_the_map_is_and_where(tmp_path, model_file, classes):
    content = item_of(tmp_path, model_file, write=write_cog)
    properties, asset = content["properties"], content["assets"]["map"]
    assert content["id"] == "scene_mask"
    assert content["bbox"] == pytest.approx([15, 45.1498, 15.0064, 45.1534], abs=1e-3)
    assert properties["datetime"] == "2024-06-01T10:30:00Z"
    assert properties["proj:code"] == "EPSG:32633"
    assert properties["proj:shape"] == [40, 50]
    assert properties["proj:transform"] == [10, 0, 500000, 0, -10, 5000000]
    assert properties["mlm:architecture"] == "fcn8s on resnet18"
    assert properties["mlm:input"][0]["bands"] == ["red", "green", "blue"]
    assert asset["href"] == "./scene_mask.tif"
    assert asset["type"] == pystac.MediaType.COG
    assert asset["raster:bands"] == [{"nodata": 255, "data_type": "uint8", "spatial_resolution": 10.004}]
    described = asset["classification:classes"]
    assert [one["title"] for one in described] == [*classes.names, "unknown"]
    assert [one.get("color_hint") for one in described] == ["00FFFF", "00FF00", "0000FF", None]
    assert [one["value"] for one in described if one.get("nodata")] == [255]
    assert {key: one["href"] for key, one in content["assets"].items()} == {
        "map": "./scene_mask.tif",
        "style": "./scene_mask.qml",
        "attribute_table": "./scene_mask.tif.aux.xml",
    }


def test_polygons_become_an_asset(tmp_path, model_file):
    content = item_of(tmp_path, model_file, polygons=tmp_path / "scene.gpkg")
    asset = content["assets"]["polygons"]
    assert (asset["href"], asset["type"]) == ("../scene.gpkg", "application/geopackage+sqlite3")


def test_the_second_run_keeps_the_item_and_a_missing_one_is_written_with_its_map(tmp_path, model_file):
    image(tmp_path)
    arguments = ("predict", "scene.tif", "-m", model_file, "-o", "maps", "--stac-item")
    arguments += ("--datetime", "2024-06-01T12:30+02:00", "--polygons", "scene.geojson")
    path = tmp_path / "maps" / "scene_mask.json"
    assert landcover(*arguments, folder=tmp_path).stdout.startswith("scene.geojson: ")
    before = path.read_bytes()
    content = json.loads(before)
    validate(content)
    assert content["properties"]["datetime"] == "2024-06-01T10:30:00Z"
    assert sorted(content["assets"]) == ["attribute_table", "map", "polygons", "style"]
    assert landcover(*arguments, folder=tmp_path).stdout.startswith("maps: 0 masks; 1 kept")
    path.unlink()
    assert landcover(*arguments, folder=tmp_path).stdout == "maps: 1 masks\n"
    assert path.read_bytes() == before


def test_a_map_across_the_180th_meridian_has_a_geometry_of_two_parts_and_a_box_from_west_to_east(tmp_path, model_file):
    place = {"crs": "EPSG:32760", "transform": Affine(10_000, 0, 700_000, 0, -10_000, 8_000_000)}
    content = item_of(tmp_path, model_file, **place)
    assert content["geometry"]["type"] == "MultiPolygon"
    west, south, east, north = content["bbox"]
    assert 170 < west < 180
    assert -180 < east < -170
    assert south < north


def test_a_map_without_a_place_on_earth_has_no_geometry(tmp_path, model_file):
    content = item_of(tmp_path, model_file, crs=None, transform=Affine.identity())
    assert content["geometry"] is None
    assert "bbox" not in content
    assert content["properties"]["proj:shape"] == [40, 50]


def test_without_a_time_the_item_spans_the_time_before_the_file_and_a_note_says_so(tmp_path, model_file, capsys):
    properties = item_of(tmp_path, model_file, time=None)["properties"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"note: {tmp_path / 'scene.tif'}: does not tell its time")
    assert properties["datetime"] is None
    assert properties["start_datetime"] < properties["end_datetime"]
    assert parsed_time(properties["end_datetime"]).timestamp() == int((tmp_path / "scene.tif").stat().st_mtime)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"TIFFTAG_DATETIME": "2024:06:01 10:30:00"}, TIME),
        ({"ACQUISITIONDATETIME": "2024-06-01T10:30:00Z", "TIFFTAG_DATETIME": "2025:01:01 00:00:00"}, TIME),
        ({"ACQUISITION_DATE": "2024-06-01"}, datetime(2024, 6, 1, tzinfo=UTC)),
        ({"TIFFTAG_DATETIME": "yesterday"}, None),
        ({}, None),
    ],
)
def test_an_image_tells_its_time_in_its_tags(tmp_path, tags, expected):
    image(tmp_path, tags)
    assert time_of(tmp_path / "scene.tif") == expected


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"type": "Feature", "stac_version": "1.1.0", "properties": {}}'])
def test_a_file_of_another_kind_is_never_replaced(tmp_path, model_file, content):
    image(tmp_path)
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "scene_mask.json").write_text(content)
    done = landcover("predict", "scene.tif", "-m", model_file, "-o", "maps", "--stac-item", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "scene_mask.json: not a STAC item that this program wrote" in done.stderr
    assert (tmp_path / "maps" / "scene_mask.json").read_text() == content
    assert not (tmp_path / "maps" / "scene_mask.tif").exists()


def test_a_time_needs_an_item_and_must_be_one(tmp_path, model_file):
    image(tmp_path)
    arguments = ("predict", "scene.tif", "-m", model_file, "-o", "maps", "--datetime")
    assert landcover(*arguments, "2024-06-01", folder=tmp_path).returncode == 1
    assert landcover(*arguments, "noon", "--stac-item", folder=tmp_path).returncode == 2


def test_names_of_classes_fit_the_extension_and_titles_are_as_they_are(tmp_path, model_file):
    item_of(tmp_path, model_file)
    model = load_model(model_file)
    colours = {"a b": (1, 1, 1), "a-b": (2, 2, 2), "a_b": (3, 3, 3), "緑": (4, 4, 4)}
    model = replace(model, classes=ClassTable(colours))
    write_stac_item(tmp_path / "x.json", tmp_path / "maps" / "scene_mask.tif", tmp_path / "scene.tif", model, TIME)
    described = json.loads((tmp_path / "x.json").read_text())["assets"]["map"]["classification:classes"][:-1]
    assert [one["name"] for one in described] == ["a_b", "a-b", "class_2", "class_3"]
    assert [one["title"] for one in described] == list(colours)


def test_only_items_of_this_program_take_polygons(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(LandcoverError, match="not a STAC item"):
        add_polygons(tmp_path / "a.json", tmp_path / "a.gpkg")
    check_item(tmp_path / "missing.json")

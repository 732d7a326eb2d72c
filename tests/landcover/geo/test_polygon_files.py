import json
import os
import sqlite3

import geopandas
import numpy as np
import pytest
import shapely
from conftest import write_geotiff, write_labels

from landcover.geo.polygon_files import POLYGON_FORMATS, digest, format_of, recipe, source_of
from landcover.geo.polygons import write_polygons
from landcover.system.errors import LandcoverError

NAMES = [*(f"out{suffix}" for suffix in POLYGON_FORMATS), "a name with % and ü?.GPKG", "out.GeoJSON"]


@pytest.fixture
def write_ours(tmp_path):
    """A function that writes the polygons of `map.tif` to a file."""
    write_labels(tmp_path / "map.tif", np.random.default_rng(0).integers(3, size=(60, 60), dtype=np.uint8))

    def write(name):
        write_polygons(tmp_path / name, tmp_path / "map.tif")
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", NAMES)
def test_a_file_notes_its_map(write_ours, tmp_path, name):
    path = write_ours(name)
    assert source_of(path) == digest(tmp_path / "map.tif")
    (tmp_path / "link").symlink_to(path)
    assert source_of((tmp_path / "link").rename(tmp_path / f"link{path.suffix}")) == digest(tmp_path / "map.tif")


@pytest.mark.parametrize("name", NAMES)
def test_polygons_of_another_map_are_replaced(write_ours, tmp_path, name):
    path = write_ours(name)
    write_labels(tmp_path / "map.tif", np.zeros((5, 5), np.uint8))
    assert source_of(path) != digest(tmp_path / "map.tif")
    assert write_polygons(path, tmp_path / "map.tif") == 1
    assert source_of(path) == digest(tmp_path / "map.tif")


def test_a_file_notes_the_options_by_which_polygons_were_reduced():
    recipes = {recipe("0" * 64, *options) for options in [(None, None), (9.0, None), (None, 9.0), (9.0, 9.0), (8, 9)]}
    assert len(recipes) == 5
    assert recipe("0" * 64, None, None) == "0" * 64
    assert {len(one) for one in recipes} == {64}


def test_a_name_that_is_not_utf8_is_an_error(tmp_path):
    with pytest.raises(LandcoverError, match="not UTF-8"):
        source_of(tmp_path / os.fsdecode(b"\xff.gpkg"))


def test_an_unknown_suffix_is_an_error_that_lists_the_formats(tmp_path):
    with pytest.raises(LandcoverError, match=r"out\.shp: not the name of a file of polygons\. .*\.gpkg or \.geojson"):
        source_of(tmp_path / "out.shp")


def test_a_missing_file_has_no_source(tmp_path):
    assert source_of(tmp_path / "out.gpkg") is None


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_not_recognised(write_ours, name):
    path = write_ours(name)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(LandcoverError, match="Name another file"):
        source_of(path)


def other_programs(path):
    frame = geopandas.GeoDataFrame({"class": ["water"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    frame.to_file(path, driver=format_of(path).driver)


def described_otherwise(path):
    other_programs(path)
    if path.suffix == ".geojson":
        content = {"type": "FeatureCollection", "description": "Polygons by landcover", "features": []}
        path.write_text(json.dumps(content))


def raster(path):
    write_geotiff(path.with_suffix(".tif"), np.zeros((1, 5, 5), np.uint8))
    path.with_suffix(".tif").rename(path)


def link_to_nothing(path):
    path.symlink_to("nowhere")


@pytest.mark.parametrize("name", [f"out{suffix}" for suffix in POLYGON_FORMATS])
@pytest.mark.parametrize(
    "make",
    [
        other_programs,
        described_otherwise,
        raster,
        link_to_nothing,
        os.mkfifo,
        lambda path: path.mkdir(),
        lambda path: path.symlink_to(os.devnull),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"SQLite format 3\0 and no more"),
        lambda path: path.write_bytes(b'{"type": "FeatureCollection"'),
        lambda path: path.write_bytes(os.urandom(100_000)),
    ],
)
def test_other_files_are_an_error_that_says_what_to_do(tmp_path, name, make):
    path = tmp_path / name
    make(path)
    with pytest.raises(LandcoverError, match="Name another file") as error:
        source_of(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_geopackage_with_an_added_layer_is_not_recognised(write_ours):
    path = write_ours("out.gpkg")
    geopandas.read_file(path).head(1).to_file(path, layer="mine")
    with pytest.raises(LandcoverError, match="Name another file"):
        source_of(path)


def test_a_geopackage_with_an_added_style_is_recognised(write_ours, tmp_path):
    path = write_ours("out.gpkg")
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, styleQML TEXT)")
        file.execute("INSERT INTO gpkg_contents (table_name, data_type) VALUES ('layer_styles', 'attributes')")
    file.close()
    assert source_of(path) == digest(tmp_path / "map.tif")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.mkdir(), lambda path: None])
def test_only_files_have_a_digest(tmp_path, make):
    make(tmp_path / "map.tif")
    with pytest.raises(LandcoverError, match=r"map.tif: cannot be read"):
        digest(tmp_path / "map.tif")

import sqlite3
import subprocess
from contextlib import closing
from shutil import which
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest
import rasterio
from conftest import TABLE, write_labels

from landcover.geo.polygons import write_polygons


def drawn(folder, colours=True, name="a map's.gpkg", names=None):
    write_labels(folder / "map.tif", np.arange(12, dtype=np.uint8).reshape(3, 4) % 3)
    with rasterio.open(folder / "map.tif", "r+") as file:
        if colours:
            file.write_colormap(1, dict(enumerate(TABLE.colours.values())))
        if names:
            file.update_tags(CLASS_NAMES=names)
    write_polygons(folder / name, folder / "map.tif")
    return folder / name


def rows(path, query):
    with closing(sqlite3.connect(path)) as file:
        return file.execute(query).fetchall()


def test_a_geopackage_has_a_style_of_the_classes_that_is_its_default(tmp_path):
    path = drawn(tmp_path)
    ((table, column, default, style),) = rows(
        path, "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
    )
    assert (table, column, default) == ("a map's", "geom", 1)
    categories = list(ElementTree.fromstring(style).iter("category"))
    assert [category.get("value") for category in categories] == TABLE.names
    fills = [
        option.get("value") for option in ElementTree.fromstring(style).iter("Option") if option.get("name") == "color"
    ]
    assert fills == ["0,255,255,255", "0,255,0,255", "0,0,255,255"]


def test_the_style_is_no_layer_of_its_own(tmp_path):
    path = drawn(tmp_path)
    assert [name for name, kind in pyogrio.list_layers(path) if kind] == ["a map's"]
    assert len(pyogrio.read_dataframe(path)) == 12


def test_names_of_any_characters_are_in_the_style(tmp_path):
    path = drawn(tmp_path, names='{"0": "<\\"&> ü", "1": "it\'s", "2": "緑"}')
    ((style,),) = rows(path, "SELECT styleQML FROM layer_styles")
    labels = [category.get("label") for category in ElementTree.fromstring(style).iter("category")]
    assert labels == ['<"&> ü', "it's", "緑"]


def test_polygons_of_a_map_without_colours_have_no_style(tmp_path):
    assert rows(drawn(tmp_path, colours=False), "SELECT name FROM sqlite_master WHERE name = 'layer_styles'") == []


def test_a_geopackage_is_of_version_1_2(tmp_path):
    assert rows(drawn(tmp_path), "PRAGMA user_version") == [(10200,)]


@pytest.mark.skipif(not which("ogrinfo"), reason="ogrinfo is not installed")
def test_older_versions_of_gdal_read_a_geopackage_without_a_warning(tmp_path):
    done = subprocess.run(["ogrinfo", "-al", drawn(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.count("OGRFeature") >= 12

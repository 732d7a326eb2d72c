import geopandas
import numpy as np
import pytest
import shapely
from label_files import (
    FIELD,
    LEFT,
    SCENE,
    TOP,
    WATER,
    labels_on,
    open_file,
    square,
    utm_grid,
    whole,
    write_codes,
    write_layer,
)
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.system.errors import LandcoverError


@pytest.fixture
def polygons(tmp_path):
    return write_layer(tmp_path / "labels.gpkg", [square(10, 10, 30), square(90, 90, 40)])


def test_outside_of_the_areas_all_is_unknown(tmp_path, polygons):
    write_layer(
        tmp_path / "area.geojson", list(geopandas.GeoSeries([square(20, 20, 50)], crs=32633).to_crs(4326)), 4326
    )
    labels = labels_on(polygons, utm_grid(), area="area.geojson")
    assert (labels[20:40, 20:40] == FIELD).all()
    assert (labels != UNKNOWN).sum() == 400


def test_the_rest_of_the_areas_has_the_class_for_it(tmp_path, polygons):
    write_layer(tmp_path / "area.gpkg", [square(20, 20, 50)], name=["here"])
    labels = labels_on(polygons, utm_grid(), area="area.gpkg", rest="water")
    assert (labels == FIELD).sum() == 400
    assert (labels == WATER).sum() == 2100


def test_without_areas_the_rest_is_the_whole_scene(polygons):
    labels = labels_on(polygons, utm_grid(), rest="water")
    assert not (labels == UNKNOWN).any()


def test_windows_without_labels_are_left_out(tmp_path, polygons):
    write_layer(tmp_path / "area.gpkg", [square(0, 0, 20), square(300, 300, 10)], name=["here", "there"])
    grid = utm_grid(512)

    def windows(area=None, **options):
        labels = open_file(polygons, area, **options).on(grid, SCENE)
        return [tuple(map(int, window.flatten())) for window in labels.windows(100)]

    assert windows() == [(0, 0, 100, 100), (100, 0, 100, 100), (0, 100, 100, 100), (100, 100, 100, 100)]
    assert windows("area.gpkg") == [(0, 0, 100, 100)]
    assert windows("area.gpkg", rest="water") == [(0, 0, 100, 100), (300, 300, 100, 100)]
    assert len(windows(rest="water")) == 36
    assert windows(rest="water")[-1] == (500, 500, 12, 12)


def test_rasters_are_limited_too(tmp_path):
    write_layer(tmp_path / "area.gpkg", [square(20, 20, 5)], name=["here"])
    path = write_codes(tmp_path / "codes.tif", np.ones((100, 100), np.uint8), utm_grid())
    codes = {"field": (1,), "forest": (2,), "water": (3,)}
    assert (labels_on(path, utm_grid(), area="area.gpkg", codes=codes) == FIELD).sum() == 25


def test_an_empty_file_of_areas_is_an_error(tmp_path, polygons):
    geopandas.GeoDataFrame({"name": []}, geometry=[], crs=32633).to_file(
        tmp_path / "area.gpkg", geometry_type="Polygon"
    )
    with pytest.raises(LandcoverError, match=r"area\.gpkg: the layer is empty"):
        open_file(polygons, "area.gpkg")


def test_areas_of_points_are_an_error(tmp_path, polygons):
    write_layer(tmp_path / "area.gpkg", [shapely.Point(LEFT, TOP)])
    with pytest.raises(LandcoverError, match=r"area\.gpkg: points, where areas of interest \(`area`\) are polygons"):
        open_file(polygons, "area.gpkg")


def test_a_scene_outside_of_the_areas_meets_nothing(tmp_path, polygons):
    write_layer(tmp_path / "area.gpkg", [square(1000, 1000, 20)], name=["far"])
    labels = open_file(polygons, "area.gpkg", rest="water").on(utm_grid(), SCENE)
    assert not labels.meets()
    assert not list(labels.windows(50))
    assert (whole(labels, utm_grid()) == UNKNOWN).all()
    assert (labels.read(Window(0, 0, 5, 5)) == UNKNOWN).all()

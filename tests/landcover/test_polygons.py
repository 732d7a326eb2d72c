import json

import geopandas
import numpy as np
import pytest
import rasterio
from conftest import write_geotiff
from pyproj import Geod
from rasterio.features import rasterize
from rasterio.transform import Affine

from landcover.classes import IGNORE
from landcover.polygons import write_polygons

DEGREES = {"crs": "EPSG:4326", "transform": Affine(0.1, 0, 7, 0, -0.1, 50)}
ROTATED = Affine.translation(4e5, 6e6) @ Affine.rotation(30) @ Affine.scale(10, -10)


def blocks(height=40, width=30):
    labels = np.random.default_rng(0).integers(3, size=(height // 5, width // 5), dtype=np.uint8)
    labels[0, :2] = IGNORE
    return labels.repeat(5, 0).repeat(5, 1)


def polygons(folder, classes, labels, name="out.gpkg", **place):
    write_geotiff(folder / "map.tif", labels[None], nodata=IGNORE, **place)
    count = write_polygons(folder / name, folder / "map.tif", classes)
    frame = geopandas.read_file(folder / name)
    assert len(frame) == count
    assert frame.is_valid.all()
    return frame


@pytest.mark.parametrize("name", ["out.gpkg", "out.GeoJSON"])
@pytest.mark.parametrize("place", [{}, DEGREES, {"transform": ROTATED}])
def test_each_pixel_lies_in_a_polygon_of_its_class(tmp_path, classes, name, place):
    labels = blocks()
    frame = polygons(tmp_path, classes, labels, name, **place)
    with rasterio.open(tmp_path / "map.tif") as file:
        shapes = zip(frame.to_crs(file.crs).geometry, frame["class"].map(classes.names.index), strict=True)
        drawn = rasterize(shapes, labels.shape, IGNORE, transform=file.transform, dtype="uint8")
    assert (drawn == labels).all()
    assert frame.crs == (place.get("crs", "EPSG:32633") if name == "out.gpkg" else "EPSG:4326")


def test_areas_are_those_of_the_pixels(tmp_path, classes):
    labels = blocks()
    frame = polygons(tmp_path, classes, labels)
    # On its central meridian, where this map lies, UTM draws areas 0.08 % too small.
    for label, name in enumerate(classes.names):
        area = frame[frame["class"] == name]["area_m2"].sum()
        assert area == pytest.approx((labels == label).sum() * 100 / 0.9996**2, rel=1e-4)


def test_areas_of_pixels_in_degrees_shrink_towards_the_poles(tmp_path, classes):
    labels = np.array([[0], [1], [2]], np.uint8)
    transform = Affine(1, 0, 10, 0, -30, 90)
    frame = polygons(tmp_path, classes, labels, crs="EPSG:4326", transform=transform).set_index("class")
    earth = Geod(ellps="WGS84")
    for name, south in zip(classes.names, (60, 30, 0), strict=True):
        # A parallel is no geodesic: it takes many points to follow it.
        east = np.linspace(10, 11, 1000)
        lon, lat = np.r_[east, east[::-1]], np.r_[np.full(1000, south), np.full(1000, south + 30)]
        assert frame["area_m2"][name] == pytest.approx(abs(earth.polygon_area_perimeter(lon, lat)[0]), rel=1e-6)


def test_the_whole_earth_has_the_area_of_the_earth(tmp_path, classes):
    labels = np.zeros((2700, 5400), np.uint8)
    frame = polygons(tmp_path, classes, labels, crs="EPSG:4326", transform=Affine(1 / 15, 0, -180, 0, -1 / 15, 90))
    assert frame["area_m2"].tolist() == [pytest.approx(510.0656e12, rel=1e-6)]


def test_without_a_reference_system_areas_are_in_the_unit_of_the_coordinates(tmp_path, classes):
    labels = blocks()
    frame = polygons(tmp_path, classes, labels, crs=None, transform=Affine.identity())
    assert frame["area"].sum() == (labels != IGNORE).sum()
    assert frame.crs is None


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_in_a_local_reference_system_areas_are_in_its_unit(tmp_path, classes, name):
    labels = blocks()
    frame = polygons(tmp_path, classes, labels, name, crs='LOCAL_CS["site",UNIT["metre",1]]')
    assert frame["area"].sum() == (labels != IGNORE).sum() * 100
    assert "area_m2" not in frame


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_a_map_without_data_has_no_polygons(tmp_path, classes, name):
    assert len(polygons(tmp_path, classes, np.full((9, 9), IGNORE, np.uint8), name)) == 0


def test_geojson_is_in_degrees_east_and_north(tmp_path, classes):
    polygons(tmp_path, classes, np.zeros((5, 5), np.uint8), "out.geojson")
    (feature,) = json.loads((tmp_path / "out.geojson").read_text())["features"]
    east, north = feature["geometry"]["coordinates"][0][0]
    assert (round(east), round(north)) == (15, 45)
    assert feature["properties"] == {"class": "urban", "area_m2": pytest.approx(2502, abs=1)}

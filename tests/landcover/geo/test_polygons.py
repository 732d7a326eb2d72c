import json
import os

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from conftest import write_geotiff, write_labels
from rasterio.control import GroundControlPoint
from rasterio.features import rasterize
from rasterio.transform import Affine

from landcover.classes.class_table import UNKNOWN
from landcover.geo.polygons import write_polygons
from landcover.system.errors import LandcoverError

DEGREES = {"crs": "EPSG:4326", "transform": Affine(0.1, 0, 7, 0, -0.1, 50)}
ROTATED = Affine.translation(4e5, 6e6) @ Affine.rotation(30) @ Affine.scale(10, -10)


def blocks(height=40, width=30):
    labels = np.random.default_rng(0).integers(3, size=(height // 5, width // 5), dtype=np.uint8)
    labels[0, :2] = UNKNOWN
    return labels.repeat(5, 0).repeat(5, 1)


def polygons(folder, labels, name="out.gpkg", **place):
    write_labels(folder / "map.tif", labels, **place)
    count = write_polygons(folder / name, folder / "map.tif")
    frame = geopandas.read_file(folder / name)
    assert len(frame) == count
    assert frame.is_valid.all()
    return frame


@pytest.mark.parametrize("name", ["out.gpkg", "out.GeoJSON"])
@pytest.mark.parametrize("place", [{}, DEGREES, {"transform": ROTATED}])
def test_each_pixel_lies_in_a_polygon_of_its_class(tmp_path, classes, name, place):
    labels = blocks()
    frame = polygons(tmp_path, labels, name, **place)
    with rasterio.open(tmp_path / "map.tif") as file:
        shapes = zip(frame.to_crs(file.crs).geometry, frame["class"].map(classes.names.index), strict=True)
        drawn = rasterize(shapes, labels.shape, UNKNOWN, transform=file.transform, dtype="uint8")
    assert (drawn == labels).all()
    assert frame.crs == (place.get("crs", "EPSG:32633") if name == "out.gpkg" else "EPSG:4326")


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_the_same_map_gives_the_same_polygons(tmp_path, name):
    first = polygons(tmp_path, blocks(), name)
    second = polygons(tmp_path, blocks(), name)
    assert first.equals(second)


def test_without_a_reference_system_areas_are_in_the_unit_of_the_coordinates(tmp_path):
    labels = blocks()
    frame = polygons(tmp_path, labels, crs=None, transform=Affine.identity())
    assert frame["area"].sum() == (labels != UNKNOWN).sum()
    assert frame.crs is None


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_in_a_local_reference_system_areas_are_in_its_unit(tmp_path, capsys, name):
    labels = blocks()
    frame = polygons(tmp_path, labels, name, crs='LOCAL_CS["site",UNIT["metre",1]]')
    assert frame["area"].sum() == (labels != UNKNOWN).sum() * 100
    assert "area_m2" not in frame
    assert ("no place on Earth" in capsys.readouterr().err) == (name == "out.geojson")


def test_polygons_of_a_map_with_ground_control_points_are_in_pixels_and_a_warning_says_so(tmp_path, capsys):
    points = [GroundControlPoint(row, col, 7 + col / 10, 50 - row / 10) for row, col in ((0, 0), (0, 30), (40, 0))]
    labels = blocks()
    frame = polygons(tmp_path, labels, gcps=points, crs="EPSG:4326", transform=None)
    assert frame["area"].sum() == (labels != UNKNOWN).sum()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: ")
    assert "ground control points" in line


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_a_map_without_data_has_no_polygons(tmp_path, name):
    assert len(polygons(tmp_path, np.full((9, 9), UNKNOWN, np.uint8), name)) == 0


def test_geojson_is_in_degrees_east_and_north(tmp_path):
    polygons(tmp_path, np.zeros((5, 5), np.uint8), "out.geojson")
    (feature,) = json.loads((tmp_path / "out.geojson").read_text())["features"]
    east, north = feature["geometry"]["coordinates"][0][0]
    assert (round(east), round(north)) == (15, 45)
    assert feature["properties"] == {"class": "urban", "area_m2": pytest.approx(2502, abs=1)}


def test_a_geopackage_has_the_borders_of_the_pixels_as_the_map_has_them(tmp_path):
    frame = polygons(tmp_path, np.zeros((5, 7), np.uint8), crs="EPSG:3413", transform=Affine(1e5, 0, 0, 0, -1e5, 0))
    assert frame.crs == "EPSG:3413"
    assert shapely.equals(frame.geometry[0], shapely.box(0, -5e5, 7e5, 0))
    assert shapely.get_num_coordinates(frame.geometry[0]) == 5


def test_classes_have_the_names_in_the_map(tmp_path):
    write_labels(tmp_path / "map.tif", np.array([[0, 1]], np.uint8))
    with rasterio.open(tmp_path / "map.tif", "r+") as file:
        file.update_tags(CLASS_NAMES='{"0": "ice", "1": "Wälder"}')
    write_polygons(tmp_path / "out.gpkg", tmp_path / "map.tif")
    assert geopandas.read_file(tmp_path / "out.gpkg")["class"].tolist() == ["ice", "Wälder"]


def no_tags(path):
    write_geotiff(path, np.zeros((1, 9, 9), np.uint8))


def tagged(names, bands=1, kind=np.uint8):
    def make(path):
        write_geotiff(path, np.zeros((bands, 9, 9), kind))
        with rasterio.open(path, "r+") as file:
            file.update_tags(CLASS_NAMES=names)

    return make


def labels_beyond(path):
    write_labels(path, np.array([[0, 1, 2, 3]], np.uint8))


def cut_short(path):
    write_labels(path, np.random.default_rng(0).integers(3, size=(300, 300), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:40_000])


@pytest.mark.parametrize("standing", [False, True])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"junk"), "not readable"),
        (lambda path: path.write_bytes(b""), "not readable"),
        (lambda path: path.mkdir(), "map.tif: "),
        (os.mkfifo, "no regular file"),
        (lambda path: None, "No such file"),
        (cut_short, "not readable"),
        (no_tags, "no tag CLASS_NAMES"),
        (tagged("{"), "CLASS_NAMES is damaged"),
        (tagged("[1]"), "CLASS_NAMES is damaged"),
        (tagged("{}"), "CLASS_NAMES is damaged"),
        (tagged('{"0": 1}'), "CLASS_NAMES is damaged"),
        (tagged('{"a": "b"}'), "CLASS_NAMES is damaged"),
        (tagged('{"0": "b", "0": "c"}'), "CLASS_NAMES is damaged"),
        (tagged("[" * 100_000), "CLASS_NAMES is damaged"),
        (tagged('{"0": "a"}', bands=3), "not a map"),
        (tagged('{"0": "a"}', kind=np.uint16), "not a map"),
        (labels_beyond, "has the label 3, which is neither one of its 3 classes nor nodata"),
    ],
)
def test_a_file_that_is_not_a_map_is_an_error_and_existing_polygons_stay(tmp_path, make, message, standing):
    if standing:
        polygons(tmp_path, blocks())
        (tmp_path / "map.tif").unlink()
    before = (tmp_path / "out.gpkg").read_bytes() if standing else None
    make(tmp_path / "map.tif")
    with pytest.raises(LandcoverError, match=message) as error:
        write_polygons(tmp_path / "out.gpkg", tmp_path / "map.tif")
    assert str(error.value).startswith(f"{tmp_path / 'map.tif'}: ")
    assert "\n" not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"map.tif", "out.gpkg"}
    assert ((tmp_path / "out.gpkg").read_bytes() if standing else None) == before


def test_nodata_of_any_value_has_no_polygons(tmp_path):
    write_labels(tmp_path / "map.tif", np.array([[0, 9, 255]], np.uint8))
    with rasterio.open(tmp_path / "map.tif", "r+") as file:
        file.nodata = 9
    assert write_polygons(tmp_path / "out.gpkg", tmp_path / "map.tif") == 1


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_a_file_that_this_program_did_not_write_is_never_replaced(tmp_path, name):
    write_labels(tmp_path / "map.tif", blocks())
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(LandcoverError, match="not polygons that this program wrote"):
        write_polygons(tmp_path / name, tmp_path / "map.tif")
    assert (tmp_path / name).read_bytes() == b"mine"


def view_from_space(folder, name):
    """Polygons of an image of half the globe, with the sky around it."""
    transform = Affine(3.25e5, 0, -6.5e6, 0, -3.25e5, 6.5e6)
    labels = np.random.default_rng(0).integers(3, size=(10, 10), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    write_labels(folder / "map.tif", labels, crs="+proj=ortho +lat_0=40 +R=6371000 +type=crs", transform=transform)
    write_polygons(folder / name, folder / "map.tif")
    return geopandas.read_file(folder / name)


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_polygons_beyond_the_earth_have_no_area(tmp_path, capsys, name):
    frame = view_from_space(tmp_path, name)
    assert frame["area_m2"].sum() == pytest.approx(2 * np.pi * 6371000**2, rel=1e-3)
    assert (frame["area_m2"] >= 0).all()
    (line,) = capsys.readouterr().err.splitlines()
    assert "reach beyond the Earth" in line
    sky = frame["area_m2"] == 0  # the corners
    assert 0 < sky.sum() < 10
    shown = frame[~sky].geometry if name == "out.geojson" else frame.geometry
    assert shown.is_valid.all()
    assert np.isfinite(shapely.get_coordinates(shown.values)).all()
    if name == "out.geojson":
        assert frame[sky].geometry.isna().all()


def test_a_map_of_sky_alone_has_polygons_without_area(tmp_path):
    crs = "+proj=ortho +lat_0=90 +R=6371000 +type=crs"
    write_labels(tmp_path / "map.tif", np.zeros((5, 5), np.uint8), crs=crs, transform=Affine(1e6, 0, 1e7, 0, -1e6, 2e7))
    for name in ("out.gpkg", "out.geojson"):
        assert write_polygons(tmp_path / name, tmp_path / "map.tif") == 1
        assert geopandas.read_file(tmp_path / name)["area_m2"].tolist() == [0]


def speckled(side=60):
    labels = np.random.default_rng(0).integers(3, size=(side // 10, side // 10), dtype=np.uint8)
    labels = labels.repeat(10, 0).repeat(10, 1)
    rng = np.random.default_rng(1)
    labels[rng.integers(side, size=100), rng.integers(side, size=100)] = 1
    labels[:10, :10] = UNKNOWN
    return labels


def reduced(folder, name="out.gpkg", *, min_area=None, simplify=None, **place):
    write_labels(folder / "map.tif", speckled(), **place)
    count = write_polygons(folder / name, folder / "map.tif", min_area=min_area, simplify=simplify)
    frame = geopandas.read_file(folder / name)
    assert len(frame) == count
    assert frame.is_valid.all()
    return frame


@pytest.mark.parametrize("place", [{}, {"crs": "EPSG:4326", "transform": Affine(1e-4, 0, 7, 0, -1e-4, 60)}])
@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_no_polygon_is_smaller_than_the_smallest_area_and_none_is_lost(tmp_path, place, name):
    everything = reduced(tmp_path, name, **place)
    smallest = everything["area_m2"].median() * 20
    frame = reduced(tmp_path, name, min_area=smallest, **place)
    assert everything["area_m2"].min() < smallest <= frame["area_m2"].min()
    assert frame["area_m2"].sum() == pytest.approx(everything["area_m2"].sum())
    assert len(frame) < len(everything)


def test_without_a_reference_system_the_smallest_area_is_in_pixels(tmp_path):
    frame = reduced(tmp_path, min_area=9, crs=None, transform=Affine.identity())
    assert frame["area"].min() >= 9
    assert frame["area"].sum() == 3500


@pytest.mark.parametrize("options", [{"simplify": 30}, {"simplify": 30, "min_area": 900}])
def test_simplified_polygons_leave_no_gaps_and_do_not_overlap(tmp_path, options):
    before, frame = reduced(tmp_path, min_area=options.get("min_area")), reduced(tmp_path, **options)
    assert shapely.coverage_is_valid(frame.geometry.values)
    assert frame.area.sum() == pytest.approx(350_000)
    assert frame["area_m2"].sum() == pytest.approx(before["area_m2"].sum())
    assert frame["class"].tolist() == before["class"].tolist()

import json

import numpy as np
import pytest
import rasterio
from conftest import write_geotiff as write_image
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine

from landcover.classes.class_table import UNKNOWN
from landcover.geo.geotiff import probability_map, write_cog, write_geotiff
from landcover.images.image_files import read_rgb
from landcover.rasters.raster import open_raster

ROTATED = Affine.translation(4e5, 6e6) @ Affine.rotation(30) @ Affine.scale(10, -10)


def labels_like(height, width):
    labels = np.random.default_rng(0).integers(3, size=(height // 8 + 1, width // 8 + 1), dtype=np.uint8)
    return labels.repeat(8, 0).repeat(8, 1)[:height, :width]


MAP = ["map.qml", "map.tif", "map.tif.aux.xml"]
WRITERS = [write_geotiff, write_cog]


def mapped(folder, classes, size, write=write_geotiff, **options):
    """A map of an image of this size, written in strips of 100 rows, and its labels."""
    write_image(folder / "a.tif", np.zeros((3, *size), np.uint8), **options)
    labels = labels_like(*size)
    strips = (labels[top : top + 100] for top in range(0, size[0], 100))
    with open_raster(folder / "a.tif") as raster:
        write(folder / "map.tif", strips, raster, classes, {"BANDS": "1,2,3"})
    return labels


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("size", [(611, 523), (300, 1), (1, 300), (1, 1), (512, 512)])
def test_a_map_has_the_labels_of_the_image_whatever_its_size(tmp_path, classes, size, write):
    labels = mapped(tmp_path, classes, size, write)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert (file.read() == labels).all()
        assert (file.count, file.dtypes[0], file.nodata) == (1, "uint8", UNKNOWN)
        assert file.compression.name == "deflate"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", *MAP]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    "place",
    [{}, {"crs": None}, {"crs": "EPSG:4326", "transform": Affine(0.1, 0, 7, 0, -0.1, 50)}, {"transform": ROTATED}],
)
def test_a_map_lies_where_the_image_lies(tmp_path, classes, place, write):
    mapped(tmp_path, classes, (40, 30), write, **place)
    with rasterio.open(tmp_path / "a.tif") as image, rasterio.open(tmp_path / "map.tif") as file:
        assert file.crs == image.crs
        assert file.transform.almost_equals(image.transform)
        assert (file.crs is None) == ("crs" in place and place["crs"] is None)


def test_an_image_without_a_place_gives_a_map_without_one(tmp_path, classes):
    mapped(tmp_path, classes, (40, 30), crs=None, transform=Affine.identity())
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(tmp_path / "map.tif") as file:
        assert (file.crs, file.transform) == (None, Affine.identity())


def test_ground_control_points_are_kept(tmp_path, classes):
    points = [GroundControlPoint(row, col, 7 + col / 10, 50 - row / 10) for row, col in ((0, 0), (0, 30), (40, 0))]
    mapped(tmp_path, classes, (40, 30), gcps=points, crs="EPSG:4326", transform=None)
    with rasterio.open(tmp_path / "map.tif") as file:
        kept, crs = file.gcps
    assert [(point.row, point.x, point.y) for point in kept] == [(point.row, point.x, point.y) for point in points]
    assert crs == "EPSG:4326"


@pytest.mark.parametrize("write", WRITERS)
def test_a_map_says_what_its_labels_mean(tmp_path, classes, write):
    labels = mapped(tmp_path, classes, (611, 523), write)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert json.loads(file.tags()["CLASS_NAMES"]) == {"0": "urban", "1": "forest", "2": "water"}
        assert file.tags()["BANDS"] == "1,2,3"
        assert file.tags()["TIFFTAG_SOFTWARE"].startswith("landcover ")
        colours = file.colormap(1)
        assert [colours[label][:3] for label in range(3)] == list(classes.colours.values())
        assert colours[UNKNOWN][:3] == classes.ignore[1]
    assert (read_rgb(tmp_path / "map.tif") == classes.encode(labels)).all()  # so `landcover evaluate` can score it


@pytest.mark.parametrize("write", WRITERS)
def test_a_map_is_tiled_with_overviews_of_the_most_frequent_class(tmp_path, classes, write):
    labels = mapped(tmp_path, classes, (640, 640), write)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.block_shapes == [(512, 512)]
        assert file.overviews(1) == [2, 4, 8, 16]
        assert (file.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG") == (write is write_cog)
    with rasterio.open(tmp_path / "map.tif", overview_level=2) as file:
        assert (file.read(1) == labels[::8, ::8]).mean() > 0.99  # each 8x8 block is of one class


@pytest.mark.parametrize(("size", "overviews"), [((700, 1), 0), ((1, 700), 4), ((700, 5), 2), ((64, 64), 0)])
def test_no_overview_is_as_wide_as_the_image(tmp_path, classes, size, overviews):
    mapped(tmp_path, classes, size, write_cog)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert len(file.overviews(1)) == overviews
        assert all(factor > 1 for factor in file.overviews(1))


@pytest.mark.parametrize("write", WRITERS)
def test_a_map_is_the_same_whatever_the_strips_and_however_little_memory_there_is(
    tmp_path, classes, write, monkeypatch
):
    write_image(tmp_path / "a.tif", np.zeros((3, 1100, 1030), np.uint8))
    labels = np.random.default_rng(0).integers(len(classes), size=(1100, 1030), dtype=np.uint8)
    files = set()
    for rows, megabytes, large in (
        (1100, 64, 2**26),
        (512, 64, 2**26),
        (1, 64, 2**26),
        (700, 0.1, 2**26),
        (97, 0.1, 0),
    ):
        monkeypatch.setattr("landcover.system.disk_arrays._LARGE", large)
        with open_raster(tmp_path / "a.tif") as raster, rasterio.Env(GDAL_CACHEMAX=int(megabytes * 2**20)):
            strips = (labels[top : top + rows] for top in range(0, len(labels), rows))
            write(tmp_path / "map.tif", strips, raster, classes, {})
        files.add((tmp_path / "map.tif").read_bytes())
    assert len(files) == 1


def test_more_rows_than_the_image_has_are_refused(tmp_path, classes):
    write_image(tmp_path / "a.tif", np.zeros((3, 200, 30), np.uint8))
    strips = np.zeros((3, 100, 30), np.uint8)
    for write in WRITERS:
        with open_raster(tmp_path / "a.tif") as raster, pytest.raises(ValueError, match="more rows"):
            write(tmp_path / "map.tif", strips, raster, classes, {})
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_an_error_in_the_labels_leaves_nothing_behind(tmp_path, classes):
    def strips():
        yield np.zeros((100, 30), np.uint8)
        raise ZeroDivisionError

    (tmp_path / "map.tif").write_bytes(b"before")
    write_image(tmp_path / "a.tif", np.zeros((3, 200, 30), np.uint8))
    for write in WRITERS:
        with open_raster(tmp_path / "a.tif") as raster, pytest.raises(ZeroDivisionError):
            write(tmp_path / "map.tif", strips(), raster, classes, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "map.tif"]
    assert (tmp_path / "map.tif").read_bytes() == b"before"


def test_probabilities_are_a_band_for_each_class(tmp_path, classes):
    write_image(tmp_path / "a.tif", np.zeros((3, 50, 30), np.uint8))
    values = np.random.default_rng(0).random((3, 50, 30), np.float32)
    values[:, 0, 0] = np.nan
    with open_raster(tmp_path / "a.tif") as raster, probability_map(tmp_path / "p.tif", raster, classes) as write:
        write(values[:, :20])
        write(values[:, 20:])
    with rasterio.open(tmp_path / "p.tif") as file:
        assert np.array_equal(file.read(), values, equal_nan=True)
        assert file.descriptions == ("urban", "forest", "water")
        assert np.isnan(file.nodata)
        assert file.crs == "EPSG:32633"

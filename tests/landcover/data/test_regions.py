"""Polygons of the embedded data set."""

import time

import geopandas
import numpy as np
import pytest
import shapely
from conftest import TABLE
from rasterio.features import rasterize
from rasterio.transform import from_origin

from landcover.classes.class_table import UNKNOWN
from landcover.data.regions import COLUMN, REGIONS, write_regions


@pytest.fixture
def labels():
    """Labels of the Earth at a pixel per degree, some of them unknown."""
    labels = np.random.default_rng(0).choice([0, 1, 2, UNKNOWN], size=(36, 72)).astype(np.uint8)
    return labels.repeat(5, 0).repeat(5, 1)


def test_burnt_polygons_are_the_labels_of_the_regions(tmp_path, labels):
    count = write_regions(labels, TABLE, tmp_path / "regions.gpkg")
    frame = geopandas.read_file(tmp_path / "regions.gpkg")
    assert len(frame) == count
    assert frame.crs == "EPSG:4326"
    assert frame.geometry.is_valid.all()
    burnt = rasterize(
        zip(frame.geometry, frame[COLUMN].map(TABLE.names.index), strict=True),
        labels.shape,
        fill=UNKNOWN,
        transform=from_origin(-180, 90, 1, 1),
    )
    expected = np.full_like(labels, UNKNOWN)
    for south, west, north, east in REGIONS:
        region = np.s_[90 - north : 90 - south, west + 180 : east + 180]
        expected[region] = labels[region]
    assert np.array_equal(burnt, expected)


def test_the_same_labels_give_the_same_bytes_at_any_time(tmp_path, labels):
    for name, seconds in (("one", 0), ("two", 1.01)):  # dates in files are often to the second
        time.sleep(seconds)
        (tmp_path / name).mkdir()
        write_regions(labels, TABLE, tmp_path / name / "regions.gpkg")
    one, two = ((tmp_path / name / "regions.gpkg").read_bytes() for name in ("one", "two"))
    assert one == two


def test_regions_do_not_overlap():
    boxes = [shapely.box(west, south, east, north) for south, west, north, east in REGIONS]
    assert shapely.unary_union(boxes).area == sum(box.area for box in boxes)

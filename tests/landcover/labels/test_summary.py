import numpy as np
import pytest
import rasterio
import shapely
from label_files import LEFT, TOP, square, utm_grid, write_codes, write_layer
from rasterio.enums import ColorInterp

from landcover.labels.summary import describe_labels
from landcover.system.errors import LandcoverError


def test_polygons_have_shares_of_the_area(tmp_path):
    polygons = [square(0, 0, 30), square(50, 50, 10), square(70, 70, 10), None]
    columns = {"fid2": [1, 2, 3, 4], "Class": ["field", "water", "water", None], "height": [0.5, 1.5, 2.5, 3.5]}
    write_layer(tmp_path / "labels.gpkg", polygons, **columns)
    found = describe_labels(tmp_path, "labels.gpkg")
    assert (found.kind, found.count, found.crs) == ("polygons", 4, "WGS 84 / UTM zone 33N")
    assert found.column == "Class"
    assert found.columns["Class"] == {"water": 2, "field": 1}
    assert "height" not in found.columns
    assert found.shares == pytest.approx({"field": 9 / 11, "water": 2 / 11}, abs=1e-3)
    assert found.problems == ("1 rows without geometry", "1 rows without a value in the column 'Class'")


def test_points_have_shares_of_their_number_and_codes_are_text(tmp_path):
    write_layer(tmp_path / "labels.gpkg", [shapely.Point(LEFT + i, TOP) for i in range(4)], lc=[10, 10, 10, 50])
    found = describe_labels(tmp_path, "labels.gpkg")
    assert (found.kind, found.column, found.shares) == ("points", "lc", {"10": 0.75, "50": 0.25})


def test_problems_are_told(tmp_path):
    flat = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    write_layer(tmp_path / "labels.gpkg", [flat, shapely.Point(1, 1)], None)
    found = describe_labels(tmp_path, "labels.gpkg", "class")
    assert found.problems == (
        "the layer has no reference system",
        "mixed geometry types, or others than polygons and points: 1 points, 1 polygons",
        "1 rows with invalid geometry, which will be repaired",
    )


def test_a_missing_column_is_an_error(tmp_path):
    write_layer(tmp_path / "labels.gpkg", [square(0, 0, 30)])
    with pytest.raises(LandcoverError, match="no column 'clas'"):
        describe_labels(tmp_path, "labels.gpkg", "clas")


def test_rasters_have_shares_of_the_pixels_with_data_and_a_palette(tmp_path):
    codes = np.full((10, 10), 255, np.uint8)
    codes[:4], codes[4] = 10, 80
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(10), nodata=255)
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.palette]
        dataset.write_colormap(1, {10: (0, 100, 0, 255), 80: (0, 100, 200, 255)})
    found = describe_labels(tmp_path, "codes.tif")
    assert (found.kind, found.shares, found.problems) == ("codes", {"10": 0.8, "80": 0.2}, ())
    assert found.palette == {"10": "#006400", "80": "#0064c8"}


def test_colours_are_told_as_hexadecimal_numbers(tmp_path):
    write_codes(tmp_path / "mask.tif", np.full((3, 4, 4), 255, np.uint8), utm_grid(4))
    found = describe_labels(tmp_path, "mask.tif")
    assert (found.kind, found.shares) == ("colours", {"#ffffff": 1.0})

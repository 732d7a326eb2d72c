import numpy as np
import pytest
import shapely
from label_files import FIELD, labels_on, open_file, square, utm_grid, write_layer

from landcover.system.errors import LandcoverError


def _bow_tie(column, row, side):
    x0, y0, x1, y1 = square(column, row, side).bounds
    return shapely.Polygon([(x0, y0), (x1, y1), (x1, y0), (x0, y1)])


def test_invalid_geometry_is_repaired_and_one_warning_names_the_rows(tmp_path, capsys):
    path = write_layer(tmp_path / "labels.gpkg", [square(0, 0, 10), _bow_tie(20, 20, 40), _bow_tie(70, 70, 4)])
    source = open_file(path)
    assert source.report() == {"repaired": 2}
    assert capsys.readouterr().err.count("warning") == 1
    labels = labels_on(path, utm_grid())
    assert labels[40, 22] == labels[40, 57] == FIELD  # left and right triangle
    assert labels[22, 40] != FIELD
    assert "2 rows with invalid geometry (2, 3)" in capsys.readouterr().err


def test_what_repair_leaves_of_lines_and_points_does_not_count(tmp_path):
    x0, y0, x1, y1 = square(10, 10, 20).bounds
    with_spike = shapely.Polygon([(x0, y0), (x1, y0), (x1, y1), (x1, y1 + 100), (x1, y1), (x0, y1)])
    assert shapely.make_valid(with_spike).geom_type in ("GeometryCollection", "Polygon")
    labels = labels_on(write_layer(tmp_path / "labels.gpkg", [with_spike]), utm_grid(), burn="touched")
    assert (labels[:9] != FIELD).all()


def test_geometry_that_cannot_be_repaired_names_its_row(tmp_path):
    x0, y0, x1, _ = square(10, 10, 20).bounds
    flat = shapely.Polygon([(x0, y0), (x1, y0), (x0, y0)])
    path = write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1), flat])
    with pytest.raises(LandcoverError, match=r"labels\.gpkg: row 2: an invalid polygon that cannot be repaired"):
        open_file(path)


def test_rows_without_geometry_are_counted(tmp_path, capsys):
    path = write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1), None, shapely.Polygon()])
    assert (labels_on(path, utm_grid()) == FIELD).sum() == 1
    assert "2 rows without geometry" in capsys.readouterr().err


def test_only_empty_geometries_are_an_error(tmp_path):
    path = write_layer(tmp_path / "labels.parquet", [shapely.Polygon(), shapely.Polygon()])
    with pytest.raises(LandcoverError, match="all 2 geometries are empty"):
        open_file(path)


def test_points_and_polygons_in_one_layer_are_an_error(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1), square(5, 5, 1), shapely.Point(1, 2)])
    message = r"mixed geometry types: 2 polygons \(first in row 1\), 1 points \(first in row 3\)"
    with pytest.raises(LandcoverError, match=message):
        open_file(path)


def test_lines_are_an_error(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [shapely.LineString([(0, 0), (1, 1)])])
    with pytest.raises(LandcoverError, match="geometries of type LineString"):
        open_file(path)


def test_multi_polygons_and_collections_of_polygons_count(tmp_path):
    parts = [square(0, 0, 10), square(50, 50, 10)]
    path = write_layer(
        tmp_path / "labels.gpkg", [shapely.MultiPolygon(parts), shapely.GeometryCollection([square(20, 20, 5)])]
    )
    assert np.count_nonzero(labels_on(path, utm_grid()) == FIELD) == 225

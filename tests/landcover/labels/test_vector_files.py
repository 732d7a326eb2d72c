import os

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from label_files import FIELD, UTM, labels_on, open_file, square, utm_grid, write_layer

from landcover.labels.options import VECTOR_SUFFIXES
from landcover.system.errors import LandcoverError


@pytest.mark.parametrize("suffix", VECTOR_SUFFIXES)
def test_each_format_gives_the_same_labels(tmp_path, suffix):
    crs = 4326 if "json" in suffix else 32633
    geometry = geopandas.GeoSeries([square(10, 20, 30)], crs=32633).to_crs(crs)
    path = write_layer(tmp_path / f"labels{'.geojson' if suffix == '.json' else suffix}", list(geometry), crs)
    path = path.rename(path.with_suffix(suffix))
    labels = labels_on(path, utm_grid())
    assert (labels[20:50, 10:40] == FIELD).all()
    assert (labels == FIELD).sum() == 900


def test_coordinates_are_x_before_y_also_where_the_reference_system_says_otherwise(tmp_path):
    frame = geopandas.GeoDataFrame({"class": ["field"]}, geometry=[square(10, 20, 30)], crs=32633).to_crs(4326)
    frame.to_parquet(tmp_path / "labels.parquet")  # whose metadata has the axes of EPSG:4326, latitude first
    assert labels_on(tmp_path / "labels.parquet", utm_grid())[35, 25] == FIELD


def _error(path, **options):
    with pytest.raises(LandcoverError) as raised:
        open_file(path, **options)
    assert len(raised.value.lines) == 1
    assert str(path) in str(raised.value)
    return str(raised.value)


def test_a_missing_file_is_named(tmp_path):
    assert "no such file" in _error(tmp_path / "labels.gpkg")


def test_several_layers_are_listed(tmp_path):
    frame = geopandas.GeoDataFrame({"class": ["field"]}, geometry=[square(1, 1, 1)], crs=UTM)
    for layer in ("drawn", "old"):
        frame.to_file(tmp_path / "labels.gpkg", layer=layer)
    assert "2 layers (drawn, old)" in _error(tmp_path / "labels.gpkg")


def test_tables_beside_the_layer_do_not_count(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(10, 20, 30)])
    styles = pd.DataFrame({"styleName": ["drawn"], "f_table_name": ["labels"]})
    pyogrio.write_dataframe(styles, path, layer="layer_styles", append=True)  # as QGIS saves styles
    assert len(pyogrio.list_layers(path)) == 2
    assert (labels_on(path, utm_grid()) == FIELD).sum() == 900


def test_a_missing_column_lists_the_columns_and_what_may_be_meant(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1)], Class=["field"], drawn_by=["me"])
    message = _error(path)
    assert "no column 'class' (`column`); there is Class, drawn_by. Did you mean 'Class'?" in message


def test_a_layer_without_columns_has_none_to_list(tmp_path):
    geopandas.GeoDataFrame(geometry=[square(1, 1, 1)], crs=UTM).to_parquet(tmp_path / "labels.parquet")
    assert "no column 'class' (`column`); there is none." in _error(tmp_path / "labels.parquet")


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".fgb", ".parquet", ".shp"])
def test_an_empty_layer(tmp_path, suffix):
    frame = geopandas.GeoDataFrame({"class": pd.Series([], dtype=str)}, geometry=[], crs=UTM)
    path = tmp_path / f"labels{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, geometry_type="Polygon")
    assert "the layer is empty" in _error(path)


def test_a_layer_without_reference_system(tmp_path):
    assert "no reference system" in _error(write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1)], None))


def test_a_shapefile_without_prj_has_no_reference_system(tmp_path):
    path = write_layer(tmp_path / "labels.shp", [square(1, 1, 1)])
    path.with_suffix(".prj").unlink()
    assert "no reference system" in _error(path)


def test_a_table_without_geometry(tmp_path):
    pyogrio.write_dataframe(pd.DataFrame({"class": ["field"]}), tmp_path / "labels.gpkg")
    assert "no geometry" in _error(tmp_path / "labels.gpkg")
    pd.DataFrame({"class": ["field"]}).to_parquet(tmp_path / "labels.parquet")
    assert "without geometry" in _error(tmp_path / "labels.parquet")


def test_damaged_bytes_are_one_line(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1)])
    path.write_bytes(path.read_bytes()[:5000])
    assert "labels.gpkg" in _error(path)


def test_a_file_of_another_format_is_not_opened(tmp_path):
    path = tmp_path / "labels.gpkg"
    path.write_text("<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/hosts</SrcDataSource></OGRVRTLayer>")
    assert "not what its name says" in _error(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "labels.geojson")
    assert "no regular file" in _error(tmp_path / "labels.geojson")
    path = write_layer(tmp_path / "more.shp", [square(1, 1, 1)])
    path.with_suffix(".dbf").unlink()
    os.mkfifo(path.with_suffix(".dbf"))
    assert "no regular file" in _error(path)


def test_nothing_is_written_beside_a_geopackage(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1)])
    before = path.read_bytes()
    open_file(path)
    assert [file.name for file in tmp_path.iterdir()] == ["labels.gpkg"]
    assert path.read_bytes() == before


def test_three_dimensions_become_two(tmp_path):
    polygon = shapely.force_3d(square(10, 20, 30), 7.0)
    path = write_layer(tmp_path / "labels.gpkg", [polygon])
    assert np.count_nonzero(labels_on(path, utm_grid()) == FIELD) == 900

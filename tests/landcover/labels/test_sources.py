import pytest
from label_files import SCENE, UTM, open_file, square, utm_grid, write_layer
from rasterio.transform import from_origin

from landcover.labels.sources import no_overlap
from landcover.rasters.grid import Grid
from landcover.system.errors import LandcoverError


def test_labels_elsewhere_meet_no_scene_and_the_message_says_where_they_are(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(0, 0, 10)])
    source = open_file(path)
    assert not source.on(Grid(UTM, from_origin(700_000, 4_000_000, 10, 10), 100, 100), SCENE).meets()
    assert source.on(utm_grid(), SCENE).meets()
    error = no_overlap(source, "data/s2")
    assert "labels.gpkg: no label lies in any scene of data/s2." in str(error)
    assert "The labels are at longitudes 15.0000 to 15.0012" in str(error)
    assert len(error.lines) == 1


def test_the_message_names_the_areas_of_interest_too(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(0, 0, 10)])
    write_layer(tmp_path / "area.gpkg", [square(1000, 1000, 10)])
    assert "the areas of interest, " in str(no_overlap(open_file(path, "area.gpkg"), "data/s2"))


def test_a_polygon_across_the_edge_of_the_scene_meets_it(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(-50, -50, 60)])
    labels = open_file(path).on(utm_grid(), SCENE)
    assert labels.meets()
    assert [tuple(map(int, window.flatten())) for window in labels.windows(50)] == [(0, 0, 50, 50)]


@pytest.mark.parametrize("name", ["labels.xyz", "no.tif"])
def test_a_missing_file_names_what_labels_may_be(tmp_path, name):
    with pytest.raises(LandcoverError, match=r"no such file. Name a file of labels \(`labels`\), such as \.gpkg"):
        open_file(tmp_path / name)


def test_a_folder_without_rasters_is_an_error(tmp_path):
    (tmp_path / "tiles").mkdir()
    with pytest.raises(LandcoverError, match=r"no labels: no file in it ends in \.tif"):
        open_file(tmp_path / "tiles")


def test_several_files_of_polygons_are_an_error(tmp_path):
    for name in ("a.gpkg", "b.gpkg"):
        write_layer(tmp_path / name, [square(0, 0, 10)])
    with pytest.raises(LandcoverError, match="several files of polygons or points"):
        open_file(tmp_path / "*.*")

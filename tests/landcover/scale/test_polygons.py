import numpy as np
import pytest
from conftest import write_labels

from landcover.classes.class_table import UNKNOWN
from landcover.geo.polygons import write_polygons
from landcover.scale.polygons import write_polygons_on
from landcover.system.errors import LandcoverError


@pytest.fixture
def drawn(tmp_path):
    """A map of 90 x 70 pixels in large and small areas, and some without data."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=(18, 14), dtype=np.uint8).repeat(5, 0).repeat(5, 1)
    labels[rng.random(labels.shape) < 0.05] = 1
    labels[:20, :30] = UNKNOWN
    write_labels(tmp_path / "map.tif", labels)
    return tmp_path / "map.tif"


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
@pytest.mark.parametrize("block", [16, 33, 128])
def test_workers_write_the_bytes_of_a_single_process(cluster, drawn, tmp_path, name, block):
    count = write_polygons(tmp_path / name, drawn)
    expected = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    assert write_polygons_on(cluster, tmp_path / name, drawn, block=block) == count
    assert (tmp_path / name).read_bytes() == expected


def test_with_a_smallest_area_the_polygons_are_those_of_a_single_process(cluster, drawn, tmp_path):
    write_polygons(tmp_path / "out.gpkg", drawn, min_area=900)
    expected = (tmp_path / "out.gpkg").read_bytes()
    write_polygons_on(cluster, tmp_path / "out.gpkg", drawn, block=16, min_area=900)
    assert (tmp_path / "out.gpkg").read_bytes() == expected


def test_a_file_that_this_program_did_not_write_is_not_replaced_by_workers_either(cluster, drawn, tmp_path):
    (tmp_path / "out.gpkg").write_bytes(b"mine")
    with pytest.raises(LandcoverError, match="not polygons that this program wrote"):
        write_polygons_on(cluster, tmp_path / "out.gpkg", drawn, block=16)
    assert (tmp_path / "out.gpkg").read_bytes() == b"mine"

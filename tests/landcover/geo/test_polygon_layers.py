import pyarrow
import pytest
import shapely

from landcover.geo.polygon_files import format_of, source_of
from landcover.geo.polygon_layers import Rows, schema_of, write_layer


def batch(count):
    shapes = shapely.to_wkb([shapely.box(i, 0, i + 1, 1) for i in range(count)])
    return pyarrow.record_batch([["water"] * count, [1.0] * count, list(shapes)], schema_of("area"))


def write(path, batches):
    rows = Rows(schema_of("area"), batches)
    write_layer(path, rows, format_of(path), "0" * 64, "EPSG:32633", {"water": (0, 0, 255)})
    return rows.count


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_batches_are_written_as_they_come(tmp_path, name):
    assert write(tmp_path / name, (batch(count) for count in (3, 0, 4))) == 7
    assert format_of(tmp_path / name).count(tmp_path / name) == 7
    assert source_of(tmp_path / name) == "0" * 64


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ZeroDivisionError])
@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson"])
def test_what_stops_the_batches_is_raised_as_it_is_and_the_old_file_stays(tmp_path, name, error):
    def batches():
        yield batch(3)
        raise error

    (tmp_path / name).write_bytes(b"before")
    with pytest.raises(error):
        write(tmp_path / name, batches())
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"before")]

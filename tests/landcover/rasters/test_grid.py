import numpy as np
import pytest
import rasterio
from conftest import write_geotiff
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.windows import Window

from landcover.rasters.grid import Grid


def grid_of(code, west, north, pixel, height=20, width=30):
    return Grid(CRS.from_epsg(code), from_origin(west, north, pixel, pixel), height, width)


def test_grids_of_windows_and_of_other_scales_lie_where_they_did():
    grid = grid_of(32632, 400_000, 5_500_000, 10)
    x, y = grid.centres()
    part = grid.part(Window(4, 7, 5, 3))
    assert (part.height, part.width) == (3, 5)
    assert (part.centres()[0] == x[7:10, 4:9]).all() and (part.centres()[1] == y[7:10, 4:9]).all()
    half = grid.scaled(0.5)
    assert (half.height, half.width) == (10, 15)
    assert half.centres()[0][0, 0] == 400_010 and half.centres()[1][0, 0] == 5_499_990
    lon, lat = grid.degrees()
    assert abs(lon[0, 0] - 7.6149) < 1e-3 and abs(lat[0, 0] - 49.6444) < 1e-3


@pytest.mark.parametrize("turn", [0, 360])
def test_bounds_in_degrees_hold_all_pixels_also_over_the_antimeridian(turn):
    grid = grid_of(4326, 170 + turn, 10, 1)
    west, south, east, north = grid.bounds_in_degrees()
    assert (west % 360, south, east - west, north) == (169.5, -10.5, 31, 10.5)
    over = grid_of(32760, 820_000, 8_000_000, 1000)
    west, south, east, north = over.bounds_in_degrees()
    lon, lat = over.degrees()
    assert ((lon - west) % 360 <= east - west).all() and (south <= lat).all() and (lat <= north).all()
    assert 0 < east - west < 1


def test_bounds_are_not_known_around_a_pole_and_outside_a_projection():
    assert grid_of(3995, -1000, 1000, 100).bounds_in_degrees() is None
    world = Grid(CRS.from_string("ESRI:54009"), from_origin(-18_040_000, 9_020_000, 1e6, 1e6), 18, 36)
    assert world.bounds_in_degrees() is None


def test_rasters_without_a_place_have_a_grid_without_a_reference_system(tmp_path):
    write_geotiff(tmp_path / "a.tif", np.ones((1, 4, 5), np.uint8), transform=rasterio.Affine.identity())
    with rasterio.open(tmp_path / "a.tif") as file:
        grid = Grid.of(file)
    for method in (grid.degrees, grid.areas, grid.bounds_in_degrees):
        with pytest.raises(ValueError, match="no reference system"):
            method()

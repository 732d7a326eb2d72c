import math
from pathlib import Path

import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin

from landcover.data.ground_resolution import common_resolution, ground_resolution
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene


def grid(pixel, epsg=32633, corner=(500_000, 5_000_000), size=100):
    crs = CRS.from_epsg(epsg) if epsg else None
    return Grid(crs, from_origin(*corner, pixel, pixel), size, size)


def scenes(*names):
    return [Scene(name, (Path(f"{name}.tif"),)) for name in names]


def test_it_is_in_metres_of_the_ground_whatever_the_units_of_the_map():
    assert ground_resolution(grid(10)) == pytest.approx(10, rel=1e-3)
    assert ground_resolution(grid(0.1, 4326, (-5, 5))) == pytest.approx(11_100, rel=1e-2)
    mercator = ground_resolution(grid(10, 3857, (0, 8_399_738)))  # at 60 degrees, where the map is twice the ground
    assert mercator == pytest.approx(10 * math.cos(math.radians(60)), rel=1e-2)
    assert ground_resolution(grid(3.048, 2263, (980_000, 200_000))) == pytest.approx(0.929, rel=1e-2)  # in feet
    assert ground_resolution(grid(10, None)) is None


def test_that_of_several_scenes_is_the_one_in_the_middle(capsys):
    assert common_resolution(scenes(*"abc"), [grid(10), grid(10.4), grid(9.7)]) == 10.0
    assert common_resolution(scenes(*"ab"), [grid(10), grid(10, None)]) is None
    assert capsys.readouterr().err == ""


def test_scenes_of_other_resolutions_are_named(capsys):
    assert common_resolution(scenes(*"abcd"), [grid(10), grid(20), grid(10), grid(10)]) == 10.0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: pixels of scenes cover unlike lengths of the ground, 10 m most often, but not in ")
    assert "b.tif (20 m)" in line
    assert "a.tif" not in line

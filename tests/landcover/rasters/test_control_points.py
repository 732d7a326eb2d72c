import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin

from landcover.rasters.control_points import control_points
from landcover.rasters.grid import Grid

GRIDS = {
    "UTM": (32633, from_origin(300_000, 5_300_000, 10, 10), 12_000),
    "UTM, far north": (32633, from_origin(300_000, 7_900_000, 10, 10), 12_000),
    "UTM across the antimeridian": (32660, from_origin(700_000, 6_000_000, 10, 10), 12_000),
    "degrees of the whole Earth": (4326, from_origin(-180, 90, 0.03, 0.03), 12_000),
    "degrees from 0 to 360": (4326, from_origin(0, 90, 0.03, 0.03), 12_000),
    "equal areas of Europe": (3035, from_origin(2_500_000, 5_500_000, 250, 250), 12_000),
    "Mercator of the whole Earth": (3857, from_origin(-20_037_508, 20_037_508, 3339.6, 3339.6), 12_000),
}


def interpolated(points, across, down):
    """Longitude and latitude at shares of width and height, as the page's script interpolates them."""
    cells = points["cells"]
    lon, lat = (np.array(points[key], float).reshape(cells + 1, cells + 1) for key in ("lon", "lat"))
    i, j = np.minimum((down * cells).astype(int), cells - 1), np.minimum((across * cells).astype(int), cells - 1)
    v, u = down * cells - i, across * cells - j
    first = lon[i, j]

    def mean(of):
        return sum(
            w * of(a, b)
            for w, a, b in (
                ((1 - v) * (1 - u), i, j),
                ((1 - v) * u, i, j + 1),
                (v * (1 - u), i + 1, j),
                (v * u, i + 1, j + 1),
            )
        )

    return first + mean(lambda a, b: (lon[a, b] - first + 180) % 360 - 180), mean(lambda a, b: lat[a, b])


def places(count=20_000):
    return np.random.default_rng(0).random((2, count))


@pytest.mark.parametrize("name", GRIDS)
def test_interpolated_degrees_are_within_a_pixel(name):
    code, transform, size = GRIDS[name]
    grid = Grid(CRS.from_epsg(code), transform, size, size)
    across, down = places()
    lon, lat = interpolated(control_points(grid), across, down)
    true_lon, true_lat = grid.degrees_at(across * size, down * size)
    east = (lon - true_lon + 180) % 360 - 180
    step_lon, step_lat = grid.degrees_at(across * size + 1, down * size)
    narrow = np.cos(np.radians(true_lat))
    pixel = np.hypot((step_lon - true_lon) * narrow, step_lat - true_lat)
    off = np.hypot(east * narrow, lat - true_lat) / pixel
    assert np.nanmax(off) < 1
    assert np.isfinite(off).mean() > 0.99


def test_degrees_are_not_told_where_they_would_be_wrong_as_around_a_pole():
    grid = Grid(CRS.from_epsg(3413), from_origin(-4_000_000, 4_000_000, 800, 800), 10_000, 10_000)
    points = control_points(grid)
    lon, lat = interpolated(points, *places())
    known = np.isfinite(lon)
    assert 0.9 < known.mean() < 1
    assert np.isnan(interpolated(points, np.array([0.5]), np.array([0.5]))).all()
    true_lat = grid.degrees_at(*(places() * 10_000))[1]
    assert np.abs(lat - true_lat)[known].max() < 0.01


def test_what_is_outside_the_projection_has_no_degrees():
    points = control_points(
        Grid(CRS.from_string("ESRI:54009"), from_origin(-18_040_096, 9_020_048, 9e3, 9e3), 2000, 4000)
    )
    assert np.isnan(interpolated(points, np.array([0.001]), np.array([0.001]))[0]).all()
    assert np.isfinite(interpolated(points, np.array([0.5]), np.array([0.5]))[0]).all()


@pytest.mark.parametrize("crs", [None, CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')])
def test_a_map_without_a_place_on_earth_has_none(crs):
    assert control_points(Grid(crs, from_origin(0, 0, 1, 1), 10, 10)) is None


def test_a_map_of_one_pixel_has_its_corners():
    points = control_points(Grid(CRS.from_epsg(32633), from_origin(500_000, 5_000_000, 10, 10), 1, 1))
    assert points["lon"][0] == pytest.approx(15, abs=1e-6)

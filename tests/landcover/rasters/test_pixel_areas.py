import numpy as np
import pytest
from pyproj import Geod, Transformer
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin

from landcover.rasters.grid import Grid


def geodesic_area(grid, row, column):
    """The area of a pixel whose edges are followed in small steps, by pyproj."""
    step = np.linspace(0, 1, 50, endpoint=False)
    columns = np.concatenate([column + step, 1 + column + 0 * step, column + 1 - step, column + 0 * step])
    rows = np.concatenate([row + 0 * step, row + step, row + 1 + 0 * step, row + 1 - step])
    degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(*grid.at(columns, rows))
    return abs(Geod(ellps="WGS84").polygon_area_perimeter(*degrees)[0])


@pytest.mark.parametrize(
    ("code", "transform"),
    [
        (32632, from_origin(3e5, 5.5e6, 10, 10)),
        (32760, from_origin(8.2e5, 8e6, 10, 10)),  # over the antimeridian
        (32632, from_origin(3e5, 5.5e6, 10, 10) @ Affine.rotation(30)),
        (3857, from_origin(1e6, 1.8e7, 30, 30)),
        (3857, from_origin(1e6, 8e6, 7500, 7500)),
        (3995, from_origin(-1e5, 1e5, 2000, 2000)),  # around the pole
        (3035, from_origin(4e6, 3e6, 100, 100)),
        (4326, from_origin(5, 89, 0.1, 0.1)),
    ],
)
def test_areas_are_those_on_the_ellipsoid(code, transform):
    grid = Grid(CRS.from_epsg(code), transform, 99, 140)
    areas = np.broadcast_to(grid.areas(), (99, 140))
    for row, column in [(0, 0), (10, 130), (40, 77), (98, 139)]:
        assert abs(areas[row, column] / geodesic_area(grid, row, column) - 1) < 1e-5


def test_pixels_of_a_row_in_degrees_share_their_area_and_the_earth_has_its_own():
    areas = Grid(CRS.from_epsg(4326), from_origin(-180, 90, 1, 1), 180, 360).areas()
    assert areas.shape == (180, 1)
    assert abs(areas.sum() * 360 / 510_065_621_724_089 - 1) < 1e-12


def test_pixels_outside_the_projection_have_no_area():
    grid = Grid(CRS.from_string("ESRI:54009"), from_origin(-18_040_000, 9_020_000, 100_000, 100_000), 180, 360)
    areas = grid.areas()
    assert areas[0, 0] == 0 and abs(areas[90, 180] / 1e10 - 1) < 0.01

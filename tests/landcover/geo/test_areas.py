import geopandas
import numpy as np
import pytest
from conftest import write_labels
from places import PATTERNS, PLACES, SIDE
from pyproj import CRS, Geod, Transformer
from rasterio.features import rasterize
from rasterio.transform import Affine, from_bounds, from_origin

from landcover.geo.polygons import write_polygons


def pixel_areas(crs, transform):
    """Square metres of each pixel, as geodesics between points on its border enclose it: (SIDE, SIDE)."""
    crs = CRS(crs)
    degrees = np.degrees(crs.geodetic_crs.axis_info[0].unit_conversion_factor)
    to_degrees = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    earth = crs.geodetic_crs.get_geod()
    there, back = np.linspace(0, 1, 33)[:-1], np.linspace(1, 0, 33)[:-1]
    col, row = np.r_[there, there * 0 + 1, back, back * 0], np.r_[there * 0, there, there * 0 + 1, back]
    areas = np.zeros((SIDE, SIDE))
    for i, j in np.ndindex(areas.shape):
        x, y = transform @ (j + col, i + row)
        if crs.is_geographic:
            lon, lat = x * degrees, (y * degrees).clip(-90, 90)
        else:
            lon, lat = to_degrees.transform(x, y)
        areas[i, j] = abs(earth.polygon_area_perimeter(lon, lat)[0])
    return areas


@pytest.mark.parametrize("where", PLACES)
def test_the_area_of_each_polygon_is_that_of_its_pixels(tmp_path, where):
    crs, transform = PLACES[where]
    pixels = pixel_areas(crs, transform)
    for pattern, draw in PATTERNS.items():
        labels = draw(*np.indices((SIDE, SIDE))).astype(np.uint8)
        write_labels(tmp_path / "map.tif", labels, crs=crs, transform=transform)
        write_polygons(tmp_path / "out.gpkg", tmp_path / "map.tif")
        frame = geopandas.read_file(tmp_path / "out.gpkg")
        shapes = ((polygon, number) for number, polygon in enumerate(frame.geometry))
        numbers = rasterize(shapes, labels.shape, transform=transform, dtype="int32")
        expected = np.bincount(numbers.ravel(), pixels.ravel(), len(frame))
        assert frame["area_m2"].to_numpy() == pytest.approx(expected, rel=3e-4), pattern
        assert frame["area_m2"].sum() == pytest.approx(pixels.sum(), rel=1e-5), pattern


def areas(folder, labels, **place):
    write_labels(folder / "map.tif", labels, **place)
    write_polygons(folder / "out.gpkg", folder / "map.tif")
    return geopandas.read_file(folder / "out.gpkg")["area_m2"]


def test_in_utm_areas_are_those_of_the_squares_but_for_its_scale(tmp_path):
    # On its central meridian UTM draws lengths 0.04 % too short.
    for metres in (0.01, 10):
        transform = from_origin(500_000 - 5 * metres, 5_000_000, metres, metres)
        area = areas(tmp_path, np.indices((10, 10)).sum(0).astype(np.uint8) % 2, transform=transform)
        assert area.to_numpy() == pytest.approx(np.full(100, metres**2 / 0.9996**2), rel=1e-6)


@pytest.mark.parametrize("crs", ["EPSG:5514", "EPSG:2154", "EPSG:28992", "EPSG:3006"])
def test_pixels_of_centimetres_are_measured_too(tmp_path, capsys, crs):
    x, y, _, _ = CRS(crs).area_of_use.bounds  # south and west of it, in degrees
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(x + 1, y + 1)
    area = areas(
        tmp_path, np.indices((10, 10)).sum(0).astype(np.uint8) % 2, crs=crs, transform=from_origin(x, y, 0.02, 0.02)
    )
    assert area.to_numpy() == pytest.approx(np.full(100, 0.0004), rel=1e-2)  # but for the scale of the projection
    assert area.to_numpy() == pytest.approx(np.full(100, area.mean()), rel=1e-5)
    assert capsys.readouterr().err == ""


def test_the_whole_earth_has_the_area_of_the_earth(tmp_path):
    labels = np.zeros((270, 540), np.uint8)
    for west in (-180, 0):
        transform = Affine(2 / 3, 0, west, 0, -2 / 3, 90)
        area = areas(tmp_path, labels, crs="EPSG:4326", transform=transform)
        assert area.tolist() == [pytest.approx(510.0656e12, rel=1e-6)]


def test_a_disc_around_both_poles_has_the_area_of_the_earth(tmp_path):
    half = 1.3e7  # the disc of this projection ends at 12 742 km, at the antipodes
    place = {
        "crs": "EPSG:3035",
        "transform": from_bounds(4321e3 - half, 321e4 - half, 4321e3 + half, 321e4 + half, 9, 9),
    }
    area = areas(tmp_path, np.zeros((9, 9), np.uint8), **place)
    assert area.tolist() == [pytest.approx(510.0656e12, rel=1e-5)]


def test_a_jagged_strip_along_a_long_straight_border_is_measured_well(tmp_path):
    labels = np.zeros((600, 2000), np.uint8)
    labels[0], labels[1, ::2] = 1, 1
    place = {"crs": "EPSG:3413", "transform": from_origin(-1e6, 2e6, 1000, 1000)}
    strip = areas(tmp_path, labels, **place).min()
    x = 1000 * (np.arange(2000) + 0.5) - 1e6
    centres = np.r_[x, x[::2]], np.r_[np.full(2000, 2e6 - 500), np.full(1000, 2e6 - 1500)]
    lat = Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True).transform(*centres)[1]
    # The areal scale of a conformal projection is the square of that along a parallel.
    rho = np.hypot(*centres)
    ellipsoid = Geod(ellps="WGS84")
    sine = np.sin(np.radians(lat))
    scale = rho * np.sqrt(1 - ellipsoid.es * sine**2) / (ellipsoid.a * np.cos(np.radians(lat)))
    assert strip == pytest.approx((1e6 / scale**2).sum(), rel=1e-5)

import geopandas
import numpy as np
import pytest
from conftest import write_labels
from pyproj import CRS, Geod, Transformer
from rasterio.features import rasterize
from rasterio.transform import Affine, from_bounds, from_origin

from landcover.geo.polygons import write_polygons

SIDE = 12
MERCATOR = 20037508.342789244  # metres from the middle to the border of EPSG:3857
TILTED = Affine.translation(170, 40) @ Affine.rotation(30) @ Affine.scale(1, -1)


def square(half, x=0.0, y=0.0):
    return from_bounds(x - half, y - half, x + half, y + half, SIDE, SIDE)


PLACES = {
    "the world": ("EPSG:4326", from_bounds(-180, -90, 180, 90, SIDE, SIDE)),
    "the world from 0 to 360": ("EPSG:4326", from_bounds(0, -90, 360, 90, SIDE, SIDE)),
    "the world a turn away": ("EPSG:4326", from_bounds(-540, -90, -180, 90, SIDE, SIDE)),
    "pixels centred on the poles": ("EPSG:4326", from_bounds(-187.5, -98, 172.5, 98, SIDE, SIDE)),
    "across the 180th meridian": ("EPSG:4326", from_bounds(170, -10, 190, 10, SIDE, SIDE)),
    "the world and some more": ("EPSG:4326", from_bounds(-180, -80, 190, 80, SIDE, SIDE)),
    "degrees, south up": ("EPSG:4326", Affine(1, 0, 5, 0, 1, 40)),
    "degrees, rotated": ("EPSG:4326", TILTED),
    "degrees, sheared": ("EPSG:4326", Affine(3, 2, -10, 0, -5, 70)),
    "grads from Paris": ("EPSG:4807", from_bounds(0, 50, 5, 55, SIDE, SIDE)),
    "UTM 1": ("EPSG:32601", from_origin(250_000, 6e6, 10_000, 10_000)),
    "UTM 60": ("EPSG:32660", from_origin(650_000, 6e6, 10_000, 10_000)),
    "UTM 1 south": ("EPSG:32701", from_origin(250_000, 4e6, 10_000, 10_000)),
    "UTM 60 south": ("EPSG:32760", from_origin(650_000, 4e6, 10_000, 10_000)),
    "UTM, rotated": ("EPSG:32633", Affine.translation(4e5, 6e6) @ Affine.rotation(30) @ Affine.scale(1e4, -1e4)),
    "UTM, south up": ("EPSG:32633", Affine(1000, 0, 4e5, 0, 1000, 5e6)),
    "UTM with heights": ("EPSG:32633+5773", from_origin(4e5, 6e6, 1000, 1000)),
    "Europe": ("EPSG:3035", from_bounds(2.5e6, 1.4e6, 7.4e6, 5.5e6, SIDE, SIDE)),
    "Arctic": ("EPSG:3413", square(4e6)),
    "Arctic, a pixel around the pole": ("EPSG:3413", square(4e6, 1e5, -1.3e5)),
    "Arctic, the pole on an edge": ("EPSG:3413", square(4e6, 1e5)),
    "Arctic, metres from the pole": ("EPSG:3413", square(60)),
    "Arctic, far beyond the equator": ("EPSG:3413", square(3e7)),
    "Antarctic": ("EPSG:3031", square(4e6)),
    "Antarctic, a pixel around the pole": ("EPSG:3031", square(4e6, 1e5, -1.3e5)),
    "Antarctic, the pole on an edge": ("EPSG:3031", square(4e6, 0, 1e5)),
    "Mercator's world": ("EPSG:3857", square(MERCATOR)),
    "Mercator across the 180th meridian": ("EPSG:3857", square(5e5, MERCATOR)),
    "feet": ("EPSG:2227", from_origin(6e6, 2.1e6, 10_000, 10_000)),
    "south and west, mirrored": ("EPSG:5513", square(5e4, 1.05e6, 6.5e5)),
}
PATTERNS = {
    "chequered": lambda row, col: (row + col) % 2,
    "of one class": lambda row, col: row * 0,
    "in rings": lambda row, col: np.maximum(abs(row - 5.5), abs(col - 5.5)).astype(int) % 3,
    "in blocks": lambda row, col: (row // 5 * 7 + col // 4 * 5) % 3,
    "in rows": lambda row, col: row % 3,
}


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

import geopandas
import numpy as np
import pytest
import shapely
from label_files import DEGREES, FIELD, SCENE, UTM, labels_on, open_file, square, utm_grid, whole, write_layer
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin

from landcover.classes.class_table import UNKNOWN
from landcover.labels.pixel_coordinates import PixelCoordinates
from landcover.labels.reprojection import in_pixels
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError

SOUTH = CRS.from_epsg(32701)  # UTM zone 1 south, which begins at the antimeridian
MOLLWEIDE, MOLLWEIDE_90 = (CRS.from_string(f"+proj=moll +lon_0={lon} +datum=WGS84") for lon in (0, 90))
WORLD = from_origin(-18.04e6, 9.02e6, 72160, 72160)


def _box(west, south, east, north):
    """Whether places lie in a box of longitudes and latitudes."""
    return lambda lon, lat: ((lon - west) % 360 < east - west) & (lat > south) & (lat < north)


CASES = {
    "long edges": (UTM, from_origin(400e3, 4790e3, 1000, 1000), [(14, 40, 16, 43)], _box(14, 40, 16, 43)),
    "half the world": (UTM, from_origin(400e3, 4790e3, 1000, 1000), [(-180, -90, 180, 41)], _box(-180, -90, 180, 41)),
    "rotated": (
        UTM,
        Affine.translation(400e3, 4790e3) @ Affine.rotation(30) @ Affine.scale(1000, -1000),
        [(14, 40, 16, 43)],
        _box(14, 40, 16, 43),
    ),
    "cut at the antimeridian": (
        SOUTH,
        from_origin(0, 8300e3, 3000, 3000),
        [(179, -20, 180, -15), (-180, -20, -179, -15)],
        _box(179, -20, 181, -15),
    ),
    "beyond 180": (SOUTH, from_origin(0, 8300e3, 3000, 3000), [(179, -20, 181, -15)], _box(179, -20, 181, -15)),
    "scene from 0 to 360": (DEGREES, from_origin(0, 90, 1, 1), [(-30, -20, -10, 20)], _box(-30, -20, -10, 20)),
    "scene of the world": (DEGREES, from_origin(-180, 90, 1, 1), [(170, -20, 190, 20)], _box(170, -20, 190, 20)),
    "around the pole": (
        CRS.from_epsg(3413),
        from_origin(-3e6, 3e6, 20e3, 20e3),
        [(-180, 85, 180, 90), (100, 70, 180, 80), (-180, 70, -100, 80)],
        lambda lon, lat: (lat > 85) | _box(100, 70, 260, 80)(lon, lat),
    ),
    "world map": (MOLLWEIDE, WORLD, [(-180, -90, 180, 0)], _box(-180, -90, 180, 0)),
    "world map, across 180": (MOLLWEIDE, WORLD, [(170, -30, 190, 30)], _box(170, -30, 190, 30)),
    "world map, across its end": (MOLLWEIDE_90, WORLD, [(-100, -30, -60, 30)], _box(-100, -30, -60, 30)),
    "the Earth seen from space": (
        CRS.from_string("+proj=geos +h=35785831 +lon_0=0 +sweep=y"),
        from_origin(-5.5e6, 5.5e6, 36666, 36666),
        [(-180, -90, 180, 0)],
        _box(-180, -90, 180, 0),
    ),
    "Web Mercator": (
        CRS.from_epsg(3857),
        from_origin(-20037508, 20037508, 133583, 133583),
        [(-180, -90, 180, 0)],
        _box(-180, -90, 180, 0),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_pixels_are_labelled_as_if_each_were_looked_up_by_itself(tmp_path, name, capsys):
    crs, transform, boxes, is_inside = CASES[name]
    height, width = (250, 500) if transform is WORLD else (180, 360) if crs == DEGREES else (300, 300)
    grid = Grid(crs, transform, height, width)
    found = labels_on(write_layer(tmp_path / "labels.gpkg", [shapely.box(*box) for box in boxes], 4326), grid)
    lon, lat = grid.degrees()
    there = np.isfinite(lon) & np.isfinite(lat)
    expected = there & is_inside(np.where(there, lon, 0), np.where(there, lat, 99))
    assert expected.any() and not expected.all()
    assert ((found == FIELD) != expected).sum() <= 3e-4 * found.size
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("west", [-185, 175])
def test_polygons_in_metres_across_the_antimeridian_label_scenes_in_degrees(tmp_path, west):
    box = shapely.box(100e3, 8000e3, 500e3, 8200e3)
    grid = Grid(DEGREES, from_origin(west, -15, 0.03, 0.03), 200, 330)
    found = labels_on(write_layer(tmp_path / "labels.gpkg", [box], 32701), grid)
    expected = shapely.contains_xy(box, *Transformer.from_crs(4326, 32701, always_xy=True).transform(*grid.degrees()))
    assert ((found == FIELD) != expected).sum() <= 5


def test_what_is_drawn_differs_from_the_curve_by_less_than_a_tenth_of_a_pixel():
    long_edge = shapely.box(10, 40, 20, 42)
    coordinates = PixelCoordinates(
        geopandas.GeoSeries(crs=4326).crs, Grid(UTM, from_origin(0, 4700e3, 10, 10), 30000, 90000)
    )
    (part,), _ = in_pixels(np.array([long_edge]), coordinates)
    fine = shapely.get_coordinates(shapely.segmentize(shapely.box(10, 40, 20, 42), 0.001))
    curve = shapely.points(coordinates.pixels(coordinates.on_ground(fine)))
    assert shapely.distance(part.exterior, curve).max() < 0.1


def test_polygons_stay_as_they_are_in_the_reference_system_of_the_scene():
    coordinates = PixelCoordinates(geopandas.GeoSeries(crs=32633).crs, utm_grid())
    (part,), _ = in_pixels(np.array([square(-10, 5, 50)]), coordinates)
    assert shapely.equals_identical(shapely.normalize(part), shapely.normalize(shapely.box(-10, 5, 40, 55)))


def test_a_local_reference_system_is_one_line(tmp_path):
    local = 'LOCAL_CS["building site",UNIT["metre",1]]'
    path = write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1)], local)
    with pytest.raises(LandcoverError, match=r"labels\.gpkg: cannot be transformed from building site"):
        open_file(path).on(utm_grid(), SCENE)


def test_a_scene_without_reference_system_is_named(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(1, 1, 1)])
    with pytest.raises(LandcoverError, match=r"scene\.tif: no reference system"):
        open_file(path).on(Grid(None, utm_grid().transform, 10, 10), Scene("scene", SCENE.files))


def test_a_smaller_scale_covers_the_same_ground(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [square(20, 40, 20)])
    grid = utm_grid().scaled(0.5)
    labels = whole(open_file(path).on(grid, SCENE), grid)
    assert (labels[20:30, 10:20] == FIELD).all()
    assert (labels != UNKNOWN).sum() == 100

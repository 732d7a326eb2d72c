import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from label_files import (
    FIELD,
    FOREST,
    LEFT,
    SCENE,
    TOP,
    WATER,
    labels_on,
    open_file,
    square,
    utm_grid,
    whole,
    write_codes,
    write_layer,
)
from rasterio.features import rasterize
from rasterio.transform import from_origin
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.labels.painting import PolygonPainter
from landcover.rasters.grid import Grid

needs_gdal = pytest.mark.skipif(not shutil.which("gdal_rasterize"), reason="needs GDAL's program gdal_rasterize")


def _random_polygons(rng, count, grid):
    """Stars, slivers, polygons with holes and multi-polygons, within the grid and across its edges."""
    left, bottom, right, top = rasterio.transform.array_bounds(grid.height, grid.width, grid.transform)
    pixel = grid.transform.a
    found = []
    while len(found) < count:
        centre = rng.uniform((left - 50 * pixel, bottom - 50 * pixel), (right + 50 * pixel, top + 50 * pixel))
        angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 60)))
        radius = rng.uniform(0.3, 150) * pixel
        reach = radius * rng.uniform(0.2, 1, len(angle))
        flat = rng.uniform(0.01, 1)
        star = shapely.Polygon(centre + np.column_stack([reach * np.cos(angle) * flat, reach * np.sin(angle)]))
        star = shapely.make_valid(star)
        if rng.random() < 0.4:
            star = star.difference(star.centroid.buffer(radius / 5))
        if rng.random() < 0.2:
            star = star.union(shapely.transform(star, lambda xy, pixel=pixel: xy + np.array([200, 30]) * pixel))
        if star.geom_type in ("Polygon", "MultiPolygon") and star.area:
            found.append(star)
    return found


def _gdal_rasterize(path, grid, touched):
    """Labels of a whole grid as GDAL's program burns them, from the column `label`."""
    made = write_codes(path.with_name("burnt.tif"), np.full((grid.height, grid.width), UNKNOWN, np.uint8), grid)
    options = ["-a", "label", *(["-at"] if touched else [])]
    subprocess.run(["gdal_rasterize", "-q", *options, str(path), str(made)], check=True, capture_output=True)
    with rasterio.open(made) as dataset:
        return dataset.read(1)


def _drawn(tmp_path, polygons, rng, crs=32633):
    labels = rng.integers(0, 3, len(polygons))
    names = [("field", "forest", "water")[label] for label in labels]
    return write_layer(tmp_path / "labels.gpkg", polygons, crs, **{"class": names, "label": list(labels)})


@needs_gdal
@pytest.mark.parametrize("burn", ["centre", "touched"])
@pytest.mark.parametrize("seed", range(3))
def test_random_polygons_are_burnt_as_gdal_burns_them(tmp_path, burn, seed):
    rng = np.random.default_rng(seed)
    grid = Grid(utm_grid().crs, from_origin(LEFT + 0.3, TOP + 0.7, 10, 10), 600, 700)
    path = _drawn(tmp_path, _random_polygons(rng, 300, grid), rng)
    assert np.array_equal(labels_on(path, grid, burn=burn), _gdal_rasterize(path, grid, burn == "touched"))


@needs_gdal
@pytest.mark.skipif(not shutil.which("ogr2ogr"), reason="needs GDAL's program ogr2ogr")
def test_polygons_in_degrees_are_burnt_as_gdal_burns_them_after_it_reprojected_them(tmp_path):
    rng = np.random.default_rng(0)
    grid = Grid(utm_grid().crs, from_origin(LEFT + 0.3, TOP + 0.7, 10, 10), 600, 700)
    polygons = geopandas.GeoSeries(_random_polygons(rng, 300, grid), crs=32633).to_crs(4326)
    path = _drawn(tmp_path, list(polygons), rng, 4326)
    moved = tmp_path / "moved.gpkg"
    subprocess.run(["ogr2ogr", "-t_srs", "EPSG:32633", str(moved), str(path)], check=True, capture_output=True)
    assert np.array_equal(labels_on(path, grid), _gdal_rasterize(moved, grid, False))


@needs_gdal
def test_edges_through_the_centres_of_pixels_are_burnt_as_gdal_burns_them(tmp_path):
    rng = np.random.default_rng(0)
    grid = utm_grid(600)
    squares = [square(*rng.integers(0, 1200, 2) / 2, rng.integers(1, 80) / 2) for _ in range(200)]
    corners = [rng.integers(0, 1200, (3, 2)) / 2 * 10 * (1, -1) + (LEFT, TOP) for _ in range(50)]
    triangles = [triangle for triangle in map(shapely.Polygon, corners) if triangle.area]
    path = _drawn(tmp_path, squares + triangles, rng)
    assert np.array_equal(labels_on(path, grid), _gdal_rasterize(path, grid, False))


def test_edges_between_pixels_touch_what_they_touch_for_gdal_in_the_whole_scene(tmp_path):
    rng = np.random.default_rng(0)
    grid = utm_grid(600)
    squares = [square(*rng.integers(0, 1200, 2) / 2, rng.integers(1, 80) / 2) for _ in range(200)]
    path = write_layer(tmp_path / "labels.gpkg", squares)
    expected = np.full((600, 600), UNKNOWN, np.uint8)  # by rasterio's GDAL: version 3.6 differs from later ones
    rasterize([(part, 0) for part in squares], out=expected, transform=grid.transform, all_touched=True)
    assert np.array_equal(labels_on(path, grid, burn="touched"), expected)


@needs_gdal
def test_pixels_whose_size_binary_numbers_cannot_express_are_burnt_as_gdal_burns_them(tmp_path):
    rng = np.random.default_rng(0)
    grid = Grid(rasterio.crs.CRS.from_epsg(4326), from_origin(13.1, 47.3, 0.1 / 3, 0.1 / 3), 300, 300)
    corners = 13.1 + rng.integers(0, 600, (100, 2)) / 2 * 0.1 / 3
    squares = [shapely.box(x, 47.3 - (x - 13.1) - 1, x + 1, 47.3 - (x - 13.1)) for x, _ in corners]
    path = _drawn(tmp_path, squares, rng, 4326)
    assert np.array_equal(labels_on(path, grid), _gdal_rasterize(path, grid, False))


@pytest.mark.parametrize("burn", ["centre", "touched"])
def test_windows_are_those_of_the_whole(tmp_path, burn):
    rng = np.random.default_rng(0)
    grid = utm_grid(600)
    labels = open_file(_drawn(tmp_path, _random_polygons(rng, 100, grid), rng), burn=burn).on(grid, SCENE)
    expected = whole(labels, grid)
    for _ in range(50):
        left, top = rng.integers(0, 599, 2)
        width, height = rng.integers(1, 601 - left), rng.integers(1, 601 - top)
        window = Window(left, top, width, height)
        assert np.array_equal(labels.read(window), expected[top : top + height, left : left + width])


def test_several_threads_read_the_same_as_one(tmp_path):
    rng = np.random.default_rng(0)
    grid = utm_grid(1200)
    path = _drawn(tmp_path, _random_polygons(rng, 100, grid), rng)
    source = open_file(path)
    labels = source.on(grid, SCENE)
    windows = [Window(x, y, 100, 100) for y in range(0, 1200, 100) for x in range(0, 1200, 100)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(labels.read, windows))
    alone = open_file(path)
    expected = whole(alone.on(grid, SCENE), grid)
    assert all(np.array_equal(part, expected[window.toslices()]) for part, window in zip(found, windows, strict=True))
    assert source.report() == alone.report()


def test_vertices_outside_of_a_window_do_not_matter(tmp_path):
    rng = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, 5000, endpoint=False)
    reach = 250 + 200 * np.sin(17 * angle) + rng.uniform(0, 5, len(angle))
    shell = 300 + np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
    part = shapely.Polygon(shell, [300 + 20 * np.column_stack([np.cos(angle), np.sin(angle)])])
    labels, order = np.zeros(1, np.uint8), np.zeros(1, np.int64)
    for touched in (False, True):
        painter = PolygonPainter(np.array([part]), labels, order, touched=touched, north_up=False, tally=None)
        expected = np.full((600, 600), UNKNOWN, np.uint8)
        rasterize([(part, 0)], out=expected, all_touched=touched)
        for left, top in ((0, 0), (200, 100), (256, 256), (450, 300)):
            window = Window(left, top, 130, 140)
            found = np.full((140, 130), UNKNOWN, np.uint8)
            painter.paint(found, window, first=False)
            assert np.array_equal(found, expected[window.toslices()])


def test_later_rows_win_or_smaller_polygons_do(tmp_path):
    polygons = [square(20, 20, 10), square(0, 0, 50)]
    path = write_layer(tmp_path / "labels.gpkg", polygons, **{"class": ["water", "forest"]})
    assert labels_on(path, utm_grid())[25, 25] == FOREST
    assert labels_on(path, utm_grid(), overlap="smaller")[25, 25] == WATER


def test_a_polygon_is_as_small_as_the_whole_of_it_not_as_what_lies_in_the_scene(tmp_path):
    polygons = [square(-500, -500, 510), square(0, 0, 20)]  # of the first, 10 x 10 pixels are in the scene
    path = write_layer(tmp_path / "labels.gpkg", polygons, **{"class": ["water", "forest"]})
    assert labels_on(path, utm_grid(), overlap="smaller")[5, 5] == FOREST


def test_pixels_of_overlapping_polygons_of_different_classes_are_counted_once(tmp_path):
    polygons = [square(0, 0, 20), square(10, 10, 20), square(12, 12, 20), square(40, 40, 20), square(50, 50, 20)]
    names = ["field", "water", "water", "field", "field"]
    source = open_file(write_layer(tmp_path / "labels.gpkg", polygons, **{"class": names}))
    labels = source.on(utm_grid(), SCENE)
    for window in (Window(0, 0, 100, 100), Window(5, 5, 20, 20), Window(0, 0, 100, 100)):
        labels.read(window)
    assert source.report() == {"overlapping": 100}


def test_the_ignored_class_is_burnt_as_unknown(tmp_path):
    path = write_layer(
        tmp_path / "labels.gpkg", [square(0, 0, 50), square(10, 10, 5)], **{"class": ["water", "unknown"]}
    )
    labels = labels_on(path, utm_grid())
    assert labels[12, 12] == UNKNOWN
    assert labels[0, 0] == WATER


def test_a_point_labels_the_pixel_in_which_it_lies(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [shapely.Point(LEFT + 123, TOP - 456), shapely.Point(LEFT - 1, TOP)])
    labels = labels_on(path, utm_grid())
    assert labels[45, 12] == FIELD
    assert (labels == FIELD).sum() == 1


def test_points_label_squares_and_later_ones_win(tmp_path):
    points = [shapely.Point(LEFT + 105, TOP - 105), shapely.MultiPoint([(LEFT + 125, TOP - 105), (LEFT + 5, TOP - 5)])]
    path = write_layer(tmp_path / "labels.gpkg", points, **{"class": ["field", "water"]})
    source = open_file(path, points=3)
    labels = whole(source.on(utm_grid(), SCENE), utm_grid())
    assert (labels[9:12, 9:11] == FIELD).all()
    assert (labels[9:12, 11:14] == WATER).all()
    assert (labels[:2, :2] == WATER).all()
    assert (labels != UNKNOWN).sum() == 6 + 9 + 4
    assert source.report() == {"overlapping": 3}


def test_squares_of_points_cross_the_blocks_that_are_burnt_together(tmp_path):
    path = write_layer(tmp_path / "labels.gpkg", [shapely.Point(LEFT + 2555, TOP - 2565)])
    labels = labels_on(path, utm_grid(600), points=5)
    assert (labels[254:259, 253:258] == FIELD).all()
    assert (labels == FIELD).sum() == 25

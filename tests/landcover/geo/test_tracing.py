import tracemalloc

import numpy as np
import pytest
import shapely
from rasterio.features import shapes

from landcover.geo.tracing import trace


def strips(labels, rows):
    return (labels[top : top + rows] for top in range(0, len(labels), rows))


def traced(labels, rows, without=()):
    """The labels and polygons of all areas."""
    found = list(trace(strips(labels, rows), without))
    return np.concatenate([labels for labels, _ in found]), np.concatenate([polygons for _, polygons in found])


def as_set(labels, polygons):
    """What two lists of polygons have in common if only their order and the first vertices of rings differ."""
    return sorted(zip(map(int, labels), shapely.to_wkb(shapely.normalize(polygons)).tolist(), strict=True))


def gdal(labels):
    found = [(label, shapely.geometry.shape(outline)) for outline, label in shapes(labels)]
    return as_set([label for label, _ in found], np.array([polygon for _, polygon in found], object))


def check(labels, rows):
    found, polygons = traced(labels, rows)
    assert shapely.is_valid(polygons).all()
    assert as_set(found, polygons) == gdal(labels)


@pytest.mark.parametrize("seed", range(60))
def test_polygons_are_those_of_gdal_whatever_the_strips(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(1 + rng.integers(1, 5), size=rng.integers(1, 16, 2), dtype=np.uint8)
    if seed % 2:
        labels[rng.random(labels.shape) < 0.6] = 0  # one large area with many holes, and others within these
    for rows in (1, 2, 5, 16):
        check(labels, rows)


@pytest.mark.parametrize("rows", [3, 50, 200])
def test_an_area_that_runs_through_the_whole_map_is_one_polygon_with_all_its_holes(rows):
    rng = np.random.default_rng(0)
    labels = (rng.random((200, 150)) < 0.6).astype(np.uint8)
    check(labels, rows)


def test_areas_that_meet_far_below_are_one():
    labels = np.zeros((40, 9), np.uint8)
    labels[:-1, 1::2] = 1
    labels[-1, 1:-1] = 1
    found, _ = traced(labels, 4)
    assert sorted(found.tolist()) == [0, 0, 0, 0, 0, 1]
    check(labels, 4)


def test_a_spiral_is_one_polygon():
    labels = np.zeros((31, 31), np.uint8)
    y, x, (dy, dx) = 15, 15, (0, 1)
    for length in range(2, 32, 2):
        for _ in range(2):
            for _ in range(length):
                if 0 <= y < 31 and 0 <= x < 31:
                    labels[y, x] = 1
                y, x = y + dy, x + dx
            dy, dx = dx, -dy
    check(labels, 1)
    check(labels, 7)


def test_pixels_that_touch_at_a_corner_only_are_not_connected():
    found, polygons = traced(np.array([[1, 0], [0, 1]], np.uint8), 1)
    assert len(found) == 4
    assert (shapely.area(polygons) == 1).all()


def test_a_hole_that_touches_the_outline_is_a_hole():
    labels = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
    found, polygons = traced(labels, 1)
    (ring,) = polygons[found == 1]
    assert len(ring.interiors) == 1
    assert ring.is_valid


def test_some_labels_have_no_polygons():
    labels = np.random.default_rng(0).integers(3, size=(20, 20), dtype=np.uint8)
    found, polygons = traced(labels, 3, without={1, 255})
    everything = as_set(*traced(labels, 3))
    assert as_set(found, polygons) == [one for one in everything if one[0] != 1]


def test_the_same_strips_give_the_same_polygons_in_the_same_order():
    labels = np.random.default_rng(0).integers(3, size=(60, 40), dtype=np.uint8)
    first, second = traced(labels, 7), traced(labels, 7)
    assert (first[0] == second[0]).all()
    assert shapely.to_wkb(first[1]).tolist() == shapely.to_wkb(second[1]).tolist()


def test_memory_does_not_depend_on_the_number_of_polygons():
    def peak(count):
        rng = np.random.default_rng(0)
        noise = (rng.integers(3, size=(4, 200), dtype=np.uint8) for _ in range(count))
        tracemalloc.start()
        found = sum(len(labels) for labels, _ in trace(noise))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found, most

    few, many = peak(20), peak(100)
    assert many[0] > 4 * few[0]
    assert many[1] < 1.3 * few[1]


def test_no_strips_give_no_polygons():
    assert list(trace([])) == []

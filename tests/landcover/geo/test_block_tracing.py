import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import shapes

from landcover.geo.block_tracing import OUTSIDE, trace_block
from landcover.geo.tracing import Joiner, trace


def by_blocks(labels, height, width, without=()):
    """The labels and polygons of all areas, traced in blocks as workers do."""
    padded = np.pad(labels.astype(np.int16), 1, constant_values=OUTSIDE)
    joiner, found = Joiner(), []
    for top in range(0, labels.shape[0], height):
        row, parts = [], []
        for left in range(0, labels.shape[1], width):
            window = padded[top : top + height + 2, left : left + width + 2]
            whole, block = trace_block(window, top, left, labels.shape[1], without).split()
            row.append(block)
            parts.append(whole)
        parts.append(joiner.add(row))
        first, last, names, polygons = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "last", "labels", "polygons")
        )
        order = np.lexsort((first, last))
        found.append((names[order], polygons[order]))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def whole(labels, without=()):
    return tuple(np.concatenate(parts) for parts in zip(*trace([labels], without), strict=True))


def check(labels, height, width, without=()):
    """Blocks give what the whole gives, to the last vertex and in the same order; and GDAL the same set."""
    names, polygons = by_blocks(labels, height, width, without)
    expected = whole(labels, without)
    assert names.tolist() == expected[0].tolist()
    assert shapely.to_wkb(polygons).tolist() == shapely.to_wkb(expected[1]).tolist()
    drawn = [(int(label), shapely.geometry.shape(shape)) for shape, label in shapes(labels, connectivity=4)]
    by_gdal = sorted((label, shapely.normalize(shape).wkb) for label, shape in drawn if label not in without)
    assert sorted(zip(names.tolist(), shapely.to_wkb(shapely.normalize(polygons)), strict=True)) == by_gdal
    assert shapely.is_valid(polygons).all()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_blocks_of_any_size_give_the_polygons_of_the_whole(data):
    height, width, classes = (data.draw(st.integers(1, most)) for most in (14, 14, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(classes, size=(height, width), dtype=np.uint8)
    if data.draw(st.booleans()):
        labels[rng.random(labels.shape) < 0.6] = 0  # one large area with many holes, and others within these
    if data.draw(st.booleans()):
        labels[rng.random(labels.shape) < 0.3] = 255
    check(labels, data.draw(st.integers(1, 15)), data.draw(st.integers(1, 15)), {255})


def spiral(side):
    """A path of one pixel that winds outwards from the middle."""
    labels = np.zeros((side, side), np.uint8)
    y, x, (dy, dx) = side // 2, side // 2, (0, 1)
    for length in range(2, side + 1, 2):
        for _ in range(2):
            for _ in range(length):
                if 0 <= y < side and 0 <= x < side:
                    labels[y, x] = 1
                y, x = y + dy, x + dx
            dy, dx = dx, -dy
    return labels


@pytest.mark.parametrize("block", [(1, 7), (4, 4), (5, 31), (31, 3)])
def test_a_spiral_over_many_blocks_is_one_polygon(block):
    labels = spiral(31)
    names, _ = by_blocks(labels, *block)
    assert names.tolist().count(1) == 1
    check(labels, *block)


def test_a_hole_across_the_corner_of_four_blocks_is_one_hole():
    labels = np.zeros((8, 8), np.uint8)
    labels[3:5, 3:5] = 255
    _, (polygon,) = by_blocks(labels, 4, 4, {255})
    assert len(polygon.interiors) == 1
    check(labels, 4, 4, {255})


def test_areas_that_touch_at_the_corner_of_four_blocks_are_apart():
    labels = np.kron(np.eye(2, dtype=np.uint8), np.ones((4, 4), np.uint8))
    names, polygons = by_blocks(labels, 4, 4)
    assert names.tolist() == [1, 0, 0, 1]
    assert (shapely.area(polygons) == 16).all()
    check(labels, 4, 4)


def test_one_class_everywhere_is_one_rectangle_of_four_vertices():
    labels = np.zeros((9, 7), np.uint8)
    _, (polygon,) = by_blocks(labels, 2, 3)
    assert polygon.equals(shapely.box(0, 0, 7, 9))
    assert shapely.get_num_coordinates(polygon) == 5


def test_a_map_without_data_has_no_polygons():
    names, _ = by_blocks(np.full((9, 7), 255, np.uint8), 2, 3, {255})
    assert len(names) == 0

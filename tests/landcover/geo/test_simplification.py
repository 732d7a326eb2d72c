import numpy as np
import pytest
import shapely

from landcover.geo.simplification import simplify
from landcover.geo.tracing import trace


def coverage(labels, without=()):
    return np.concatenate([polygons for _, polygons in trace([labels], without)])


@pytest.mark.parametrize("seed", range(30))
def test_neighbours_keep_common_borders_and_the_whole_keeps_its_outline(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=rng.integers(1, 30, 2), dtype=np.uint8)
    polygons = coverage(labels, without={seed % 4})
    simple = simplify(polygons, 2)
    assert len(simple) == len(polygons)
    assert shapely.is_valid(simple).all()
    if len(polygons):
        assert shapely.coverage_is_valid(simple)
    assert shapely.area(simple).sum() == shapely.area(polygons).sum()
    assert shapely.union_all(simple).equals(shapely.union_all(polygons))


def test_borders_lose_their_steps():
    y, x = np.mgrid[:60, :60]
    polygons = coverage((y > x).astype(np.uint8))
    simple = simplify(polygons, 3)
    assert shapely.get_num_coordinates(simple).max() < 10 < shapely.get_num_coordinates(polygons).max()
    assert shapely.coverage_is_valid(simple)


def test_no_polygons_stay_none():
    assert len(simplify(np.zeros(0, object), 1)) == 0

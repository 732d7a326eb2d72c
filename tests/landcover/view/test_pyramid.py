import pytest
from rasterio.windows import Window

from landcover.view.pyramid import Pyramid


@pytest.mark.parametrize(
    ("height", "width", "reductions"), [(1, 1, [1]), (256, 256, [1]), (257, 3, [2, 1]), (700, 1100, [8, 4, 2, 1])]
)
def test_the_first_level_is_a_single_tile(height, width, reductions):
    assert Pyramid(height, width).reductions == reductions


@pytest.mark.parametrize("level", range(4))
def test_tiles_of_a_level_cover_every_pixel_once(level):
    pyramid = Pyramid(700, 1100)
    tiles = [pyramid.tile(level, x, y) for y in range(9) for x in range(9)]
    windows = [tile.window for tile in tiles if tile]
    assert sum(window.width * window.height for window in windows) == 700 * 1100
    assert max(window.col_off + window.width for window in windows) == 1100
    assert max(window.row_off + window.height for window in windows) == 700


def test_tiles_at_the_edge_are_smaller():
    tile = Pyramid(700, 1100).tile(2, 2, 1)
    assert tile.window == Window(1024, 512, 76, 188)
    assert (tile.shape, tile.reduction) == ((94, 38), 2)


@pytest.mark.parametrize("place", [(-1, 0, 0), (4, 0, 0), (3, 5, 0), (3, 0, 3), (3, -1, 0), (3, 0, -1), (10**9, 1, 1)])
def test_there_are_no_tiles_outside(place):
    assert Pyramid(700, 1100).tile(*place) is None

import itertools
import os
import shutil

import numpy as np
import pytest

from landcover.scale.blocks import BlockGrid, fingerprint


@pytest.mark.parametrize("size", [(512, 512), (1, 1), (1025, 700), (511, 2048)])
def test_blocks_cover_each_pixel_once(size):
    covered = np.zeros(size, int)
    grid = BlockGrid(*size, 512)
    blocks = list(grid)
    for block in blocks:
        covered[block.region.inside] += 1
    assert (covered == 1).all()
    assert len(blocks) == len(grid) == grid.rows * grid.columns
    assert len({block.name for block in blocks}) == len(grid)


def test_names_tell_the_place():
    assert [block.name for block in BlockGrid(2000, 9000, 512).at(3, 12)] == ["r0003_c0012"]


def test_cut_blocks_cover_each_pixel_once():
    grid = BlockGrid(700, 3000, 1536, {1: (2048, 2560)})
    covered = np.zeros((700, 3000), int)
    for block in grid:
        covered[block.region.inside] += 1
    assert (covered == 1).all()
    names = ["r0000_c0000", "r0000_c0001_x1536-2047", "r0000_c0001_x2048-2559", "r0000_c0001_x2560-2999"]
    assert [block.name for block in grid] == [block.name for block in grid.row(0)] == names
    assert len(grid) == 4


def test_a_country_has_its_blocks_one_by_one():
    grid = BlockGrid(10**7, 10**7, 512)
    assert [block.name for block in itertools.islice(grid, 2)] == ["r0000_c0000", "r0000_c0001"]
    assert len(grid) > 10**8


def test_a_fingerprint_is_of_the_content_and_not_of_the_path(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "s.tif").write_bytes(b"pixels")
    (tmp_path / "b").mkdir()
    shutil.copy2(tmp_path / "a" / "s.tif", tmp_path / "b" / "s.tif")
    one, other = ([tmp_path / folder / "s.tif"] for folder in "ab")
    assert fingerprint(one, "m", {"block": 512}) == fingerprint(other, "m", {"block": 512})
    assert fingerprint(one, "m", {"block": 512}) != fingerprint(one, "n", {"block": 512})
    assert fingerprint(one, "m", {"block": 512}) != fingerprint(one, "m", {"block": 1024})
    os.utime(tmp_path / "b" / "s.tif", (1, 1))
    assert fingerprint(one, "m", {"block": 512}) != fingerprint(other, "m", {"block": 512})

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


@pytest.mark.parametrize(
    ("workers", "parts"),
    [(1, {}), (2, {8: 2}), (4, {8: 3}), (9, {}), (16, dict.fromkeys(range(6), 4) | dict.fromkeys((6, 7, 8), 3))],
)
def test_the_last_blocks_are_divided_so_that_all_workers_end_together(workers, parts):
    assert BlockGrid(12_000, 12_000, 4096).last_divided(workers) == parts


def test_parts_of_blocks_cover_each_pixel_once_and_begin_at_strips():
    grid = BlockGrid(3000, 700, 1536, {1: 3})
    covered = np.zeros((3000, 700), int)
    for block in grid:
        covered[block.region.inside] += 1
        assert block.region.top % 512 == 0
    assert (covered == 1).all()
    assert [block.name for block in grid] == ["r0000_c0000", *(f"r0001_c0000_p{part}of3" for part in range(3))]
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

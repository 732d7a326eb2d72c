import numpy as np
import pytest

from landcover.scale.blocks import BlockGrid
from landcover.scale.sweeps import plan, rectangles, region_of


class Those:
    """Blocks that are found: of these names, whole places only."""

    def __init__(self, *names):
        self.names = names

    def __contains__(self, block):
        return block.name in self.names

    def cuts(self, grid):
        return {}


def planned(grid, workers, *names):
    grid, sweeps = plan(grid, Those(*names), workers)
    sweeps = list(sweeps)
    covered = np.zeros((grid.height // 32 + 1, grid.width // 32 + 1), int)
    for block in (block for sweep in sweeps for block in sweep):
        region = block.region
        covered[region.top // 32 : -(-region.bottom // 32), region.left // 32 : -(-region.right // 32)] += 1
    assert (covered[: -(-grid.height // 32), : -(-grid.width // 32)] == 1).all()
    assert sorted((b for sweep in sweeps for b in sweep), key=str) == sorted(grid, key=str)
    return grid, sweeps


def pixels(sweep):
    return sum(block.region.pixels for block in sweep)


def test_a_single_worker_draws_a_scene_in_one_go():
    grid, (sweep,) = planned(BlockGrid(12_000, 12_000, 4096), 1)
    assert not grid.cuts
    assert len(rectangles(sweep)) == 1


def test_two_workers_get_a_half_each_side_by_side():
    grid, sweeps = planned(BlockGrid(12_000, 12_000, 4096), 2)
    assert grid.cuts == {1: (6144,), 4: (6144,), 7: (6144,)}
    assert [len(rectangles(sweep)) for sweep in sweeps] == [1, 1]
    assert region_of(rectangles(sweeps[1])[0]).left == 6144


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("size", [(12_000, 12_000), (30_000, 50_000), (100_000, 2_000), (2_000, 100_000)])
def test_sweeps_are_alike_and_neither_wide_nor_many(size, workers):
    _, sweeps = planned(BlockGrid(*size, 4096), workers)
    areas = [pixels(sweep) for sweep in sweeps]
    assert len(sweeps) >= workers
    assert max(areas) <= 2**28 * 1.3
    assert max(areas) <= 1.35 * sum(areas) / len(areas)
    assert all(region_of(one).width <= 20_480 for sweep in sweeps for one in rectangles(sweep))


def test_more_workers_than_work_get_sweeps_that_are_not_too_narrow():
    _, sweeps = planned(BlockGrid(5000, 5000, 4096), 100)
    assert 4 <= len(sweeps) <= 6
    assert min(region_of(one).width for sweep in sweeps for one in rectangles(sweep)) >= 512


def test_what_is_found_is_no_work_and_stays_whole():
    grid, sweeps = planned(BlockGrid(12_000, 12_000, 4096), 2, "r0000_c0001", "r0001_c0001", "r0002_c0001")
    assert not grid.cuts
    assert sorted(sorted({block.column for block in sweep}) for sweep in sweeps) in ([[0], [1, 2]], [[0, 1], [2]])
    everything = [block.name for block in BlockGrid(12_000, 12_000, 4096)]
    assert len(planned(BlockGrid(12_000, 12_000, 4096), 2, *everything)[1]) == 2


def test_large_maps_are_cut_between_blocks_only():
    grid, sweeps = planned(BlockGrid(60_000, 60_000, 4096), 3)
    assert not grid.cuts
    assert 12 < len(sweeps) < 30


def test_blocks_join_to_rectangles_of_what_is_left():
    grid = BlockGrid(1536, 2048, 512)
    left = [block for block in grid if block.name not in ("r0000_c0000", "r0001_c0002")]
    regions = [region_of(rectangle) for rectangle in rectangles(left)]
    assert [(r.top, r.bottom, r.left, r.right) for r in regions] == [
        (0, 512, 512, 2048),
        (512, 1024, 0, 1024),
        (512, 1024, 1536, 2048),
        (1024, 1536, 0, 2048),
    ]
    assert rectangles([]) == []


def test_a_country_is_planned_sweep_by_sweep():
    grid, sweeps = plan(BlockGrid(320_000, 1_000_000, 4096), Those(), 10)
    assert not grid.cuts
    assert 8 <= len(next(sweeps)) <= 24

"""Which blocks a worker draws in one go.

A block that is drawn on its own computes windows that its neighbours compute as well. So workers are given sweeps:
rectangles of several blocks, drawn from the top down as if they were one. All sweeps of a map have about the same
number of pixels, so that all workers end at about the same time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from math import ceil

import numpy as np

from landcover.inference.regions import Region
from landcover.scale.block_folder import Found
from landcover.scale.blocks import Block, BlockGrid
from landcover.scale.options import BLOCK_UNIT

_PIXELS = 2**28  # of a sweep, at most: minutes, after which another worker may go on with something else
_WIDEST = 16_384  # pixels: memory of a worker grows with the width of a sweep
_NARROWEST = 1024  # pixels: narrower ones would compute more windows twice than the workers gain
_MANY = 4  # sweeps for each worker: so many need not end together to the pixel, and no block is cut for it


def plan(grid: BlockGrid, found: Found, workers: int) -> tuple[BlockGrid, Iterator[tuple[Block, ...]]]:
    """Divide the blocks of a map among workers.

    The rows of blocks are grouped into bands; end to end, these are one long strip, which is cut into sweeps.

    Args:
        grid: Of the map; no place is cut.
        found: The blocks that are there. They stay as they are, and do not count as work.
        workers: Number of items that are worked on at once.

    Returns:
        The grid with its final cuts; and the blocks of each sweep, one sweep at a time, as there may be many.
    """
    grid = replace(grid, cuts=found.cuts(grid))
    work = sum(block.region.pixels for block in grid if block not in found) or grid.height * grid.width
    bands, count = min((_choice(grid, bands, work, workers) for bands in range(1, grid.rows + 1)), key=_worth)[1:]
    rows = [range(grid.rows * band // bands, grid.rows * (band + 1) // bands) for band in range(bands)]
    snap = BLOCK_UNIT if count <= _MANY * workers and grid.side >= _NARROWEST else grid.side
    ends = _ends(grid, found, rows, count, snap)
    grid = replace(grid, cuts=_cuts(grid, found, rows, ends))
    return grid, _sweeps(grid, rows, ends)


def rectangles(blocks: Iterable[Block]) -> list[list[list[Block]]]:
    """Join blocks of a sweep to rectangles, each a list of rows of blocks.

    Args:
        blocks: Any of a grid's blocks.
    """
    found: list[list[list[Block]]] = []
    for _, row in groupby(sorted(blocks, key=_place), lambda block: block.region.top):
        for run in _runs(row):
            above = next((rows for rows in found if _continues(rows[-1], run)), None)
            if above is None:
                found.append([run])
            else:
                above.append(run)
    return found


def region_of(rectangle: Sequence[Sequence[Block]]) -> Region:
    """The pixels of one of `rectangles`."""
    first, last = rectangle[0][0].region, rectangle[-1][-1].region
    return Region(first.top, last.bottom, first.left, last.right)


def _choice(grid: BlockGrid, bands: int, work: int, workers: int) -> tuple[tuple[int, float], int, int]:
    """What speaks against a number of bands (sweeps that are missing, pixels of borders), it, and that of sweeps."""
    height = min(ceil(grid.rows / bands) * grid.side, grid.height)
    count = workers * ceil(max(work / _PIXELS, work / height / _WIDEST) / workers)
    count = max(1, min(count, round(work / height / min(_NARROWEST, grid.side))))
    border = (bands - 1) * grid.width + max(0, count - bands) * grid.height / bands
    return (-min(count, workers), border), bands, count


def _worth(choice: tuple[tuple[int, float], int, int]) -> tuple[int, float]:
    return choice[0]


def _ends(grid: BlockGrid, found: Found, bands: Sequence[range], count: int, snap: int) -> list[tuple[int, int]]:
    """Where sweeps begin and end: (band, column of pixels), in order; the first at (0, 0), the last after all bands."""
    work = [_work(grid, found, band) for band in bands]
    if not any(each.any() for each in work):
        work = [np.ones_like(each) for each in work]
    total = sum(float(each.sum()) for each in work)
    ends, before = {(0, 0), (len(bands), 0)}, 0.0
    narrowest = min(_NARROWEST, grid.side)
    for band, each in enumerate(work):
        done = before + np.concatenate([[0], np.cumsum(each)])
        for number in range(ceil(before / total * count), ceil(done[-1] / total * count)):
            left = round(int(np.abs(done - number * total / count).argmin()) * BLOCK_UNIT / snap) * snap
            if left < narrowest:
                ends.add((band, 0))
            elif left > grid.width - narrowest:
                ends.add((band + 1, 0))
            else:
                ends.add((band, left))
        before = float(done[-1])
    return sorted(ends)


def _work(grid: BlockGrid, found: Found, rows: range) -> np.ndarray:
    """Pixels that are to be drawn in each `BLOCK_UNIT` columns of a band, but for a common factor: float64."""
    work = np.zeros(ceil(grid.width / BLOCK_UNIT))
    edges = np.arange(len(work) + 1) * BLOCK_UNIT
    for row in rows:
        for block in grid.row(row):
            if block not in found:
                covered = np.clip(edges, block.region.left, block.region.right)
                work += np.diff(covered) * block.region.height
    return work


def _cuts(
    grid: BlockGrid, found: Found, bands: Sequence[range], ends: Iterable[tuple[int, int]]
) -> dict[int, tuple[int, ...]]:
    """The cuts of a grid, and those of blocks in which a sweep ends and that are not there yet."""
    cuts = dict(grid.cuts)
    for band, left in ends:
        if not left:
            continue
        column = left // grid.side
        for row in bands[band]:
            number = row * grid.columns + column
            for block in grid.at(row, column):
                if block.region.left < left < block.region.right and block not in found:
                    cuts[number] = tuple(sorted({*cuts.get(number, ()), left}))
    return cuts


def _sweeps(grid: BlockGrid, bands: Sequence[range], ends: Iterable[tuple[int, int]]) -> Iterator[tuple[Block, ...]]:
    for (first, begin), (last, end) in pairwise(ends):
        blocks: list[Block] = []
        for band in range(first, last + (end > 0)):
            left = begin if band == first else 0
            right = end if band == last else grid.width
            for row in bands[band]:
                for column in range(left // grid.side, ceil(right / grid.side)):
                    blocks += [block for block in grid.at(row, column) if left <= block.region.left < right]
        if blocks:
            yield tuple(blocks)


def _place(block: Block) -> tuple[int, int]:
    return block.region.top, block.region.left


def _runs(row: Iterable[Block]) -> list[list[Block]]:
    """Divide blocks of a row, from the left, where there is a gap."""
    runs: list[list[Block]] = []
    for block in row:
        if runs and runs[-1][-1].region.right == block.region.left:
            runs[-1].append(block)
        else:
            runs.append([block])
    return runs


def _continues(above: Sequence[Block], below: Sequence[Block]) -> bool:
    """Whether a run of blocks lies below another one of the same columns."""
    one, other = above[-1].region, below[-1].region
    return one.bottom == other.top and (above[0].region.left, one.right) == (below[0].region.left, other.right)

"""Polygons of a map by many workers, traced block by block and joined along the sides of the blocks."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.geo.block_tracing import OUTSIDE, Block, trace_block
from landcover.geo.map_reader import open_map
from landcover.geo.polygon_layers import BATCH
from landcover.geo.polygon_rows import RowMaker
from landcover.geo.polygons import write_polygons, write_rows
from landcover.geo.tracing import Joiner
from landcover.inference.regions import Region
from landcover.scale.blocks import BlockGrid
from landcover.scale.cluster import Cluster
from landcover.scale.options import BLOCK
from landcover.system.errors import LandcoverError


def write_polygons_on(
    cluster: Cluster,
    path: Path | str,
    map_path: Path | str,
    *,
    block: int = BLOCK,
    min_area: float | None = None,
    simplify: float | None = None,
) -> int:
    """Write what `geo.polygons.write_polygons` writes, to the byte, with the help of workers.

    Workers trace blocks of the map, and measure and encode the areas that lie within one. This process joins the others
    along the sides of the blocks. It holds a row of blocks: the rows of the layer that end there, and the outlines of
    the areas that go on below. Memory depends on the width of the map, on the side of the blocks and on the largest
    area, but not on how many rows of blocks there are. With `min_area` or `simplify`, it does all of the work alone.

    Args:
        cluster: Its workers can read `map_path`.
        path, map_path, min_area, simplify: As for `write_polygons`.
        block: Side of the blocks in pixels.

    Returns:
        Number of polygons.

    Raises:
        LandcoverError: As `write_polygons`; or a block cannot be traced.
    """
    if min_area or simplify:
        return write_polygons(path, map_path, min_area=min_area, simplify=simplify)
    return write_rows(path, map_path, lambda make: _rows(cluster, make, block))


@dataclass(frozen=True)
class _Item:
    """A block of a map to trace."""

    map_path: Path
    in_degrees: bool
    region: Region

    def __str__(self) -> str:
        return f"{self.map_path}, {self.region}"


@dataclass(frozen=True)
class _Rows:
    """Rows of the layer, in the order of polygons, and what this depends on.

    Attributes:
        batches: The rows.
        first, last: The first pixels and the last rows of the polygons (`block_tracing.Areas`).
    """

    batches: list[pyarrow.RecordBatch]
    first: np.ndarray
    last: np.ndarray


@dataclass(frozen=True)
class _Traced:
    """What a worker makes of a block.

    Attributes:
        rows: Of the areas that no other block touches.
        beyond: How many of them reach beyond the Earth.
        block: The areas that go on in other blocks.
    """

    rows: _Rows
    beyond: int
    block: Block


def _rows(cluster: Cluster, make: RowMaker, side: int) -> Iterator[pyarrow.RecordBatch]:
    """Yield the rows of all polygons of a map."""
    (height, width), joiner = make.size, Joiner()
    grid = BlockGrid(height, width, side)
    items = (_Item(make.path.absolute(), make.in_degrees, block.region) for block in grid)
    parts: list[_Traced] = []
    with closing(cluster.map(_trace, items, str, ordered=True)) as results:
        for _, traced in results:
            if isinstance(traced, LandcoverError):
                raise traced
            parts.append(traced)
            if len(parts) == grid.columns:
                ended = joiner.add([part.block for part in parts])
                make.count_beyond(sum(part.beyond for part in parts))
                joined = _Rows([*make(ended.labels, ended.polygons)], ended.first, ended.last)
                yield from _in_order([joined, *(part.rows for part in parts)])
                parts = []


def _in_order(parts: list[_Rows]) -> Iterator[pyarrow.RecordBatch]:
    """Yield the rows of several parts in the order of polygons."""
    first, last = (np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "last"))
    if not len(first):
        return
    table = pyarrow.Table.from_batches([batch for part in parts for batch in part.batches]).combine_chunks()
    order = np.lexsort((first, last))
    for begin in range(0, len(order), BATCH):
        yield from table.take(order[begin : begin + BATCH]).to_batches()


def _trace(item: _Item) -> _Traced:
    """Trace a block in a worker."""
    make = RowMaker(item.map_path, item.in_degrees)
    with open_map(item.map_path) as (file, _):
        labels = _with_neighbours(file, item.region)
    block = trace_block(labels, item.region.top, item.region.left, make.size[1], make.without)
    whole, block = block.split()
    rows = _Rows([*make(whole.labels, whole.polygons)], whole.first, whole.last)
    return _Traced(rows, make.beyond, block)


def _with_neighbours(file: DatasetReader, region: Region) -> np.ndarray:
    """The labels of a region of a map and of one pixel around it, `OUTSIDE` beyond the map: int16 (H + 2, W + 2)."""
    labels = np.full((region.height + 2, region.width + 2), OUTSIDE, np.int16)
    top, left = max(region.top - 1, 0), max(region.left - 1, 0)
    bottom, right = min(region.bottom + 1, file.height), min(region.right + 1, file.width)
    rows = slice(top - region.top + 1, bottom - region.top + 1)
    columns = slice(left - region.left + 1, right - region.left + 1)
    labels[rows, columns] = file.read(1, window=Window(left, top, right - left, bottom - top))
    return labels

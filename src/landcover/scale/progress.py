"""How far the blocks of a map are: what workers tell, each block counted once whoever drew it how often."""

from dataclasses import dataclass, field, replace
from typing import Any

from tqdm import tqdm

from landcover.scale.assembly import FinishedRows
from landcover.scale.block_work import BlockResult, Sweep
from landcover.scale.blocks import BlockGrid


@dataclass
class BlockCounts:
    """What became of the blocks of maps.

    Attributes:
        blocks: Number.
        kept: Of these, those that were finished before.
        retries: How often a block was tried again.
        pixels: Of each label.
    """

    blocks: int = 0
    kept: int = 0
    retries: int = 0
    pixels: dict[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        tried = f"{self.retries} tried again" if self.retries else ""
        more = ", ".join(filter(None, [f"{self.kept} kept" if self.kept else "", tried]))
        return f"{self.blocks} block{'s' * (self.blocks != 1)}{f' ({more})' if more else ''}"

    def add(self, other: "BlockCounts") -> None:
        """Add those of another map."""
        self.blocks += other.blocks
        self.kept += other.kept
        self.retries += other.retries
        self.add_pixels(other.pixels)

    def add_pixels(self, pixels: dict[int, int]) -> None:
        """Add pixels of labels."""
        for label, count in pixels.items():
            self.pixels[label] = self.pixels.get(label, 0) + count


class Progress:
    """Counts blocks as they are finished, tells the writer of the map of complete rows, and moves the progress bar.

    Args:
        grid: Of the map.
        bar: Of megapixels.
        rows: Of the writer of the map.
    """

    def __init__(self, grid: BlockGrid, bar: "tqdm[None]", rows: FinishedRows) -> None:
        self.counts = BlockCounts(len(grid))
        self._grid, self._bar, self._rows = grid, bar, rows
        self._finished: dict[int, set[tuple[int, ...]]] = {}  # of the rows that are not complete
        self._left: dict[int, int] = {}  # blocks of these rows that are not finished
        self._complete = bytearray(grid.rows)
        self._pixels = 0  # of finished blocks
        self._begun = 0  # pixels drawn of blocks that are not finished; too many, if a worker was lost meanwhile

    def hear(self, news: Any) -> None:
        """Take what `block_work.draw_sweep` tells: a finished block, or a number of pixels of others."""
        if isinstance(news, int):
            self._begun += news
            self._move()
        else:
            place, is_new, pixels = news
            self.finish(BlockResult(tuple(place), is_new, dict(pixels)))

    def finish(self, block: BlockResult) -> None:
        """Count a finished block, unless it was counted before.

        Raises:
            LandcoverError: The map cannot be written.
        """
        if self._is_finished(block.place):
            return
        row, *columns = block.place
        if row not in self._finished:
            self._finished[row], self._left[row] = set(), len(self._grid.row(row))
        self._finished[row].add(tuple(columns))
        self._left[row] -= 1
        pixels = sum(block.pixels.values())
        self._pixels += pixels
        self._begun = max(0, self._begun - pixels) if block.is_new else self._begun
        self._move()
        self.counts.kept += not block.is_new
        self.counts.add_pixels(block.pixels)
        if not self._left[row]:
            del self._finished[row], self._left[row]
            self._complete[row] = True
            self._rows.complete(row)

    def left_of(self, sweep: Sweep) -> list[Sweep]:
        """The blocks of a sweep that are not finished, each by itself."""
        left = [block for block in sweep.blocks if not self._is_finished((block.row, block.column, block.region.left))]
        return [replace(sweep, blocks=(block,)) for block in left]

    def _is_finished(self, place: tuple[int, int, int]) -> bool:
        row, *columns = place
        return bool(self._complete[row]) or tuple(columns) in self._finished.get(row, ())

    def _move(self) -> None:
        total = self._bar.total or 0.0
        self._bar.update(min(total, (self._pixels + self._begun) / 1e6) - self._bar.n)

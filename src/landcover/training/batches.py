"""The batches that training sees: random crops of prepared tiles."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from landcover.classes.class_table import IGNORE
from landcover.data.tiles import Tiles
from landcover.system.processes import Processes
from landcover.training.augmentation import Augmentation, Draw


class Batch(NamedTuple):
    """A batch, or one process's part of it: N crops of side S.

    Attributes:
        images: uint8 (N, S, S, 3).
        labels: uint8 (N, S, S), class indices or `IGNORE`.
        draw: How to augment them.
    """

    images: Tensor
    labels: Tensor
    draw: Draw


class Plan(NamedTuple):
    """Where the crops of a whole batch lie."""

    tiles: Tensor  # int64 (N,)
    corners: Tensor  # int64 (N, 2), row and column of the upper left pixel
    side: int  # pixels
    draw: Draw


class Batches(Dataset):
    """Batch after batch of random crops, each a pure function of (seed, epoch, step).

    Crops lie within the unpadded part of their tile, uniformly over the pixels of the data set. Where that part is
    smaller than the crop, the rest of the crop is padding: images zero, labels `IGNORE`.

    Args:
        pixels: Number of pixels of each class in each tile, (tiles, C).
        size: Side of the crops as the network sees them, in pixels.
        batch_size: Crops in a batch, over all processes.
        balance: Share (0..1) of the crops that are instead drawn around a pixel of a class, all classes as often.
    """

    def __init__(
        self,
        tiles: Tiles,
        pixels: np.ndarray,
        *,
        size: int,
        batch_size: int,
        seed: int,
        augmentation: Augmentation | None = None,
        balance: float = 0.0,
        processes: Processes | None = None,
    ) -> None:
        self._tiles, self._seed, self._balance = tiles, seed, balance
        self.size, self.batch_size = size, batch_size
        self._augmentation = augmentation or Augmentation()
        self._part = (processes or Processes()).slice_of(batch_size)
        self._extent = torch.tensor(tiles.table[["height", "width"]].to_numpy())
        self._area = self._extent.prod(1).double()
        self._cumulated = pixels.cumsum(0)  # pixels of each class up to each tile

    def plan(self, epoch: int, step: int) -> Plan:
        """Decide by chance all of a batch, of which each process then reads its part."""
        generator = torch.Generator().manual_seed(seed_of(self._seed, epoch, step))
        side = self._augmentation.draw_side(self.size, generator)
        chosen = torch.multinomial(self._area, self.batch_size, replacement=True, generator=generator)
        where = torch.rand(self.batch_size, 2, generator=generator)
        corners = (where * ((self._extent[chosen] - side).clamp(min=0) + 1)).long()
        if self._balance:
            self._favour_rare_classes(chosen, corners, side, where, generator)
        return Plan(chosen, corners, side, self._augmentation.draw(self.batch_size, generator))

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        """This process's part of the batch of (epoch, step)."""
        chosen, corners, side, draw = self.plan(*key)
        chosen, corners = chosen[self._part].tolist(), corners[self._part].tolist()
        images = np.zeros((len(chosen), side, side, 3), np.uint8)
        labels = np.full((len(chosen), side, side), IGNORE, np.uint8)
        for i, (tile, (row, column)) in enumerate(zip(chosen, corners, strict=True)):
            window = np.s_[tile, row : row + side, column : column + side]
            crop = self._tiles.labels[window]
            images[i, : crop.shape[0], : crop.shape[1]] = self._tiles.images[window]
            labels[i, : crop.shape[0], : crop.shape[1]] = crop
        return Batch(torch.from_numpy(images), torch.from_numpy(labels), draw.part(self._part))

    def tile_names(self, epoch: int, step: int) -> list[str]:
        """From which tiles the batch of (epoch, step) is cut: sample name and the tile's row and column in it."""
        rows = self._tiles.table.iloc[sorted(set(self.plan(epoch, step).tiles.tolist()))]
        return [f"{row.name} at {row.row},{row.column}" for row in rows.itertuples(index=False, name="Tile")]

    def _favour_rare_classes(
        self, chosen: Tensor, corners: Tensor, side: int, where: Tensor, generator: torch.Generator
    ) -> None:
        """Move some crops, in place, so that each holds a pixel of a class that chance named."""
        present = torch.from_numpy(np.flatnonzero(self._cumulated[-1]))
        favoured = torch.rand(self.batch_size, generator=generator) < self._balance
        classes = present[torch.randint(len(present), (self.batch_size,), generator=generator)]
        picks = torch.rand(self.batch_size, 2, generator=generator, dtype=torch.float64)
        for i in favoured.nonzero().flatten().tolist():
            cumulated = self._cumulated[:, classes[i]]
            tile = int(np.searchsorted(cumulated, picks[i, 0].item() * cumulated[-1], side="right"))
            height, width = self._extent[tile].tolist()
            rows, columns = np.nonzero(self._tiles.labels[tile, :height, :width] == classes[i].item())
            pixel = int(picks[i, 1] * len(rows))
            chosen[i] = tile
            for axis, (place, extent) in enumerate(((rows[pixel], height), (columns[pixel], width))):
                # All corners for which the crop holds the pixel and lies within the tile, if it can.
                lowest, highest = max(0, place - side + 1), max(0, min(place, extent - side))
                corners[i, axis] = lowest + int(where[i, axis] * (highest - lowest + 1))


def seed_of(*key: int) -> int:
    """A seed made of all of `key`."""
    return int(np.random.SeedSequence(key).generate_state(1)[0])

"""Random crops of prepared tiles: the batches that training sees."""

import numpy as np
import torch
from torch import Tensor

from landcover.classes import IGNORE
from landcover.tiles import Tiles


class RandomCrops:
    """Draw crops uniformly over the pixels of a data set.

    Crops lie within the unpadded part of their tile. Where that is smaller than the crop, the rest of the crop is
    padding: pictures zero, labels `IGNORE`.

    Args:
        size: Side S of a crop in pixels.
    """

    def __init__(self, tiles: Tiles, size: int) -> None:
        self._tiles, self.size = tiles, size
        self._extent = torch.tensor(tiles.table[["height", "width"]].to_numpy())
        self._pixels = self._extent.prod(1).double()

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A batch: images uint8 (count, S, S, 3) and labels uint8 (count, S, S)."""
        size = self.size
        chosen = torch.multinomial(self._pixels, count, replacement=True, generator=generator)
        room = (self._extent[chosen] - size).clamp(min=0) + 1
        corners = (torch.rand(count, 2, generator=generator) * room).long()
        images = np.zeros((count, size, size, 3), np.uint8)
        labels = np.full((count, size, size), IGNORE, np.uint8)
        for i, (tile, (row, column)) in enumerate(zip(chosen.tolist(), corners.tolist(), strict=True)):
            window = np.s_[tile, row : row + size, column : column + size]
            crop = self._tiles.labels[window]
            images[i, : crop.shape[0], : crop.shape[1]] = self._tiles.images[window]
            labels[i, : crop.shape[0], : crop.shape[1]] = crop
        return torch.from_numpy(images), torch.from_numpy(labels)

"""The batches of training: random crops of prepared tiles."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from landcover.classes.class_table import UNKNOWN
from landcover.data.tiles import Tiles
from landcover.images.image_spec import RGB, ImageSpec
from landcover.system.processes import Processes
from landcover.training.augmentation import Augmentation, Transforms, resized

_PATCH = 0.3, 0.7
"""The smallest and the largest side of a pasted square, as shares of the side of the crops."""


class Batch(NamedTuple):
    """A batch, or one process's part of it: N crops of side S.

    Attributes:
        images: (N, S, S, B), see `pixel_type`.
        labels: uint8 (N, S, S), class indices or `UNKNOWN`.
        transforms: Their augmentation.
    """

    images: Tensor
    labels: Tensor
    transforms: Transforms


class Plan(NamedTuple):
    """The places of the crops of a whole batch, and their augmentation."""

    tiles: Tensor  # int64 (N,)
    corners: Tensor  # int64 (N, 2), row and column of the upper left pixel
    sides: Tensor  # int64 (N,), pixels; they are scaled to the size of the crops
    transforms: Transforms
    patches: list["Patch | None"]  # one for each crop


class Patch(NamedTuple):
    """A square of another crop of the batch, pasted onto a crop at the same place."""

    crop: int  # index of the other one
    place: tuple[slice, slice]  # rows and columns of both


class Batches(Dataset[Batch]):
    """Batches of random crops, each a pure function of (seed, epoch, step).

    Crops lie within the unpadded part of their tile. If that part is smaller than the crop, the crop is padded: images
    with their `filler`, labels with `UNKNOWN`. A tile is drawn in proportion to its known pixels, and a place within it
    uniformly. A crop without any known pixel would teach nothing: it is moved to a random known pixel of its tile.

    Args:
        pixels: Number of pixels of each class in each tile, (tiles, C); at least one in all.
        size: Side of the crops in pixels, after zooming.
        batch_size: Crops per batch, over all processes together.
        balance: Share (0..1) of the crops that are instead placed around a pixel of a random class.
        cutmix: Share (0..1) of the crops onto which a square of another crop is pasted, with its labels (Yun et al.
            2019, "CutMix"); its side is a random share of theirs, between those of `_PATCH`.
        images: What the images of the tiles are.
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
        cutmix: float = 0.0,
        processes: Processes | None = None,
        images: ImageSpec = RGB,
    ) -> None:
        self._tiles, self._seed, self._balance, self._cutmix = tiles, seed, balance, cutmix
        self.size, self.batch_size, self._images = size, batch_size, images
        self._augmentation = augmentation or Augmentation()
        self._part = (processes or Processes()).slice_of(batch_size)
        self._extent = torch.tensor(tiles.table[["height", "width"]].to_numpy())
        self._area = self._extent.prod(1)
        self._known = torch.from_numpy(pixels.sum(1))
        self._weights = self._known.double()
        self._cumulated = pixels.cumsum(0)  # pixels of each class in all tiles up to each

    def plan(self, epoch: int, step: int) -> Plan:
        """Draw the crops of a whole batch, of which each process then reads its part."""
        generator = torch.Generator().manual_seed(seed_of(self._seed, epoch, step))
        sides = self._augmentation.draw_sides(self.size, self.batch_size, generator)
        chosen = torch.multinomial(self._weights, self.batch_size, replacement=True, generator=generator)
        where = torch.rand(self.batch_size, 2, generator=generator)
        corners = (where * ((self._extent[chosen] - sides[:, None]).clamp(min=0) + 1)).long()
        if self._balance:
            self._balance_classes(chosen, corners, sides, where, generator)
        self._leave_unknown(chosen, corners, sides, (self._seed, epoch, step))
        transforms = self._augmentation.draw(self.batch_size, generator, self._images)
        return Plan(chosen, corners, sides, transforms, self._draw_patches(generator))

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        """This process's part of the batch of (epoch, step)."""
        plan, part = self.plan(*key), self._part
        crops = range(self.batch_size)[part]
        images = np.empty((len(crops), self.size, self.size, len(self._images.bands)), pixel_type(self._images))
        labels = np.empty(images.shape[:3], np.uint8)
        for i, crop in enumerate(crops):
            self._read(plan, crop, images[i], labels[i])
            if patch := plan.patches[crop]:
                other = np.empty_like(images[i]), np.empty_like(labels[i])
                self._read(plan, patch.crop, *other)
                for own, pasted in zip((images[i], labels[i]), other, strict=True):
                    own[patch.place] = pasted[patch.place]
        return Batch(torch.from_numpy(images), torch.from_numpy(labels), plan.transforms.of(part))

    def _read(self, plan: Plan, crop: int, image: np.ndarray, labels: np.ndarray) -> None:
        """Read a crop of a plan into arrays (S, S, B) and (S, S)."""
        tile, (row, column), side = int(plan.tiles[crop]), plan.corners[crop].tolist(), int(plan.sides[crop])
        if side != self.size:
            cut = np.empty((side, side, image.shape[2]), image.dtype), np.empty((side, side), np.uint8)
            self._cut(tile, row, column, *cut)
            image[:], labels[:] = resized(*cut, self.size)
        else:
            self._cut(tile, row, column, image, labels)

    def _cut(self, tile: int, row: int, column: int, image: np.ndarray, labels: np.ndarray) -> None:
        """Cut a square out of a tile, padded where the tile is smaller."""
        (height, width), side = self._extent[tile].tolist(), len(labels)
        window = np.s_[tile, row : min(row + side, height), column : min(column + side, width)]
        known = self._tiles.labels[window]
        if known.shape != labels.shape:
            image[:], labels[:] = self._images.filler, UNKNOWN
        image[: known.shape[0], : known.shape[1]] = self._tiles.images[window]
        labels[: known.shape[0], : known.shape[1]] = known

    def tile_names(self, epoch: int, step: int) -> list[str]:
        """The tiles of the batch of (epoch, step): the name of the sample, and the row and column of the tile in it."""
        rows = self._tiles.table.iloc[sorted(set(self.plan(epoch, step).tiles.tolist()))]
        return [f"{row.name} at {row.row},{row.column}" for row in rows.itertuples(index=False, name="Tile")]

    def _draw_patches(self, generator: torch.Generator) -> list[Patch | None]:
        """Draw what is pasted onto each crop; if nothing ever is, nothing is drawn."""
        patches: list[Patch | None] = [None] * self.batch_size
        if not self._cutmix:
            return patches
        others = torch.randperm(self.batch_size, generator=generator).tolist()
        for i, (draw, share, down, right) in enumerate(torch.rand(self.batch_size, 4, generator=generator).tolist()):
            if draw < self._cutmix:
                length = max(1, round(self.size * (_PATCH[0] + (_PATCH[1] - _PATCH[0]) * share)))
                top, left = (int(part * (self.size - length + 1)) for part in (down, right))
                patches[i] = Patch(others[i], np.s_[top : top + length, left : left + length])
        return patches

    def _balance_classes(
        self, chosen: Tensor, corners: Tensor, sides: Tensor, where: Tensor, generator: torch.Generator
    ) -> None:
        """Move some of the crops, in place, so that each contains a pixel of a random class."""
        present = torch.from_numpy(np.flatnonzero(self._cumulated[-1]))
        moved = torch.rand(self.batch_size, generator=generator) < self._balance
        classes = present[torch.randint(len(present), (self.batch_size,), generator=generator)]
        picks = torch.rand(self.batch_size, 2, generator=generator, dtype=torch.float64)
        for i in moved.nonzero().flatten().tolist():
            cumulated = self._cumulated[:, classes[i]]
            tile = int(np.searchsorted(cumulated, picks[i, 0].item() * cumulated[-1], side="right"))
            height, width = self._extent[tile].tolist()
            rows, columns = np.nonzero(self._tiles.labels[tile, :height, :width] == classes[i].item())
            pixel = int(picks[i, 1] * len(rows))
            chosen[i] = tile
            position = int(rows[pixel]), int(columns[pixel])
            corners[i] = torch.tensor(_corner(position, (height, width), int(sides[i]), where[i].numpy()))

    def _leave_unknown(self, chosen: Tensor, corners: Tensor, sides: Tensor, key: tuple[int, ...]) -> None:
        """Move the crops without a known pixel, in place, so that each contains a random one of its tile.

        Reads only labels of tiles that have more unknown pixels than a crop has. Draws only where a crop is moved, and
        from a generator of its own, so that all other draws are those of a data set without unknown pixels.
        """
        inside = torch.minimum(self._extent[chosen], sides[:, None]).prod(1)
        doubtful = self._area[chosen] - self._known[chosen] >= inside
        generator: np.random.Generator | None = None
        for i in doubtful.nonzero().flatten().tolist():
            labels, (row, column), side = self._tiles.labels[int(chosen[i])], corners[i].tolist(), int(sides[i])
            if (labels[row : row + side, column : column + side] != UNKNOWN).any():
                continue
            generator = generator or np.random.default_rng(key)
            height, width = self._extent[chosen[i]].tolist()
            rows, columns = np.nonzero(labels[:height, :width] != UNKNOWN)
            pixel = generator.integers(len(rows))
            position = int(rows[pixel]), int(columns[pixel])
            corners[i] = torch.tensor(_corner(position, (height, width), side, generator.random(2, np.float32)))


def _corner(position: tuple[int, int], extent: tuple[int, int], side: int, where: np.ndarray) -> list[int]:
    """Row and column of the corner of a crop that contains a pixel and, if possible, lies within the tile.

    Args:
        position: Row and column of the pixel.
        extent: Height and width of the tile.
        side: Of the crop.
        where: Which of the possible rows and columns, from the first to the last: float32 (2,), 0 to below 1.
    """
    corner = []
    for at, length, part in zip(position, extent, where, strict=True):
        lowest, highest = max(0, at - side + 1), max(0, min(at, length - side))
        corner.append(lowest + int(part * (highest - lowest + 1)))
    return corner


def pixel_type(images: ImageSpec) -> type[np.generic]:
    """In which pixels are given to PyTorch: bytes as they are, others as float32.

    That is what networks make of them; PyTorch can do little with 16 bits without a sign.
    """
    return np.uint8 if images.dtype == "uint8" else np.float32


def seed_of(*key: int) -> int:
    """Derive a seed from all numbers of `key`."""
    return int(np.random.SeedSequence(key).generate_state(1)[0])

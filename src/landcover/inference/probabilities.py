"""Class probabilities of images: the network's passes over windows and views."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import torch
from torch import Tensor

from landcover.inference.engines import Engine, Forward, find_engine, map_passes
from landcover.inference.options import TTA, InferenceOptions
from landcover.inference.regions import Region
from landcover.inference.strips import PixelReader, overlapping_strips
from landcover.inference.tiling import Blender, Window, windows
from landcover.models.networks import Network


def score_strips(
    network: Network,
    image: PixelReader,
    options: InferenceOptions,
    *,
    region: Region | None = None,
    as_logits: bool = False,
) -> Iterator[Tensor]:
    """Yield the class probabilities of an image or of a region of it, strip by strip.

    Those of a region are equal to the bit to those of the whole image, with PyTorch at the same number of threads: they
    come from the same windows, in batches of the same sizes. Windows that have no weight in the region are neither read
    nor computed.

    Args:
        network: Computes on the device that it is on.
        image: At working resolution. It may be read some windows ahead.
        options: Windows and views, and the engine.
        region: The part of the image that is wanted; None for all of it.
        as_logits: Yield logits where a single window covers the image: enough to choose a class, and faster.

    Yields:
        float32 (C, rows, W of the region) from the top down, on the network's device, valid until the next strip.
    """
    views, region = TTA[options.tta], region or Region.whole(image)
    engine = find_engine(network, options.engine)
    rows, columns = (windows(length, options.window, options.overlap) for length in (image.height, image.width))
    if len(rows) == len(columns) == 1:  # nothing to blend
        batches = [network.to_input(np.stack([image.read(0, image.height)]))]
        if as_logits:
            scores = next(map_passes(engine, _logits, batches, is_single=True))
        else:
            scores = next(_probabilities(engine, batches, views, is_single=views == 1))
        yield scores[0][:, *region.inside]
        return
    rows = [row for row in rows if row.counts_in(region.top, region.bottom)]
    together = list(_batches(columns, options.batch_size, region))
    blender = Blender(region)
    finished = [*(row.start for row in rows[1:]), region.bottom]
    with closing(_probabilities(engine, _inputs(network, image, rows, together), views)) as results:
        for row, stop in zip(rows, finished, strict=True):
            for batch in together:
                for column, probabilities in zip(batch.columns, next(results), strict=False):
                    blender.add(probabilities, row, column)
            if (finished_rows := blender.finish(stop)).shape[1]:
                yield finished_rows


@dataclass(frozen=True)
class _Batch:
    """Windows, side by side, that pass through the network together.

    Attributes:
        columns: Up to `size` windows of one shape.
        size: The size of the batch of the whole image in which they pass: PyTorch may round differently in others.
    """

    columns: list[Window]
    size: int

    def filled(self) -> list[Window]:
        """`size` windows: the last one is repeated."""
        return [*self.columns, *self.columns[-1:] * (self.size - len(self.columns))]


def _batches(columns: list[Window], size: int, region: Region) -> Iterator[_Batch]:
    """Yield the windows that count in a region, as many at a time as pass together in the whole image."""
    for _, group in groupby(columns, lambda column: column.stop - column.start):
        alike = list(group)
        full = len(alike) // size * size
        for part, together in ((alike[:full], size), (alike[full:], len(alike) - full)):
            wanted = [column for column in part if column.counts_in(region.left, region.right)]
            for i in range(0, len(wanted), together or 1):
                yield _Batch(wanted[i : i + together], together)


def _inputs(network: Network, image: PixelReader, rows: list[Window], batches: list[_Batch]) -> Iterator[Tensor]:
    """Yield the images (N, B, H, W) of each batch of each row of windows, as the network takes them."""
    first = batches[0].columns[0].start
    last = max(column.stop for batch in batches for column in batch.columns)
    for strip in overlapping_strips(image, [(row.start, row.stop) for row in rows], first, last):
        for batch in batches:
            parts = [strip[:, column.start - first : column.stop - first] for column in batch.filled()]
            yield network.to_input(np.stack(parts))


def _probabilities(
    engine: Engine, batches: Iterable[Tensor], views: int, *, is_single: bool = False
) -> Generator[Tensor, None, None]:
    """Yield the class probabilities of batches of images, averaged over views: float32 (N, C, H, W)."""
    seen = ((batch, view) for batch in batches for view in range(views))
    with closing(map_passes(engine, _seen, seen, is_single=is_single)) as results:
        for first in results:
            yield _mean(first, islice(results, views - 1), views)


@torch.inference_mode()
def _mean(first: Tensor, others: Iterable[Tensor], views: int) -> Tensor:
    """The mean of the class probabilities of several views; `first` is changed."""
    for probabilities in others:
        first += probabilities
    return first / views if views > 1 else first


@torch.inference_mode()
def _logits(forward: Forward, batch: Tensor) -> Tensor:
    """Return the logits of images: float32 (N, C, H, W)."""
    return forward(batch)


@torch.inference_mode()
def _seen(forward: Forward, item: tuple[Tensor, int]) -> Tensor:
    """Return the class probabilities of a view of images, as those see it themselves: float32 (N, C, H, W).

    View i is the image flipped, if i is odd, and turned by i // 2 quarter turns.
    """
    batch, view = item
    is_flipped, turns = view % 2, view // 2
    seen = batch.flip(3) if is_flipped else batch
    if turns:
        seen = torch.rot90(seen, turns, (2, 3))
    probabilities = forward(seen).softmax(1)
    if turns:
        probabilities = torch.rot90(probabilities, -turns, (2, 3))
    return probabilities.flip(3) if is_flipped else probabilities

"""Class probabilities of images: the network's passes over windows and views."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

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

    Those of a region are equal to the bit to those of the whole image at the same number of threads: they come from the
    same windows, in batches of the same sizes. Windows that have no weight in the region are neither read nor computed.

    Args:
        network: Computes on the device that it is on.
        image: At working resolution.
        options: Windows and views.
        region: The part of the image that is wanted; None for all of it.
        as_logits: Yield logits where a single window covers the image: enough to choose a class, and faster.

    Yields:
        float32 (C, rows, W of the region) from the top down, on the network's device, valid until the next strip.
    """
    views, region = TTA[options.tta], region or Region.whole(image)
    rows, columns = (windows(length, options.window, options.overlap) for length in (image.height, image.width))
    if len(rows) == len(columns) == 1:  # nothing to blend
        pixels = np.stack([image.read(0, image.height)])
        scores = (_logits(network, pixels) if as_logits else _probabilities(network, pixels, views))[0]
        yield scores[:, *region.inside]
        return
    rows = [row for row in rows if row.counts_in(region.top, region.bottom)]
    batches = list(_batches(columns, options.batch_size, region))
    first = batches[0].columns[0].start
    last = max(column.stop for batch in batches for column in batch.columns)
    blender = Blender(region)
    strips = overlapping_strips(image, [(row.start, row.stop) for row in rows], first, last)
    finished = [*(row.start for row in rows[1:]), region.bottom]
    for row, stop, strip in zip(rows, finished, strips, strict=True):
        for batch in batches:
            pixels = np.stack([strip[:, column.start - first : column.stop - first] for column in batch.filled()])
            for column, probabilities in zip(batch.columns, _probabilities(network, pixels, views), strict=False):
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


@torch.inference_mode()
def _logits(network: Network, pixels: np.ndarray) -> Tensor:
    """Return the logits of images (N, H, W, B): float32 (N, C, H, W)."""
    logits: Tensor = network(network.to_input(pixels))
    return logits


@torch.inference_mode()
def _probabilities(network: Network, pixels: np.ndarray, views: int) -> Tensor:
    """Return the class probabilities of images (N, H, W, B), averaged over views: float32 (N, C, H, W).

    View i is the image flipped, if i is odd, and turned by i // 2 quarter turns.
    """
    batch = network.to_input(pixels)
    total: Tensor = network(batch).softmax(1)
    for view in range(1, views):
        is_flipped, turns = view % 2, view // 2
        seen = torch.rot90(batch.flip(3) if is_flipped else batch, turns, (2, 3))
        probabilities = torch.rot90(network(seen).softmax(1), -turns, (2, 3))
        total += probabilities.flip(3) if is_flipped else probabilities
    return total / views if views > 1 else total

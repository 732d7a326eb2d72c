"""Class probabilities of images: the network's passes over windows and views."""

from collections.abc import Iterator
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from landcover.inference.options import TTA, InferenceOptions
from landcover.inference.strips import PixelReader, overlapping_strips
from landcover.inference.tiling import Blender, Window, windows
from landcover.models.networks import Network


def score_strips(
    network: Network, image: PixelReader, options: InferenceOptions, *, as_logits: bool = False
) -> Iterator[Tensor]:
    """Yield the class probabilities of an image, strip by strip.

    Args:
        network: Computes on the device that it is on.
        image: At working resolution.
        options: Windows and views.
        as_logits: Yield logits where a single window covers the image: enough to choose a class, and faster.

    Yields:
        float32 (C, rows, W) from the top down, on the network's device, valid until the next strip.
    """
    views = TTA[options.tta]
    rows, columns = (windows(length, options.window, options.overlap) for length in (image.height, image.width))
    if len(rows) == len(columns) == 1:  # nothing to blend
        pixels = np.stack([image.read(0, image.height)])
        yield (_logits(network, pixels) if as_logits else _probabilities(network, pixels, views))[0]
        return
    blender = Blender(image.width)
    strips = overlapping_strips(image, [(row.start, row.stop) for row in rows])
    finished = [*(row.start for row in rows[1:]), image.height]
    for row, stop, strip in zip(rows, finished, strips, strict=True):
        for batch in _batches(columns, options.batch_size):
            pixels = np.stack([strip[:, column.start : column.stop] for column in batch])
            for column, probabilities in zip(batch, _probabilities(network, pixels, views), strict=True):
                blender.add(probabilities, row, column)
        yield blender.finish(stop)


def _batches(columns: list[Window], size: int) -> Iterator[list[Window]]:
    """Yield up to `size` windows at a time, of one shape."""
    for _, group in groupby(columns, lambda column: column.stop - column.start):
        alike = list(group)
        for i in range(0, len(alike), size):
            yield alike[i : i + size]


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

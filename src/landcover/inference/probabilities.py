"""Class probabilities of images: the network's passes over windows and views."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import torch
from torch import Tensor

from landcover.inference.engines import Engine, Forward, find_engine
from landcover.inference.options import InferenceOptions
from landcover.inference.passes import map_passes
from landcover.inference.regions import Region
from landcover.inference.strips import PixelReader, overlapping_strips
from landcover.inference.tiling import Blender, Window, windows
from landcover.inference.views import View, views_of
from landcover.models.networks import Network

_STRIP_PIXELS = 2**23
"""Of a strip, at most, unless it is a single row: labels take a byte each, and what is made of them several."""

_READ_BYTES = 2**23
"""Of pixels that are read at once from tiled images, at most, counted as float32: so wide may be many images, whole."""


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
    views, region = views_of(options), region or Region.whole(image)
    engine = find_engine(network, options.engine)
    rows, columns = (
        windows(length, options.window, options.overlap, options.reach) for length in (image.height, image.width)
    )
    if len(rows) == len(columns) == 1:  # nothing to blend
        batches = [network.to_input(np.stack([image.read(0, image.height)]))]
        if as_logits:
            scores = next(map_passes(engine, _logits, batches, is_single=True))
        else:
            scores = next(_probabilities(engine, batches, views, is_single=len(views) == 1))
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
            for part in torch.split(blender.finish(stop), max(1, _STRIP_PIXELS // region.width), 1):
                if part.shape[1]:
                    yield part


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
    parts = list(_parts(batches, rows[0].stop - rows[0].start, len(network.images.bands))) if image.is_tiled else []
    if len(parts) > 1:
        read = ((image.read(row.start, row.stop, *_columns(part)), part) for row in rows for part in parts)
    else:
        strips = overlapping_strips(image, [(row.start, row.stop) for row in rows], *_columns(batches))
        read = ((strip, batches) for strip in strips)
    for pixels, part in read:
        first, _ = _columns(part)
        for batch in part:
            images = [pixels[:, column.start - first : column.stop - first] for column in batch.filled()]
            yield network.to_input(np.stack(images))


def _parts(batches: list[_Batch], height: int, bands: int) -> Iterator[list[_Batch]]:
    """Divide a row of windows of a height into parts of which the pixels take at most `_READ_BYTES`."""
    widest, part = _READ_BYTES // (4 * bands * height), batches[:1]
    for batch in batches[1:]:
        if _columns([*part, batch])[1] - _columns(part)[0] > widest:
            yield part
            part = []
        part.append(batch)
    yield part


def _columns(batches: list[_Batch]) -> tuple[int, int]:
    """The first column of pixels of some windows side by side, and the one after the last."""
    return batches[0].columns[0].start, max(column.stop for batch in batches for column in batch.columns)


def _probabilities(
    engine: Engine, batches: Iterable[Tensor], views: list[View], *, is_single: bool = False
) -> Generator[Tensor, None, None]:
    """Yield the class probabilities of batches of images, averaged over views: float32 (N, C, H, W)."""
    seen = ((batch, view) for batch in batches for view in views)
    with closing(map_passes(engine, _seen, seen, is_single=is_single)) as results:
        for first in results:
            yield _mean(first, islice(results, len(views) - 1), len(views))


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
def _seen(forward: Forward, item: tuple[Tensor, View]) -> Tensor:
    """Return the class probabilities of images as a view sees them: float32 (N, C, H, W)."""
    batch, view = item
    return view.undone(forward(view.of(batch)).softmax(1), *batch.shape[2:])

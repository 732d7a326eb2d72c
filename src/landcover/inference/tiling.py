"""Windows that cover an image of any size, and the putting together of what a network says of each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from landcover.models.encoders import STRIDES

ALIGNMENT = STRIDES[-1]
"""Windows begin at multiples of this many pixels: their features then stand for the pixels for which those of the whole
image would."""

_LEAST_OVERLAP = 96  # pixels: closer than half of that to its border, what a window says is not what the whole would

STRIP = 2**18
"""Pixels of an image that are enlarged, or whose classes are chosen, at once: what this takes is no matter of size."""


@dataclass(frozen=True)
class Window:
    """A stretch of one axis of an image.

    Attributes:
        start: Its first pixel, a multiple of `ALIGNMENT`.
        stop: The pixel after its last.
        weight: float32 (stop - start,) in 0..1: its say in each of its pixels. At any pixel those of all windows add
            up to 1.
    """

    start: int
    stop: int
    weight: Tensor


def windows(length: int, window: int, overlap: float) -> list[Window]:
    """Windows that cover an axis from its first pixel to its last; a single one if it fits in a window.

    Over the middle half of where two overlap, one's weight falls as half a cosine while the other's rises, so that no
    seam shows. The quarter next to its border a window sees as context alone (as in Ronneberger et al. 2015): given a
    say there, however small, it makes up to four times as many pixels differ from the whole image. Towards the ends
    of the axis weights do not fall.

    Args:
        length: Of the axis in pixels, at least 1.
        window: Length of a window, a multiple of `ALIGNMENT`. The last is up to `ALIGNMENT` - 1 pixels shorter: it ends
            where the axis ends, and the network continues it as it would continue the whole image.
        overlap: Share (0 <= overlap < 1) of a window that the next one covers too, at least; if any, then no less than
            `_LEAST_OVERLAP` pixels, or half a window. Rounded up to `ALIGNMENT`, if that leaves any step forward; as
            many windows as this takes are spread evenly over the axis.
    """
    if length <= window:
        return [Window(0, length, torch.ones(length))]
    least = max(window * overlap, min(_LEAST_OVERLAP, window / 2)) if overlap else 0
    step = max(ALIGNMENT, _multiple_below(window - least))
    last = -_multiple_below(window - length)
    steps = -(-last // step)
    starts = [round(i * last / steps / ALIGNMENT) * ALIGNMENT for i in range(steps + 1)]
    stops = [*(start + window for start in starts[:-1]), length]
    # How far each window reaches into the next one; nothing lies before the first and beyond the last.
    shared = [0, *(stop - start for stop, start in zip(stops, starts[1:], strict=False)), 0]
    weights = [
        _rise(stop - start, before) * _rise(stop - start, after).flip(0)
        for start, stop, before, after in zip(starts, stops, shared, shared[1:], strict=False)
    ]
    total = torch.zeros(length)
    for start, stop, weight in zip(starts, stops, weights, strict=True):
        total[start:stop] += weight
    return [Window(start, stop, w / total[start:stop]) for start, stop, w in zip(starts, stops, weights, strict=True)]


class Blender:
    """Adds up the scores of windows, weighted, and hands on the rows to which no further window adds.

    It holds float32 (C, rows, W), as many rows as a window has: memory grows with the width of the image, not with
    its height.

    Args:
        width: W of the image in pixels.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.top = 0  # row of the image that is the first of `sums`
        self.sums = None
        self._finished = 0  # rows of `sums` that were handed on

    def add(self, scores: Tensor, row: Window, column: Window) -> None:
        """Add float32 scores (C, H, W) of the window at `row` and `column`; rows come from the top down."""
        if self.sums is None:  # the windows of the first row are as high as any
            self.sums = scores.new_zeros(len(scores), row.stop - row.start, self.width)
        self._move_up()
        weight = torch.outer(row.weight, column.weight).to(scores.device)
        self.sums[:, row.start - self.top : row.stop - self.top, column.start : column.stop] += scores * weight

    def finish(self, stop: int) -> Tensor:
        """Hand on the rows that are left above row `stop`: float32 (C, rows, W), averages of the scores added.

        They are good until the next window is added.
        """
        self._finished = stop - self.top
        return self.sums[:, : self._finished]

    def _move_up(self) -> None:
        """Put the rows that are not finished where the finished ones were."""
        if not self._finished:
            return
        for sums in self.sums:  # one class after the other: a copy of all of them is as large as it gets
            rest = sums[self._finished :].clone()
            sums[: len(rest)] = rest
            sums[len(rest) :] = 0
        self.top += self._finished
        self._finished = 0


def upsample_strips(bands: Iterator[Tensor], size: tuple[int, int], full: tuple[int, int]) -> Iterator[Tensor]:
    """Enlarge an image that comes in bands of rows, bilinearly, as `functional.interpolate` does the whole.

    Row r of the result lies at (r + 0.5) * height / full height - 0.5 of the image, between two of its rows. It is
    made when both have come; the last rows of a band are kept until the next one brings their neighbours.

    Args:
        bands: float32 (C, rows, width) each, from the top down.
        size: (height, width) of the image.
        full: (height, width) of the result, neither smaller.

    Yields:
        float32 (C, rows, full width), from the top down, all in all `full` height rows.
    """
    if size == full:
        yield from bands
        return
    ratio = size[0] / full[0]
    step = max(1, STRIP // full[1])
    kept, first, done = None, 0, 0  # `first` is the row of the image that is the first of `kept`
    for band in bands:
        kept = band.clone() if kept is None else torch.cat([kept, band], 1)
        stop = first + kept.shape[1]
        until = full[0] if stop == size[0] else int(np.ceil((stop - 0.5) / ratio - 0.5))
        top = first
        for start in range(done, until, step):
            position = ((np.arange(start, min(start + step, until)) + 0.5) * ratio - 0.5).clip(0)
            above = position.astype(np.int64)
            below = np.minimum(above + 1, stop - 1)
            share = torch.from_numpy((position - above).astype(np.float32))[:, None].to(kept.device)
            upper, lower = (kept[:, torch.from_numpy(rows - first).to(kept.device)] for rows in (above, below))
            rows = (upper + (lower - upper) * share)[None]
            yield functional.interpolate(rows, (len(above), full[1]), mode="bilinear", align_corners=False)[0]
            top = above[-1]
        done = until
        kept, first = kept[:, top - first :].clone(), top


def _rise(length: int, rise: int) -> Tensor:
    """float32 (length,): 0, then half a cosine up to 1 over the middle half of the first `rise` pixels, then 1."""
    margin = rise // 4
    middle = rise - 2 * margin
    weight = torch.ones(length)
    weight[:margin] = 0
    weight[margin : margin + middle] = 0.5 - 0.5 * torch.cos(torch.pi * (torch.arange(middle) + 0.5) / middle)
    return weight


def _multiple_below(length: float) -> int:
    return int(length // ALIGNMENT) * ALIGNMENT

"""Windows that cover an image of any size, and the blending of what a network gives for each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from landcover.inference.options import ALIGNMENT

_SMALLEST_OVERLAP = 96  # pixels: closer to its border than half of that, a window's result differs from the whole's

CHUNK = 2**18
"""Pixels that are upsampled, or whose classes are chosen, at a time: what this takes does not grow with the image."""


@dataclass(frozen=True)
class Window:
    """The pixels of one axis of an image that pass through the network together.

    Attributes:
        start: First pixel, a multiple of `ALIGNMENT`.
        stop: One after the last pixel.
        weight: float32 (stop - start,) in 0..1: the weight of the window at each of its pixels. The weights of all
            windows at a pixel add up to 1.
    """

    start: int
    stop: int
    weight: Tensor


def windows(length: int, window: int, overlap: float) -> list[Window]:
    """Cover an axis with windows; with a single one if it fits.

    Over the middle half of an overlap, the weight of one window falls as half a cosine while that of the next rises, so
    that no seam shows. The quarter next to its border serves a window as context alone (as in Ronneberger et al. 2015):
    with any weight there, however small, up to four times as many pixels differ from the whole image. Weights do not
    fall towards the ends of the axis.

    Args:
        length: Of the axis in pixels, at least 1.
        window: Pixels of a window, a multiple of `ALIGNMENT`. The last window ends where the axis ends, hence may be up
            to `ALIGNMENT` - 1 pixels shorter: the network then pads it as it would pad the whole image.
        overlap: Share of a window, 0 <= overlap < 1, that the next one covers as well, at least. Unless 0, it is at
            least `_SMALLEST_OVERLAP` pixels or half a window. It is rounded up to a multiple of `ALIGNMENT` smaller
            than the window; the windows that this takes are then spread evenly.
    """
    if length <= window:
        return [Window(0, length, torch.ones(length))]
    least = max(window * overlap, min(_SMALLEST_OVERLAP, window / 2)) if overlap else 0
    step = max(ALIGNMENT, _multiple_below(window - least))
    last = -_multiple_below(window - length)
    steps = -(-last // step)
    starts = [round(i * last / steps / ALIGNMENT) * ALIGNMENT for i in range(steps + 1)]
    stops = [*(start + window for start in starts[:-1]), length]
    # Pixels that each window shares with the next one; none before the first and after the last.
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
    """Adds up the weighted scores of windows and gives out the rows to which no further window contributes.

    It holds float32 (C, rows, W), with the rows of one window: memory grows with the width of the image, not with its
    height.

    Args:
        width: W of the image in pixels.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.top = 0  # row of the image that is the first of `sums`
        self.sums = torch.empty(0)
        self._finished = 0  # rows of `sums` that were given out

    def add(self, scores: Tensor, row: Window, column: Window) -> None:
        """Add float32 scores (C, H, W) of the window at `row` and `column`; rows come from the top down."""
        if not len(self.sums):  # the windows of the first row are as high as any
            self.sums = scores.new_zeros(len(scores), row.stop - row.start, self.width)
        self._move_up()
        weight = torch.outer(row.weight, column.weight).to(scores.device)
        self.sums[:, row.start - self.top : row.stop - self.top, column.start : column.stop] += scores * weight

    def finish(self, stop: int) -> Tensor:
        """Give out the rows above row `stop` that are left: the blended scores, float32 (C, rows, W).

        They are valid until the next window is added.
        """
        self._finished = stop - self.top
        return self.sums[:, : self._finished]

    def _move_up(self) -> None:
        """Move the unfinished rows to where the finished ones were."""
        if not self._finished:
            return
        for sums in self.sums:  # class by class: copying all of them at once would take as much memory again
            rest = sums[self._finished :].clone()
            sums[: len(rest)] = rest
            sums[len(rest) :] = 0
        self.top += self._finished
        self._finished = 0


def upsample_strips(strips: Iterator[Tensor], size: tuple[int, int], full: tuple[int, int]) -> Iterator[Tensor]:
    """Upsample an image that comes in strips bilinearly, as `functional.interpolate` does the whole.

    Row r of the result lies at row (r + 0.5) * height / full height - 0.5 of the image, between two rows. It is made
    once both have come; the last rows of a strip are kept until the next strip brings their neighbours.

    Args:
        strips: float32 (C, rows, width) each, from the top down.
        size: (height, width) of the image.
        full: (height, width) of the result, neither smaller.

    Yields:
        float32 (C, rows, full width) from the top down, `full` height rows in all.
    """
    if size == full:
        yield from strips
        return
    ratio = size[0] / full[0]
    step = max(1, CHUNK // full[1])
    kept, first, done = None, 0, 0  # `first` is the row of the image that is the first of `kept`
    for strip in strips:
        kept = strip.clone() if kept is None else torch.cat([kept, strip], 1)
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
    """Weights, float32 (length,): 0, then half a cosine up to 1 over the middle half of the first `rise`, then 1."""
    margin = rise // 4
    middle = rise - 2 * margin
    weight = torch.ones(length)
    weight[:margin] = 0
    weight[margin : margin + middle] = 0.5 - 0.5 * torch.cos(torch.pi * (torch.arange(middle) + 0.5) / middle)
    return weight


def _multiple_below(length: float) -> int:
    return int(length // ALIGNMENT) * ALIGNMENT

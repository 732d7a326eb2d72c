"""Windows that cover an image of any size, and the blending of what a network gives for each."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from landcover.inference.options import ALIGNMENT
from landcover.inference.regions import Region
from landcover.system.disk_arrays import zeros

_SMALLEST_OVERLAP = 96  # pixels: closer to its border than half of that, a window's result differs from the whole's


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

    def counts_in(self, start: int, stop: int) -> bool:
        """Whether its weight is above 0 at one of pixels `start` to `stop` - 1."""
        first, last = (min(max(at - self.start, 0), self.stop - self.start) for at in (start, stop))
        return bool((self.weight[first:last] > 0).any())


def windows(length: int, window: int, overlap: float, reach: float = 1.0) -> list[Window]:
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
            least `_SMALLEST_OVERLAP` pixels times `reach`, or half a window. It is rounded up to a multiple of
            `ALIGNMENT` smaller than the window; the windows that this takes are then spread evenly.
        reach: See `InferenceOptions.reach`.
    """
    if length <= window:
        return [Window(0, length, torch.ones(length))]
    least = max(window * overlap, min(_SMALLEST_OVERLAP * reach, window / 2)) if overlap else 0
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

    It holds float32 (C, rows, W), with up to the rows of one window; of wide regions on disk
    (`disk_arrays.zeros`), so that memory grows neither with their height nor with their width.

    Args:
        region: The pixels of the image that are wanted.
    """

    def __init__(self, region: Region) -> None:
        self.region = region
        self.top = region.top  # row of the image that is the first of `sums`
        self.sums = torch.empty(0)
        self._finished = 0  # rows of `sums` that were given out

    def add(self, scores: Tensor, row: Window, column: Window) -> None:
        """Add float32 scores (C, H, W) of the window at `row` and `column`; rows come from the top down."""
        region = self.region
        if not len(self.sums):  # the windows of the first row are as high as any
            height = min(row.stop - row.start, region.height)
            self.sums = _zeros(scores, (len(scores), height, region.width))
        self._move_up()
        top, bottom = max(row.start, self.top), min(row.stop, region.bottom)
        left, right = max(column.start, region.left), min(column.stop, region.right)
        rows, columns = slice(top - row.start, bottom - row.start), slice(left - column.start, right - column.start)
        weight = torch.outer(row.weight[rows], column.weight[columns]).to(scores.device)
        part = self.sums[:, top - self.top : bottom - self.top, left - region.left : right - region.left]
        part += scores[:, rows, columns] * weight

    def finish(self, stop: int) -> Tensor:
        """Give out the rows above row `stop` that are left, perhaps none: the blended scores, float32 (C, rows, W).

        They are valid until the next window is added.
        """
        self._finished = min(max(stop, self.top), self.region.bottom) - self.top
        return self.sums[:, : self._finished]

    def _move_up(self) -> None:
        """Move the unfinished rows to where the finished ones were."""
        if not self._finished:
            return
        rest = self.sums.shape[1] - self._finished
        for sums in self.sums:
            for row in range(rest):  # one by one: copying all of them at once would take as much memory again
                sums[row] = sums[self._finished + row]
            sums[rest:] = 0
        self.top += self._finished
        self._finished = 0


def _zeros(like: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Float32 zeros on the device of another tensor or, if they are many and that is a CPU, on disk."""
    return torch.from_numpy(zeros(shape, np.float32)) if like.device.type == "cpu" else like.new_zeros(shape)


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

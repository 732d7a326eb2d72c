"""Bilinear upsampling of an image that comes in strips, or of a part of it."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from landcover.inference.regions import Region

CHUNK = 2**18
"""Pixels that are upsampled, or whose classes are chosen, at a time: what this takes does not grow with the image."""


def upsample_strips(
    strips: Iterator[Tensor], size: tuple[int, int], full: tuple[int, int], region: Region
) -> Iterator[Tensor]:
    """Upsample an image that comes in strips bilinearly, as `functional.interpolate` does but for rounding.

    Row r of the result lies at row (r + 0.5) * height / full height - 0.5 of the image, between two rows; columns
    likewise. It is made once both have come; the last rows of a strip are kept until the next strip brings their
    neighbours. A pixel is the same whatever region it is made for.

    Args:
        strips: float32 (C, rows, width) each, from the top down: the part of the image that `source_region` says.
        size: (height, width) of the image.
        full: (height, width) of the result, neither smaller.
        region: The part of the result that is wanted.

    Yields:
        float32 (C, rows, width of the region) from the top down, as many rows in all as it has.
    """
    if size == full:
        yield from strips
        return
    rows, columns = _axes(region, size, full)
    step = max(1, CHUNK // region.width)
    kept, first, done = torch.empty(0), rows.first, 0  # `first` is the row of the image that is the first of `strip`
    for strip in strips:
        until = int(np.searchsorted(rows.after, first + strip.shape[1]))
        for start in range(done, until, step):
            stop = min(start + step, until)
            top, bottom = int(rows.before[start]) - first, int(rows.after[stop - 1]) + 1 - first
            part = _rows(kept, strip, top, bottom)
            before, after, share = columns.neighbours(0, region.width, part.device)
            index = (*part.shape[:2], region.width)
            wide = _mix(part.gather(2, before.expand(index)), part.gather(2, after.expand(index)), share)
            before, after, share = rows.neighbours(start, stop, part.device)
            yield _mix(wide.index_select(1, before), wide.index_select(1, after), share[:, None])
        done = until
        if done < region.height:
            kept = _rows(kept, strip, int(rows.before[done]) - first, strip.shape[1]).clone()
        first += strip.shape[1]


def _rows(kept: Tensor, strip: Tensor, top: int, bottom: int) -> Tensor:
    """Rows `top` to `bottom` - 1 of a strip (C, rows, width); negative ones are of those kept from before it."""
    part = strip[:, max(top, 0) : max(bottom, 0)]
    return part if top >= 0 else torch.cat([kept[:, top : min(bottom, 0) or None], part], 1)


def source_region(region: Region, size: tuple[int, int], full: tuple[int, int]) -> Region:
    """The part of an image of `size` from which a region of it upsampled to `full` is made."""
    if size == full:
        return region
    rows, columns = _axes(region, size, full)
    return Region(rows.first, int(rows.after[-1]) + 1, columns.first, int(columns.after[-1]) + 1)


class _Axis:
    """Between which two pixels of one axis of an image those of the result lie.

    Args:
        length, full: Pixels of the axis of the image and of the result.
        start, stop: Pixels `start` to `stop` - 1 of the result are wanted.

    Attributes:
        before, after: int64 (stop - start,).
        share: Of `after` in the result, float32 (stop - start,); the rest is that of `before`.
    """

    def __init__(self, length: int, full: int, start: int, stop: int) -> None:
        position = ((np.arange(start, stop) + 0.5) * (length / full) - 0.5).clip(0, length - 1)
        self.before = position.astype(np.int64)
        self.after = np.minimum(self.before + 1, length - 1)
        self.share = (position - self.before).astype(np.float32)

    @property
    def first(self) -> int:
        """The first pixel of the image that is needed."""
        return int(self.before[0])

    def neighbours(self, start: int, stop: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """`before`, `after`, `share` of wanted pixels `start` to `stop` - 1; the first of `before` counts as 0."""
        before, after, share = (array[start:stop] for array in (self.before, self.after, self.share))
        places = torch.from_numpy(np.stack([before, after]) - before[0]).to(device)
        return places[0], places[1], torch.from_numpy(share).to(device)


def _axes(region: Region, size: tuple[int, int], full: tuple[int, int]) -> tuple[_Axis, _Axis]:
    """The rows and the columns of a region of the result."""
    rows = _Axis(size[0], full[0], region.top, region.bottom)
    return rows, _Axis(size[1], full[1], region.left, region.right)


def _mix(before: Tensor, after: Tensor, share: Tensor) -> Tensor:
    """Write before + (after - before) * share to `after`, step by step: fused steps may round otherwise."""
    return after.sub_(before).mul_(share).add_(before)

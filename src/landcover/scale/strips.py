"""The strips in which a single process writes a map: in a plain GeoTIFF, the order of the tiles depends on them."""

from collections.abc import Iterable, Iterator

import numpy as np

from landcover.images.resizing import scaled_size
from landcover.inference.options import InferenceOptions
from landcover.inference.probabilities import STRIP_PIXELS
from landcover.inference.tiling import windows
from landcover.inference.upsampling import CHUNK


def strip_ends(height: int, width: int, scale: float, options: InferenceOptions) -> list[int]:
    """Where the strips of `prediction.label_strips` end, for the whole of an image.

    Args:
        height, width: Of the image in pixels.
        scale: Working resolution over that of the image.
        options: Windows.
    """
    working = scaled_size((height, width), scale)
    rows, columns = (windows(length, options.window, options.overlap, options.reach) for length in working)
    is_single = len(rows) == len(columns) == 1
    ends = (
        [working[0]]
        if is_single
        else _divided([*(row.start for row in rows[1:]), working[0]], STRIP_PIXELS // working[1])
    )
    if working == (height, width):
        return ends
    position = ((np.arange(height) + 0.5) * (working[0] / height) - 0.5).clip(0, working[0] - 1)
    below = np.minimum(position.astype(np.int64) + 1, working[0] - 1)  # the last row of which each is made
    return _divided(np.searchsorted(below, ends).tolist(), CHUNK // width)


def _divided(ends: Iterable[int], rows: int) -> list[int]:
    """The ends of strips that are divided into such of at most `rows` rows, or of one."""
    divided, top = list[int](), 0
    for end in ends:
        divided += [*range(top + max(1, rows), end, max(1, rows)), end] if end > top else []
        top = end
    return divided


def cut(strips: Iterable[np.ndarray], ends: Iterable[int]) -> Iterator[np.ndarray]:
    """Yield the same rows in other strips.

    Args:
        strips: (bands, rows, W) each, from the top down.
        ends: Where those that are wanted end, up to the last row.
    """
    source = iter(strips)
    kept: list[np.ndarray] = []
    top = 0
    for end in ends:
        while sum(part.shape[1] for part in kept) < end - top:
            kept.append(next(source))
        rows = kept[0] if len(kept) == 1 else np.concatenate(kept, 1)
        yield rows[:, : end - top]
        kept = [rows[:, end - top :]] if rows.shape[1] > end - top else []
        top = end

"""Colour masks as labels by the course's rules; a pair of masks of any size, counted in strips.

Where each channel of all the classes' colours is 0 or 255, as in the course, the channels of other colours count as 0
below 128 and as 255 from there on. What then is no class's colour is unknown, as it is with any other table; the
course's scorer leaves such pixels, which are red, at whatever value its memory held.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from landcover.classes.class_table import ClassTable
from landcover.classes.off_palette import OffPalette
from landcover.images.pairs import TooManyPixelsError, read_packed
from landcover.scoring.confusion import confusion_matrix
from landcover.system.errors import LandcoverError, Problems, naming_memory_errors

_THRESHOLD = 128
_AT_ONCE = 1 << 24  # pixels of a strip
_BLOCK = 512  # rows in which tiled files are mostly stored: strips of as many read each tile once
_LARGE_SUFFIXES = (".tif", ".tiff")  # of masks that can be read in strips
_large_masks = threading.Lock()  # one such pair at a time: memory must not grow with the number of cores


class MaskStrips(Protocol):
    """A mask of any size that is open."""

    height: int
    width: int

    def read(self, top: int, bottom: int) -> np.ndarray:
        """StripReader `top` to `bottom` - 1: uint32 (bottom - top, width), packed as `classes.pack` has them."""


OpenMask = Callable[[Path], AbstractContextManager[MaskStrips]]


def read_labels(path: Path | str, classes: ClassTable) -> tuple[np.ndarray, OffPalette]:
    """Read a colour mask.

    Returns:
        Labels uint8 (H, W), unknown after the last class; the pixels whose colours are of no class.

    Raises:
        LandcoverError: See `samples.read_rgb`.
    """
    with naming_memory_errors(path):
        return _labels(read_packed(path), classes)


def count_pair(
    truth: Path, predicted: Path, classes: ClassTable, open_large: OpenMask | None = None
) -> tuple[np.ndarray, OffPalette, OffPalette]:
    """Count the pixels of two masks by label.

    Args:
        open_large: Opens a mask that is too large to be read as a whole; None if there is no way.

    Returns:
        Confusion matrix as in `Scores.per_image`; what the truth, and the prediction, has of colours of no class.

    Raises:
        LandcoverError: A line for each mask that cannot be read; or their sizes differ.
    """
    with _opened_together((truth, predicted), classes, open_large) as masks:
        sizes = [(mask.width, mask.height) for mask in masks]
        if sizes[0] != sizes[1]:
            shown = " and ".join(f"{width}x{height}" for width, height in reversed(sizes))
            raise LandcoverError(f"{predicted}: its size and that of {truth} differ: {shown} pixels. Make them equal.")
        width, height = sizes[0]
        rows = max(1, min(_BLOCK, _AT_ONCE // width))
        confusion = np.zeros((len(classes) + 1,) * 2, np.int64)
        for top in range(0, height, rows):
            strips = [mask.labels(top, min(top + rows, height)) for mask in masks]
            confusion += confusion_matrix(*strips, len(classes) + 1)
        return confusion, *(mask.off_palette for mask in masks)


def _labels(mask: np.ndarray, classes: ClassTable) -> tuple[np.ndarray, OffPalette]:
    """What `read_labels` returns, of pixels uint32 (H, W)."""
    labels, off_palette = classes.decode(mask)
    if off_palette and classes.saturated:  # colours of the table stay what they are
        channels = np.where(mask.view(np.uint8) < _THRESHOLD, np.uint8(0), np.uint8(255))
        labels, _ = classes.decode(channels.view(np.uint32))
    return np.minimum(labels, len(classes)), OffPalette(labels.size, off_palette)  # IGNORE is the largest of all


class _Whole:
    """Labels of a mask that is read as a whole."""

    def __init__(self, path: Path, classes: ClassTable) -> None:
        self._labels, self.off_palette = read_labels(path, classes)
        self.height, self.width = self._labels.shape

    def labels(self, top: int, bottom: int) -> np.ndarray:
        return self._labels[top:bottom]


class _Strips:
    """Labels of a mask that is read as they are asked for; `off_palette` is that of the rows so far."""

    def __init__(self, path: Path, mask: MaskStrips, classes: ClassTable) -> None:
        self._path, self._mask, self._classes = path, mask, classes
        self.height, self.width = mask.height, mask.width
        self.off_palette = OffPalette()

    def labels(self, top: int, bottom: int) -> np.ndarray:
        with naming_memory_errors(self._path):
            labels, off_palette = _labels(self._mask.read(top, bottom), self._classes)
        self.off_palette += off_palette
        return labels


@contextmanager
def _opened_together(
    paths: tuple[Path, Path], classes: ClassTable, open_large: OpenMask | None
) -> Iterator[list[_Whole | _Strips]]:
    """Open a pair of masks; say of both what is wrong."""
    masks, large, problems = {}, [], Problems()
    with ExitStack() as stack:
        for i, path in enumerate(paths):
            with problems.gathered():
                try:
                    masks[i] = _Whole(path, classes)
                except TooManyPixelsError:
                    if open_large is None or path.suffix.lower() not in _LARGE_SUFFIXES:
                        raise
                    large.append(i)
        if large and not problems.lines:
            stack.enter_context(_large_masks)
            for i in large:
                with problems.gathered():
                    masks[i] = _Strips(paths[i], stack.enter_context(open_large(paths[i])), classes)
        problems.raise_any()
        yield [masks[i] for i in range(len(paths))]

"""Labels of masks for scoring, and the counts of a pair of masks of any size.

Where red, green and blue of all classes are 0 or 255, the red, green and blue of other colours count as 0 below 128 and
as 255 from 128, as in the scorer of the course (`scores`). Colours that are of no class even then are unknown; with its
classes these are shades of red, for which the course's scorer returns whatever its uninitialised memory held.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.code_table import CodeTable
from landcover.classes.off_palette import OffPalette
from landcover.images.image_files import TooManyPixelsError, read_packed
from landcover.images.pairs import check_same_size
from landcover.rasters.masks import MaskFormat
from landcover.scoring.confusion import confusion_matrix
from landcover.system.errors import Problems, naming_memory_errors

_THRESHOLD = 128
_MOST_PIXELS = 1 << 24  # of a strip
_BLOCK = 512  # rows of the blocks of most tiled files: strips of as many rows read each block once
_LARGE_SUFFIXES = (".tif", ".tiff")  # of masks that can be read in strips
_large_masks = threading.Lock()  # held for one pair at a time: memory must not grow with the number of cores


class MaskStrips(Protocol):
    """An open mask of any size, read in strips of rows."""

    height: int
    width: int

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Rows `top` to `bottom` - 1: uint32 (bottom - top, width), packed as by `colours.pack`."""


OpenMask = Callable[[Path], AbstractContextManager[MaskStrips]]


class PairCounts(NamedTuple):
    """The counts of a pair of masks.

    Attributes:
        confusion: int64 (C + 1, C + 1), see `scoring.confusion`.
        truth_off_palette, predicted_off_palette: The off-palette pixels of each mask.
    """

    confusion: np.ndarray
    truth_off_palette: OffPalette
    predicted_off_palette: OffPalette


def read_labels(path: Path | str, classes: ClassTable, codes: CodeTable | None = None) -> tuple[np.ndarray, OffPalette]:
    """Read a mask of colours, or of codes if these are given.

    Returns:
        Labels, uint8 (H, W), class indices or `UNKNOWN`; and the off-palette pixels.

    Raises:
        LandcoverError: See `image_files.read_rgb` and `masks.read_codes`.
    """
    path = Path(path)
    with naming_memory_errors(path):
        if codes is not None:
            return MaskFormat(classes, codes).read(path)
        return decode_labels(read_packed(path), classes)


def count_pair(
    truth: Path,
    predicted: Path,
    classes: ClassTable,
    open_large: OpenMask | None = None,
    valid: np.ndarray | None = None,
    true_codes: CodeTable | None = None,
) -> PairCounts:
    """Count the pixels of two masks by label, strip by strip.

    Args:
        open_large: Opens a mask that is too large to be read as a whole; None if such masks are errors.
        valid: Where the image has data, bool (H, W): elsewhere the truth counts as unknown. None for everywhere.
        true_codes: Of the classes, if the truth has codes instead of colours.

    Raises:
        LandcoverError: A line for each mask that cannot be read; or their sizes differ.
    """
    with _opened_together(truth, predicted, classes, open_large, true_codes) as (true_mask, predicted_mask):
        height, width = true_mask.height, true_mask.width
        check_same_size(predicted, (predicted_mask.height, predicted_mask.width), truth, (height, width))
        if valid is not None:
            check_same_size(truth, (height, width), "its image", valid.shape)
        rows = max(1, min(_BLOCK, _MOST_PIXELS // width))
        confusion = np.zeros((len(classes) + 1,) * 2, np.int64)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            labels = true_mask.labels(top, bottom)
            if valid is not None:
                labels = np.where(valid[top:bottom], labels, np.uint8(UNKNOWN))
            confusion += confusion_matrix(labels, predicted_mask.labels(top, bottom), len(classes))
        return PairCounts(confusion, true_mask.off_palette, predicted_mask.off_palette)


def decode_labels(mask: np.ndarray, classes: ClassTable) -> tuple[np.ndarray, OffPalette]:
    """What `read_labels` returns, from packed pixels, uint32 (H, W)."""
    labels, off_palette = classes.decode(mask)
    if off_palette and classes.saturated:  # the threshold leaves colours of the table as they are
        values = np.where(mask.view(np.uint8) < _THRESHOLD, np.uint8(0), np.uint8(255))
        labels, _ = classes.decode(values.view(np.uint32))
    return labels, OffPalette(labels.size, off_palette)


class _Whole:
    """A mask that was read as a whole."""

    def __init__(self, path: Path, classes: ClassTable, codes: CodeTable | None) -> None:
        self._labels, self.off_palette = read_labels(path, classes, codes)
        self.height, self.width = self._labels.shape

    def labels(self, top: int, bottom: int) -> np.ndarray:
        return self._labels[top:bottom]


class _Strips:
    """A mask that is read in strips; `off_palette` holds the pixels of the rows read so far."""

    def __init__(self, path: Path, mask: MaskStrips, classes: ClassTable) -> None:
        self._path, self._mask, self._classes = path, mask, classes
        self.height, self.width = mask.height, mask.width
        self.off_palette = OffPalette()

    def labels(self, top: int, bottom: int) -> np.ndarray:
        with naming_memory_errors(self._path):
            labels, off_palette = decode_labels(self._mask.read(top, bottom), self._classes)
        self.off_palette += off_palette
        return labels


@contextmanager
def _opened_together(
    truth: Path, predicted: Path, classes: ClassTable, open_large: OpenMask | None, true_codes: CodeTable | None
) -> Iterator[tuple[_Whole | _Strips, _Whole | _Strips]]:
    """Open a pair of masks; if both are wrong, the error says so of both."""
    masks: dict[str, _Whole | _Strips] = {}
    large: dict[str, Path] = {}
    problems = Problems()
    with ExitStack() as stack:
        for side, path, codes in (("truth", truth, true_codes), ("predicted", predicted, None)):
            with problems.collecting():
                try:
                    masks[side] = _Whole(path, classes, codes)
                except TooManyPixelsError:
                    if open_large is None or path.suffix.lower() not in _LARGE_SUFFIXES:
                        raise
                    large[side] = path
        if open_large and large and not problems.lines:
            stack.enter_context(_large_masks)
            for side, path in large.items():
                with problems.collecting():
                    masks[side] = _Strips(path, stack.enter_context(open_large(path)), classes)
        problems.raise_any()
        yield masks["truth"], masks["predicted"]

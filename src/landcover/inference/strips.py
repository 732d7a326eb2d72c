"""Images that are read in strips of rows, so that memory need not hold them whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Protocol

import numpy as np

from landcover.images.image_arrays import check_image
from landcover.images.image_spec import RGB, ImageSpec
from landcover.images.resizing import area_means, scaled_size
from landcover.inference.options import ALIGNMENT

_CELL_ROWS = ALIGNMENT  # windows begin and end with cells, so that strips share no rows of them
_CELL_COLUMNS = 512  # few enough that a region reads little beside it, and so many that most time is spent on means


class PixelReader(Protocol):
    """Pixels that are read in strips of rows, from the top down."""

    @property
    def height(self) -> int:
        """In pixels."""

    @property
    def width(self) -> int:
        """In pixels."""

    @property
    def is_tiled(self) -> bool:
        """Whether some columns can be read without reading whole rows."""

    def read(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray:
        """Read rows `top` to `bottom` - 1 of columns `left` to `right` - 1 (None: to the last), all finite.

        Returns:
            (bottom - top, right - left, B) of one pixel type, the same pixels whatever else is read with them.
        """


class StripReader(PixelReader, Protocol):
    """What an image must offer to be labelled.

    Its rows are read from the top down; at a working resolution below 1, the last row of a strip may be read again as
    the first of the next. If it is tiled and wide, its rows may be read in parts, and those that two rows of windows
    share twice. The valid mask of rows is read after they have been labelled.
    """

    def valid_mask(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray | None:
        """Return where the pixels that `read` returns have data: bool (h, w); None if everywhere."""


@dataclass(frozen=True)
class ArrayStrips:
    """A `StripReader` of an image in memory.

    Attributes:
        array: The image (H, W, B), as a model takes it; see `image_arrays.check_image`. Where one of the bands of a
            pixel is not a finite number, it has no data, and its bands are read as the mean of the training images.
        images: What the model takes.
        valid: Where else there is data: bool (H, W); None for everywhere.

    Raises:
        LandcoverError: The array is something else. It is not converted: a guess, such as whether floats end at 1 or
            at 255, could be wrong without anyone noticing.
    """

    array: np.ndarray
    images: ImageSpec = RGB
    valid: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_image(self.array, self.images)

    @property
    def height(self) -> int:
        """H in pixels."""
        return len(self.array)

    @property
    def width(self) -> int:
        """W in pixels."""
        return len(self.array[0])

    @property
    def is_tiled(self) -> bool:
        """Whether some columns can be read alone: yes, as a view."""
        return True

    def read(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray:
        """Return pixels, see `PixelReader`: a view if all of them are numbers."""
        rows = self.array[top:bottom, left:right]
        if rows.dtype.kind == "f" and not (finite := np.isfinite(rows).all(2)).all():
            rows = np.where(finite[..., None], rows, np.array(self.images.mean, rows.dtype))
        return rows

    def valid_mask(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray | None:
        """Return where there is data; None if everywhere."""
        valid = None if self.valid is None else self.valid[top:bottom, left:right]
        if self.array.dtype.kind != "f":
            return valid
        finite: np.ndarray = np.isfinite(self.array[top:bottom, left:right]).all(2)
        return finite if valid is None else finite & valid


class ScaledStrips:
    """A `PixelReader` of an image at working resolution: each pixel is the mean of the area that it covers.

    Row i is the mean of the source's rows from i to i + 1 times the ratio of the heights; columns likewise. Where the
    border between two rows cuts a row of the source exactly in half, rounding assigns that row to one of them. So that
    it is the same one whatever is read, means are taken in cells of a fixed grid, each on its own.

    Args:
        source: The image at its own resolution.
        scale: Working resolution divided by that of the source, 0 < scale <= 1.
    """

    def __init__(self, source: PixelReader, scale: float) -> None:
        self.source, self.is_tiled = source, source.is_tiled
        self.height, self.width = scaled_size((source.height, source.width), scale)

    def read(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray:
        """Read pixels of the source's type, see `PixelReader`."""
        source, right = self.source, self.width if right is None else right
        if (self.height, self.width) == (source.height, source.width):
            return source.read(top, bottom, left, right)
        rows = _cells(top, bottom, _CELL_ROWS, self.height, source.height)
        columns = _cells(left, right, _CELL_COLUMNS, self.width, source.width)
        pixels = source.read(rows[0].first, rows[-1].last, columns[0].first, columns[-1].last)
        size = rows[-1].stop - rows[0].start, columns[-1].stop - columns[0].start
        means = np.empty((*size, pixels.shape[2]), pixels.dtype)
        for row in rows:
            for column in columns:
                part = pixels[row.covered_after(rows[0]), column.covered_after(columns[0])]
                box = (column.begin, row.begin, column.end, row.end)
                size = row.stop - row.start, column.stop - column.start
                means[row.after(rows[0]), column.after(columns[0])] = area_means(part, size, box=box)
        return means[top - rows[0].start : bottom - rows[0].start, left - columns[0].start : right - columns[0].start]


def overlapping_strips(
    image: PixelReader, stretches: Sequence[tuple[int, int]], left: int, right: int
) -> Iterator[np.ndarray]:
    """Read strips that may overlap; rows that two of them share are read once.

    Args:
        image: To read from.
        stretches: (top, bottom) of each strip, from the top down.
        left, right: Columns `left` to `right` - 1 are read.

    Yields:
        (bottom - top, right - left, B) of the image's pixel type.
    """
    strip, start, stop = None, 0, stretches[0][0]
    for top, bottom in stretches:
        rows = image.read(stop, bottom, left, right)
        strip = rows if strip is None else np.concatenate([strip[top - start :], rows])
        start, stop = top, bottom
        yield strip


@dataclass(frozen=True)
class _Cell:
    """One axis of a cell of an image at working resolution, and of what it covers of the source.

    Attributes:
        start, stop: Its pixels at working resolution: `start` to `stop` - 1.
        first, last: The pixels of the source that these cover at least in part: `first` to `last` - 1.
        begin, end: Where among them it begins and ends.
    """

    start: int
    stop: int
    first: int
    last: int
    begin: float
    end: float

    def after(self, other: "_Cell") -> slice:
        """Its pixels, counted from the first one of another cell."""
        return slice(self.start - other.start, self.stop - other.start)

    def covered_after(self, other: "_Cell") -> slice:
        """What it covers of the source, counted from the first pixel that another cell covers."""
        return slice(self.first - other.first, self.last - other.first)


def _cells(start: int, stop: int, side: int, length: int, source: int) -> list[_Cell]:
    """The cells of one axis that hold pixels `start` to `stop` - 1 at working resolution, where it has `length`."""
    cells = []
    for begin in range(start // side * side, stop, side):
        end = min(begin + side, length)
        covers = begin * source / length, end * source / length
        first, last = floor(covers[0]), min(ceil(covers[1]), source)
        cells.append(_Cell(begin, end, first, last, covers[0] - first, min(covers[1], source) - first))
    return cells

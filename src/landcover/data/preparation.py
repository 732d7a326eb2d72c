"""Decode a folder of samples into tiles that training can read without decoding."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from landcover.classes.class_table import UNKNOWN, ClassTable, byte_counts
from landcover.classes.off_palette import OffPalette
from landcover.data.tiles import pixel_column
from landcover.images.image_files import image_size, read_packed, read_rgb
from landcover.images.pairs import Sample, check_same_size
from landcover.images.resizing import nearest, scale_down, scaled_size
from landcover.system.errors import Problems, naming_memory_errors
from landcover.system.npy import npy_file
from landcover.system.parallel import error_as_result, parallel_map

_ADVICE = "Add them to `classes` or raise `max_off_palette`."


class Prepared(NamedTuple):
    """A prepared split in figures.

    Attributes:
        images: Their number.
        tiles: Their number.
        pixels: Their number at working resolution, without padding.
        off_palette: Number of mask pixels, at source resolution, whose colours are of no class.
        share: Share of the pixels by name of the class, 0..1, the unknown ones last.
    """

    images: int
    tiles: int
    pixels: int
    off_palette: int
    share: Mapping[str, float]


def prepare(
    samples: list[Sample], classes: ClassTable, folder: Path | str, *, tile: int, scale: float, max_off_palette: float
) -> Prepared:
    """Decode all samples, cut them into tiles and write them to a new `folder`, with all cores, in constant memory.

    Images are scaled by area averaging, labels by nearest neighbour. Tiles do not overlap; those at the right and
    lower edges are padded to full size, images with zeros and labels with `UNKNOWN`.

    Args:
        tile: Side T of a tile in pixels at working resolution.
        scale: Working resolution over source resolution, at most 1.
        max_off_palette: Largest tolerated share (0..1) of a mask's pixels whose colours are of no class.

    Raises:
        LandcoverError: A line for each file that cannot be used.
    """
    folder = Path(folder)

    @error_as_result
    def tiles_of(sample: Sample) -> _Tiles:
        _common_size(sample)
        with naming_memory_errors(sample.image):
            image = scale_down(read_rgb(sample.image), scale)
            labels, off_palette = classes.decode(read_packed(sample.mask))
            OffPalette(labels.size, off_palette).check(sample.mask, max_off_palette, _ADVICE)
            labels = nearest(labels, image.shape[:2])
            return _cut(image, labels, tile, sample.name, len(classes), sum(off_palette.values()))

    problems = Problems()
    sizes = list(problems.successes(parallel_map(error_as_result(_common_size), samples)))
    if problems.lines:  # decode all samples, to name the other broken files as well
        more = Problems()
        deque(more.successes(parallel_map(tiles_of, samples)), maxlen=0)
        more.raise_any()
        problems.raise_any()
    count = sum(len(_corners(scaled_size(size, scale), tile)) for size in sizes)
    rows: list[list[Any]] = []
    off_palette = 0
    folder.mkdir()
    with (
        npy_file(folder / "images.npy", (count, tile, tile, 3), "|u1") as images,
        npy_file(folder / "labels.npy", (count, tile, tile), "|u1") as labels,
    ):
        results = problems.successes(parallel_map(tiles_of, samples))
        for tiles in tqdm(results, folder.name, total=len(samples), unit=" pairs", disable=None):
            images.write(tiles.images.data)
            labels.write(tiles.labels.data)
            rows += tiles.rows
            off_palette += tiles.off_palette
    problems.raise_any()
    names = [*classes.names, classes.ignore_name]
    table = pd.DataFrame(rows, columns=["name", "row", "column", "height", "width", *map(pixel_column, names)])
    table.to_csv(folder / "tiles.csv", index=False, errors="surrogateescape")  # names of files may be any bytes
    pixels = int((table.height * table.width).sum())
    share = {name: int(table[pixel_column(name)].sum()) / pixels for name in names}
    return Prepared(len(samples), count, pixels, off_palette, share)


class _Tiles(NamedTuple):
    """The tiles of a sample: uint8 (n, T, T, 3) and (n, T, T), their rows of tiles.csv, its off-palette pixels."""

    images: np.ndarray
    labels: np.ndarray
    rows: list[list[Any]]
    off_palette: int


def _common_size(sample: Sample) -> tuple[int, int]:
    """(height, width) of an image and its mask, from their headers."""
    size = image_size(sample.image)
    check_same_size(sample.mask, image_size(sample.mask), sample.image, size)
    return size


def _corners(size: tuple[int, int], tile: int) -> list[tuple[int, int]]:
    """(row, column) of the upper left corners of the tiles of an image of (height, width) `size`."""
    return [(row, column) for row in range(0, size[0], tile) for column in range(0, size[1], tile)]


def _cut(image: np.ndarray, labels: np.ndarray, tile: int, name: str, classes: int, off_palette: int) -> _Tiles:
    """The tiles of an image, uint8 (H, W, 3), and its labels, uint8 (H, W)."""
    corners = _corners(labels.shape, tile)
    images_cut = np.empty((len(corners), tile, tile, 3), np.uint8)
    labels_cut = np.empty((len(corners), tile, tile), np.uint8)
    if any(length % tile for length in labels.shape):
        images_cut[:], labels_cut[:] = 0, UNKNOWN
    rows: list[list[Any]] = []
    for i, (row, column) in enumerate(corners):
        window = labels[row : row + tile, column : column + tile]
        height, width = window.shape
        images_cut[i, :height, :width] = image[row : row + tile, column : column + tile]
        labels_cut[i, :height, :width] = window
        counts = byte_counts(window)
        rows.append([name, row, column, height, width, *counts[:classes], counts[UNKNOWN]])
    return _Tiles(images_cut, labels_cut, rows, off_palette)

"""Decode a folder of samples into tiles that training can read without decoding."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from tqdm import tqdm

from landcover.classes.class_table import IGNORE, ClassTable
from landcover.classes.counting import byte_counts
from landcover.classes.off_palette import OffPalette
from landcover.data.tiles import pixel_column
from landcover.images.pairs import Sample, image_size, read_packed, read_rgb, scale_down, scaled_size
from landcover.system.errors import LandcoverError, naming_memory_errors
from landcover.system.parallel import error_as_result, parallel_map

_ADVICE = "Add them to data.classes or raise prepare.max_off_palette."


def prepare(
    samples: list[Sample], classes: ClassTable, folder: Path | str, *, tile: int, scale: float, max_off_palette: float
) -> dict:
    """Decode all samples, cut them into tiles and write them to a new `folder`, with all cores, in constant memory.

    Images are scaled by area averaging, labels by nearest neighbour. Tiles do not overlap; those at the right and
    lower edges are padded to full size, images with zeros and labels with `IGNORE`.

    Args:
        tile: Side T of a tile in pixels at working resolution.
        scale: Working resolution over source resolution, at most 1.
        max_off_palette: Largest tolerated share (0..1) of a mask's pixels whose colours are no class's.

    Returns:
        The data set in figures: number of `images`, `tiles` and `pixels` (at working resolution); `off_palette`, the
        number of mask pixels (at source resolution) of no class's colour; `share` of the pixels by class.

    Raises:
        LandcoverError: A line for each file that cannot be used.
    """
    folder = Path(folder)

    @error_as_result
    def tiles_of(sample: Sample) -> tuple[np.ndarray, np.ndarray, list[list], int]:
        _common_size(sample)
        with naming_memory_errors(sample.image):
            image = scale_down(read_rgb(sample.image), scale)
            labels, off_palette = classes.decode(read_packed(sample.mask))
            OffPalette(labels.size, off_palette).check(sample.mask, max_off_palette, _ADVICE)
            labels = _resized(labels, image.shape[:2])
            return *_cut(image, labels, tile, sample.name, len(classes)), sum(off_palette.values())

    sizes = list(parallel_map(error_as_result(_common_size), samples))
    if any(isinstance(size, LandcoverError) for size in sizes):
        list(_or_raise(parallel_map(tiles_of, samples)))  # decode all the same, to name the other broken files too
    count = sum(len(_corners(scaled_size(size, scale), tile)) for size in sizes)
    names = [*classes.names, classes.ignore_name]
    rows, off_palette = [], 0
    folder.mkdir()
    with (
        _npy_writer(folder / "images.npy", (count, tile, tile, 3)) as images,
        _npy_writer(folder / "labels.npy", (count, tile, tile)) as labels,
    ):
        results = _or_raise(parallel_map(tiles_of, samples))
        results = tqdm(results, folder.name, total=len(samples), unit=" pairs", disable=None)
        for sample_images, sample_labels, sample_rows, strays in results:
            images.write(sample_images)
            labels.write(sample_labels)
            rows += sample_rows
            off_palette += strays
    table = pd.DataFrame(rows, columns=["name", "row", "column", "height", "width", *map(pixel_column, names)])
    table.to_csv(folder / "tiles.csv", index=False, errors="surrogateescape")  # names of files may be any bytes
    pixels = int((table.height * table.width).sum())
    return {
        "images": len(samples),
        "tiles": count,
        "pixels": pixels,
        "off_palette": off_palette,
        "share": {name: int(table[pixel_column(name)].sum()) / pixels for name in names},
    }


def _common_size(sample: Sample) -> tuple[int, int]:
    """(height, width) of an image and its mask, from their headers."""
    size, mask_size = image_size(sample.image), image_size(sample.mask)
    if size != mask_size:
        shown = [f"{width}x{height}" for height, width in (mask_size, size)]
        raise LandcoverError(f"{sample.mask}: {shown[0]} pixels, its image {shown[1]}. Make them equal.")
    return size


def _corners(size: tuple[int, int], tile: int) -> list[tuple[int, int]]:
    """(row, column) of the upper left corners of the tiles of an image of (height, width) `size`."""
    return [(row, column) for row in range(0, size[0], tile) for column in range(0, size[1], tile)]


def _cut(
    image: np.ndarray, labels: np.ndarray, tile: int, name: str, classes: int
) -> tuple[np.ndarray, np.ndarray, list[list]]:
    """Tiles of an image, uint8 (n, T, T, 3), of its labels, uint8 (n, T, T), and their rows of `tiles.csv`."""
    corners = _corners(labels.shape, tile)
    images_cut = np.empty((len(corners), tile, tile, 3), np.uint8)
    labels_cut = np.empty((len(corners), tile, tile), np.uint8)
    if any(length % tile for length in labels.shape):
        images_cut[:], labels_cut[:] = 0, IGNORE
    rows = []
    for i, (row, column) in enumerate(corners):
        window = labels[row : row + tile, column : column + tile]
        height, width = window.shape
        images_cut[i, :height, :width] = image[row : row + tile, column : column + tile]
        labels_cut[i, :height, :width] = window
        counts = byte_counts(window)
        rows.append([name, row, column, height, width, *counts[:classes], counts[IGNORE]])
    return images_cut, labels_cut, rows


def _resized(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Labels at (height, width) `size` by nearest neighbour at pixel centres."""
    if labels.shape == size:
        return labels
    rows, columns = ((2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(size, labels.shape, strict=True))
    return labels[np.ix_(rows, columns)]


@contextmanager
def _npy_writer(path: Path, shape: tuple[int, ...]) -> Iterator[BinaryIO]:
    """Open a .npy file of a uint8 array of `shape`, its header written, its values to be written in order."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        yield file


def _or_raise(results: Iterable) -> Iterator:
    """Yield the results up to the first error; go on to the end for further errors; then raise them all as one."""
    errors = []
    for result in results:
        if isinstance(result, LandcoverError):
            errors += result.lines
        elif not errors:
            yield result
    if errors:
        raise LandcoverError(*errors)

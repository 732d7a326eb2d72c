"""Decode a folder of samples into tiles that training can read without decoding."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from landcover.classes.class_table import UNKNOWN, ClassTable, byte_counts
from landcover.classes.off_palette import OffPalette
from landcover.data.source_images import SourceHeader, check_alike, read_header, read_image
from landcover.data.statistics import BandStatistics, statistics_of
from landcover.data.tiles import pixel_column
from landcover.images.image_files import image_size, read_packed
from landcover.images.image_spec import ImageSpec
from landcover.images.pairs import Sample, check_same_size
from landcover.images.resizing import nearest, scale_down, scaled_size
from landcover.system.errors import LandcoverError, Problems, naming_memory_errors, warn
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
        unseen: Number of pixels, at source resolution, that have a class in the mask but no data in the image.
        share: Share of the pixels by name of the class, 0..1, the unknown ones last.
        spec: What the images are, with their own statistics, or those of `like`.
    """

    images: int
    tiles: int
    pixels: int
    off_palette: int
    unseen: int
    share: Mapping[str, float]
    spec: ImageSpec


def prepare(
    samples: list[Sample],
    classes: ClassTable,
    folder: Path | str,
    *,
    tile: int,
    scale: float,
    max_off_palette: float,
    bands: Sequence[int | str] | None = None,
    like: ImageSpec | None = None,
) -> Prepared:
    """Decode all samples, cut them into tiles and write them to a new `folder`, with all cores, in constant memory.

    Images keep their pixel type; float64 becomes float32. They are scaled by area averaging, labels by nearest
    neighbour. Pixels without data get the label `UNKNOWN`. Tiles do not overlap; those at the right and lower edges are
    padded to full size, images with zeros and labels with `UNKNOWN`.

    Args:
        tile: Side T of a tile in pixels at working resolution.
        scale: Working resolution over source resolution, at most 1.
        max_off_palette: Largest tolerated share (0..1) of a mask's pixels whose colours are of no class.
        bands: Numbers, from 1, or names of the bands of the images; None for red, green and blue.
        like: What the images must be, for a split that validates; their own statistics are then not computed.

    Raises:
        LandcoverError: A line for each file that cannot be used, or whose images are unlike the others.
    """
    folder = Path(folder)

    @error_as_result
    def header_of(sample: Sample) -> SourceHeader:
        header = read_header(sample.image, bands)
        check_same_size(sample.mask, image_size(sample.mask), sample.image, header.size)
        return header

    @error_as_result
    def tiles_of(number: int) -> _Tiles:
        sample = samples[number]
        header = header_of(sample)
        if not isinstance(header, SourceHeader):
            raise header
        with naming_memory_errors(sample.image):
            image, valid = read_image(sample.image, bands)
            labels, off_palette = classes.decode(read_packed(sample.mask))
            OffPalette(labels.size, off_palette).check(sample.mask, max_off_palette, _ADVICE)
            image = scale_down(image, scale, valid)
            unseen = 0
            if valid is not None:
                unseen = int((labels[~valid] != UNKNOWN).sum())
                labels[~valid] = UNKNOWN
                valid = nearest(valid, image.shape[:2])
            labels = nearest(labels, image.shape[:2])
            statistics = None
            if not like and (valid is None or valid.any()):
                share = labels.size / pixels if pixels else 1
                statistics = statistics_of(image, valid, seed=number, share=share)
            tiles = _cut(image, labels, tile, sample.name, len(classes))
            return tiles._replace(off_palette=sum(off_palette.values()), unseen=unseen, statistics=statistics)

    pixels, problems = 0, Problems()
    headers = list(problems.successes(parallel_map(header_of, samples)))
    if problems.lines:  # decode all samples, to name the other broken files as well
        more = Problems()
        deque(more.successes(parallel_map(tiles_of, range(len(samples)))), maxlen=0)
        more.raise_any()
        problems.raise_any()
    spec = check_alike([sample.image for sample in samples], headers, like)
    sizes = [scaled_size(header.size, scale) for header in headers]
    pixels = sum(height * width for height, width in sizes)
    count = sum(len(_corners(size, tile)) for size in sizes)
    statistics: BandStatistics | None = None
    rows: list[list[Any]] = []
    off_palette = unseen = 0
    folder.mkdir()
    with (
        npy_file(folder / "images.npy", (count, tile, tile, len(spec.bands)), np.dtype(spec.dtype).str) as images,
        npy_file(folder / "labels.npy", (count, tile, tile), "|u1") as labels,
    ):
        results = problems.successes(parallel_map(tiles_of, range(len(samples))))
        for tiles in tqdm(results, folder.name, total=len(samples), unit=" pairs", disable=None):
            images.write(tiles.images.data)
            labels.write(tiles.labels.data)
            rows += tiles.rows
            off_palette += tiles.off_palette
            unseen += tiles.unseen
            if statistics is None:
                statistics = tiles.statistics
            elif tiles.statistics is not None:
                statistics.add(tiles.statistics)
    problems.raise_any()
    names = [*classes.names, classes.ignore_name]
    table = pd.DataFrame(rows, columns=["name", "row", "column", "height", "width", *map(pixel_column, names)])
    table.to_csv(folder / "tiles.csv", index=False, errors="surrogateescape")  # names of files may be any bytes
    share = {name: int(table[pixel_column(name)].sum()) / pixels for name in names}
    if not like:
        spec = _measured(spec, statistics, samples[0].image.parent)
    return Prepared(len(samples), count, pixels, off_palette, unseen, share, spec)


class _Tiles(NamedTuple):
    """The tiles of a sample.

    Attributes:
        images, labels: (n, T, T, B), and uint8 (n, T, T).
        rows: Of tiles.csv.
        off_palette, unseen: See `Prepared`.
        statistics: Of the image, if they are needed and it has valid pixels.
    """

    images: np.ndarray
    labels: np.ndarray
    rows: list[list[Any]]
    off_palette: int = 0
    unseen: int = 0
    statistics: BandStatistics | None = None


def _corners(size: tuple[int, int], tile: int) -> list[tuple[int, int]]:
    """(row, column) of the upper left corners of the tiles of an image of (height, width) `size`."""
    return [(row, column) for row in range(0, size[0], tile) for column in range(0, size[1], tile)]


def _cut(image: np.ndarray, labels: np.ndarray, tile: int, name: str, classes: int) -> _Tiles:
    """The tiles of an image (H, W, B) and its labels, uint8 (H, W)."""
    corners = _corners(labels.shape, tile)
    images_cut = np.empty((len(corners), tile, tile, image.shape[2]), image.dtype)
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
    return _Tiles(images_cut, labels_cut, rows)


def _measured(spec: ImageSpec, statistics: BandStatistics | None, folder: Path) -> ImageSpec:
    """What the images are, with their statistics.

    Raises:
        LandcoverError: There are none.
    """
    if statistics is None:
        raise LandcoverError(f"{folder}: no pixel of its images has data at this `scale`. Raise it.")
    figures = statistics.figures()
    if constant := [name for name, std in zip(spec.bands, figures.std, strict=True) if not std > 0]:
        warn(f"{folder}: all pixels have the same value in {', '.join(constant)}, from which nothing can be learned")
    return replace(
        spec,
        mean=tuple(mean / spec.divisor for mean in figures.mean),
        std=tuple(std / spec.divisor or 1.0 for std in figures.std),
        low=figures.low,
        high=figures.high,
    )

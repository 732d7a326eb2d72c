"""Cut images and labels into tiles, and write the tiles of a split: the files that `tiles.Tiles` opens."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from landcover.classes.class_table import UNKNOWN, ClassTable, byte_counts
from landcover.data.tiles import pixel_column
from landcover.images.image_spec import ImageSpec
from landcover.system.npy import Array, npy_items


class Cut(NamedTuple):
    """Tiles that were cut from an image.

    Attributes:
        images, labels: (n, T, T, B), and uint8 (n, T, T).
        rows: Of tiles.csv.
    """

    images: np.ndarray
    labels: np.ndarray
    rows: list[list[Any]]


def cut(
    image: np.ndarray, labels: np.ndarray, tile: int, name: str, classes: int, place: tuple[int, int] = (0, 0)
) -> Cut:
    """Cut an image into tiles that do not overlap; those at the right and lower edges are padded to full size.

    Args:
        image: (H, W, B); padded with zeros.
        labels: uint8 (H, W); padded with `UNKNOWN`.
        tile: Side T of a tile in pixels.
        name: Of the image, for tiles.csv.
        classes: Their number.
        place: Row and column in tiles.csv of the upper left pixel, if this is a part of an image.
    """
    corners = [(row, column) for row in range(0, labels.shape[0], tile) for column in range(0, labels.shape[1], tile)]
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
        rows.append([name, place[0] + row, place[1] + column, height, width, *counts[:classes], counts[UNKNOWN]])
    return Cut(images_cut, labels_cut, rows)


def tile_bytes(spec: ImageSpec, pixels: int) -> int:
    """Size of some pixels of tiles and of their labels."""
    return pixels * (len(spec.bands) * np.dtype(spec.dtype).itemsize + 1)


class Prepared(NamedTuple):
    """A prepared split in figures.

    Attributes:
        images: Their number, or that of the scenes that have a tile.
        tiles: Their number.
        pixels: Their number at working resolution, without padding.
        labelled: Number of those that have a class.
        off_palette: Number of mask pixels, at source resolution, whose colours or codes are of no class.
        unseen: Number of pixels that have a class in the labels but no data in the image: of pairs at source
            resolution, of scenes at working resolution.
        share: By name of the class, the unknown ones last, 0..1: of pairs that of all pixels; of scenes, of which few
            pixels may be labelled, that of the labelled pixels, and for the unknown ones that of all.
        spec: What the images are, with their own statistics, or those of `like`.
    """

    images: int
    tiles: int
    pixels: int
    labelled: int
    off_palette: int
    unseen: int
    share: Mapping[str, float]
    spec: ImageSpec


class TileWriter:
    """Adds tiles to the files of a split; made by `writing_tiles`.

    Args:
        names: Of the classes, the ignored one last.
        add_images, add_labels: Add arrays to the files.
    """

    def __init__(
        self, names: list[str], add_images: Callable[[Array], None], add_labels: Callable[[Array], None]
    ) -> None:
        self._names, self._add_images, self._add_labels = names, add_images, add_labels
        self._rows: list[list[Any]] = []

    def add(self, tiles: Cut) -> None:
        """Add tiles."""
        self._add_images(tiles.images)
        self._add_labels(tiles.labels)
        self._rows += tiles.rows

    def table(self) -> pd.DataFrame:
        """The content of tiles.csv so far."""
        columns = ["row", "column", "height", "width", *map(pixel_column, self._names)]
        table = pd.DataFrame([row[1:] for row in self._rows], columns=columns)
        table.insert(0, "name", pd.Series([row[0] for row in self._rows], dtype=object))  # pandas' strings are UTF-8
        return table

    def class_pixels(self) -> dict[str, int]:
        """Number of pixels by class so far, without padding, the unknown ones last."""
        table = self.table()
        return {name: int(table[pixel_column(name)].sum()) for name in self._names}


@contextmanager
def writing_tiles(folder: Path, classes: ClassTable, tile: int, spec: ImageSpec) -> Iterator[TileWriter]:
    """Make the folder of a split; yield what adds tiles to its files, which are complete when the body has ended.

    Args:
        folder: A new one.
        classes: Of the labels.
        tile: Side of the tiles in pixels.
        spec: What the images are.
    """
    folder.mkdir()
    with (
        npy_items(folder / "images.npy", (tile, tile, len(spec.bands)), np.dtype(spec.dtype).str) as add_images,
        npy_items(folder / "labels.npy", (tile, tile), "|u1") as add_labels,
    ):
        writer = TileWriter([*classes.names, classes.ignore_name], add_images, add_labels)
        yield writer
    writer.table().to_csv(folder / "tiles.csv", index=False, errors="surrogateescape")  # names may be any bytes

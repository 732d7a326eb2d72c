"""What `landcover view` shows: a map, and what lies on it, open and described. Needs rasterio."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from landcover.classes.class_table import ClassTable
from landcover.images.pairs import confidence_path
from landcover.rasters.access import open_dataset, safe_reading
from landcover.rasters.grid import Grid
from landcover.system.errors import LandcoverError, note, warn
from landcover.view.description import describe
from landcover.view.image_tiles import ImageReader, ImageStyle, open_image, placed_on
from landcover.view.label_tiles import ByteReader, LabelReader, check_same_map, same_pixels
from landcover.view.map_classes import MapClasses, read_classes
from landcover.view.overviews import check_overviews, note_if_slow
from landcover.view.pools import Pool, pool
from landcover.view.pyramid import Pyramid, Tile

BYTES, WEBP = "application/octet-stream", "image/webp"


class TileReader(Protocol):
    """An open file that one thread at a time reads."""

    def read(self, tile: Tile) -> bytes:
        """A tile as it is sent; a LandcoverError if it cannot be read."""


@dataclass(frozen=True)
class Layer:
    """What is sent of one file.

    Attributes:
        path: The file.
        media_type: Of its tiles: `BYTES`, a byte for each pixel, or `WEBP`.
        readers: Of its tiles.
    """

    path: Path
    media_type: str
    readers: Pool[TileReader]


@dataclass(frozen=True)
class Contents:
    """What is shown.

    Attributes:
        layers: By the viewer's keys: prediction, and image, other, confidence if there are such.
        pyramid: Of the map.
        description: For the page, as plain types: see `description.describe`.
    """

    layers: dict[str, Layer]
    pyramid: Pyramid
    description: dict[str, Any]

    def read(self, key: str, level: int, column: int, row: int) -> tuple[bytes, str] | None:
        """Read a tile, in any thread.

        Returns:
            Its bytes and their media type; None if there is no such layer or tile.

        Raises:
            LandcoverError: It cannot be read.
        """
        layer, tile = self.layers.get(key), self.pyramid.tile(level, column, row)
        if layer is None or tile is None:
            return None
        with layer.readers.borrow() as reader, safe_reading():
            return reader.read(tile), layer.media_type


@contextmanager
def open_contents(
    path: Path, image: Path | None, other: Path | None, find_table: Callable[[Path], ClassTable]
) -> Iterator[Contents]:
    """Open what is shown.

    Args:
        path: The map: see `map_classes.read_classes`. Its confidence is found beside it.
        image: On any grid; in the map's place if one of them has no reference system.
        other: Another map of the same pixels and classes.
        find_table: Finds the classes of a colour mask.

    Raises:
        LandcoverError: A file cannot be read, is no map, or does not fit the map.
    """
    check_distinct([one for one in (path, image, other) if one])
    with ExitStack() as stack:
        grid, classes, readers = stack.enter_context(_open_map(path, find_table))
        pyramid = Pyramid(grid.height, grid.width)
        layers, bands = {"prediction": Layer(path, BYTES, readers)}, ""
        if other:
            other_grid, other_classes, readers = stack.enter_context(_open_map(other, find_table))
            check_same_map(path, grid, classes, (other, other_grid, other_classes))
            layers["other"] = Layer(other, BYTES, readers)
        if image:
            style, drawn = stack.enter_context(_open_image(image, grid, pyramid))
            bands = style.description
            layers["image"] = Layer(image, WEBP, drawn)
        if (confidence := confidence_path(path)).is_file():
            sureness = stack.enter_context(_open_confidence(confidence, grid))
            if sureness:
                layers["confidence"] = Layer(confidence, BYTES, sureness)
        files = {key: layer.path for key, layer in layers.items()}
        yield Contents(layers, pyramid, describe(grid, pyramid, classes, files, bands))


def check_distinct(paths: list[Path]) -> None:
    """Raise a LandcoverError if a file is given twice."""
    for i, path in enumerate(paths):
        for before in paths[:i]:
            if path.exists() and before.exists() and path.samefile(before):
                raise LandcoverError(f"{path}: given twice. Name a map, and another file to lie on it or beside it.")


@contextmanager
def _open_map(
    path: Path, find_table: Callable[[Path], ClassTable]
) -> Iterator[tuple[Grid, MapClasses, Pool[LabelReader]]]:
    with open_dataset(path) as dataset:
        check_overviews(path, dataset)
        classes = read_classes(path, dataset, partial(find_table, path))
        if not all(map(math.isfinite, dataset.transform)):
            raise LandcoverError(f"{path}: its geotransform has values that are not finite. Draw the map again.")
        if classes.table:
            LabelReader(path, dataset, classes).check()
        note_if_slow(path, dataset, "mode")
        grid = Grid.of(dataset)
    with pool(partial(_label_reader, path, classes)) as readers:
        yield grid, classes, readers


@contextmanager
def _label_reader(path: Path, classes: MapClasses) -> Iterator[LabelReader]:
    with open_dataset(path) as dataset:
        yield LabelReader(path, dataset, classes)


@contextmanager
def _open_image(path: Path, map_grid: Grid, pyramid: Pyramid) -> Iterator[tuple[ImageStyle, Pool[ImageReader]]]:
    with open_dataset(path) as dataset:
        onto = placed_on(path, dataset, map_grid)
        style = ImageStyle.of(path, dataset)
        if style.description:
            note(f"{path}: its bands do not tell which are red, green and blue; shown: {style.description}")
        note_if_slow(path, dataset, "average")
    with pool(partial(open_image, path, style, onto)) as readers:
        readers.first.check(pyramid)
        yield style, readers


@contextmanager
def _open_confidence(path: Path, map_grid: Grid) -> Iterator[Pool[ByteReader] | None]:
    """Open the confidence of a map; None, and a warning, if it is not that of this map."""
    with open_dataset(path) as dataset:
        check_overviews(path, dataset)
        problem = "" if same_pixels(Grid.of(dataset), map_grid) else "its grid is not that of the map"
        if dataset.count != 1 or dataset.dtypes[0] != "uint8":
            problem = "not one band of 8 bits"
    if problem:
        warn(f"{path}: {problem}, so that it is not shown. Draw map and confidence again, together.")
        yield None
        return
    with pool(partial(_byte_reader, path)) as readers:
        yield readers


@contextmanager
def _byte_reader(path: Path) -> Iterator[ByteReader]:
    with open_dataset(path) as dataset:
        yield ByteReader(path, dataset)

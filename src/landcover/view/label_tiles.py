"""Tiles of labels and of confidence, as bytes. Needs rasterio."""

from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader

from landcover.classes.class_table import UNKNOWN
from landcover.classes.colours import pack
from landcover.classes.off_palette import OffPalette
from landcover.rasters.access import raster_errors
from landcover.rasters.grid import Grid
from landcover.system.errors import LandcoverError
from landcover.view.map_classes import MapClasses
from landcover.view.pyramid import Pyramid, Tile

_MOST_OFF_PALETTE = 0.5  # share of pixels whose colours are of no class, above which it is hardly a mask


class LabelReader:
    """An open map that one thread at a time reads.

    Args:
        path: For errors to name.
        dataset: Open, and open it stays.
        classes: See `map_classes.read_classes`.
    """

    def __init__(self, path: Path, dataset: DatasetReader, classes: MapClasses) -> None:
        self._path, self._dataset, self._classes = path, dataset, classes

    def read(self, tile: Tile) -> bytes:
        """The labels of a tile, row by row; `UNKNOWN` where there is no class.

        Raises:
            LandcoverError: They cannot be read.
        """
        return self._read(tile)[0].tobytes()

    def check(self) -> None:
        """Check that most pixels of a colour mask have colours of classes: else it is an image, or of other classes.

        Raises:
            LandcoverError: They have not, or cannot be read.
        """
        first = Pyramid(*self._dataset.shape).tile(0, 0, 0)
        assert first is not None  # a raster has at least one pixel
        labels, off_palette = self._read(first)
        advice = "Give the map first, then the image; or put the dataset.json with its classes beside the mask."
        OffPalette(labels.size, off_palette).check(self._path, _MOST_OFF_PALETTE, advice)

    def _read(self, tile: Tile) -> tuple[np.ndarray, dict[str, int]]:
        """Labels, uint8 (h, w), and the number of pixels by colour of no class."""
        classes = self._classes
        with raster_errors(self._path):
            if classes.labels is not None:
                values = self._dataset.read(1, window=tile.window, out_shape=tile.shape)
                valid = self._dataset.read_masks(1, window=tile.window, out_shape=tile.shape) > 0
                return np.where(valid, classes.labels[values], np.uint8(UNKNOWN)), {}
            assert classes.table is not None
            colours = self._dataset.read([1, 2, 3], window=tile.window, out_shape=tile.shape)
            return classes.table.decode(pack(np.moveaxis(colours, 0, -1)))


class ByteReader:
    """An open raster of one band of bytes, such as confidence, that one thread at a time reads."""

    def __init__(self, path: Path, dataset: DatasetReader) -> None:
        self._path, self._dataset = path, dataset

    def read(self, tile: Tile) -> bytes:
        """The values of a tile, row by row. Raises a LandcoverError if they cannot be read."""
        with raster_errors(self._path):
            values: np.ndarray = self._dataset.read(1, window=tile.window, out_shape=tile.shape)
            return values.tobytes()


def same_pixels(one: Grid, other: Grid) -> bool:
    """Whether pixels of two rasters are those of the same ground: by size alone, if one has no reference system."""
    if one.crs is None or other.crs is None:
        return (one.height, one.width) == (other.height, other.width)
    return one.is_same(other)


def check_same_map(path: Path, grid: Grid, classes: MapClasses, other: tuple[Path, Grid, MapClasses]) -> None:
    """Check that another map can be compared with one: same pixels, same classes.

    Raises:
        LandcoverError: It cannot.
    """
    other_path, other_grid, other_classes = other
    with raster_errors(other_path):
        is_same = same_pixels(other_grid, grid)
    if not is_same:
        raise LandcoverError(f"{other_path}: its grid is not that of {path}. Compare maps of the same image.")
    if list(other_classes.colours) != list(classes.colours):
        raise LandcoverError(
            f"{other_path}: its classes are not those of {path} ({', '.join(other_classes.colours)}; "
            f"{', '.join(classes.colours)}). Compare maps of the same classes."
        )

"""Rasters of labels, whose pixels are codes or colours of classes. Needs rasterio."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from pyproj import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.classes.code_table import CodeTable
from landcover.classes.colours import pack
from landcover.labels.options import LabelOptions
from landcover.rasters.access import open_dataset, raster_errors
from landcover.rasters.grid import Grid
from landcover.system.errors import LandcoverError

_WHOLE = 2.0**53  # beyond which floats miss whole numbers
_ALPHA = ColorInterp.alpha


class Decoder(Protocol):
    """Labels of values: what `ClassTable.decode` and `CodeTable.decode` do."""

    def decode(self, values: np.ndarray, /) -> tuple[np.ndarray, dict[str, int]]:
        """Labels, uint8, and the number of pixels of each value of no class."""


@dataclass(frozen=True)
class LabelRaster:
    """A raster of labels.

    Attributes:
        path: The file.
        grid: Where its pixels lie, with a reference system.
        crs: The same reference system for pyproj.
        colours: Whether its pixels are colours, not codes.
    """

    path: Path
    grid: Grid
    crs: CRS
    colours: bool

    @contextmanager
    def opened(self) -> Iterator[DatasetReader]:
        """Open the file; each thread for itself."""
        with open_dataset(self.path) as dataset, raster_errors(self.path):
            yield dataset

    def read(self, dataset: DatasetReader, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Values of a window, whole numbers (h, w), colours packed as by `colours.pack`; and which are data.

        Raises:
            LandcoverError: There are others than whole numbers.
        """
        valid = dataset.read_masks(1, window=window) > 0
        if not self.colours:
            return self._whole(dataset.read(1, window=window), valid), valid
        if dataset.count < 3:
            table = np.zeros((256, 3), np.uint8)
            for number, colour in dataset.colormap(1).items():
                table[number] = colour[:3]
            return pack(table)[dataset.read(1, window=window)], valid
        if MaskFlags.nodata in dataset.mask_flag_enums[0]:  # that of one band alone says nothing of a colour
            valid = (dataset.read_masks([1, 2, 3], window=window) > 0).any(0)
        return pack(np.moveaxis(dataset.read([1, 2, 3], window=window), 0, -1)), valid

    def _whole(self, values: np.ndarray, valid: np.ndarray) -> np.ndarray:
        if values.dtype.kind in "iu":
            return values
        with np.errstate(invalid="ignore"):
            is_whole = (values == np.floor(values)) & (np.abs(values) < _WHOLE)
        if not is_whole[valid].all():
            value = values[valid & ~is_whole][0]
            raise LandcoverError(
                f"{self.path}: the value {value:g}, where codes of classes are whole numbers. Convert it."
            )
        return np.where(valid, values, 0).astype(np.int64)


def open_raster(path: Path, options: LabelOptions, codes: CodeTable | None) -> LabelRaster:
    """Look at a raster of labels.

    Args:
        codes: Those of the classes; None if its pixels are colours.

    Raises:
        LandcoverError: It cannot be read as one, lies nowhere, or its nodata value is also a code of a class.
    """
    with open_dataset(path) as dataset, raster_errors(path):
        if (grid := Grid.of(dataset)).crs is None:
            raise LandcoverError(
                f"{path}: no place on the map (reference system and transform), so it labels no scene. Georeference it."
            )
        kind = np.dtype(dataset.dtypes[0]).kind
        bands = sum(colour != _ALPHA for colour in dataset.colorinterp)
        if codes is None:
            if dataset.dtypes[0] != "uint8" or not (bands == 3 or (bands == 1 and _has_palette(dataset))):
                raise LandcoverError(
                    f"{path}: {bands} bands of {dataset.dtypes[0]}, where colours (`masks`) are three of uint8, or one "
                    "with a palette. If these are codes of classes, set `masks` to codes."
                )
        else:
            if bands != 1:
                raise LandcoverError(
                    f"{path}: {bands} bands, where a raster of codes has one. If these are colours, set `masks` to "
                    "colours."
                )
            if kind not in "iuf":
                raise LandcoverError(f"{path}: pixels of type {dataset.dtypes[0]}, where codes are whole numbers.")
            nodata = dataset.nodata
            if nodata is not None and np.isfinite(nodata) and nodata == int(nodata) and int(nodata) in codes:
                raise LandcoverError(
                    f"{path}: its nodata value {int(nodata)} is also a code in `classes`. Remove it there, or from the "
                    "file with gdal_edit.py -unsetnodata."
                )
        return LabelRaster(path, grid, CRS.from_wkt(grid.crs.to_wkt()), codes is None)


def _has_palette(dataset: DatasetReader) -> bool:
    return bool(dataset.colorinterp[0] == ColorInterp.palette)

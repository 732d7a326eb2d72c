"""Colour masks of any size in TIFFs, read in strips as Pillow reads the whole. Needs rasterio (the extra geo)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.classes.colours import pack
from landcover.rasters.access import open_dataset, raster_errors
from landcover.system.errors import LandcoverError

_GREY = (ColorInterp.gray, ColorInterp.palette, ColorInterp.undefined)  # undefined: grey in which 0 is white
_RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


class LargeMask:
    """An open mask, a `mask_labels.MaskStrips`; use `open_large_mask` to open one."""

    def __init__(self, path: Path, dataset: DatasetReader) -> None:
        self.height, self.width = dataset.shape
        self._path, self._dataset = path, dataset
        is_rgb = dataset.colorinterp[:3] == _RGB and dataset.count <= 4
        is_grey = dataset.colorinterp[0] in _GREY and dataset.count <= 2
        self._bands = [1, 2, 3] if is_rgb else [1]
        if {dataset.dtypes[band - 1] for band in self._bands} != {"uint8"} or not (is_rgb or is_grey):
            raise LandcoverError(
                f"{path}: not grey, a palette or RGB with 8 bits per channel (bands: {dataset.count}, of type "
                f"{dataset.dtypes[0]}). Convert it to 8-bit RGB."
            )
        self._colours = self._find_colours() if self._bands == [1] else None

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Read rows `top` to `bottom` - 1: uint32 (bottom - top, width), colours packed as by `colours.pack`.

        Raises:
            LandcoverError: They cannot be read.
        """
        with raster_errors(self._path):
            pixels: np.ndarray = self._dataset.read(self._bands, window=Window(0, top, self.width, bottom - top))
        if self._colours is not None:
            return np.asarray(self._colours[pixels[0]])
        packed: np.ndarray = pixels[2].astype(np.uint32)
        for band in (pixels[1], pixels[0]):  # 0xBBGGRR
            packed <<= 8
            packed |= band
        return packed

    def _find_colours(self) -> np.ndarray:
        """Return the packed colour of each value of the only band: uint32 (256,)."""
        structure = self._dataset.tags(1, ns="IMAGE_STRUCTURE") | self._dataset.tags(ns="IMAGE_STRUCTURE")
        colours = np.zeros((256, 3), np.uint8)
        if self._dataset.colorinterp[0] == ColorInterp.palette:
            for value, colour in self._dataset.colormap(1).items():
                colours[value] = colour[:3]
            return pack(colours)
        most = 2 ** int(structure.get("NBITS", 8)) - 1
        greys = np.arange(256).clip(0, most) * 255 // most
        if structure.get("MINISWHITE") == "YES":
            greys = 255 - greys
        return pack(np.repeat(greys[:, None], 3, axis=1).astype(np.uint8))


@contextmanager
def open_large_mask(path: Path) -> Iterator[LargeMask]:
    """Open a mask: grey, a palette or RGB, with up to 8 bits per channel; alpha is ignored.

    Raises:
        LandcoverError: It cannot be read, or has other pixels.
    """
    with open_dataset(path) as dataset:
        yield LargeMask(path, dataset)

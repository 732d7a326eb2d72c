"""Masks of both kinds as labels: colours, read by Pillow, or codes of classes, read by rasterio."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landcover.classes.class_table import ClassTable
from landcover.classes.code_table import CodeTable
from landcover.classes.off_palette import OffPalette
from landcover.images.image_files import image_size, read_packed
from landcover.system.errors import LandcoverError, requiring_extra

_WITHOUT_NODATA = (".png",)  # what a PNG calls transparent is how it is shown


@dataclass(frozen=True)
class MaskFormat:
    """What the pixels of masks are.

    Attributes:
        classes: Their order is that of the label indices.
        codes: The codes of the classes; None if the pixels are colours.
    """

    classes: ClassTable
    codes: CodeTable | None = None

    def size(self, path: Path) -> tuple[int, int]:
        """(height, width) of a mask in pixels. Raises as `read` does."""
        return image_size(path) if self.codes is None else _code_size(path)

    def read(self, path: Path) -> tuple[np.ndarray, OffPalette]:
        """Read a mask: labels, uint8 (H, W), class indices or `UNKNOWN`; and its off-palette pixels.

        Raises:
            LandcoverError: It cannot be read, or its pixels are of the other kind.
        """
        if self.codes is None:
            labels, counts = self.classes.decode(read_packed(path))
            return labels, OffPalette(labels.size, counts)
        values, valid = read_codes(path, self.codes)
        labels, counts = self.codes.decode(values, valid)
        return labels, OffPalette(labels.size, counts, "codes")

    def check(self, path: Path, off_palette: OffPalette, limit: float) -> None:
        """Return if at most a share `limit`, 0..1, of a mask's pixels is off-palette.

        Raises:
            LandcoverError: More are; it names them and what to do.
        """
        advice = "Add them to `classes` or raise `max_off_palette`."
        if self.codes is None and off_palette.counts and all(map(_is_grey, off_palette.counts)):
            advice += " If these are codes of classes, not colours, set `masks` to codes."
        off_palette.check(path, limit, advice)


def read_codes(path: Path, codes: CodeTable | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a mask of codes: whole numbers (H, W) as they are in the file, also where it has a palette.

    Args:
        path: A PNG or TIFF of one band.
        codes: None if any value may be a code.

    Returns:
        The values; and where there is data, bool (H, W), or None for everywhere.

    Raises:
        LandcoverError: It cannot be read, has several bands or no whole numbers, or its nodata value is also a code.
    """
    with requiring_extra("Masks of codes", "geo"):
        from landcover.rasters.access import open_dataset, raster_errors
    with open_dataset(path) as dataset:
        _check_codes(path, dataset.count, dataset.dtypes[0])
        nodata = None if path.suffix.lower() in _WITHOUT_NODATA else dataset.nodata
        with raster_errors(path):
            values = dataset.read(1)
    if nodata is None:
        return values, None
    if codes is not None and nodata == int(nodata) and int(nodata) in codes:
        raise LandcoverError(
            f"{path}: its nodata value {int(nodata)} is also a code in `classes`. Remove it there, or from the file "
            "with gdal_edit.py -unsetnodata."
        )
    return values, values != nodata


def _code_size(path: Path) -> tuple[int, int]:
    with requiring_extra("Masks of codes", "geo"):
        from landcover.rasters.access import open_dataset
    with open_dataset(path) as dataset:
        _check_codes(path, dataset.count, dataset.dtypes[0])
        return dataset.height, dataset.width


def _check_codes(path: Path, bands: int, dtype: str) -> None:
    if bands > 1:
        raise LandcoverError(
            f"{path}: {bands} bands, but a mask of codes has one. If its pixels are colours, set `masks` to colours."
        )
    if np.dtype(dtype).kind not in "iu":
        raise LandcoverError(f"{path}: pixels of type {dtype}, but codes are whole numbers. Convert it.")


def _is_grey(colour: str) -> bool:
    return colour[1:3] == colour[3:5] == colour[5:7]

"""Georeferenced pictures of any bands and pixel type, read by windows as 8-bit RGB. Needs rasterio (the extra geo)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.windows import Window

from landcover.errors import LandcoverError
from landcover.raster_access import open_dataset, raster_errors

STRETCH = (2.0, 98.0)
"""Percentiles that become 0 and 255 where pixels are no 8-bit numbers and nothing else is asked for."""

_SAMPLE = 2048  # pixels: side of the picture, thinned out, of which percentiles are taken
_OPAQUE = 0.5  # at least this share of the pixels that alpha shows, it shows fully


class Raster:
    """A picture in a file that rasterio reads: `bands.Rows`, and where on Earth it lies. `open_raster` makes it.

    Attributes:
        path: Of the file.
        dataset: The open file.
        height, width: In pixels.
        bands: Numbers, from 1, of those that are red, green and blue.
        stretch: Percentiles that become 0 and 255; None where pixels are taken as they are.
        limits: Of each of `bands`, the values at these percentiles; None as well.
    """

    def __init__(
        self,
        path: Path,
        dataset: rasterio.DatasetReader,
        bands: Sequence[int] | None,
        stretch: tuple[float, float] | None,
    ) -> None:
        self.path, self.dataset = path, dataset
        self.height, self.width = dataset.shape
        self._palette = self._find_palette() if bands is None else None
        self.bands = self._find_bands() if bands is None else self._check_bands(bands)
        types = {dataset.dtypes[band - 1] for band in self.bands}
        if any(np.dtype(kind).kind == "c" for kind in types):
            raise LandcoverError(f"{path}: complex numbers as pixels. Convert it to real ones.")
        if self._palette is not None and stretch:
            raise LandcoverError(f"{path}: its pixels are numbers of colours. Leave --stretch away.")
        self.stretch = stretch or (None if types == {"uint8"} or self._palette is not None else STRETCH)
        self.limits = self._find_limits(self.stretch) if self.stretch else None
        self._is_float = any(np.dtype(kind).kind == "f" for kind in types)
        self._has_masks = self._find_masks()

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Rows `top` to `bottom` - 1: uint8 RGB (bottom - top, width, 3).

        Raises:
            LandcoverError: They cannot be read.
        """
        pixels = self._read(top, bottom)
        if self._palette is not None:
            return self._palette[pixels[0]]
        if self.limits is not None:
            low, high = np.array(self.limits, np.float64).T[..., None, None]
            pixels = np.nan_to_num((pixels - low) / np.maximum(high - low, 1e-12))
            pixels = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def known(self, top: int, bottom: int) -> np.ndarray | None:
        """Where any of the bands has data, by nodata value, mask or alpha: bool (bottom - top, width); None if all."""
        if not self._has_masks and not self._is_float:
            return None
        known = np.ones((bottom - top, self.width), bool)
        if self._has_masks:
            with raster_errors(self.path):
                known &= (self.dataset.read_masks(self.bands, window=self._window(top, bottom)) > 0).any(0)
        if self._is_float:
            known &= np.isfinite(self._read(top, bottom)).any(0)
        return known

    def _read(self, top: int, bottom: int) -> np.ndarray:
        """Pixels as they are: (bands, bottom - top, width)."""
        with raster_errors(self.path):
            return self.dataset.read(self.bands, window=self._window(top, bottom))

    def _window(self, top: int, bottom: int) -> Window:
        return Window(0, top, self.width, bottom - top)

    def _find_palette(self) -> np.ndarray | None:
        """RGB by the numbers of the first band: uint8 (256 or 65536, 3), if these stand for colours."""
        kind = self.dataset.dtypes[0]
        if self.dataset.colorinterp[0] != ColorInterp.palette or kind not in ("uint8", "uint16"):
            return None
        palette = np.zeros((np.iinfo(kind).max + 1, 3), np.uint8)
        for number, colour in self.dataset.colormap(1).items():
            palette[number] = colour[:3]
        return palette

    def _find_bands(self) -> list[int]:
        """Red, green and blue where the file says which they are; else the first three; else the first one thrice."""
        kinds = self.dataset.colorinterp
        colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        if set(colours) <= set(kinds):
            return [kinds.index(colour) + 1 for colour in colours]
        return [1, 2, 3] if len(kinds) >= 3 else [1, 1, 1]

    def _check_bands(self, bands: Sequence[int]) -> list[int]:
        count = self.dataset.count
        if wrong := [band for band in bands if not 1 <= band <= count]:
            raise LandcoverError(f"{self.path}: no band {wrong[0]}; it has 1 to {count}. Mend --bands.")
        return list(bands) * (3 // len(bands))

    def _find_masks(self) -> bool:
        """Whether some pixels of the bands may have no data.

        An alpha band masks nothing if it is taken for a colour, or if it is none: GDAL calls the fourth band of any
        8-bit picture so unless the file says otherwise, near infrared too.
        """
        flags = {flag for band in self.bands for flag in self.dataset.mask_flag_enums[band - 1]}
        if MaskFlags.alpha not in flags or MaskFlags.nodata in flags:
            return flags != {MaskFlags.all_valid}
        alpha = self.dataset.colorinterp.index(ColorInterp.alpha) + 1
        if alpha in self.bands:
            return False
        opacity = self._sample([alpha])[0].compressed()
        seen = opacity[opacity > 0]
        return not len(seen) or (seen == seen.max()).mean() >= _OPAQUE

    def _find_limits(self, stretch: tuple[float, float]) -> list[tuple[float, float]]:
        """Values of each of the bands at two percentiles, of the pixels of `_sample`."""
        known = (band.compressed() for band in self._sample(self.bands))
        known = (band[np.isfinite(band)] for band in known)
        return [tuple(np.percentile(band, stretch).tolist()) if len(band) else (0.0, 1.0) for band in known]

    def _sample(self, bands: Sequence[int]) -> np.ma.MaskedArray:
        """Pixels of bands that have data, of a grid of at most `_SAMPLE` squared: (bands, rows, columns)."""
        shape = (len(bands), min(self.height, _SAMPLE), min(self.width, _SAMPLE))
        with raster_errors(self.path):
            return self.dataset.read(bands, masked=True, out_shape=shape, resampling=Resampling.nearest)


@contextmanager
def open_raster(
    path: Path, bands: Sequence[int] | None = None, stretch: tuple[float, float] | None = None
) -> Iterator[Raster]:
    """Open a picture in any format of rasterio's.

    Args:
        path: Of the file.
        bands: Numbers from 1 of those for red, green and blue, or of one for all three. By default those that the file
            calls so, else the first three; of a file with fewer the first.
        stretch: Percentiles of each band, of the pixels that have data, that become 0 and 255. By default none for
            8-bit pixels and `STRETCH` for others.

    Raises:
        LandcoverError: It is no picture, or has no such bands.
    """
    with open_dataset(path) as dataset:
        yield Raster(path, dataset, bands, stretch)

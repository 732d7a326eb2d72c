"""Georeferenced images of any bands and pixel type, read by windows as 8-bit RGB. Needs rasterio (the extra geo)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.windows import Window

from landcover.geo.raster_access import open_dataset, raster_errors
from landcover.geo.raster_bands import band_names, check_bands, find_bands
from landcover.geo.raster_place import find_place
from landcover.geo.sidecars import has_own_overviews
from landcover.geo.stretching import STRETCH, Stretch, limits_text
from landcover.system.errors import LandcoverError

_SAMPLE = 2048  # pixels: side of the image, thinned out, of which percentiles are taken
_STRIP = 512  # rows that are read together where they cannot be thinned out in reading
_OPAQUE = 0.5  # at least this share of the pixels that alpha shows, it shows fully


class Raster:
    """An image in a file that GDAL reads: `bands.StripReader`, and where on Earth it lies. `open_raster` makes it.

    Attributes:
        path: Of the file.
        dataset: The open file.
        height, width: In pixels.
        bands: Numbers, from 1, of those that are red, green and blue.
        stretch: Percentiles that become 0 and 255; None where pixels are taken as they are.
        limits: Of each of `bands`, the values at these percentiles; None as well.
        place: Where it lies: see `raster_place.find_place`.
        notes: Lines on what was decided for the user, by kind.
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
        self.notes: dict[str, str] = {}
        with raster_errors(path):
            self.place = find_place(path, dataset)
            if all(np.dtype(kind).kind == "c" for kind in dataset.dtypes):
                raise LandcoverError(f"{path}: complex numbers as pixels. Convert it to real ones.")
            self._palette = self._find_palette() if bands is None else None
            self.bands = self._choose_bands(bands)
            kinds = {np.dtype(dataset.dtypes[band - 1]) for band in self.bands}
            if self._palette is not None and stretch:
                raise LandcoverError(f"{path}: its pixels are numbers of colours. Leave --stretch away.")
            self._is_float = any(kind.kind == "f" for kind in kinds)
            self._stretch = self._find_stretch(stretch, kinds)
            self.stretch = self._stretch and self._stretch.percentiles
            self.limits = self._stretch and self._stretch.limits
            self._scales = self._find_scales()
            self._has_masks = self._find_masks()

    def read(self, top: int, bottom: int) -> np.ndarray:
        """StripReader `top` to `bottom` - 1: uint8 RGB (bottom - top, width, 3).

        Raises:
            LandcoverError: They cannot be read.
        """
        pixels = self._read(top, bottom)
        if self._palette is not None:
            return self._palette[pixels[0]]
        if self._stretch:
            pixels = self._stretch(pixels)
        elif self._scales is not None:
            pixels = (pixels * self._scales[:, None, None]).round().astype(np.uint8)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def valid_mask(self, top: int, bottom: int) -> np.ndarray | None:
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

    def _choose_bands(self, asked: Sequence[int] | None) -> list[int]:
        if asked is not None:
            return check_bands(self.path, self.dataset, asked)
        if self._palette is not None:
            return [1, 1, 1]
        bands, are_named = find_bands(self.path, self.dataset)
        if are_named:
            names = band_names(self.dataset)
            named = ", ".join(f"{band} ({names[band - 1]})" for band in bands)
            self.notes["bands"] = (
                f"{self.path}: by their names, bands {named} are taken for red, green and blue; --bands takes others"
            )
        return bands

    def _find_stretch(self, asked: tuple[float, float] | None, kinds: set[np.dtype]) -> Stretch | None:
        if asked is None and (kinds == {np.dtype("uint8")} or self._palette is not None):
            return None
        stretch = Stretch.of([band.compressed() for band in self._sample(self.bands)], asked or STRETCH)
        if asked is None:
            low, high = stretch.percentiles
            self.notes["stretch"] = (
                f"{self.path}: its pixels are {' and '.join(sorted(map(str, kinds)))}, not 8-bit: the percentiles "
                f"{low:g} and {high:g} of its red, green and blue ({limits_text(stretch.limits)}) become 0 and 255. "
                "The model was trained on other values, so check the map; --stretch LOW,HIGH takes other percentiles, "
                "and the tag STRETCH_LIMITS of each map says what they were"
            )
        return stretch

    def _find_scales(self) -> np.ndarray | None:
        """By what to multiply pixels of fewer than 8 bits, of each band, for white to be 255; None if all have 8."""
        if self._stretch or self._palette is not None:
            return None
        structure = [self.dataset.tags(band, ns="IMAGE_STRUCTURE") for band in self.bands]
        bits = [min(int(tags.get("NBITS", 8)), 8) for tags in structure]
        return None if set(bits) == {8} else np.array([255 / (2**count - 1) for count in bits])

    def _find_masks(self) -> bool:
        """Whether some pixels of the bands may have no data.

        An alpha band masks nothing if it is taken for a colour, or if it is none: GDAL calls the fourth band of any
        8-bit image so unless the file says otherwise, near infrared too.
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

    def _sample(self, bands: Sequence[int]) -> np.ma.MaskedArray:
        """Pixels of bands that have data, of a grid of at most `_SAMPLE` squared: (bands, rows, columns)."""
        shape = (len(bands), min(self.height, _SAMPLE), min(self.width, _SAMPLE))
        if has_own_overviews(self.dataset):
            return self.dataset.read(bands, masked=True, out_shape=shape, resampling=Resampling.nearest)
        rows, columns = (
            np.arange(count) * size // count for count, size in zip(shape[1:], (self.height, self.width), strict=True)
        )
        strips = []
        for top in range(0, self.height, _STRIP):
            window = self._window(top, min(top + _STRIP, self.height))
            taken = rows[(rows >= top) & (rows < top + _STRIP)] - top
            strips.append(self.dataset.read(bands, masked=True, window=window)[:, taken][..., columns])
        return np.ma.concatenate(strips, axis=1)


@contextmanager
def open_raster(
    path: Path | str,
    bands: Sequence[int] | None = None,
    stretch: tuple[float, float] | None = None,
    *,
    allow_vrt_paths: bool = False,
) -> Iterator[Raster]:
    """Open an image in any format of `raster_access.DRIVERS`.

    Args:
        path: Of the file.
        bands: Numbers from 1 of those for red, green and blue, or of one for all three. By default those
            that `raster_bands.find_bands` finds.
        stretch: Percentiles of each band, of the pixels that have data, that become 0 and 255. By default none for
            8-bit pixels and `STRETCH` for others.
        allow_vrt_paths: See `raster_access.open_dataset`.

    Raises:
        LandcoverError: It is no image, has no such bands, or does not say which ones are red, green and blue.
    """
    with open_dataset(path, allow_vrt_paths=allow_vrt_paths) as dataset:
        yield Raster(Path(path), dataset, bands, stretch)

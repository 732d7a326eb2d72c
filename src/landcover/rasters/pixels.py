"""Bands of an open raster, in strips of rows or in windows, in their own pixel type. Needs rasterio."""

import copy
from collections.abc import Collection, Sequence

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from landcover.images.image_spec import PIXEL_TYPES
from landcover.rasters.access import raster_errors
from landcover.rasters.sampling import sample_blocks, sample_pixels
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location

_FEW_BANDS = 4
_OPAQUE = 0.5  # least share of fully opaque pixels among those that alpha does not hide


class BandPixels:
    """Some bands of an open raster.

    Args:
        path: The file, for errors to name.
        dataset: Open, and open it stays.
        bands: Numbers from 1; a band may occur several times.
        every: Whether a pixel is valid only where every band has data, rather than where at least one has.

    Attributes:
        path, dataset, bands: As given.
        height, width: In pixels.
        dtype: Of the pixels.
        has_masks: Whether some pixels may have no data, apart from those that are not finite.

    Raises:
        LandcoverError: The pixels are complex, of several types, or of another type than `PIXEL_TYPES`.
    """

    def __init__(self, path: Location, dataset: rasterio.DatasetReader, bands: Sequence[int], *, every: bool) -> None:
        self.path, self.dataset, self.bands, self._every = path, dataset, list(bands), every
        self.height, self.width = dataset.shape
        with raster_errors(path):
            kinds = {np.dtype(dataset.dtypes[band - 1]) for band in self.bands}
            check_real(path, kinds)
            if len(kinds) > 1:
                types = ", ".join(sorted(map(str, kinds)))
                raise LandcoverError(f"{path}: its bands are of several types: {types}. Convert them to one.")
            (self.dtype,) = kinds
            if self.dtype.name not in PIXEL_TYPES:
                raise LandcoverError(
                    f"{path}: its pixels are {self.dtype}, not {', '.join(PIXEL_TYPES)}. Convert them to one of these."
                )
            self._scales = self._find_scales()
            self.has_masks = self._find_masks()

    def read(self, top: int = 0, bottom: int | None = None, left: int = 0, right: int | None = None) -> np.ndarray:
        """Read rows `top` to `bottom` - 1 of columns `left` to `right` - 1 (None: to the last).

        White of 8-bit bands of which fewer bits are used is 255.

        Returns:
            (rows, columns, B) of `dtype`, invalid pixels as the file has them.

        Raises:
            LandcoverError: They cannot be read.
        """
        return self._scaled(self._read(self._window(top, bottom, left, right)))

    def valid_mask(
        self, top: int = 0, bottom: int | None = None, left: int = 0, right: int | None = None
    ) -> np.ndarray | None:
        """Where the pixels that `read` returns have data, by nodata value, mask or alpha, and are finite: bool (h, w).

        None if all pixels of the raster have data.
        """
        window = self._window(top, bottom, left, right)
        return self._valid(self._read(window).transpose(1, 2, 0) if self.dtype.kind == "f" else None, window)

    def valid_of(
        self, pixels: np.ndarray | None, top: int, bottom: int, left: int = 0, right: int | None = None
    ) -> np.ndarray | None:
        """The same for pixels that were read: `pixels`, of floats only."""
        return self._valid(pixels, self._window(top, bottom, left, right))

    def read_window(self, window: Window, shape: tuple[int, int] | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """Read a window that lies within the raster, as `read` and `valid_mask` read rows.

        Args:
            window: In pixels of the raster.
            shape: (h, w) of what is returned, if not the window's: from overviews, if `sidecars.has_own_overviews`.

        Returns:
            Pixels (h, w, B) of `dtype`; and where they have data, bool (h, w), or None for everywhere.
        """
        pixels = self._scaled(self._read(window, shape))
        return pixels, self._valid(pixels if self.dtype.kind == "f" else None, window, shape)

    def on(self, dataset: rasterio.DatasetReader, *, has_masks: bool) -> "BandPixels":
        """The same bands of the same image in another dataset: a second one, or one that warps it.

        Args:
            dataset: Open, and open it stays.
            has_masks: Of that dataset, see the attributes.
        """
        pixels = copy.copy(self)
        pixels.dataset, (pixels.height, pixels.width) = dataset, dataset.shape
        pixels.has_masks = has_masks
        return pixels

    def sample(self, *, quick: bool = False) -> list[np.ndarray]:
        """Sample each band's pixels that have data: (N,) of `dtype`, all finite.

        Args:
            quick: Read some blocks only, rather than an even grid over all of the raster.
        """
        with raster_errors(self.path):
            found = (sample_blocks if quick else sample_pixels)(self.dataset, self.bands)
        bands = [band.compressed() for band in found]
        return [pixels[np.isfinite(pixels)] for pixels in bands]

    def _window(self, top: int, bottom: int | None, left: int, right: int | None) -> Window:
        width, height = (
            (self.width if right is None else right) - left,
            (self.height if bottom is None else bottom) - top,
        )
        return Window(left, top, width, height)

    def _read(self, window: Window, shape: tuple[int, int] | None = None) -> np.ndarray:
        """Pixels as the file has them: (B, h, w)."""
        with raster_errors(self.path):
            pixels: np.ndarray = self.dataset.read(self.bands, window=window, out_shape=shape)
            return pixels

    def _scaled(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (B, h, w) as (h, w, B), white of 8-bit bands 255."""
        if self._scales is not None:
            pixels = (pixels * self._scales[:, None, None]).round().astype(np.uint8)
        if len(pixels) <= _FEW_BANDS:
            return np.stack(list(pixels), -1)  # several times as fast, of more bands slower
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def _valid(
        self, floats: np.ndarray | None, window: Window, shape: tuple[int, int] | None = None
    ) -> np.ndarray | None:
        """Where the bands have data: bool (h, w), None for everywhere; `floats` are the pixels (h, w, B) if floats."""
        if not self.has_masks and floats is None:
            return None
        needed = np.all if self._every else np.any
        valid = np.ones(shape or (int(window.height), int(window.width)), bool)
        if self.has_masks:
            with raster_errors(self.path):
                valid &= needed(self.dataset.read_masks(self.bands, window=window, out_shape=shape) > 0, 0)
        if floats is not None:
            valid &= needed(np.isfinite(floats), 2)
        return valid

    def _find_scales(self) -> np.ndarray | None:
        """Factors, by band, that make white 255 where 8-bit pixels have fewer bits; None if all have 8."""
        if self.dtype != np.uint8 or self.dataset.colorinterp[self.bands[0] - 1] == ColorInterp.palette:
            return None
        structure = [self.dataset.tags(band, ns="IMAGE_STRUCTURE") for band in self.bands]
        bits = [min(int(tags.get("NBITS", 8)), 8) for tags in structure]
        return None if set(bits) == {8} else np.array([255 / (2**count - 1) for count in bits])

    def _find_masks(self) -> bool:
        """Whether some pixels of the bands may have no data.

        An alpha band hides nothing if it is one of `bands`, or if it is not really alpha: unless the file says
        otherwise, GDAL calls the fourth band of any 8-bit image alpha, even if it is near infrared.
        """
        flags = {flag for band in self.bands for flag in self.dataset.mask_flag_enums[band - 1]}
        if MaskFlags.alpha not in flags or MaskFlags.nodata in flags:
            return flags != {MaskFlags.all_valid}
        alpha = self.dataset.colorinterp.index(ColorInterp.alpha) + 1
        if alpha in self.bands:
            return False
        opacity = sample_pixels(self.dataset, [alpha])[0].compressed()
        seen = opacity[opacity > 0]
        return not len(seen) or (seen == seen.max()).mean() >= _OPAQUE


def find_palette(dataset: rasterio.DatasetReader) -> np.ndarray | None:
    """Colours by pixel value, uint8 (256 or 65536, 3), if the first band of a raster has a palette."""
    kind = dataset.dtypes[0]
    if dataset.colorinterp[0] != ColorInterp.palette or kind not in ("uint8", "uint16"):
        return None
    palette = np.zeros((np.iinfo(kind).max + 1, 3), np.uint8)
    for value, colour in dataset.colormap(1).items():
        palette[value] = colour[:3]
    return palette


def check_real(path: Location, kinds: Collection[np.dtype]) -> None:
    """Raise a LandcoverError if one of the types of pixels is complex."""
    if any(kind.kind == "c" for kind in kinds):
        raise LandcoverError(f"{path}: its pixels are complex numbers. Convert them to real ones.")

"""Georeferenced images of any number of bands and any pixel type, read as strips of 8-bit RGB. Needs rasterio."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from landcover.rasters.access import open_dataset, raster_errors
from landcover.rasters.bands import band_names, check_bands, find_rgb
from landcover.rasters.place import find_place
from landcover.rasters.sampling import sample_pixels
from landcover.rasters.stretching import STRETCH, Stretch, limits_text
from landcover.system.errors import LandcoverError, note

_OPAQUE = 0.5  # least share of fully opaque pixels among those that alpha does not hide


class Raster:
    """An open raster as a `strips.StripReader`, and where on Earth it lies. `open_raster` opens one.

    Args:
        path: The file, for errors to name.
        dataset: Open, and open it stays.
        bands, stretch: See `open_raster`.

    Attributes:
        path, dataset: As given.
        height, width: In pixels.
        bands: Numbers, from 1, of the bands that are red, green and blue.
        stretch: Percentiles of these bands that become 0 and 255; None where values stay as they are.
        limits: Of each of `bands`, the values at these percentiles; None where `stretch` is.
        place: Where it lies: see `place.find_place`.
        notes: By kind, a line on each choice that was made for the user.

    Raises:
        LandcoverError: See `open_raster`.
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
                raise LandcoverError(f"{path}: its pixels are complex numbers. Convert them to real ones.")
            self._palette = self._find_palette() if bands is None else None
            self.bands = self._choose_bands(bands)
            kinds = {np.dtype(dataset.dtypes[band - 1]) for band in self.bands}
            if self._palette is not None and stretch:
                raise LandcoverError(f"{path}: its pixels are indices into a palette. Remove --stretch.")
            self._is_float = any(kind.kind == "f" for kind in kinds)
            self._stretch = self._find_stretch(stretch, kinds)
            self.stretch = self._stretch.percentiles if self._stretch else None
            self.limits = self._stretch.limits if self._stretch else None
            self._scales = self._find_scales()
            self._has_masks = self._find_masks()

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Read rows `top` to `bottom` - 1: uint8 RGB (bottom - top, width, 3).

        Raises:
            LandcoverError: They cannot be read.
        """
        pixels = self._read(top, bottom)
        if self._palette is not None:
            colours: np.ndarray = self._palette[pixels[0]]
            return colours
        if self._stretch:
            pixels = self._stretch(pixels)
        elif self._scales is not None:
            pixels = (pixels * self._scales[:, None, None]).round().astype(np.uint8)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def valid_mask(self, top: int, bottom: int) -> np.ndarray | None:
        """Where at least one band has data, by nodata value, mask or alpha: bool (bottom - top, width).

        None if all pixels of the raster have data.
        """
        if not self._has_masks and not self._is_float:
            return None
        valid = np.ones((bottom - top, self.width), bool)
        if self._has_masks:
            with raster_errors(self.path):
                valid &= (self.dataset.read_masks(self.bands, window=self._window(top, bottom)) > 0).any(0)
        if self._is_float:
            valid &= np.isfinite(self._read(top, bottom)).any(0)
        return valid

    def print_notes(self, printed: set[str]) -> None:
        """Print the notes on stderr, except kinds that are in `printed`, to which the others are added."""
        for kind, line in self.notes.items():
            if kind not in printed:
                note(line)
        printed.update(self.notes)

    def _read(self, top: int, bottom: int) -> np.ndarray:
        """Pixels in the file's own type: (bands, bottom - top, width)."""
        with raster_errors(self.path):
            pixels: np.ndarray = self.dataset.read(self.bands, window=self._window(top, bottom))
            return pixels

    def _window(self, top: int, bottom: int) -> Window:
        return Window(0, top, self.width, bottom - top)

    def _find_palette(self) -> np.ndarray | None:
        """Colours by pixel value, uint8 (256 or 65536, 3), if the first band has a palette."""
        kind = self.dataset.dtypes[0]
        if self.dataset.colorinterp[0] != ColorInterp.palette or kind not in ("uint8", "uint16"):
            return None
        palette = np.zeros((np.iinfo(kind).max + 1, 3), np.uint8)
        for value, colour in self.dataset.colormap(1).items():
            palette[value] = colour[:3]
        return palette

    def _choose_bands(self, asked: Sequence[int] | None) -> list[int]:
        if asked is not None:
            return check_bands(self.path, self.dataset, asked)
        if self._palette is not None:
            return [1, 1, 1]
        bands, are_named = find_rgb(self.path, self.dataset)
        if are_named:
            names = band_names(self.dataset)
            named = ", ".join(f"{band} ({names[band - 1]})" for band in bands)
            self.notes["bands"] = (
                f"{self.path}: by their names, bands {named} are used as red, green and blue; --bands chooses others"
            )
        return bands

    def _find_stretch(self, asked: tuple[float, float] | None, kinds: set[np.dtype]) -> Stretch | None:
        if asked is None and (kinds == {np.dtype("uint8")} or self._palette is not None):
            return None
        stretch = Stretch.of([band.compressed() for band in sample_pixels(self.dataset, self.bands)], asked or STRETCH)
        if asked is None:
            low, high = stretch.percentiles
            self.notes["stretch"] = (
                f"{self.path}: its pixels are {' and '.join(sorted(map(str, kinds)))}, not 8-bit: the percentiles "
                f"{low:g} and {high:g} of its red, green and blue ({limits_text(stretch.limits)}) become 0 and 255. "
                "The model was trained on other values, so check the map; --stretch LOW,HIGH chooses other "
                "percentiles, and the tag STRETCH_LIMITS of each map has their values"
            )
        return stretch

    def _find_scales(self) -> np.ndarray | None:
        """Factors, by band, that make white 255 where pixels have fewer than 8 bits; None if all bands have 8."""
        if self._stretch or self._palette is not None:
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


@contextmanager
def open_raster(
    path: Path | str,
    bands: Sequence[int] | None = None,
    stretch: tuple[float, float] | None = None,
    *,
    allow_vrt_paths: bool = False,
) -> Iterator[Raster]:
    """Open an image in any format of `access.DRIVERS`, or a VRT.

    Args:
        path: The file.
        bands: Numbers, from 1, of the red, green and blue band, or of one for all three. By default those that
            `bands.find_rgb` finds.
        stretch: Two percentiles of each band that become 0 and 255, counted over pixels that have data. By default
            `STRETCH`; for pixels of 8 bits none.
        allow_vrt_paths: See `access.open_dataset`.

    Raises:
        LandcoverError: The file is not an image, has no such bands, or it is not clear which are red, green and blue.
    """
    with open_dataset(path, allow_vrt_paths=allow_vrt_paths) as dataset:
        yield Raster(Path(path), dataset, bands, stretch)

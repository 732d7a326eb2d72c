"""Georeferenced images of any number of bands and any pixel type, as a model takes them. Needs rasterio."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import rasterio

from landcover.images.band_names import band_name
from landcover.images.image_spec import RGB, ImageSpec
from landcover.images.value_ranges import warning_of_values
from landcover.rasters.access import raster_errors
from landcover.rasters.bands import check_bands, find_rgb, find_wanted, names_of
from landcover.rasters.pixels import BandPixels, check_real, find_palette
from landcover.rasters.place import find_place
from landcover.rasters.scenes import Scene
from landcover.rasters.stacks import open_files
from landcover.rasters.stretching import STRETCH, Percentiles, Stretch
from landcover.system.errors import LandcoverError, note, warn
from landcover.system.locations import Location


class Raster:
    """An open raster as a `strips.StripReader`, and where on Earth it lies. `open_raster` opens one.

    Args:
        path: The file, or `Scene.path`, for errors to name.
        dataset: Open, and open it stays.
        images, bands, stretch: See `open_raster`.

    Attributes:
        path, dataset: As given.
        height, width: In pixels.
        bands: Numbers, from 1, of the bands that the model takes.
        stretch: Percentiles of these bands that become the range of the model's images; None where values stay as they
            are.
        limits: Of each of `bands`, the values at these percentiles; None where `stretch` is.
        place: Where it lies: see `place.find_place`.
        notes: By kind, a line on each choice that was made for the user.

    Raises:
        LandcoverError: See `open_raster`.
    """

    def __init__(
        self,
        path: Location,
        dataset: rasterio.DatasetReader,
        images: ImageSpec = RGB,
        bands: Sequence[int | str] | None = None,
        stretch: Percentiles | None = None,
    ) -> None:
        self.path, self.dataset, self.images = path, dataset, images
        self.height, self.width = dataset.shape
        self.notes: dict[str, str] = {}
        with raster_errors(path):
            self.place = find_place(path, dataset)
            check_real(path, {np.dtype(kind) for kind in dataset.dtypes[:1]})
            self._palette = find_palette(dataset) if bands is None and images.is_rgb else None
            self.bands = self._choose_bands(bands)
            self._pixels = BandPixels(path, dataset, self.bands, every=not images.is_rgb)
            if self._palette is not None and stretch:
                raise LandcoverError(f"{path}: its pixels are indices into a palette. Remove --stretch.")
            if self._palette is None and not stretch:
                self._check_type()
            self._stretch = Stretch.of(self._pixels.sample(), stretch, images) if stretch else None
            self.stretch = self._stretch.percentiles if self._stretch else None
            self.limits = self._stretch.limits if self._stretch else None

    @property
    def is_tiled(self) -> bool:
        """Whether some columns can be read without reading whole rows; not known of a VRT, and hence denied."""
        _, block_width = self.dataset.block_shapes[self.bands[0] - 1]
        return bool(self.dataset.driver != "VRT" and block_width < self.width)

    def read(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray:
        """Read rows `top` to `bottom` - 1 of columns `left` to `right` - 1 (None: to the last): (h, w, B).

        The type is uint8 if that is the model's; else that of the file or, if it was stretched, float32. Pixels without
        data have the model's mean, except in images of red, green and blue of 8 bits, where they have the file's value
        or, if that is not a number, the median of their band.

        Raises:
            LandcoverError: They cannot be read.
        """
        pixels = self._pixels.read(top, bottom, left, right)
        if self._palette is not None:
            colours: np.ndarray = self._palette[pixels[..., 0]]
            return colours
        floats = pixels if pixels.dtype.kind == "f" else None
        valid = None if self.images.is_rgb else self._pixels.valid_of(floats, top, bottom, left, right)
        if self._stretch:
            pixels = self._stretch(pixels)
        if valid is not None:
            means = np.multiply(self.images.mean, self.images.divisor)
            pixels[~valid] = means if pixels.dtype.kind == "f" else means.round()
        return pixels

    def valid_mask(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray | None:
        """Where the pixels that `read` returns have data, by nodata value, mask or alpha: bool (h, w).

        For images of red, green and blue of 8 bits where at least one band has data; else where all bands have.
        None if all pixels of the raster have data.
        """
        return self._pixels.valid_mask(top, bottom, left, right)

    def print_notes(self, printed: set[str]) -> None:
        """Print the notes on stderr, except kinds that are in `printed`, to which the others are added."""
        for kind, line in self.notes.items():
            if kind not in printed:
                note(line)
        printed.update(self.notes)

    def warn_of_values(self) -> None:
        """Warn if the values are unlike those that the model was trained on: see `value_ranges.unusual_values`."""
        if self._stretch or self.images.dtype == "uint8":
            return
        if line := warning_of_values(self.path, self._pixels.sample(quick=True), self.images):
            warn(line)

    def _choose_bands(self, asked: Sequence[int | str] | None) -> list[int]:
        wanted = self.images.bands
        if asked is not None:
            return check_bands(self.path, self.dataset, asked, wanted, grey=self.images.is_rgb)
        if self._palette is not None:
            return [1, 1, 1]
        if self.images.is_rgb:
            bands, are_named = find_rgb(self.path, self.dataset)
        else:
            bands = find_wanted(self.path, self.dataset, wanted)
            are_named = True
        names = names_of(self.dataset)
        is_obvious = tuple(band_name(band, names) for band in bands) == wanted and not self.images.is_rgb
        if are_named and not is_obvious:
            named = ", ".join(f"{band} ({names[band - 1]})" if names[band - 1] else f"{band}" for band in bands)
            used_as = " and ".join(filter(None, [", ".join(wanted[:-1]), wanted[-1]]))
            self.notes["bands"] = (
                f"{self.path}: by their names, bands {named} are used as {used_as}; --bands chooses others"
            )
        return bands

    def _check_type(self) -> None:
        """Raise a LandcoverError if just one of the image and the model is of 8 bits."""
        own, wanted = self._pixels.dtype.name, self.images.dtype
        if (own == "uint8") == (wanted == "uint8"):
            return
        low, high = STRETCH
        become = "0 to 255" if wanted == "uint8" else "the range of the training images"
        raise LandcoverError(
            f"{self.path}: its pixels are {own}, those of the model's training images {wanted}. Give images in the "
            f"same units, or add --stretch image: the percentiles {low:g} and {high:g} of each band become {become}."
        )


@contextmanager
def open_raster(
    image: Location | str | Scene,
    images: ImageSpec = RGB,
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
    *,
    allow_vrt_paths: bool = False,
) -> Iterator[Raster]:
    """Open an image in any format of `access.DRIVERS`, or a VRT, or a scene of several files.

    Args:
        image: The file, a path or a URL, or the scene.
        images: What the model takes.
        bands: Numbers, from 1, or names of the bands that the model takes, in its order; for images of red, green and
            blue of 8 bits also one for all three. By default those that have the names of the model's bands
            (`bands.find_wanted`, `bands.find_rgb`).
        stretch: Two percentiles of each band that become the range of the model's images, counted over pixels that have
            data; "image" for `STRETCH`. By default none.
        allow_vrt_paths: See `access.open_dataset`.

    Raises:
        LandcoverError: The file is not an image, has no such bands, it is not clear which they are; or, unless
            stretched, one of image and model is of 8 bits and the other is not.
    """
    scene = image if isinstance(image, Scene) else Scene.of(image)
    with open_files(scene.files, scene.path, box=scene.box, allow_vrt_paths=allow_vrt_paths) as dataset:
        yield Raster(scene.path, dataset, images, bands, stretch)

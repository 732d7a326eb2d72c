"""Images in their own pixel type, with any bands: ordinary ones by Pillow, rasters by rasterio if it is installed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from landcover.images.image_files import image_size, read_rgb
from landcover.images.image_spec import COLOURS
from landcover.images.pairs import RASTER_SUFFIXES
from landcover.system.errors import requiring_extra


class ImageReader(Protocol):
    """An open image, read in strips of rows.

    Attributes:
        height, width: In pixels.
        dtype: Pixel type, one of `image_spec.PIXEL_TYPES`.
        names: Of the B bands; no two are equal.
    """

    @property
    def height(self) -> int: ...  # noqa: D102 (here and below: the class describes it)
    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def dtype(self) -> np.dtype: ...  # noqa: D102
    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Read rows `top` to `bottom` - 1: (bottom - top, width, B) of `dtype`; invalid pixels have any value."""

    def valid_mask(self, top: int, bottom: int) -> np.ndarray | None:
        """Where rows `top` to `bottom` - 1 have data: bool (bottom - top, width); None if the whole image has.

        In images of red, green and blue of 8 bits a pixel has data if one of the bands has, as (0, 0, 9) is a dark
        colour where the nodata value is 0; in all others only if every band has. NaN and infinity are no data.
        """


@contextmanager
def open_image(
    path: Path | str, bands: Sequence[int | str] | None = None, *, allow_vrt_paths: bool = False
) -> Iterator[ImageReader]:
    """Open an image.

    Ordinary images are decoded by Pillow, see `image_files.read_rgb`, when their first row is read.

    Args:
        path: Its name ends in one of `RASTER_SUFFIXES`, or it is an ordinary image.
        bands: Numbers from 1, and names: see `band_names.find_bands`. None for red, green and blue of 8 bits, also in
            a raster. The names of bands that are wanted by number are those of `band_names.band_name`, so that two
            files may have different ones.
        allow_vrt_paths: See `access.open_dataset`.

    Raises:
        LandcoverError: The image cannot be read, lacks a band, or rasterio is missing.
    """
    path = Path(path)
    is_ordinary = path.suffix.lower() not in RASTER_SUFFIXES
    if bands is None or (is_ordinary and tuple(bands) == COLOURS):
        yield _OrdinaryImage(path)
        return
    with requiring_extra("GeoTIFFs", "geo"):
        from landcover.rasters.access import open_dataset
        from landcover.rasters.band_images import BandImage
    with open_dataset(path, allow_vrt_paths=allow_vrt_paths) as dataset:
        yield BandImage(path, dataset, bands)


class _OrdinaryImage:
    """Red, green and blue of 8 bits."""

    dtype, names = np.dtype(np.uint8), COLOURS

    def __init__(self, path: Path) -> None:
        self._path = path
        self.height, self.width = image_size(path)

    def read(self, top: int, bottom: int) -> np.ndarray:
        return self._pixels[top:bottom]

    def valid_mask(self, top: int, bottom: int) -> None:
        return None

    @cached_property
    def _pixels(self) -> np.ndarray:
        return read_rgb(self._path)

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

    def read(self, top: int = 0, bottom: int | None = None) -> np.ndarray:
        """Read rows `top` to `bottom` - 1 (None: to the last): (rows, width, B) of `dtype`, invalid ones too."""

    def valid_mask(self, top: int = 0, bottom: int | None = None) -> np.ndarray | None:
        """Where rows `top` to `bottom` - 1 have data: bool (rows, width); None if the whole image has.

        In images of red, green and blue of 8 bits a pixel has data if one of the bands has, as (0, 0, 9) is a dark
        colour where the nodata value is 0; in all others only if every band has. NaN and infinity are no data.
        """


@contextmanager
def open_image(
    path: Path | str, bands: Sequence[int | str] | None = None, *, allow_vrt_paths: bool = False
) -> Iterator[ImageReader]:
    """Open an image.

    Ordinary images are opened by Pillow, see `image_files.read_rgb`, when their size or pixels are asked for.

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


def read_valid_mask(path: Path | str, bands: Sequence[int | str] | None) -> np.ndarray | None:
    """Where an image has data: bool (H, W), None for everywhere. See `open_image` and `ImageReader.valid_mask`."""
    if bands is None:
        return None
    with open_image(path, bands) as image:
        return image.valid_mask(0, image.height)


class _OrdinaryImage:
    """Red, green and blue of 8 bits."""

    dtype, names = np.dtype(np.uint8), COLOURS

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def height(self) -> int:
        return self._size[0]

    @property
    def width(self) -> int:
        return self._size[1]

    def read(self, top: int = 0, bottom: int | None = None) -> np.ndarray:
        return self._pixels[top:bottom]

    def valid_mask(self, top: int = 0, bottom: int | None = None) -> None:
        return None

    @cached_property
    def _size(self) -> tuple[int, int]:
        return image_size(self._path)  # pixels are decoded when they are asked for

    @cached_property
    def _pixels(self) -> np.ndarray:
        return read_rgb(self._path)

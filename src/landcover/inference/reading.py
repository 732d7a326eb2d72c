"""Image files as a model takes them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.images.image_files import read_rgb
from landcover.images.image_spec import COLOURS, ImageSpec
from landcover.images.pairs import RASTER_SUFFIXES
from landcover.inference.strips import ArrayStrips, StripReader
from landcover.rasters.stretching import Percentiles
from landcover.system.errors import naming_memory_errors, requiring_extra
from landcover.system.locations import Location, Remote

if TYPE_CHECKING:
    from landcover.rasters.raster import Raster


def read_image(
    path: Path | str,
    images: ImageSpec,
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
) -> ArrayStrips:
    """Read an image of a data set into memory.

    Red, green and blue of 8 bits are decoded by Pillow (`image_files.read_rgb`), unless bands or a stretch are chosen;
    all else by rasterio.

    Args:
        path: The file.
        images: What the model takes.
        bands, stretch: See `raster.open_raster`.

    Raises:
        LandcoverError: See `image_files.read_rgb` and `raster.open_raster`; or rasterio is missing.
    """
    path = Path(path)
    is_ordinary = images.is_rgb and (
        bands is None or (tuple(bands) == COLOURS and path.suffix.lower() not in RASTER_SUFFIXES)
    )
    if is_ordinary and not stretch:
        return ArrayStrips(read_rgb(path))
    with naming_memory_errors(path), _opened(path, images, bands, stretch) as raster:
        raster.warn_of_values()
        return ArrayStrips(raster.read(0, raster.height), images, raster.valid_mask(0, raster.height))


@contextmanager
def open_image(
    image: Location,
    images: ImageSpec,
    bands: Sequence[int | str] | None,
    stretch: Percentiles | None,
    tell: "Callable[[Raster], None]",
) -> Iterator[StripReader]:
    """Open an image of any size: a raster, of which parts are read when they are needed, or a picture.

    Args:
        image: A file or URL. Files that are no rasters by their names, such as jpg and png, are decoded by Pillow,
            unless bands or a stretch are chosen or the model takes other images than ordinary ones.
        images: What the model takes.
        bands, stretch: See `raster.open_raster`.
        tell: Called with a raster before anything is read of it, for notes and warnings.

    Raises:
        LandcoverError: See `image_files.read_rgb` and `raster.open_raster`; or rasterio is missing.
    """
    with naming_memory_errors(image):
        by_rasterio = bands or stretch or not images.is_rgb
        if not (by_rasterio or isinstance(image, Remote) or image.suffix.lower() in RASTER_SUFFIXES):
            yield ArrayStrips(read_rgb(image))
            return
        with _opened(image, images, bands, stretch) as raster:
            tell(raster)
            yield raster


def _opened(
    image: Location, images: ImageSpec, bands: Sequence[int | str] | None, stretch: Percentiles | None
) -> "AbstractContextManager[Raster]":
    """Open a raster, or say that rasterio is missing."""
    with requiring_extra("GeoTIFFs", "geo"):
        from landcover.rasters.raster import open_raster
    return open_raster(image, images, bands, stretch)

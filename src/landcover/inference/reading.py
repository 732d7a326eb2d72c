"""Image files as a model takes them, in memory."""

from collections.abc import Sequence
from pathlib import Path

from landcover.images.image_files import read_rgb
from landcover.images.image_spec import COLOURS, ImageSpec
from landcover.images.pairs import RASTER_SUFFIXES
from landcover.inference.strips import ArrayStrips
from landcover.rasters.stretching import Percentiles
from landcover.system.errors import naming_memory_errors, requiring_extra


def read_image(
    path: Path | str,
    images: ImageSpec,
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
) -> ArrayStrips:
    """Read an image.

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
    with requiring_extra("GeoTIFFs", "geo"):
        from landcover.rasters.raster import open_raster
    with naming_memory_errors(path), open_raster(path, images, bands, stretch) as raster:
        raster.warn_of_values()
        return ArrayStrips(raster.read(0, raster.height), images, raster.valid_mask(0, raster.height))

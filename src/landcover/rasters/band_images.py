"""Wanted bands of a raster as an image. Needs rasterio."""

from collections.abc import Sequence

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from landcover.images.band_names import band_name
from landcover.images.common_names import common_name
from landcover.images.image_spec import COLOURS
from landcover.rasters.access import raster_errors
from landcover.rasters.bands import find_rgb, find_wanted, names_of
from landcover.rasters.pixels import BandPixels
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location

_ADVICE = "Choose them in `bands`, such as [3, 2, 1]."


class BandImage(BandPixels):
    """Wanted bands of an open raster as an `images.ImageReader`. `images.open_image` opens one.

    Args:
        path: The file, for errors to name.
        dataset: Open, and open it stays.
        wanted: Numbers from 1, and names; None for red, green and blue as `bands.find_rgb` finds them.

    Attributes:
        names: Of the bands: the common name of a wanted name if it has one, else the name as it is wanted; for
            numbers, see `band_names.band_name`.
    """

    def __init__(self, path: Location, dataset: DatasetReader, wanted: Sequence[int | str] | None) -> None:
        with raster_errors(path):
            bands = find_rgb(path, dataset, _ADVICE)[0] if wanted is None else find_wanted(path, dataset, wanted)
            if any(dataset.colorinterp[band - 1] == ColorInterp.palette for band in bands):
                raise LandcoverError(
                    f"{path}: its pixels are indices into a palette. Make colours of them (gdal_translate -expand rgb)."
                )
            own, wanted = names_of(dataset), COLOURS if wanted is None else wanted
            self.names = tuple(
                band_name(want, own) if isinstance(want, int) else common_name(want) or want for want in wanted
            )
            is_rgb = self.names == COLOURS and {dataset.dtypes[band - 1] for band in bands} == {"uint8"}
        super().__init__(path, dataset, bands, every=not is_rgb)

"""Overviews of the files that are viewed: safe to read, and missed where they would help. Needs rasterio."""

import shlex
from pathlib import Path

from rasterio.io import DatasetReader

from landcover.rasters.access import raster_errors
from landcover.rasters.sidecars import has_own_overviews
from landcover.system.errors import LandcoverError, note

_LARGE = 1 << 24  # pixels: a file of fewer is read in a moment


def check_overviews(path: Path, dataset: DatasetReader) -> None:
    """Refuse overviews in another file than the raster's own, which may be anywhere: GDAL would read them."""
    with raster_errors(path):
        if not has_own_overviews(dataset):
            raise LandcoverError(
                f"{path}: its overviews are in another file. Remove the tag OVERVIEW_FILE, or the .ovr."
            )


def is_slow(dataset: DatasetReader) -> bool:
    """Whether a view of the whole raster takes long, because it is large and has no overviews."""
    return dataset.height * dataset.width > _LARGE and not dataset.overviews(1)


def note_if_slow(path: Path, dataset: DatasetReader, resampling: str) -> None:
    """Say once how to make overviews if they are missed.

    Args:
        path, dataset: The file.
        resampling: How GDAL makes them of such pixels: mode or average.
    """
    if is_slow(dataset):
        note(
            f"{path}: large and without overviews, so that views of large parts take long. To make some: "
            f"gdaladdo -r {resampling} {shlex.quote(str(path))}, or rio overview --build auto --resampling "
            f"{resampling} {shlex.quote(str(path))}"
        )

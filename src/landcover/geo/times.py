"""When images were taken."""

from datetime import UTC, datetime
from pathlib import Path

from landcover.rasters.access import open_dataset, raster_errors

FIRST_AERIAL_IMAGE = datetime(1858, 1, 1, tzinfo=UTC)
"""No image of land from above is older."""

_TAGS = (
    ("IMAGERY", "ACQUISITIONDATETIME"),  # where GDAL puts it for the sensors that it knows
    (None, "ACQUISITIONDATETIME"),
    (None, "ACQUISITION_DATETIME"),
    (None, "ACQUISITION_DATE"),
    (None, "DATETIME"),
    (None, "TIFFTAG_DATETIME"),  # of the file, which programs often set to the time of the image
)
_FORMS = ("%Y:%m:%d %H:%M:%S", "%Y:%m:%d")


def time_of(image: Path) -> datetime | None:
    """When an image was taken, in UTC, by its tags: the first of `_TAGS` that is a time; None if none is.

    A time without a zone counts as UTC.

    Raises:
        LandcoverError: The image cannot be read.
    """
    with open_dataset(image, allow_vrt_paths=True) as file, raster_errors(image):
        for domain, key in _TAGS:
            moment = parsed_time(file.tags(ns=domain).get(key, ""))
            if moment:
                return moment
    return None


def parsed_time(text: str) -> datetime | None:
    """A time in UTC, from ISO 8601 or the form of TIFF, 2024:06:01 10:00:00; None for any other text."""
    moment = None
    for form in (None, *_FORMS):
        try:
            moment = datetime.strptime(text.strip(), form) if form else datetime.fromisoformat(text.strip())
            break
        except ValueError:
            continue
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

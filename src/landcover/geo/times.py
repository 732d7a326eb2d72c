"""When images were taken."""

import re
from datetime import UTC, datetime, timedelta

from landcover.rasters.access import open_dataset, raster_errors
from landcover.system.locations import Location

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


def time_of(image: Location) -> datetime | None:
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


def period(text: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment that a text means: a time, a day, month or year, or two of these with / between.

    `..` or nothing on one side of the / means that there is no limit.

    Raises:
        ValueError: It is no such text, or ends before it begins.
    """
    first, slash, last = text.partition("/")
    ends = [None if part in ("", "..") and slash else _span(part) for part in (first, last if slash else first)]
    start, end = ends[0] and ends[0][0], ends[1] and ends[1][1]
    if (start is None and end is None) or (start and end and end < start):
        raise ValueError(f"{text} is no range of times")
    return start, end


def _span(text: str) -> tuple[datetime, datetime]:
    """The first and the last second of a time, a day, a month or a year."""
    parts = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", text.strip())
    if not parts:
        if moment := parsed_time(text):
            return moment, moment
        raise ValueError(f"{text} is no time")
    year, month, day = (int(part) if part else None for part in parts.groups())
    start = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
    if day:
        after = start + timedelta(days=1)
    else:
        after = start.replace(year=start.year + (month in (None, 12)), month=month % 12 + 1 if month else 1)
    return start, after - timedelta(seconds=1)

"""Whether the first three bands of a TIFF are red, green and blue, as Pillow takes them without asking."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from landcover.images.band_names import UnclearBands, choose_bands
from landcover.system.errors import LandcoverError

_SAMPLES_PER_PIXEL, _GDAL_METADATA = 277, 42112  # numbers of tags of TIFF
_MOST = 4  # bands of an RGB image with alpha, or near infrared


def check_tiff_bands(path: Path, tags: Mapping[int, Any]) -> None:
    """Return if the first three bands of a TIFF, if it has three, are red, green and blue for all that its tags say.

    Raises:
        LandcoverError: It has more than four bands, or names that say otherwise.
    """
    count = tags.get(_SAMPLES_PER_PIXEL, 1)
    if count < 3:
        return
    if count > _MOST:
        raise _other_bands(path, f"{count} bands")
    names, colours, others = _metadata(str(tags.get(_GDAL_METADATA, "")), count)
    for told in (names, colours):  # a description counts before a colour interpretation
        try:
            bands = choose_bands(told, others)
        except UnclearBands as error:
            raise _other_bands(
                path, f"bands of which it is not clear which are red, green and blue ({error})"
            ) from None
        if bands == (1, 2, 3):
            return
        if bands:
            raise _other_bands(path, f"red, green and blue as bands {bands[0]}, {bands[1]} and {bands[2]}")


def unknown_format(path: Path) -> str:
    """What to say of a file that Pillow does not read."""
    with path.open("rb") as file:
        is_tiff = file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    return "unknown kind of TIFF; landcover predict may read it with --format gtiff" if is_tiff else "unknown format"


def _other_bands(path: Path, what: str) -> LandcoverError:
    return LandcoverError(
        f"{path}: a TIFF with {what}. landcover predict reads it with --format gtiff --bands R,G,B; elsewhere, save "
        "these three alone (gdal_translate -b)."
    )


def _metadata(xml: str, count: int) -> tuple[list[str | None], list[str | None], dict[str, str]]:
    """Descriptions and colour interpretations of the bands, and the file's own tags, as GDAL writes them to a TIFF."""
    names, colours, others = [None] * count, [None] * count, {}
    try:
        items = [] if re.search("<!", xml) else ElementTree.fromstring(xml.strip("\0 \n")).iter("Item")
    except ElementTree.ParseError:  # none, or not GDAL's
        items = []
    for item in items:
        key, text, band = item.get("name", ""), item.text or "", item.get("sample")
        if band is None:
            others[key] = text
        elif band.isdecimal() and int(band) < count:
            if item.get("role") == "description":
                names[int(band)] = text
            elif item.get("role") == "colorinterp":
                colours[int(band)] = text
    return names, colours, others

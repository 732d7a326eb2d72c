"""Check that the first three bands of a TIFF are red, green and blue: Pillow reads them as such unchecked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from landcover.images.band_names import UnclearBands, choose_bands
from landcover.system.errors import LandcoverError

_SAMPLES_PER_PIXEL, _GDAL_METADATA = 277, 42112  # numbers of TIFF tags
OTHER_BANDS = "in the pipeline, data.bands chooses the bands of images that are not 8-bit RGB"

_MOST = 4  # bands: red, green and blue with alpha or near infrared


def check_tiff_bands(path: Path, tags: Mapping[int, Any]) -> None:
    """Return unless the tags of a TIFF of three or more bands say that the first three are not red, green and blue.

    Raises:
        LandcoverError: They do, or there are more than four bands.
    """
    count = tags.get(_SAMPLES_PER_PIXEL, 1)
    if count < 3:
        return
    if count > _MOST:
        raise _other_bands(path, f"{count} bands")
    names, colours, others = _metadata(str(tags.get(_GDAL_METADATA, "")), count)
    for labels in (names, colours):  # descriptions are more reliable than colour interpretations
        try:
            bands = choose_bands(labels, others)
        except UnclearBands as error:
            raise _other_bands(path, f"bands that cannot be told apart as red, green and blue ({error})") from None
        if bands == (1, 2, 3):
            return
        if bands:
            raise _other_bands(path, f"red, green and blue as bands {bands[0]}, {bands[1]} and {bands[2]}")


def unknown_format(path: Path) -> str:
    """The format of a file that Pillow does not read, in words."""
    with path.open("rb") as file:
        is_tiff = file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    if not is_tiff:
        return "unknown format"
    return f"unknown kind of TIFF; landcover predict may read it with --format gtiff; {OTHER_BANDS}"


def _other_bands(path: Path, what: str) -> LandcoverError:
    return LandcoverError(
        f"{path}: a TIFF with {what}. landcover predict reads it with --format gtiff --bands R,G,B; {OTHER_BANDS}; "
        "elsewhere, save only these three (gdal_translate -b)."
    )


def _metadata(xml: str, count: int) -> tuple[list[str | None], list[str | None], dict[str, str]]:
    """Descriptions and colour interpretations of the bands, and the other tags, from the XML that GDAL writes."""
    names: list[str | None] = [None] * count
    colours: list[str | None] = [None] * count
    others: dict[str, str] = {}
    try:
        items = [] if "<!" in xml else list(ElementTree.fromstring(xml.strip("\0 \n")).iter("Item"))
    except ElementTree.ParseError:  # there is none, or it is not GDAL's
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

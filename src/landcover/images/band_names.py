"""Red, green and blue among the bands of an image: found by the bands' names and the sensor that its tags name.

Sources: Sentinel-2 User Handbook, table 1; Landsat 8-9 and Landsat 4-7 Data Format Control Books; MODIS
specifications; STAC extension eo, common names of bands.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

COLOURS = ("red", "green", "blue")
_LETTERS = {colour[0]: colour for colour in COLOURS}

_OLI_OR_MSI = (4, 3, 2)  # Landsat 8 and 9, Sentinel-2
_TM = (3, 2, 1)  # Landsat 4 to 7
_SENSORS = {  # by patterns of the name: numbers of the red, green and blue band; None where the sensor lacks one
    r"SENTINEL[-_ ]?2|\bS2[A-D]?(\b|_|MSI)|\bMSI\b": _OLI_OR_MSI,
    r"LANDSAT[-_ ]?0?[89]|\bL0?[89]\b|\b(L[CO]0?[89])(\b|_)|\bOLI(\b|_)|\bHLS\b": _OLI_OR_MSI,
    r"LANDSAT[-_ ]?0?[4-7]|\bL0?[4-7]\b|\b(L[TE]0?[4-7])(\b|_)|\bE?TM\b": _TM,
    r"MODIS|\bM[OY]D\d|SUR[-_ ]REFL": (1, 4, 3),
    r"\bMSS\b|LANDSAT[-_ ]?0?[1-3]\b": None,
}
_SENSOR_KEYS = re.compile("SPACECRAFT|SATELLITE|PLATFORM|CONSTELLATION|MISSION|SENSOR|INSTRUMENT")
_PRODUCT_KEYS = re.compile("PRODUCT|SCENE|GRANULE|DATASTRIP|DATATAKE|TILE_ID|_ID$")

_CODE = re.compile(r"(?:b|band)(0?)(\d{1,2}a?)")
_FILLERS = re.compile(
    r"band|channel|colou?r|surface|reflectance|toa|boa|sr|s2|l[4-9]|visible|light|(b|band)?\d+a?|(\d+)?(nm|um|m)|µm|central|"
    "wavelength|nanomet(er|re)s|micromet(er|re)s"
)
_NEVER = {  # words that change the meaning of a colour: "Red Edge", "coastal blue", "red_qa", "blue/red ratio"
    *("edge", "infra", "infrared", "ir", "coastal", "deep", "mask", "qa", "quality", "flag", "flags", "std", "stddev"),
    *("sigma", "variance", "error", "uncertainty", "ratio", "index", "difference", "minus", "min", "max", "count"),
}
_OTHER_LIGHT = re.compile(
    r"nir\d?|swir\d?|rededge\d?|edge|infrared|infra|coastal|pan|panchromatic|tir\d?|thermal|cirrus"
)
_WAVELENGTHS = {"red": (625, 690), "green": (520, 595), "blue": (455, 515)}  # of the centre of the band, nm

Bands = tuple[int, int, int]
"""Numbers, from 1, of the red, the green and the blue band."""


class UnclearBands(Exception):
    """The names tell something about the bands, but not which are red, green and blue; the message says why."""


def choose_bands(
    names: Sequence[str | None], tags: Mapping[str, str], wavelengths: Sequence[float | None] = ()
) -> Bands | None:
    """Find the red, the green and the blue band; None if the names say nothing about colours.

    The first of these that tells all three decides: colours as words ("Red", "red (665 nm)", "B4 - Red", but not
    "Red Edge"); numbers of bands ("B4", "B04", "SR_B4", "Band 4") of the sensor that tags or names tell; wavelengths.

    Args:
        names: One per band; None or empty if a band has none.
        tags: Those of the file.
        wavelengths: Centre of each band in nanometres, None where unknown.

    Raises:
        UnclearBands: A colour is missing or occurs twice, or the numbers depend on a sensor that is not named.
    """
    words = [_words(name or "") for name in names]
    if found := _by_colour(words) or _by_number(words, names, tags) or _by_wavelength(wavelengths):
        return found
    if any(_OTHER_LIGHT.fullmatch(word) for name in words for word in name) or any(map(_colour, words)):
        raise UnclearBands("the names do not tell all three")
    return None


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.lower())


def _colour(words: Sequence[str]) -> str | None:
    """The colour that a name tells; None if it tells none or several."""
    if len(words) == 1 and words[0] in _LETTERS:
        return _LETTERS[words[0]]
    found = set(COLOURS).intersection(words)
    return found.pop() if len(found) == 1 and not _NEVER.intersection(words) else None


def _by_colour(words: Sequence[Sequence[str]]) -> Bands | None:
    """Bands by colours as words; a name that is only a colour is preferred to one such as "green I"."""
    chosen = []
    for colour in COLOURS:
        bands = [band for band, name in enumerate(words, 1) if _colour(name) == colour]
        alone = [
            band for band in bands if all(w in (colour, colour[0]) or _FILLERS.fullmatch(w) for w in words[band - 1])
        ]
        chosen.append(alone or bands)
    if doubled := [colour for colour, bands in zip(COLOURS, chosen, strict=True) if len(bands) > 1]:
        raise UnclearBands(f"several are called {doubled[0]}")
    return _one_each(chosen)


def _one_each(chosen: Sequence[Sequence[int]]) -> Bands | None:
    """The bands, if there is exactly one for each colour."""
    if any(len(bands) != 1 for bands in chosen):
        return None
    ((red,), (green,), (blue,)) = chosen
    return red, green, blue


def _by_number(words: Sequence[Sequence[str]], names: Sequence[str | None], tags: Mapping[str, str]) -> Bands | None:
    """Bands by the numbers that the sensor gives them."""
    codes = [_code(name) for name in words]
    numbers = [code[1] for code in codes if code]  # "4", "8a"
    sensor, is_named = _sensor(names, tags)
    if not numbers or (not is_named and _only_counts(words)):
        return None
    if sensor is None:
        if is_named:
            raise UnclearBands("unknown which bands of this sensor are red, green and blue")
        if "1" in numbers and not _is_oli_or_msi(code for code in codes if code):
            raise UnclearBands("B1, B2, B3 are other colours of Landsat 4 to 7 than of Landsat 8 or Sentinel-2")
        sensor = _OLI_OR_MSI
    wanted = [str(number) for number in sensor]
    for number in wanted:
        if numbers.count(number) != 1:
            raise UnclearBands(f"{'several are' if number in numbers else 'none is'} called B{number}")
    band_of_number = {code[1]: band for band, code in enumerate(codes, 1) if code}
    red, green, blue = (band_of_number[number] for number in wanted)
    return red, green, blue


def _code(words: Sequence[str]) -> tuple[bool, str] | None:
    """Whether the number in a name such as B04 or "Band 4" has a leading zero, and the number without it.

    None if there is no number, or more than one.
    """
    spaced = [first + second for first, second in pairwise(words) if first in ("b", "band")]
    found = [match for match in map(_CODE.fullmatch, [*words, *spaced]) if match]
    return (bool(found[0][1]), found[0][2]) if len(found) == 1 else None


def _only_counts(words: Sequence[Sequence[str]]) -> bool:
    """Whether the names only count, "Band 1", "Band 2", ..., as programs write them that know no names."""
    return all(name in (["band", str(band)], [f"band{band}"]) for band, name in enumerate(words, 1))


def _is_oli_or_msi(codes: Iterable[tuple[bool, str]]) -> bool:
    """Whether some of the numbers occur only with Landsat 8 and 9 or Sentinel-2."""
    return any(is_padded or number in ("8a", "9", "10", "11", "12") for is_padded, number in codes)


def _sensor(names: Sequence[str | None], tags: Mapping[str, str]) -> tuple[Bands | None, bool]:
    """Numbers of red, green and blue of the sensor that tags or names tell, and whether they tell one at all."""
    texts_by_key = {key.upper(): value for key, value in tags.items() if re.search("[A-Za-z]", value)}
    sensors = [value for key, value in texts_by_key.items() if _SENSOR_KEYS.search(key)]
    products = [value for key, value in texts_by_key.items() if _PRODUCT_KEYS.search(key)]
    texts = [*sensors, *products, *filter(None, names)]
    found = {
        bands for pattern, bands in _SENSORS.items() if any(re.search(pattern, text, re.IGNORECASE) for text in texts)
    }
    return (next(iter(found)) if len(found) == 1 else None), bool(found or sensors)


def _by_wavelength(wavelengths: Sequence[float | None]) -> Bands | None:
    """Bands by the wavelengths of their centres, nm."""
    return _one_each(
        [
            [band for band, length in enumerate(wavelengths, 1) if length and low <= length <= high]
            for low, high in _WAVELENGTHS.values()
        ]
    )

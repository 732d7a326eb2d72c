"""Common names of bands, as the STAC extension eo has them, told by names in words such as "B4 - Red (665 nm)"."""

import re
from collections.abc import Sequence
from itertools import pairwise

from landcover.images.image_spec import COLOURS

_LETTERS = {colour[0]: colour for colour in COLOURS}
_FILLERS = re.compile(
    r"band|channel|colou?r|surface|reflectance|toa|boa|sr|s2|l[4-9]|visible|light|(b|band)?\d+a?|(\d+)?(nm|um|m)|µm|central|"
    "wavelength|nanomet(er|re)s|micromet(er|re)s"
)
_QUALITY = {  # words after which a name means no light at all: "red_qa", "blue/red ratio"
    *("mask", "qa", "quality", "flag", "flags", "std", "stddev", "sigma", "variance", "error", "uncertainty", "ratio"),
    *("index", "difference", "minus", "min", "max", "count"),
}
_NO_COLOUR = {"edge", "infra", "infrared", "ir", "coastal", "deep"} | _QUALITY
"""Words that change the meaning of a colour: "Red Edge", "coastal blue"."""

_OTHERS = {  # what is left of a name without fillers, written together
    "pan": r"pan(chromatic)?",
    "coastal": r"(coastal|deep|ultra)(blue|aerosol|violet)?|(coastal)?aerosols?",
    "yellow": r"yellow",
    "rededge": r"(vegetation)?rededge",
    "rededge071": r"(vegetation)?rededge(1|071|705)",
    "rededge075": r"(vegetation)?rededge(2|075|740)",
    "rededge078": r"(vegetation)?rededge(3|078|783)",
    "nir": r"nir|nearinfrared|n",
    "nir08": r"nir08|(nir|nearinfrared)(narrow|a)|narrow(nir|nearinfrared)",
    "nir09": r"nir09|watervapou?r",
    "cirrus": r"(swir)?cirrus",
    "swir16": r"(swir|shortwaveinfrared)(1|16)",
    "swir22": r"(swir|shortwaveinfrared)(2|22)",
    "lwir11": r"lwir11|(tir|tirs|thermal|thermalinfrared)1",
    "lwir12": r"lwir12|(tir|tirs|thermal|thermalinfrared)2",
}
_CODE_OR_LENGTH = re.compile(r"(b|band)0?\d{1,2}a?|\d{3,}(nm)?")
_DECIMAL = re.compile(r"\d+[.,]\d+")

COMMON_NAMES = (*COLOURS, *_OTHERS)


def words_of(name: str | None) -> list[str]:
    """The words of a name, in lower case."""
    return re.findall(r"[^\W_]+", (name or "").lower())


def common_name(name: str | None) -> str | None:
    """The common name of a band that is called `name`; None if the name tells none, or several."""
    return colour_of(words_of(name)) or _other_name(name or "")


def colour_of(words: Sequence[str]) -> str | None:
    """The one of red, green and blue that the words of a name tell; None if they tell none or several."""
    if len(words) == 1 and words[0] in _LETTERS:
        return _LETTERS[words[0]]
    found = set(COLOURS).intersection(words)
    return found.pop() if len(found) == 1 and not _NO_COLOUR.intersection(words) else None


def is_only(colour: str, words: Sequence[str]) -> bool:
    """Whether the words of a name say nothing but a colour, unlike "green I"."""
    return all(word in (colour, colour[0]) or _FILLERS.fullmatch(word) for word in words)


def tells_light(name: str | None) -> bool:
    """Whether a name tells the light that a band is of, if not exactly which."""
    words = words_of(name)
    others = "edge|infrared|infra|thermal|(nir|swir|rededge|tir)\\d?|coastal|pan|panchromatic|cirrus"
    return bool(colour_of(words) or _other_name(name or "") or any(re.fullmatch(others, word) for word in words))


def _other_name(name: str) -> str | None:
    """The common name, other than red, green and blue, that a name tells."""
    words = words_of(_DECIMAL.sub(" ", name))
    if _QUALITY.intersection(words):
        return None
    numbered = {i + offset for i, pair in enumerate(pairwise(words)) if _is_code(*pair) for offset in (0, 1)}
    kept = [
        word
        for i, word in enumerate(words)
        if i not in numbered
        and not _CODE_OR_LENGTH.fullmatch(word)
        and (word[0].isdigit() or not _FILLERS.fullmatch(word))
    ]
    joined = "".join(kept)
    return next((common for common, pattern in _OTHERS.items() if re.fullmatch(pattern, joined)), None)


def _is_code(first: str, second: str) -> bool:
    """Whether two words are a number such as "band 8a"."""
    return first in ("b", "band") and re.fullmatch(r"\d{1,2}a?", second) is not None

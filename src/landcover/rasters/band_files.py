"""What the names of files tell of the bands that they are."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from landcover.images.common_names import common_name
from landcover.system.locations import Location

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"b(and)?\d{1,2}a?")
_RADAR = {"vv", "vh", "hh", "hv"}
_KIND = {"sr", "st"}  # before the number, as in Landsat's SR_B4
_RESOLUTION = re.compile(r"r?(\d{1,3})m")
_NO_BANDS = re.compile(
    "qa|qc|qualit|quality|scl|tci|aot|wvp|msk|mask|classi|detfoo|cld|cldprb|snw|snwprb|pvi|udm2?|fmask|clouds?|saa|sza|"
    "vaa|vza|atran|cdist|drad|emis|emsd|trad|urad|visual|thumb|thumbnail|overview|preview|quicklook|ql"
)


class BandFile(NamedTuple):
    """What the name of a file tells if it is a band of a scene.

    Attributes:
        scene: What is left of the name without band and resolution; may be empty.
        place: Words before the band and words behind it, by which files of one scene are known.
        band: Such as B8A, SR_B4 or red.
        key: The same for all ways to write this band, such as b2 and B02.
        metres: The resolution if the name, or that of the folder, tells it; else infinite.
    """

    scene: str
    place: tuple[tuple[str, ...], tuple[str, ...]]
    band: str
    key: str
    metres: float


def band_file(path: Location) -> BandFile | None:
    """What the name of a file tells of its band; None if it tells none.

    Words are what `_`, `-`, dots and spaces separate. A band is a word such as B02, B8A, band4 or VV, or words that are
    a common name (`common_names.COMMON_NAMES`), such as red, nir08, swir16 or `red_edge`; also several of these side by
    side, such as `B04_red`, or with SR or ST before, as Landsat has them. The last one in the name counts. A word such
    as 10m is a resolution, and so is the name of the folder if it is like R10m. Where a word such as QA or mask follows
    or is just before, the file is no band.
    """
    found = list(_WORD.finditer(path.stem))
    words = words_of(path)
    end = len(words)
    while end and not _is_band(words, end):
        end -= 1
    start = end
    while start and (length := _is_band(words, start)):
        start -= length
    while start and words[start - 1] in _KIND:
        start -= 1
    if start == end or tells_no_band((*words[max(start - 1, 0) : start], *words[end:])):
        return None
    band = path.stem[found[start].start() : found[end - 1].end()]
    before, after = words[:start], words[end:]
    sizes = [float(match[1]) for word in (*after, *before) if (match := _RESOLUTION.fullmatch(word))]
    if of_folder := _RESOLUTION.fullmatch(path.parent.name.lower()):
        sizes.append(float(of_folder[1]))
    metres = sizes[0] if sizes else float("inf")
    kept = [i for i in (*range(start), *range(end, len(words))) if not _RESOLUTION.fullmatch(words[i])]
    place = tuple(tuple(word for word in part if not _RESOLUTION.fullmatch(word)) for part in (before, after))
    key = re.sub(r"\b0+(?=\d)|(?<=[^\W\d])0+(?=\d)", "", "_".join(words[start:end]))
    return BandFile(_joined(path.stem, found, kept), (place[0], place[1]), band, key, metres)


def scene_folder(path: Path) -> Path:
    """The folder of a file; of one in a folder such as R10m, the folder above that."""
    return path.parent.parent if _RESOLUTION.fullmatch(path.parent.name.lower()) else path.parent


def words_of(path: Location) -> tuple[str, ...]:
    """The words of the name of a file, in lower case."""
    return tuple(match[0].lower() for match in _WORD.finditer(path.stem))


def tells_no_band(words: Sequence[str]) -> bool:
    """Whether words name what comes with bands but is none, such as QA_PIXEL, SCL or a preview."""
    return any(_NO_BANDS.fullmatch(word) for word in words)


def natural_order(text: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in a text by their value."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]


def _is_band(words: Sequence[str], end: int) -> int:
    """How many words before `end` are a band: 0, 1 or 2."""
    last = words[end - 1]
    if end > 1:
        first = words[end - 2]
        is_number = first in ("b", "band") and re.fullmatch(r"\d{1,2}a?", last)
        if is_number or common_name(f"{first} {last}") not in (None, common_name(first), common_name(last)):
            return 2
    return int(bool(_NUMBER.fullmatch(last) or last in _RADAR or (len(last) > 1 and common_name(last))))


def _joined(stem: str, found: Sequence[re.Match[str]], kept: Sequence[int]) -> str:
    """The words that are kept, each with what separates it from the next in the name."""
    text = ""
    for i in kept:
        text += (stem[found[i - 1].end() : found[i].start()] if text else "") + found[i][0]
    return text

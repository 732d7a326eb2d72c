"""Wanted bands among those of a file: by number, by the file's own names, by common names, by wavelength."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from landcover.images.common_names import common_name, is_only, tells_light, words_of
from landcover.images.image_spec import COLOURS
from landcover.images.sensors import named_sensors, possible_sensors

_CODE = re.compile(r"(?:b|band)(0?)(\d{1,2}a?)")
_COUNTED = re.compile(r"band (\d{1,9})")
_WAVELENGTHS = {  # of the centre of the band, nm
    **{"red": (625, 690), "green": (520, 595), "blue": (455, 515), "coastal": (400, 455), "yellow": (595, 625)},
    **{"rededge071": (695, 715), "rededge075": (730, 750), "rededge078": (770, 790)},
    **{"nir": (800, 855), "nir08": (855, 880), "nir09": (930, 960), "cirrus": (1360, 1390)},
    **{"swir16": (1550, 1700), "swir22": (2080, 2320), "lwir11": (10300, 11300), "lwir12": (11500, 12500)},
}

Bands = tuple[int, int, int]
"""Numbers, from 1, of the red, the green and the blue band."""


class UnclearBands(Exception):
    """The names tell something about the bands, but not which are the wanted ones; the message says why."""


def find_bands(
    wanted: Sequence[int | str],
    names: Sequence[str | None],
    tags: Mapping[str, str],
    wavelengths: Sequence[float | None] = (),
) -> list[int]:
    """Find wanted bands among those of a file.

    A number is that of a band. A name is looked for among the names of the bands, case, spaces and punctuation aside,
    then as a number of the sensor ("B4" is "B04 - Red"); "band 4", as bands without a name are called, is band 4 of a
    file whose bands have no names. All other names should be common names (`common_names.COMMON_NAMES`); the first of
    these that tells all of them decides: names in words, numbers of the sensor that tags or names tell, wavelengths.

    Args:
        wanted: Numbers from 1, and names.
        names: One per band of the file; None or empty if a band has none.
        tags: Those of the file.
        wavelengths: Centre of each band in nanometres, None where unknown.

    Returns:
        A number, from 1, for each wanted band; no two are equal.

    Raises:
        UnclearBands: A band is missing, or may be several, or two wanted ones are the same; the message says which,
            and lists the wanted bands and those of the file.
    """
    try:
        found = {want: _own_band(want, names) for want in wanted}
        rest = {want: common_name(str(want)) for want, band in found.items() if band is None}
        if unknown := [want for want, common in rest.items() if common is None]:
            raise UnclearBands(f"none is called {unknown[0]}")
        if rest:
            common = [name for name in rest.values() if name]
            bands = _by_common_names(common, names, tags, wavelengths)
            if bands is None:
                raise UnclearBands(f"nothing tells which {'is' if len(rest) == 1 else 'are'} {', '.join(common)}")
            found |= dict(zip(rest, bands, strict=True))
        result = [band for band in (found[want] for want in wanted) if band is not None]
        if doubled := next((band for band in result if result.count(band) > 1), None):
            same = [str(want) for want, band in zip(wanted, result, strict=True) if band == doubled]
            raise UnclearBands(f"{' and '.join(same)} are the same band")
    except UnclearBands as error:
        raise UnclearBands(f"{error}; wanted: {listed(wanted)}; the file has: {listed_bands(names)}") from None
    return result


def choose_bands(
    names: Sequence[str | None], tags: Mapping[str, str], wavelengths: Sequence[float | None] = ()
) -> Bands | None:
    """Find the red, the green and the blue band by common names as `find_bands` does.

    Returns:
        None if the names say nothing about colours.

    Raises:
        UnclearBands: A colour is missing or occurs twice, or the numbers depend on a sensor that is not named.
    """
    if found := _by_common_names(COLOURS, names, tags, wavelengths):
        red, green, blue = found
        return red, green, blue
    if any(map(tells_light, names)):
        raise UnclearBands("the names do not tell all three")
    return None


def listed(wanted: Sequence[int | str]) -> str:
    """Wanted bands as text: names, and numbers as "band 4"."""
    return ", ".join(f"band {want}" if isinstance(want, int) else want for want in wanted)


_LISTED = 30  # bands that an error names


def listed_bands(names: Sequence[str | None]) -> str:
    """The bands of a file as text: their numbers, and their names if they have any."""
    lines = [f"{band} {name[:40]!r}" if name else str(band) for band, name in enumerate(names, 1)]
    more = f", and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return f"{', '.join(lines[:_LISTED])}{more}"


def band_name(number: int, names: Sequence[str | None]) -> str:
    """What a band is called that was wanted by number: its common name, else its own, else "band 4".

    A name that another band of the file has too is none.
    """
    own = names[number - 1]
    if own and not is_counted(names):
        common = common_name(own)
        if common and [common_name(name) for name in names].count(common) == 1:
            return common
        if [_key(name) for name in names].count(_key(own)) == 1 and _key(own):
            return own
    return f"band {number}"


def is_counted(names: Sequence[str | None]) -> bool:
    """Whether no band has a name, or the names only count, as programs write them that know no names."""
    words = [words_of(name) for name in names]
    return all(name in ([], ["band", str(band)], [f"band{band}"]) for band, name in enumerate(words, 1))


def _own_band(want: int | str, names: Sequence[str | None]) -> int | None:
    """Number of the band that has a number or is called so itself; None if none is, but it may be a common name."""
    if isinstance(want, int):
        if not 1 <= want <= len(names):
            raise UnclearBands(f"there is no band {want}")
        return want
    keys = [_key(name) for name in names]
    found = [band for band, key in enumerate(keys, 1) if key and key == _key(want)]
    if not found and (counted := _COUNTED.fullmatch(want.lower())):
        found = [int(counted[1])] if is_counted(names) and 1 <= int(counted[1]) <= len(names) else []
    elif not found and (code := _code([_key(want)])):
        codes = [_code(words_of(name)) for name in names]
        found = [band for band, other in enumerate(codes, 1) if other and other[1] == code[1]]
    if len(found) > 1:
        raise UnclearBands(f"several are called {want}")
    return found[0] if found else None


def _key(name: str | None) -> str:
    return "".join(words_of(name))


def _by_common_names(
    wanted: Sequence[str], names: Sequence[str | None], tags: Mapping[str, str], wavelengths: Sequence[float | None]
) -> list[int] | None:
    """Bands by common names, by the first method that tells all of them; None if none does."""
    methods: list[Callable[[], list[int] | None]] = [
        lambda: _by_words(wanted, names),
        lambda: _by_number(wanted, names, tags),
        lambda: _by_wavelength(wanted, wavelengths),
    ]
    return next((found for method in methods if (found := method())), None)


def _by_words(wanted: Sequence[str], names: Sequence[str | None]) -> list[int] | None:
    """Bands by names in words; a name that is only a colour is preferred to one such as "green I"."""
    chosen = []
    for want in wanted:
        bands = [band for band, name in enumerate(names, 1) if common_name(name) == want]
        alone = [band for band in bands if want in COLOURS and is_only(want, words_of(names[band - 1]))]
        chosen.append(alone or bands)
    if doubled := [want for want, bands in zip(wanted, chosen, strict=True) if len(bands) > 1]:
        raise UnclearBands(f"several are called {doubled[0]}")
    return _one_each(chosen)


def _by_number(wanted: Sequence[str], names: Sequence[str | None], tags: Mapping[str, str]) -> list[int] | None:
    """Bands by the numbers that the sensor gives them."""
    codes = {band: code for band, name in enumerate(names, 1) if (code := _code(words_of(name)))}
    numbers = [number for _, number in codes.values()]  # "4", "8a"
    sensors = named_sensors(names, tags)
    if not numbers or (sensors is None and is_counted(names)):
        return None
    if sensors is None:
        sensors = possible_sensors(numbers, wanted, is_padded=any(padded for padded, _ in codes.values()))
    if not sensors:
        raise UnclearBands(f"unknown which bands of this sensor are {_and(wanted)}")
    choices = [[sensor.numbers.get(want) for want in wanted] for sensor in sensors]
    if any(choice != choices[0] for choice in choices):
        titles = " or ".join(sensor.title for sensor in sensors)
        raise UnclearBands(f"numbers such as B{numbers[0]} mean different bands if the sensor is {titles}")
    for want, number in zip(wanted, choices[0], strict=True):
        if number is None:
            raise UnclearBands(f"{sensors[0].title} has no {want}")
        if numbers.count(number) != 1:
            raise UnclearBands(f"{'several are' if number in numbers else 'none is'} called B{number.upper()}")
    band_of = {number: band for band, (_, number) in codes.items()}
    return [band_of[number] for number in choices[0] if number is not None]


def _by_wavelength(wanted: Sequence[str], wavelengths: Sequence[float | None]) -> list[int] | None:
    """Bands by the wavelengths of their centres, nm."""
    ranges = [_WAVELENGTHS.get(want, (0, 0)) for want in wanted]
    return _one_each(
        [
            [band for band, length in enumerate(wavelengths, 1) if length and low <= length <= high]
            for low, high in ranges
        ]
    )


def _one_each(chosen: Sequence[Sequence[int]]) -> list[int] | None:
    """The bands, if there is exactly one for each that is wanted."""
    return [bands[0] for bands in chosen] if all(len(bands) == 1 for bands in chosen) else None


def _code(words: Sequence[str]) -> tuple[bool, str] | None:
    """Whether the number in a name such as B04 or "Band 4" has a leading zero, and the number without it.

    None if there is no number, or more than one.
    """
    spaced = [first + second for first, second in pairwise(words) if first in ("b", "band")]
    found = [match for match in map(_CODE.fullmatch, [*words, *spaced]) if match]
    return (bool(found[0][1]), found[0][2]) if len(found) == 1 else None


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

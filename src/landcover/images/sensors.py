"""What the numbers of a sensor's bands mean, and which sensor the names and tags of a file tell.

Sources: Sentinel-2 User Handbook, table 1; Landsat 8-9 and Landsat 4-7 Data Format Control Books; MODIS
specifications; STAC extension eo, common names of bands.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sensor:
    """A sensor, or several whose bands have the same numbers.

    Attributes:
        title: In words.
        numbers: Number of the band that has a common name, such as "8a".
    """

    title: str
    numbers: Mapping[str, str]


def _sensor(title: str, **numbers: str) -> Sensor:
    return Sensor(title, numbers)


MSI = _sensor(
    "Sentinel-2",
    **{"coastal": "1", "blue": "2", "green": "3", "red": "4", "rededge071": "5", "rededge075": "6", "rededge078": "7"},
    **{"nir": "8", "nir08": "8a", "nir09": "9", "cirrus": "10", "swir16": "11", "swir22": "12"},
)
OLI = _sensor(
    "Landsat 8 and 9",
    **{"coastal": "1", "blue": "2", "green": "3", "red": "4", "nir": "5", "nir08": "5", "swir16": "6", "swir22": "7"},
    **{"pan": "8", "cirrus": "9", "lwir11": "10", "lwir12": "11"},
)
TM = _sensor(
    "Landsat 4 to 7",
    **{"blue": "1", "green": "2", "red": "3", "nir": "4", "nir08": "4", "swir16": "5", "lwir11": "6", "swir22": "7"},
    **{"pan": "8"},
)
MODIS = _sensor("MODIS", red="1", nir="2", nir08="2", blue="3", green="4", swir16="6", swir22="7")

_PATTERNS: dict[str, tuple[Sensor, ...]] = {  # of names; no sensor where the numbers are not known
    r"SENTINEL[-_ ]?2|\bS2[A-D]?(\b|_|MSI)|\bMSI\b|\bHLS\.S30": (MSI,),
    r"LANDSAT[-_ ]?0?[89]|\bL0?[89]\b|\b(L[CO]0?[89])(\b|_)|\bOLI(\b|_)|\bHLS\.L30": (OLI,),
    r"\bHLS\b": (OLI, MSI),
    r"LANDSAT[-_ ]?0?[4-7]|\bL0?[4-7]\b|\b(L[TE]0?[4-7])(\b|_)|\bE?TM\b": (TM,),
    r"MODIS|\bM[OY]D\d|SUR[-_ ]REFL": (MODIS,),
    r"\bMSS\b|LANDSAT[-_ ]?0?[1-3]\b": (),
}
_SENSOR_KEYS = re.compile("SPACECRAFT|SATELLITE|PLATFORM|CONSTELLATION|MISSION|SENSOR|INSTRUMENT")
_PRODUCT_KEYS = re.compile("PRODUCT|SCENE|GRANULE|DATASTRIP|DATATAKE|TILE_ID|_ID$")


def named_sensors(names: Sequence[str | None], tags: Mapping[str, str]) -> list[Sensor] | None:
    """The sensors that the names and tags of a file may mean.

    Returns:
        Usually one; several if the texts contradict each other or leave a choice; none if a sensor is named whose
        numbers are not known; None if no sensor is named.
    """
    texts_by_key = {key.upper(): value for key, value in tags.items() if re.search("[A-Za-z]", value)}
    sensors = [value for key, value in texts_by_key.items() if _SENSOR_KEYS.search(key)]
    products = [value for key, value in texts_by_key.items() if _PRODUCT_KEYS.search(key)]
    texts = [*sensors, *products, *filter(None, names)]
    found = [
        choice
        for pattern, choice in _PATTERNS.items()
        if any(re.search(pattern, text, re.IGNORECASE) for text in texts)
    ]
    if not found:
        return [] if sensors else None
    if not all(found):
        return []
    common = [sensor for sensor in found[0] if all(sensor in choice for choice in found)]
    return common or [sensor for choice in found for sensor in choice]


def possible_sensors(numbers: Collection[str], wanted: Iterable[str], *, is_padded: bool) -> list[Sensor]:
    """The sensors that bands called B1, B2, ... may be of if nothing names the sensor.

    Sentinel-2 always; Landsat 8 and 9 unless there is a band 8, which is panchromatic there and in no stack of bands,
    8A or 12; Landsat 4 to 7 if it has all the bands, wanted ones included, and no number has a leading zero.

    Args:
        numbers: Of the bands, without leading zeros.
        wanted: Common names.
        is_padded: Whether some number has a leading zero.
    """
    is_tm = not is_padded and set(numbers) <= {*TM.numbers.values()}
    is_tm = is_tm and all(TM.numbers.get(name) in numbers for name in wanted)
    is_tm = is_tm and ("8" not in numbers or "1" in numbers)  # else B2, B3, B4, B8 would not be Sentinel-2's
    is_oli = not {"8", "8a", "12"}.intersection(numbers)
    return [MSI, *([OLI] if is_oli else []), *([TM] if is_tm else [])]

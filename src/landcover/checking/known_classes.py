"""Tables of classes that are known by their codes or names, and colours for classes that have none."""

import colorsys
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from landcover.classes.class_entries import ClassEntry
from landcover.classes.class_table import DEEPGLOBE
from landcover.classes.colours import Colour, read_colour

_GOLDEN = 0.618034  # of the circle: hues at this distance are spread evenly, however many there are
_IGNORED = ("unknown", "unlabeled", "unlabelled", "ignore", "void", "nodata", "no data", "undefined", "unclassified")
_UNKNOWN = ("unknown", "#000000")
_MOST_LIKELY = 3  # codes that make a table likely without a hint in the name of the file


class KnownTable(NamedTuple):
    """A table of classes.

    Attributes:
        title: What it is called.
        classes: Name and colour of each class by its code.
        hints: Parts of names of files that tell it.
        codes: How many different codes of it make it likely without such a name.
    """

    title: str
    classes: Mapping[int, tuple[str, str]]
    hints: tuple[str, ...]
    codes: int = _MOST_LIKELY


WORLDCOVER = KnownTable(
    "ESA WorldCover",
    {
        0: _UNKNOWN,
        10: ("tree cover", "#006400"),
        20: ("shrubland", "#ffbb22"),
        30: ("grassland", "#ffff4c"),
        40: ("cropland", "#f096ff"),
        50: ("built-up", "#fa0000"),
        60: ("bare or sparse vegetation", "#b4b4b4"),
        70: ("snow and ice", "#f0f0f0"),
        80: ("permanent water", "#0064c8"),
        90: ("herbaceous wetland", "#0096a0"),
        95: ("mangroves", "#00cf75"),
        100: ("moss and lichen", "#fae6a0"),
    },
    ("worldcover",),
)

CORINE = KnownTable(
    "CORINE Land Cover",
    {
        0: _UNKNOWN,
        999: _UNKNOWN,
        111: ("continuous urban fabric", "#e6004d"),
        112: ("discontinuous urban fabric", "#ff0000"),
        121: ("industrial or commercial units", "#cc4df2"),
        122: ("road and rail networks", "#cc0000"),
        123: ("port areas", "#e6cccc"),
        124: ("airports", "#e6cce6"),
        131: ("mineral extraction sites", "#a600cc"),
        132: ("dump sites", "#a64d00"),
        133: ("construction sites", "#ff4dff"),
        141: ("green urban areas", "#ffa6ff"),
        142: ("sport and leisure facilities", "#ffe6ff"),
        211: ("non-irrigated arable land", "#ffffa8"),
        212: ("permanently irrigated land", "#ffff00"),
        213: ("rice fields", "#e6e600"),
        221: ("vineyards", "#e68000"),
        222: ("fruit trees and berry plantations", "#f2a64d"),
        223: ("olive groves", "#e6a600"),
        231: ("pastures", "#e6e64d"),
        241: ("annual with permanent crops", "#ffe6a6"),
        242: ("complex cultivation patterns", "#ffe64d"),
        243: ("agriculture with natural vegetation", "#e6cc4d"),
        244: ("agro-forestry areas", "#f2cca6"),
        311: ("broad-leaved forest", "#80ff00"),
        312: ("coniferous forest", "#00a600"),
        313: ("mixed forest", "#4dff00"),
        321: ("natural grasslands", "#ccf24d"),
        322: ("moors and heathland", "#a6ff80"),
        323: ("sclerophyllous vegetation", "#a6e64d"),
        324: ("transitional woodland-shrub", "#a6f200"),
        331: ("beaches, dunes, sands", "#e6e6e6"),
        332: ("bare rocks", "#cccccc"),
        333: ("sparsely vegetated areas", "#ccffcc"),
        334: ("burnt areas", "#000000"),
        335: ("glaciers and perpetual snow", "#a6e6cc"),
        411: ("inland marshes", "#a6a6ff"),
        412: ("peat bogs", "#4d4dff"),
        421: ("salt marshes", "#ccccff"),
        422: ("salines", "#e6e6ff"),
        423: ("intertidal flats", "#a6a6e6"),
        511: ("water courses", "#00ccf2"),
        512: ("water bodies", "#80f2e6"),
        521: ("coastal lagoons", "#00ffa6"),
        522: ("estuaries", "#a6ffe6"),
        523: ("sea and ocean", "#e6f2ff"),
    },
    ("corine", "clc"),
)

IGBP = KnownTable(
    "MODIS IGBP",
    {
        0: ("water bodies", "#1c0dff"),
        1: ("evergreen needleleaf forests", "#05450a"),
        2: ("evergreen broadleaf forests", "#086a10"),
        3: ("deciduous needleleaf forests", "#54a708"),
        4: ("deciduous broadleaf forests", "#78d203"),
        5: ("mixed forests", "#009900"),
        6: ("closed shrublands", "#c6b044"),
        7: ("open shrublands", "#dcd159"),
        8: ("woody savannas", "#dade48"),
        9: ("savannas", "#fbff13"),
        10: ("grasslands", "#b6ff05"),
        11: ("permanent wetlands", "#27ff87"),
        12: ("croplands", "#c24f44"),
        13: ("urban and built-up lands", "#a5a5a5"),
        14: ("cropland and natural vegetation", "#ff6d4c"),
        15: ("permanent snow and ice", "#69fff8"),
        16: ("barren", "#f9ffa4"),
        17: ("water bodies", "#1c0dff"),
        255: _UNKNOWN,
    },
    ("mcd12", "igbp", "modis"),
    codes=12,  # small numbers may be codes of anything
)

KNOWN = (WORLDCOVER, CORINE, IGBP)


class Proposal(NamedTuple):
    """Classes that fit what was found.

    Attributes:
        entries: By name.
        source: Where names and colours are from, in words.
    """

    entries: dict[str, ClassEntry]
    source: str

    @property
    def ignore(self) -> str | None:
        """The class that means "not known" by its name; None if none does."""
        return next((name for name in self.entries if name.strip().lower() in _IGNORED), None)


def of_codes(codes: Sequence[int], hint: str) -> Proposal:
    """Classes of codes, sorted; a known table if all codes are of it and they are many or `hint` names it."""
    for table in KNOWN:
        is_hinted = any(part in hint.lower() for part in table.hints)
        if codes and set(codes) <= table.classes.keys() and (is_hinted or len(codes) >= table.codes):
            entries: dict[str, ClassEntry] = {}
            for code in codes:
                name, colour = table.classes[code]
                earlier = entries[name].codes if name in entries else ()
                entries[name] = ClassEntry((read_colour(colour),), (*earlier, code))
            return Proposal(_apart(entries), f"{table.title}, whose codes these are")
    colours = distinct_colours(len(codes))
    entries = {f"class_{code}": ClassEntry((colour,), (code,)) for code, colour in zip(codes, colours, strict=True)}
    return Proposal(entries, "generated: give the classes their names")


def of_colours(colours: Sequence[Colour]) -> Proposal:
    """Classes of colours, in their order; DeepGlobe's if all are of it."""
    deepglobe = {name: DEEPGLOBE.all_colours(name)[0] for name in (*DEEPGLOBE.names, DEEPGLOBE.ignore_name)}
    if set(colours) <= set(deepglobe.values()):
        return Proposal({name: ClassEntry((colour,)) for name, colour in deepglobe.items()}, "DeepGlobe Land Cover")
    entries = {f"class_{number}": ClassEntry((colour,)) for number, colour in enumerate(colours, 1)}
    return Proposal(entries, "colours of the masks: give the classes their names")


def of_names(names: Sequence[str]) -> Proposal:
    """Classes of names, in their order, with DeepGlobe's colours where it has a class of the name."""
    known = {name: DEEPGLOBE.all_colours(name)[0] for name in (*DEEPGLOBE.names, DEEPGLOBE.ignore_name)}
    taken = {known[name] for name in names if name in known}
    others = iter(colour for colour in distinct_colours(len(names) + len(taken)) if colour not in taken)
    return Proposal(
        {name: ClassEntry((known[name] if name in known else next(others),)) for name in names}, "names of the labels"
    )


def _apart(entries: dict[str, ClassEntry]) -> dict[str, ClassEntry]:
    """Classes without two of one colour: in CORINE's legend burnt areas are black as well."""
    if "unknown" not in entries or [entry.colours for entry in entries.values()].count(entries["unknown"].colours) == 1:
        return entries
    return entries | {"unknown": entries["unknown"]._replace(colours=((1, 1, 1),))}


def distinct_colours(count: int) -> Iterable[Colour]:
    """As many different colours, not too dark: hues around the circle, in turn full and pale."""
    colours: list[Colour] = []
    for number in range(count):
        saturation, value = ((0.85, 0.9), (0.55, 0.75), (0.95, 0.6))[number % 3]
        red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN % 1, saturation, value)
        colour = round(red * 255), round(green * 255), round(blue * 255)
        while colour in colours:
            colour = (colour[0], colour[1], (colour[2] + 1) % 256)
        colours.append(colour)
    return colours

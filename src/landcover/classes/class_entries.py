"""What stands for a class in a table of classes: its colours, and the codes that mean it."""

from typing import Any, NamedTuple

from landcover.classes.colours import Colour, read_colours

Code = int | str

_LARGEST = 1 << 53  # beyond which floats, as some columns have them, miss whole numbers


class ClassEntry(NamedTuple):
    """What stands for a class.

    Attributes:
        colours: That mean it in colour masks; the first is drawn.
        codes: Values that mean it in rasters of codes, in class-index masks and in the column of polygons; empty if
            only its name does.
    """

    colours: tuple[Colour, ...]
    codes: tuple[Code, ...] = ()


def read_entry(value: Any) -> ClassEntry:
    """An entry from `colours.read_colours`'s forms, or from `{"colour": such a form, "codes": code or list of codes}`.

    Raises:
        ValueError: The value is none of these.
    """
    if not isinstance(value, dict):
        return ClassEntry(read_colours(value))
    if "colour" not in value or value.keys() - {"colour", "codes"}:
        raise ValueError('should be a colour, or a table such as {colour: "#00ffff", codes: [50, 60]}')
    codes = value.get("codes", [])
    codes = codes if isinstance(codes, list) else [codes]
    if not all(type(code) is str or (type(code) is int and abs(code) < _LARGEST) for code in codes):
        raise ValueError("should have whole numbers or text as codes, such as [50, 60]")
    return ClassEntry(read_colours(value["colour"]), tuple(codes))

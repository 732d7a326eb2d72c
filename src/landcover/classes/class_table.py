"""The classes of a data set, their colours in its masks, and the translation between colours and label indices."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from landcover.classes.off_palette import most_frequent
from landcover.system.errors import LandcoverError

UNKNOWN = 255
"""The label of every pixel whose class is not known, in all arrays of labels, whatever the classes.

Pixels of the ignored class's colour, of a colour of no class, of padding and without data have it. It is never learned
and never predicted; scores count it in a row and a column of their own (`scoring.confusion`).
"""

MAX_CLASSES = 253  # labels are bytes; 254 stays free

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255 each."""


@dataclass(frozen=True)
class ClassTable:
    """The classes of a data set in the order of their label indices 0, 1, ...

    Attributes:
        colours: The colour, by name, of every class that a network may predict: the one that is drawn.
        ignore: Name and colour of the class that means "unknown" and is never predicted; None if there is none.
        further: Other colours that mean the same class in masks, by name; classes that have none are not in it.
    """

    colours: Mapping[str, Colour]
    ignore: tuple[str, Colour] | None = None
    further: Mapping[str, tuple[Colour, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 2 <= len(self.colours) <= MAX_CLASSES:
            raise LandcoverError(f"{len(self.colours)} classes besides the ignored one: 2 to {MAX_CLASSES} are needed")
        if self.ignore_name in self.colours:
            raise LandcoverError(f"{self.ignore_name!r} are called the pixels of no class: name the class otherwise")
        first = {}
        for name, colour in self._entries():
            if not name.isprintable():
                raise LandcoverError(f"{name!r}, the name of a class, is not printable: name it otherwise")
            if first.get(colour) == name:
                raise LandcoverError(f"{name!r} has the colour {hex_colour(colour)} twice: remove one")
            if colour in first:
                raise LandcoverError(
                    f"{first[colour]!r} and {name!r} share the colour {hex_colour(colour)}: give each its own"
                )
            first[colour] = name

    def to_json(self) -> dict:
        """The table as plain types; `from_json` reads it back."""
        classes = {}
        for name in [*self.names, *([self.ignore_name] if self.ignore else [])]:
            first, *others = map(hex_colour, self.all_colours(name))
            classes[name] = [first, *others] if others else first
        return {"classes": classes, "ignore": self.ignore and self.ignore[0]}

    @classmethod
    def from_json(cls, content: Mapping) -> "ClassTable":
        """Make a table from `{"classes": {name: "#rrggbb", [r, g, b] or a list of such}, "ignore": name or None}`.

        Raises:
            ValueError, LookupError, TypeError, AttributeError: The content is not of this form.
            LandcoverError: It is, and makes no table.
        """
        colours = {}
        for name, colour in content["classes"].items():
            try:
                colours[name] = read_colours(colour)
            except ValueError as error:
                raise ValueError(f"{name} = {colour!r:.60} {error}") from error
        if not all(isinstance(name, str) for name in colours):
            raise ValueError("the names of the classes should be texts")
        if content["ignore"] not in (None, *colours):
            raise ValueError(f"ignore = {content['ignore']!r:.60} should be null or one of {', '.join(colours)}")
        return cls.of(colours, content["ignore"])

    @classmethod
    def of(cls, colours: Mapping[str, Colour | Sequence[Colour]], ignore: str | None) -> "ClassTable":
        """Make a table from the colour or colours of all classes and the name of the ignored one, if any."""
        lists = {name: (found,) if isinstance(found[0], int) else tuple(found) for name, found in colours.items()}
        first = {name: found[0] for name, found in lists.items()}
        known = {name: colour for name, colour in first.items() if name != ignore}
        further = {name: found[1:] for name, found in lists.items() if len(found) > 1}
        return cls(known, None if ignore is None else (ignore, first[ignore]), further)

    def all_colours(self, name: str) -> list[Colour]:
        """Every colour that means a class in masks, the one that is drawn first."""
        drawn = self.ignore[1] if self.ignore and name == self.ignore[0] else self.colours[name]
        return [drawn, *self.further.get(name, ())]

    def _entries(self) -> list[tuple[str, Colour]]:
        """Name and colour, for each colour of each class."""
        names = [*self.colours, *([self.ignore[0]] if self.ignore else [])]
        return [(name, colour) for name in names for colour in self.all_colours(name)]

    @property
    def names(self) -> list[str]:
        """Names of the classes that can be predicted, by label index."""
        return list(self.colours)

    @property
    def ignore_name(self) -> str:
        """Name under which pixels labelled `UNKNOWN` are counted."""
        return self.ignore[0] if self.ignore else "ignored"

    def __len__(self) -> int:
        """Number of classes that can be predicted."""
        return len(self.colours)

    @cached_property
    def saturated(self) -> bool:
        """Whether each channel of every colour is 0 or 255, so that a threshold between them finds noisy colours."""
        return {channel for _, colour in self._entries() for channel in colour} <= {0, 255}

    @cached_property
    def palette(self) -> np.ndarray:
        """Colours by label: uint8 (256, 3); the ignored class's colour (black if there is none) beyond the classes."""
        palette = np.empty((256, 3), np.uint8)
        palette[:] = self.ignore[1] if self.ignore else (0, 0, 0)
        palette[: len(self)] = list(self.colours.values())
        return palette

    @cached_property
    def _label_of_colour(self) -> np.ndarray:
        """Label by packed colour: uint8 (2**24,). 16 MB, of which a mask touches only a few cache lines."""
        table = np.full(1 << 24, UNKNOWN, np.uint8)
        for label, name in enumerate(self.colours):
            for colour in self.all_colours(name):
                table[pack(np.uint8(colour))] = label
        return table

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Colour mask of a label array: uint8 (H, W) to uint8 RGB (H, W, 3)."""
        return self.palette.take(labels, axis=0)  # four times as fast as indexing

    def decode(self, mask: np.ndarray) -> tuple[np.ndarray, dict[str, int]]:
        """Labels of a colour mask.

        Args:
            mask: Its pixels, packed: uint32 (H, W) of 0xBBGGRR, see `pack` and `samples.read_packed`.

        Returns:
            uint8 (H, W) of class indices, `UNKNOWN` where the colour is the ignored class's or no class's; and the
            number of pixels of each colour of no class, the most frequent first, as `off_palette.most_frequent` has it.
        """
        labels = self._label_of_colour.take(mask)  # twice as fast as indexing
        off_palette = mask[labels == UNKNOWN]
        for colour in self.all_colours(self.ignore[0]) if self.ignore else ():
            off_palette = off_palette[off_palette != pack(np.uint8(colour))]
        return labels, most_frequent(*np.unique(off_palette, return_counts=True))


DEEPGLOBE = ClassTable(
    {
        "urban": (0, 255, 255),
        "agriculture": (255, 255, 0),
        "rangeland": (255, 0, 255),
        "forest": (0, 255, 0),
        "water": (0, 0, 255),
        "barren": (255, 255, 255),
    },
    ignore=("unknown", (0, 0, 0)),
)
"""The classes of DeepGlobe Land Cover: those of the preset `data.classes` and of the embedded masks."""


def read_colours(value: Any) -> tuple[Colour, ...]:
    """The colours of a class, of which the first is drawn: `"#00ffff"`, `[0, 255, 255]`, or a list of such.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, list) and value and type(value[0]) is not int:  # [0, 0, 0] is one colour
        return tuple(map(read_colour, value))
    return (read_colour(value),)


def read_colour(value: Any) -> Colour:
    """(red, green, blue) of `"#00ffff"` or `[0, 255, 255]`.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, str) and len(value) == 7 and value[0] == "#":
        with suppress(ValueError):
            value = list(bytes.fromhex(value[1:]))
    if isinstance(value, list) and len(value) == 3 and all(type(part) is int and 0 <= part <= 255 for part in value):
        return tuple(value)
    raise ValueError(
        'should be a colour such as "#00ffff" (in quotes: # begins a comment) or [0, 255, 255], or a list of such'
    )


def hex_colour(colour: Colour) -> str:
    """`(0, 255, 255)` as `#00ffff`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def pack(rgb: np.ndarray) -> np.ndarray:
    """Red, green and blue as one number: uint8 (..., 3) to uint32 (...) of 0xBBGGRR."""
    return rgb @ np.uint32([1, 1 << 8, 1 << 16])

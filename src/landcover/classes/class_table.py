"""The classes of a data set, their colours in its masks, and the translation between colours and label indices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
from PIL import Image

from landcover.classes.class_entries import read_entry
from landcover.classes.colours import Colour, hex_colour, pack
from landcover.classes.off_palette import most_frequent
from landcover.system.errors import LandcoverError

UNKNOWN = 255
"""The label of every pixel whose class is not known, in all arrays of labels, whatever the classes.

Pixels of the ignored class's colour, of a colour of no class, of padding and without data have it. It is never learned
and never predicted; scores count it in a row and a column of their own (`scoring.confusion`).
"""

MAX_CLASSES = 253  # labels are bytes; 254 stays free


@dataclass(frozen=True)
class ClassTable:
    """The classes of a data set in the order of their label indices 0, 1, ...

    Attributes:
        colours: The colour in which each class is drawn, by name: the classes that a network may predict.
        ignore: Name and colour of the class that means "unknown" and is never predicted; None if there is none.
        further: Other colours that also mean a class in masks, by its name; only of classes that have such colours.
    """

    colours: Mapping[str, Colour]
    ignore: tuple[str, Colour] | None = None
    further: Mapping[str, tuple[Colour, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 2 <= len(self.colours) <= MAX_CLASSES:
            raise LandcoverError(f"{len(self.colours)} classes besides the ignored one: 2 to {MAX_CLASSES} are needed")
        if self.ignore_name in self.colours:
            raise LandcoverError(f"{self.ignore_name!r} is what pixels of no class are called: rename the class")
        first: dict[Colour, str] = {}
        for name, colour in self._entries():
            if not name.isprintable():
                raise LandcoverError(f"{name!r}, the name of a class, is not printable: rename the class")
            if first.get(colour) == name:
                raise LandcoverError(f"{name!r} has the colour {hex_colour(colour)} twice: remove one")
            if colour in first:
                raise LandcoverError(
                    f"{first[colour]!r} and {name!r} share the colour {hex_colour(colour)}: give each its own"
                )
            first[colour] = name

    def __reduce__(self) -> tuple[type["ClassTable"], tuple[Any, ...]]:
        """Pickle the attributes alone: what follows from them takes megabytes."""
        return ClassTable, (self.colours, self.ignore, self.further)

    def to_json(self) -> dict[str, Any]:
        """The table as plain types; `from_json` reads it back."""
        classes = {}
        for name in [*self.names, *([self.ignore_name] if self.ignore else [])]:
            first, *others = map(hex_colour, self.all_colours(name))
            classes[name] = [first, *others] if others else first
        return {"classes": classes, "ignore": self.ignore and self.ignore[0]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ClassTable":
        """Make a table from `{"classes": {name: entry}, "ignore": name or None}`, see `class_entries.read_entry`.

        Raises:
            ValueError, LookupError, TypeError, AttributeError: The content is not of this form.
            LandcoverError: It is of this form, but the classes cannot be told apart, or are too few or too many.
        """
        colours = {}
        for name, entry in content["classes"].items():
            try:
                colours[name] = read_entry(entry).colours
            except ValueError as error:
                raise ValueError(f"{name} = {entry!r:.60} {error}") from error
        if not all(isinstance(name, str) for name in colours):
            raise ValueError("the names of the classes should be text")
        if content["ignore"] not in (None, *colours):
            raise ValueError(f"ignore = {content['ignore']!r:.60} should be null or one of {', '.join(colours)}")
        return cls.of(colours, content["ignore"])

    @classmethod
    def of(cls, colours: Mapping[str, Colour | Sequence[Colour]], ignore: str | None) -> "ClassTable":
        """Make a table from the colour or colours of all classes and the name of the ignored one, if any."""
        lists = {name: _as_tuple(value) for name, value in colours.items()}
        drawn = {name: found[0] for name, found in lists.items()}
        further = {name: found[1:] for name, found in lists.items() if len(found) > 1}
        predicted = {name: colour for name, colour in drawn.items() if name != ignore}
        return cls(predicted, None if ignore is None else (ignore, drawn[ignore]), further)

    def all_colours(self, name: str) -> list[Colour]:
        """Every colour that means a class in masks; the first is the one in which it is drawn."""
        drawn = self.ignore[1] if self.ignore and name == self.ignore[0] else self.colours[name]
        return [drawn, *self.further.get(name, ())]

    def _entries(self) -> list[tuple[str, Colour]]:
        """(name, colour) for each colour of each class, the ignored one last."""
        names = [*self.colours, *([self.ignore[0]] if self.ignore else [])]
        return [(name, colour) for name in names for colour in self.all_colours(name)]

    @property
    def names(self) -> list[str]:
        """Names of the classes that can be predicted, by label index."""
        return list(self.colours)

    @property
    def ignore_name(self) -> str:
        """Name under which pixels labelled `UNKNOWN` are counted, also where no class is ignored."""
        return self.ignore[0] if self.ignore else "ignored"

    def __len__(self) -> int:
        """Number of classes that can be predicted."""
        return len(self.colours)

    @cached_property
    def saturated(self) -> bool:
        """Whether red, green and blue of every colour are 0 or 255, so that a threshold recovers noisy colours."""
        return {value for _, colour in self._entries() for value in colour} <= {0, 255}

    @cached_property
    def palette(self) -> np.ndarray:
        """Colours by label: uint8 (256, 3); beyond the classes that of the ignored one, or black if there is none."""
        palette = np.empty((256, 3), np.uint8)
        palette[:] = self.ignore[1] if self.ignore else (0, 0, 0)
        palette[: len(self)] = list(self.colours.values())
        return palette

    @cached_property
    def _label_of_colour(self) -> np.ndarray:
        """Labels by packed colour: uint8 (2**24,). 16 MB, of which a mask touches only a few cache lines."""
        table = np.full(1 << 24, UNKNOWN, np.uint8)
        for label, name in enumerate(self.colours):
            for colour in self.all_colours(name):
                table[pack(np.array(colour, np.uint8))] = label
        return table

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Colour mask of a label array: uint8 (H, W) to uint8 RGB (H, W, 3)."""
        return self.palette.take(labels, axis=0)  # four times as fast as indexing

    def decode(self, mask: np.ndarray) -> tuple[np.ndarray, dict[str, int]]:
        """Labels of a colour mask.

        Args:
            mask: Packed pixels, uint32 (H, W) of 0xBBGGRR; see `colours.pack` and `image_files.read_packed`.

        Returns:
            Labels, uint8 (H, W) of class indices, `UNKNOWN` where the colour is that of the ignored class or of none;
            and the number of pixels of each colour of no class, the most frequent first (`off_palette.most_frequent`).
        """
        labels = self._label_of_colour.take(mask)  # twice as fast as indexing
        off_palette = mask[labels == UNKNOWN]
        for colour in self.all_colours(self.ignore[0]) if self.ignore else ():
            off_palette = off_palette[off_palette != pack(np.array(colour, np.uint8))]
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
"""The classes of DeepGlobe Land Cover: those of the embedded data set, and the default where no table is given."""


def byte_counts(values: np.ndarray) -> np.ndarray:
    """How often each value occurs in a uint8 array of any shape: int64 (256,)."""
    # Pillow counts bytes as they are; NumPy's bincount makes eight bytes of each first and takes three times as long.
    return np.array(Image.fromarray(values.reshape(1, -1)).histogram())


def _as_tuple(colours: Colour | Sequence[Colour]) -> tuple[Colour, ...]:
    """The colours of a class, also where only one is given."""
    return (cast(Colour, colours),) if isinstance(colours[0], int) else tuple(cast(Sequence[Colour], colours))

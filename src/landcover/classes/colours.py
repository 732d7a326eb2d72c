"""Colours as parameters have them, as text, and packed into one number."""

from contextlib import suppress
from typing import Any

import numpy as np

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255 each."""


def read_colours(value: Any) -> tuple[Colour, ...]:
    """The colours of a class, given as `"#00ffff"`, `[0, 255, 255]` or a list of such; the first is drawn.

    Raises:
        ValueError: The value is none of these.
    """
    if isinstance(value, list) and value and type(value[0]) is not int:  # [0, 0, 0] is one colour
        return tuple(map(read_colour, value))
    return (read_colour(value),)


def read_colour(value: Any) -> Colour:
    """(red, green, blue) of `"#00ffff"` or `[0, 255, 255]`.

    Raises:
        ValueError: The value is neither.
    """
    if isinstance(value, str) and len(value) == 7 and value[0] == "#":
        with suppress(ValueError):
            value = list(bytes.fromhex(value[1:]))
    if isinstance(value, list) and len(value) == 3 and all(type(part) is int and 0 <= part <= 255 for part in value):
        return value[0], value[1], value[2]
    raise ValueError(
        'should be a colour such as "#00ffff" (in quotes: # begins a comment) or [0, 255, 255], or a list of such'
    )


def hex_colour(colour: Colour) -> str:
    """`(0, 255, 255)` as `#00ffff`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def pack(rgb: np.ndarray) -> np.ndarray:
    """Red, green and blue as one number: uint8 (..., 3) to uint32 (...) of 0xBBGGRR."""
    return np.asarray(rgb @ np.array([1, 1 << 8, 1 << 16], np.uint32))

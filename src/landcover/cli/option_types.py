"""Types of the values of options: what a user may give, and the error else."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import click

from landcover.system.errors import LandcoverError
from landcover.system.locations import is_url


class _LocalPath(click.Path):
    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        return super().convert(path_here(value) if isinstance(value, str) else value, parameter, context)


def path_here(value: str) -> str:
    """Type of a path that is not a URL, of which a folder such as `s3:` would be made."""
    if is_url(value):
        raise LandcoverError(f"{value}: a URL. Give a path on this machine.")
    return value


PATH = _LocalPath(path_type=Path, readable=False)
"""Type of a path to anything or nothing: the library says what is wrong with it, in a line that names it."""


def whole_number(least: int, most: int = 2**31 - 1, factor: int = 1) -> Callable[[str | int], int]:
    """Type of a whole number from `least` to `most` that is a multiple of `factor`."""

    def number(value: str | int) -> int:
        with suppress(ValueError):
            if least <= (result := int(value)) <= most and result % factor == 0:
                return result
        kind = f"a multiple of {factor}" if factor > 1 else "a whole number"
        raise click.BadParameter(f"{value}: give {kind} from {least} to {most}.")

    return number


def real_number(allowed: Callable[[float], bool], range_in_words: str) -> Callable[[str | float], float]:
    """Type of a number of which a condition holds."""

    def number(value: str | float) -> float:
        with suppress(ValueError):
            if allowed(result := float(value)):
                return result
        raise click.BadParameter(f"{value}: give a number {range_in_words}.")

    return number


def numbers(value: str | tuple[float, ...]) -> tuple[float, ...]:
    """Type of numbers, separated by commas."""
    if isinstance(value, tuple):
        return value
    with suppress(ValueError):
        return tuple(float(part) for part in value.split(","))
    raise click.BadParameter(f"{value}: give numbers, such as 0.75,1,1.25.")


def chosen_bands(value: str) -> list[int | str]:
    """Type of bands of a raster: numbers from 1, or names."""
    bands = [int(part) if part.isdecimal() else part for part in map(str.strip, value.split(","))]
    if any(band in ("", 0) for band in bands):
        raise click.BadParameter(f"{value}: give numbers from 1, such as 3,2,1, or names of the file's bands.")
    return bands


def percentiles(value: str) -> Literal["image"] | tuple[float, float]:
    """Type of a stretch: two rising percentiles, or "image"."""
    if value == "image":
        return "image"
    with suppress(ValueError):
        low, high = (float(part) for part in value.split(","))
        if 0 <= low < high <= 100:
            return low, high
    raise click.BadParameter(f"{value}: give image, or two rising percentiles from 0 to 100, such as 2,98.")


def degrees(value: str) -> tuple[float, float, float, float]:
    """Type of a box in degrees: west, south, east and north; west is larger than east across the 180th meridian."""
    with suppress(ValueError):
        west, south, east, north = (float(part) for part in value.split(","))
        if all(-180 <= side <= 180 for side in (west, east)) and west != east and -90 <= south < north <= 90:
            return west, south, east, north
    raise click.BadParameter(f"{value}: give west,south,east,north in degrees, such as 11.3,48.0,11.8,48.3.")

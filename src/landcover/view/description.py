"""What the page of `landcover view` is told about the files: names, classes, where they lie. Needs rasterio."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasterio.errors import CRSError
from rasterio.transform import Affine

from landcover.classes.colours import hex_colour
from landcover.rasters.control_points import control_points
from landcover.rasters.grid import Grid
from landcover.report.palettes import UNKNOWN_COLOUR, safe_colours
from landcover.system.errors import note, printable
from landcover.view.map_classes import MapClasses
from landcover.view.pyramid import TILE, Pyramid

_LAYERS = ("image", "truth", "prediction", "other", "confidence")
_NAME = re.compile(r'\w+\["((?:[^"]|"")*)"')


def describe(
    grid: Grid, pyramid: Pyramid, classes: MapClasses, files: Mapping[str, Path], bands: str
) -> dict[str, Any]:
    """Describe what is shown, as plain types.

    Args:
        grid, pyramid, classes: Of the map.
        files: By the keys of their layers.
        bands: What is shown of the image, in words, if not true colours.

    Returns:
        name, width, height, tile, resolutions, classes, ignore, labels and has as the viewer takes them, and
        files: names of the files by layer; bands: as given.
        crs: name of the reference system; resolution: side of a pixel, in words; null if not known.
        transform: six numbers a to f of x = a column + b row + c, y = d column + e row + f; null without a system.
        digits: after the point that x and y are worth; degrees: see `control_points`, or null.
    """
    names = {key: printable(path.name) for key, path in files.items()}
    labels = {"prediction": "prediction", "other": "other prediction"}
    if "other" in files:
        labels = _told_apart(files["prediction"], files["other"])
    system = _system(grid)
    safe = zip(classes.colours.items(), safe_colours(list(classes.colours)), strict=True)
    return {
        "name": names["prediction"],
        "width": grid.width,
        "height": grid.height,
        "tile": TILE,
        "resolutions": pyramid.reductions,
        "classes": [_class(name, colour, safe_colour) for (name, colour), safe_colour in safe],
        "ignore": _class(*classes.ignore, UNKNOWN_COLOUR),
        "labels": labels,
        "has": {key: key in files for key in _LAYERS},
        "files": names,
        "bands": bands,
        "crs": system,
        "resolution": _resolution(grid) if system else None,
        "transform": list(grid.transform)[:6] if system else None,
        "digits": max(0, 1 - math.floor(math.log10(_sides(grid.transform)[0] or 1))),
        "degrees": _degrees(grid),
    }


def _class(name: str, colour: tuple[int, int, int], safe: tuple[int, int, int]) -> dict[str, str]:
    return {"name": printable(name), "colour": hex_colour(colour), "safe": hex_colour(safe)}


def _told_apart(one: Path, other: Path) -> dict[str, str]:
    """Short names of two maps: of the files, or of their folders if the files have the same name."""
    one, other = (Path(path.absolute()) for path in (one, other))
    names = [one.name, other.name]
    while names[0] == names[1] and one.parent != one:
        one, other = one.parent, other.parent
        names = [f"{path.name}/{name}" for path, name in zip((one, other), names, strict=True)]
    return {"prediction": printable(names[0]), "other": printable(names[1])}


def _system(grid: Grid) -> str | None:
    """The name of the reference system, with its code if it has one."""
    if grid.crs is None:
        return None
    try:
        text, code = grid.crs.to_wkt(), grid.crs.to_string()
    except CRSError:
        return "unknown reference system"
    found = _NAME.match(text)
    name = found[1] if found else "unknown reference system"
    return printable(f"{code}, {name}" if re.fullmatch(r"\w+:\w+", code) else name)


def _sides(transform: Affine) -> tuple[float, float]:
    """Width and height of a pixel in units of the reference system."""
    return math.hypot(transform.a, transform.d), math.hypot(transform.b, transform.e)


def _resolution(grid: Grid) -> str:
    assert grid.crs is not None  # there is a system
    unit = "°" if grid.crs.is_geographic else f" {grid.crs.linear_units}"
    unit = {" metre": " m", " meter": " m", " unknown": " units"}.get(unit, unit)
    width, height = (f"{side:.6g}" for side in _sides(grid.transform))
    return printable(f"{width}{unit}" if width == height else f"{width}{unit} x {height}{unit}")


def _degrees(grid: Grid) -> dict[str, Any] | None:
    try:
        return control_points(grid)
    except ImportError:  # pyproj is in the extra geo
        note("without the package pyproj the page tells no degrees (pip install 'landcover[geo]')")
        return None

"""Which classes the pixels of a map stand for: by its tag, by its colour table, or by the colours of a mask.

Needs rasterio.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from landcover.classes.class_table import MAX_CLASSES, UNKNOWN, ClassTable
from landcover.classes.colours import Colour
from landcover.geo.map_reader import CLASS_NAMES, REMEDY, class_names
from landcover.rasters.access import raster_errors
from landcover.report.palettes import safe_colours
from landcover.system.errors import LandcoverError

_BLACK = (0, 0, 0)
_NO_DATA = "no data"
_RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


@dataclass(frozen=True)
class MapClasses:
    """The classes of a map, in the order of the labels that are shown.

    Attributes:
        colours: By name.
        ignore: Name and colour of pixels of no class.
        labels: Of each value of the only band: uint8 (256,), `UNKNOWN` for values of no class. None for a colour mask.
        table: The classes of a colour mask, otherwise None.
    """

    colours: Mapping[str, Colour]
    ignore: tuple[str, Colour]
    labels: np.ndarray | None = None
    table: ClassTable | None = None


def read_classes(path: Path, dataset: DatasetReader, find_table: Callable[[], ClassTable]) -> MapClasses:
    """Read the classes of a map.

    Args:
        path: For errors to name.
        dataset: The map: one band of uint8 with the tag CLASS_NAMES, as `landcover predict` writes it, or with a colour
            table, of which black and transparent entries stand for no class; or a colour mask.
        find_table: Finds the classes of a colour mask.

    Raises:
        LandcoverError: It is none of these, or its tag is damaged.
    """
    with raster_errors(path):
        is_bytes = set(dataset.dtypes[:3]) == {"uint8"}
        if is_bytes and dataset.count in (3, 4) and dataset.colorinterp[:3] == _RGB:
            table = find_table()
            return MapClasses(
                table.colours, (table.ignore_name, table.ignore[1] if table.ignore else _BLACK), None, table
            )
        entries = _colour_table(dataset)
        if is_bytes and dataset.count == 1 and dataset.tags().get(CLASS_NAMES) is not None:
            names = class_names(path, dataset)
            if not set(names) <= set(range(UNKNOWN)):
                raise LandcoverError(f"{path}: its tag {CLASS_NAMES} has labels outside 0 to {UNKNOWN - 1}. {REMEDY}")
            return _named(names, entries)
        if is_bytes and dataset.count == 1 and entries:
            values = [value for value, (*colour, alpha) in entries.items() if tuple(colour) != _BLACK and alpha]
            values = [value for value in values if value != dataset.nodata]
            if 0 < len(values) <= MAX_CLASSES:
                return _named({value: f"class {value}" for value in values}, entries)
    raise LandcoverError(
        f"{path}: no map of classes. It should be a GeoTIFF that landcover predict wrote, another raster of one band "
        "of 8 bits with a colour table, or a colour mask. An image comes after the map."
    )


def _colour_table(dataset: DatasetReader) -> dict[int, tuple[int, int, int, int]]:
    try:
        entries: dict[int, tuple[int, int, int, int]] = dataset.colormap(1)
        return entries
    except ValueError:  # it has none
        return {}


def _named(names: Mapping[int, str], entries: Mapping[int, tuple[int, int, int, int]]) -> MapClasses:
    """Classes of values: in their order, in the colours of the table, or in those of `palettes` where it has none."""
    labels = np.full(256, UNKNOWN, np.uint8)
    colours: dict[str, Colour] = {}
    spread = safe_colours([names[value] for value in sorted(names)])
    for label, value in enumerate(sorted(names)):
        labels[value] = label
        name = names[value] if names[value] not in colours else f"{names[value]} ({value})"
        red, green, blue, _ = entries.get(value) or (*spread[label], 255)
        colours[name] = red, green, blue
    *ignored, _ = entries.get(UNKNOWN, (*_BLACK, 255))
    return MapClasses(colours, (_NO_DATA, (ignored[0], ignored[1], ignored[2])), labels)

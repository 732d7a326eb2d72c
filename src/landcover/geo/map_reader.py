"""Open maps that this program wrote: labels, and which classes they stand for. Needs rasterio (the extra geo)."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasterio.io import DatasetReader

from landcover.rasters.access import open_dataset, raster_errors
from landcover.system.documents import load_json
from landcover.system.errors import LandcoverError, reason

CLASS_NAMES = "CLASS_NAMES"
"""The tag of maps in which the names of the classes are: JSON, by label."""

REMEDY = "Draw it again (--overwrite), or remove it."


@contextmanager
def open_map(path: Path) -> Iterator[tuple[DatasetReader, dict[int, str]]]:
    """Open a map; yield it and the names of its classes by label.

    Raises:
        LandcoverError: It cannot be read, now or in the body; or it is not a map, which has one band of uint8, a
            geotransform of finite numbers, if any, and the tag CLASS_NAMES.
    """
    with open_dataset(path) as file, raster_errors(path):
        if file.count != 1 or file.dtypes[0] != "uint8" or not all(map(math.isfinite, file.transform)):
            raise LandcoverError(
                f"{path}: not a map of this program: not one band of uint8 with a finite geotransform. {REMEDY}"
            )
        yield file, class_names(path, file)


def class_names(path: Path, file: DatasetReader) -> dict[int, str]:
    """Names of the classes by label, as a map's tag CLASS_NAMES has them.

    Args:
        path: For errors to name.
        file: The map, open.

    Raises:
        LandcoverError: There is no such tag, or it is damaged.
    """
    tag = file.tags().get(CLASS_NAMES)
    if tag is None:
        raise LandcoverError(f"{path}: not a map of this program: it has no tag CLASS_NAMES. {REMEDY}")
    try:
        names = {int(label): name for label, name in load_json(tag).items()}
        if not names or not all(isinstance(name, str) for name in names.values()):
            raise ValueError("not names by label")
    except (ValueError, AttributeError, RecursionError) as error:
        raise LandcoverError(f"{path}: its tag CLASS_NAMES is damaged ({reason(error)}). {REMEDY}") from error
    return names

"""Open maps that this program wrote: labels, and which classes they stand for. Needs rasterio (the extra geo)."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasterio.io import DatasetReader

from landcover.rasters.access import open_dataset, raster_errors
from landcover.system.documents import load_json
from landcover.system.errors import LandcoverError, reason

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
        yield file, _class_names(path, file.tags().get("CLASS_NAMES"))


def _class_names(path: Path, tag: str | None) -> dict[int, str]:
    if tag is None:
        raise LandcoverError(f"{path}: not a map of this program: it has no tag CLASS_NAMES. {REMEDY}")
    try:
        names = {int(label): name for label, name in load_json(tag).items()}
        if not names or not all(isinstance(name, str) for name in names.values()):
            raise ValueError("not names by label")
    except (ValueError, AttributeError, RecursionError) as error:
        raise LandcoverError(f"{path}: its tag CLASS_NAMES is damaged ({reason(error)}). {REMEDY}") from error
    return names

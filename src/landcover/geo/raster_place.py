"""Where on Earth a raster lies, read such that it can be written. Needs rasterio."""

from pathlib import Path
from typing import Any

import numpy as np
from rasterio.io import DatasetReader

from landcover.system.errors import LandcoverError


def find_place(path: Path, dataset: DatasetReader) -> dict[str, Any]:
    """Options of `rasterio.open` that place a new file of the same size where a raster lies.

    Returns:
        crs, None if it has none; transform, ground control points (gcps) and rational polynomial coefficients (rpcs) if
        it has them.

    Raises:
        LandcoverError: Its geotransform has values that are no finite numbers.
    """
    points, points_crs = dataset.gcps
    place = {"crs": points_crs, "gcps": points} if points else {"crs": dataset.crs}
    if place["crs"]:
        place["crs"].to_wkt()  # raises if it can be read but not be written
    if not np.isfinite(dataset.transform).all():
        raise LandcoverError(
            f"{path}: its geotransform is not finite numbers. Correct it, or remove it (gdal_edit.py -unsetgt)."
        )
    if not dataset.transform.is_identity:  # that of an image which says nothing of its place
        place["transform"] = dataset.transform
    return place | ({"rpcs": dataset.rpcs} if dataset.rpcs else {})

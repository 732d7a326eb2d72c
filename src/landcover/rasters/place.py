"""Where on Earth a raster lies, in terms that a new raster can be given. Needs rasterio."""

from typing import Any

import numpy as np
from rasterio.io import DatasetReader

from landcover.system.errors import LandcoverError
from landcover.system.locations import Location


def find_place(path: Location, dataset: DatasetReader) -> dict[str, Any]:
    """Find the options of `rasterio.open` that place a new file of the same size where a raster lies.

    Returns:
        crs, None if the raster has none; and transform, ground control points (gcps) and rational polynomial
        coefficients (rpcs) if it has them.

    Raises:
        LandcoverError: Its geotransform has values that are not finite numbers.
    """
    points, points_crs = dataset.gcps
    place = {"crs": points_crs, "gcps": points} if points else {"crs": dataset.crs}
    if place["crs"]:
        place["crs"].to_wkt()  # raises if it can be read but not written
    if not np.isfinite(dataset.transform).all():
        raise LandcoverError(
            f"{path}: its geotransform has values that are not finite. Correct or remove it (gdal_edit.py -unsetgt)."
        )
    if not dataset.transform.is_identity:  # the identity is that of a raster without a place
        place["transform"] = dataset.transform
    return place | ({"rpcs": dataset.rpcs} if dataset.rpcs else {})

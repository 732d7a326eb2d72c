"""Where labels lie, in words."""

from collections.abc import Sequence

import numpy as np
from pyproj import CRS, Transformer

Bounds = tuple[float, float, float, float]


def extent(bounds: Sequence[tuple[Bounds, CRS]]) -> str:
    """Longitudes and latitudes of boxes in their reference systems, as words; those of WGS 84."""
    found = []
    for box, crs in bounds:
        try:
            found.append(Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform_bounds(*box))
        except Exception:  # outside the domain, of which pyproj raises several
            continue
    finite = [box for box in found if np.isfinite(box).all()]
    if not finite:
        return "an unknown place"
    left, bottom, right, top = (
        function(values) for function, values in zip((min, min, max, max), zip(*finite, strict=True), strict=True)
    )
    return f"longitudes {left:.4f} to {right:.4f}, latitudes {bottom:.4f} to {top:.4f}"

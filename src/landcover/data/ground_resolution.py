"""The ground resolution of scenes, which a model records. Needs rasterio."""

import math
from collections.abc import Sequence
from statistics import median

from rasterio.windows import Window

from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene
from landcover.system.errors import warn

_ALIKE = 0.1  # relative difference of resolutions within which objects look the same to a network
_LISTED = 5  # scenes that the warning names


def metres_per_pixel(grid: Grid) -> float:
    """Side of a square as large as the pixel in the middle of a grid; 0 if that is outside the projection.

    Raises:
        ValueError: The grid has no place on Earth.
    """
    return math.sqrt(float(grid.part(Window(grid.width // 2, grid.height // 2, 1, 1)).areas().max()))


def ground_resolution(grid: Grid) -> float | None:
    """The same in metres; None if the pixel is not on Earth."""
    try:
        return metres_per_pixel(grid) or None
    except ValueError:
        return None


def common_resolution(scenes: Sequence[Scene], grids: Sequence[Grid]) -> float | None:
    """The median ground resolution of scenes in metres, in three digits; warns if one is unlike it.

    A network learns how large things are in pixels, so that scenes of other resolutions disturb it.

    Args:
        scenes: At least one.
        grids: Of the scenes, in their own resolution.

    Returns:
        None if it is not known of all scenes.
    """
    found = [ground_resolution(grid) for grid in grids]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None
    middle = median(known)
    unlike = [
        f"{scene.path} ({each:.3g} m)"
        for scene, each in zip(scenes, known, strict=True)
        if not 1 / (1 + _ALIKE) <= each / middle <= 1 + _ALIKE
    ]
    if unlike:
        more = ", ..." if len(unlike) > _LISTED else ""
        warn(
            f"pixels of scenes cover unlike lengths of the ground, {middle:.3g} m most often, but not in "
            f"{', '.join(unlike[:_LISTED])}{more}. Bring all scenes to one resolution (gdalwarp -tr)"
        )
    return float(f"{middle:.3g}")

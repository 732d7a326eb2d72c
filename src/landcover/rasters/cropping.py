"""The part of an open raster that lies within a box in degrees, as a raster. Needs rasterio."""

from contextlib import ExitStack
from xml.etree import ElementTree

import numpy as np
import rasterio.shutil
from rasterio.io import DatasetReader, MemoryFile
from rasterio.transform import Affine
from rasterio.warp import transform as warp_points
from rasterio.windows import Window

from landcover.rasters.access import raster_errors
from landcover.rasters.checked_reader import open_above
from landcover.rasters.grid import Grid
from landcover.rasters.vrt_sources import VRT_SUFFIX
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location

Box = tuple[float, float, float, float]
"""West, south, east and north in degrees; west is larger than east if the 180th meridian lies within."""

_DEGREES = "EPSG:4326"
_POINTS = 33  # on each side of a box, whose sides are curves in other reference systems
_SAME = 1e-6  # pixels: edges that differ by less are the same


def crop(dataset: DatasetReader, box: Box, path: Location, stack: ExitStack) -> DatasetReader:
    """Open the smallest window of whole pixels that holds what of a raster lies within a box.

    Its pixels, names of bands, nodata and masks are those of the raster.

    Args:
        dataset: Open, and open it stays.
        box: In degrees.
        path: What errors call the raster.
        stack: Closes the window's dataset when it ends.

    Raises:
        LandcoverError: Nothing of the raster lies within the box, or it is not known where it lies.
    """
    window = window_of(dataset, box, path)
    if window == Window(0, 0, dataset.width, dataset.height):
        return dataset
    with raster_errors(path):
        memory = stack.enter_context(MemoryFile(ext=VRT_SUFFIX))
        rasterio.shutil.copy(dataset, memory.name, driver="VRT")
        tree = ElementTree.fromstring(memory.read())
        _move(tree, window, dataset.transform)
        cropped = stack.enter_context(MemoryFile(ElementTree.tostring(tree), ext=VRT_SUFFIX))
        return stack.enter_context(open_above(cropped.name, ["VRT"], [dataset]))


def window_of(dataset: DatasetReader, box: Box, path: Location) -> Window:
    """The smallest window of whole pixels of a raster that holds what of it lies within a box in degrees.

    Raises:
        LandcoverError: Nothing of the raster lies within the box, or it is not known where it lies.
    """
    grid = Grid.of(dataset)
    if grid.crs is None:
        raise LandcoverError(f"{path}: it does not tell where it lies, so --bbox cannot choose a part of it.")
    west, south, east, north = box
    east += 360 * (west > east)
    share = np.linspace(0, 1, _POINTS)
    x, y = (axis.ravel() for axis in np.meshgrid(west + share * (east - west), south + share * (north - south)))
    for turn in (0, 360, -360):  # rasters in degrees may count them beyond the 180th meridian
        there = np.array(warp_points(_DEGREES, grid.crs, x + turn, y))
        there = there[:, np.isfinite(there).all(0)]
        if not there.size:
            continue
        columns, rows = ~grid.transform * (there[0], there[1])
        left, top = (max(int(np.floor(side.min() + _SAME)), 0) for side in (columns, rows))
        right = min(int(np.ceil(columns.max() - _SAME)), grid.width)
        bottom = min(int(np.ceil(rows.max() - _SAME)), grid.height)
        if left < right and top < bottom:
            return Window(left, top, right - left, bottom - top)
    raise LandcoverError(f"{path}: nothing of it lies within --bbox {','.join(f'{side:g}' for side in box)}.")


def _move(tree: ElementTree.Element, window: Window, transform: Affine) -> None:
    """Let a VRT of a whole raster be that of a window."""
    tree.set("rasterXSize", str(window.width))
    tree.set("rasterYSize", str(window.height))
    place = tree.find("GeoTransform")
    if place is not None:
        moved = transform * Affine.translation(window.col_off, window.row_off)
        place.text = ", ".join(map(repr, moved.to_gdal()))
    for target in tree.iter("DstRect"):
        for key, offset in (("xOff", window.col_off), ("yOff", window.row_off)):
            target.set(key, repr(float(target.get(key, "0")) - offset))

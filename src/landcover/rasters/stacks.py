"""Several files with one band each as one raster, through a VRT in memory. Needs rasterio."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from rasterio.dtypes import dtype_rev, typename_fwd
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader, MemoryFile
from rasterio.transform import Affine

from landcover.rasters.access import open_dataset, raster_errors
from landcover.rasters.band_files import band_file
from landcover.rasters.bands import product_of
from landcover.rasters.checked_reader import open_above
from landcover.rasters.cropping import Box, crop
from landcover.rasters.sidecars import has_own_overviews
from landcover.rasters.vrt_sources import VRT_SUFFIX
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location

_SAME = 1e-3  # pixels: places that differ by less are the same


class _Place(NamedTuple):
    """Where a file lies in the finest one, in its pixels: left, top, right and bottom edge; and the size of a pixel."""

    left: float
    top: float
    right: float
    bottom: float
    pixel: tuple[float, float]


@contextmanager
def open_files(
    files: Sequence[Location], path: Location, *, box: Box | None = None, allow_vrt_paths: bool = False
) -> Iterator[DatasetReader]:
    """Open a raster of one file as it is, or of several files with one band each.

    The bands are called as `band_files.band_file` tells, in the order of the files. The grid is that of the file with
    the smallest pixels (the first of these), without pixels whose centres are outside one of the others; bands with
    another grid are interpolated bilinearly between those of their pixels that have data, which reaches up to half a
    pixel into what has none.

    Args:
        files: At least one.
        path: What errors call the raster.
        box: Only what lies within it, see `cropping.crop`.
        allow_vrt_paths: See `access.open_dataset`.

    Raises:
        LandcoverError: A file cannot be read; nothing lies within the box; or they differ in reference system, in pixel
            type, or at an edge by more than a pixel of the coarser file.
    """
    with ExitStack() as stack:
        sources = [stack.enter_context(open_dataset(file, allow_vrt_paths=allow_vrt_paths)) for file in files]
        if len(sources) == 1:
            yield crop(sources[0], box, path, stack) if box else sources[0]
            return
        for file, source in zip(files, sources, strict=True):
            _check_band(file, source)
        finest = min(range(len(files)), key=lambda i: abs(sources[i].transform.determinant))
        for file, source in zip(files, sources, strict=True):
            _check_alike(file, source, files[finest], sources[finest])
        places = [
            _place(file, source, files[finest], sources[finest]) for file, source in zip(files, sources, strict=True)
        ]
        names = [band.band if (band := band_file(file)) else file.stem for file in files]
        tree = _vrt(sources, sources[finest], places, names)
        if product := product_of(files[0]):
            SubElement(SubElement(tree, "Metadata"), "MDI", key="PRODUCT").text = product
        with raster_errors(path):
            memory = stack.enter_context(MemoryFile(tostring(tree), ext=VRT_SUFFIX))
            dataset = stack.enter_context(open_above(memory.name, ["VRT"], sources))
        yield crop(dataset, box, path, stack) if box else dataset


def _check_band(file: Location, source: DatasetReader) -> None:
    if source.count > 1:
        raise LandcoverError(
            f"{file}: {source.count} bands, where its name says that it is one band of several files. Rename it, or "
            "name the files in `scenes` so that it is left out."
        )
    if source.colorinterp[0] == ColorInterp.palette:
        raise LandcoverError(f"{file}: its pixels are indices into a palette, not a band of a scene. Leave it out.")
    with raster_errors(file):
        if not has_own_overviews(source):
            raise LandcoverError(
                f"{file}: its overviews are in another file. Remove the tag OVERVIEW_FILE, or the .ovr."
            )


def _check_alike(file: Location, source: DatasetReader, other: Location, finest: DatasetReader) -> None:
    if source.dtypes[0] != finest.dtypes[0]:
        raise LandcoverError(
            f"{file}: its pixels are {source.dtypes[0]}, those of {other.name} {finest.dtypes[0]}. Bands of one scene "
            "need one type: convert them, or leave some out."
        )
    if source.crs != finest.crs:
        raise LandcoverError(
            f"{file}: its reference system, {_named(source)}, is not that of {other.name}, {_named(finest)}, although "
            "by their names they are bands of one scene. Rename one, or reproject it (gdalwarp)."
        )


def _place(file: Location, source: DatasetReader, other: Location, finest: DatasetReader) -> _Place:
    across: Affine = ~finest.transform * source.transform
    left, top = across * (0, 0)
    right, bottom = across * (source.width, source.height)
    is_turned = across.a <= 0 or across.e <= 0 or abs(across.b) * source.height + abs(across.d) * source.width > _SAME
    aside = max(abs(left), abs(right - finest.width)) / max(across.a, 1)
    below = max(abs(top), abs(bottom - finest.height)) / max(across.e, 1)
    if is_turned or max(aside, below) > 1 + _SAME:
        raise LandcoverError(
            f"{file}: does not cover the same ground as {other.name}, although by their names they are bands of one "
            "scene. Rename one, or cut both to the same extent (gdalwarp -te)."
        )
    return _Place(left, top, right, bottom, (across.a, across.e))


def _vrt(
    sources: Sequence[DatasetReader], finest: DatasetReader, places: Sequence[_Place], names: Sequence[str]
) -> Element:
    """The VRT of a stack: see https://gdal.org/drivers/raster/vrt.html."""
    left = max(int(np.ceil(place.left - 0.5 - _SAME)) for place in places)
    top = max(int(np.ceil(place.top - 0.5 - _SAME)) for place in places)
    right = min(int(np.floor(place.right + 0.5 + _SAME)) for place in places)
    bottom = min(int(np.floor(place.bottom + 0.5 + _SAME)) for place in places)
    tree = Element("VRTDataset", rasterXSize=str(right - left), rasterYSize=str(bottom - top))
    if finest.crs:
        SubElement(tree, "SRS").text = finest.crs.to_wkt()
    if not finest.transform.is_identity:
        moved = finest.transform * Affine.translation(left, top)
        SubElement(tree, "GeoTransform").text = ", ".join(map(repr, moved.to_gdal()))
    for source, place, name in zip(sources, places, names, strict=True):
        band = SubElement(tree, "VRTRasterBand", dataType=typename_fwd[dtype_rev[source.dtypes[0]]])
        SubElement(band, "Description").text = name
        if source.nodata is not None:
            SubElement(band, "NoDataValue").text = repr(source.nodata)
        _add_source(band, source, "1", place, (left, top))
        flags = source.mask_flag_enums[0]
        if MaskFlags.nodata not in flags and MaskFlags.all_valid not in flags:
            mask = SubElement(SubElement(band, "MaskBand"), "VRTRasterBand", dataType="Byte")
            _add_source(mask, source, "mask,1", place, (left, top))
    return tree


def _add_source(band: Element, source: DatasetReader, number: str, place: _Place, corner: tuple[int, int]) -> None:
    edges = np.array([place.left, place.top, place.right, place.bottom])
    is_aligned = np.allclose(place.pixel, 1, rtol=0, atol=_SAME / max(source.shape)) and np.allclose(
        edges, edges.round(), rtol=0, atol=_SAME
    )
    if is_aligned:
        edges = edges.round()
    element = SubElement(band, "SimpleSource", {} if is_aligned else {"resampling": "bilinear"})
    SubElement(element, "SourceFilename", relativeToVRT="0").text = source.name
    SubElement(element, "SourceBand").text = number
    SubElement(element, "SrcRect", xOff="0", yOff="0", xSize=str(source.width), ySize=str(source.height))
    left, top, right, bottom = edges - np.array(corner * 2)
    sides = {"xOff": left, "yOff": top, "xSize": right - left, "ySize": bottom - top}
    SubElement(element, "DstRect", {side: repr(float(value)) for side, value in sides.items()})


def _named(source: DatasetReader) -> str:
    """The reference system of a raster in words."""
    if not source.crs:
        return "none"
    code = source.crs.to_epsg()
    return f"EPSG:{code}" if code else f"{source.crs.to_wkt():.60}"

"""Safe access to rasters that a stranger may have made: nothing is read but what the user named. Needs rasterio.

GDAL's formats include web services and indexes of files, and even a plain TIFF can say that its overviews are at a URL.
So GDAL tries only the formats of `DRIVERS`; references to other files (overviews, a mask, the sources of a VRT) are
checked before GDAL follows them; and GDAL's own access to the network is closed. A file elsewhere, whose URL is an
input's own name, is read by `remote_files`.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from xml.etree import ElementTree

import rasterio
from rasterio.errors import NodataShadowWarning, NotGeoreferencedWarning
from rasterio.io import DatasetReader, MemoryFile

from landcover.rasters.sidecars import check_sidecars, has_own_overviews
from landcover.rasters.vrt_sources import VRT_SUFFIX, is_vrt, read_vrt, sources
from landcover.system.errors import LandcoverError, is_out_of_memory, reason
from landcover.system.locations import Location, Remote, location
from landcover.system.paths import check_readable

DRIVERS = ("GTiff", "JP2OpenJPEG", "PNG", "JPEG", "BMP", "GIF", "BIGGIF", "WEBP", "PNM", "ENVI")
"""GDAL's names of the formats that are read: those in which a file cannot refer to another one for its pixels."""

REMOTE_DRIVERS = tuple(name for name in DRIVERS if name != "ENVI")
"""Likewise of a file elsewhere: ENVI's consist of two."""

_SERVICES = "HTTP WMS WCS WMTS GTI EEDA EEDAI PLMOSAIC STACIT STACTA OGCAPI DAAS"
_OPTIONS = {
    "GDAL_CACHEMAX": 32 << 20,  # bytes for blocks of files; GDAL's default, a twentieth of memory, may be gigabytes
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "/none",
    "GDAL_HTTP_NETRC": "NO",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
}
_DEEPEST = 8  # levels of VRTs whose sources are VRTs


@contextmanager
def open_dataset(path: Location | str, *, allow_vrt_paths: bool = False) -> Iterator[DatasetReader]:
    """Open a raster so that only this file and its sidecars are read; of one elsewhere only the file.

    Read pixels within `raster_errors`, and at a lower resolution only if `sidecars.has_own_overviews`: GDAL then looks
    for overviews. The `name` of the dataset is `path` unless that is a VRT.

    Args:
        path: A regular file in a format of `DRIVERS`, or a VRT, which must be called .vrt; or the URL of a file in a
            format of `DRIVERS`.
        allow_vrt_paths: Let a VRT have sources anywhere on this machine, not only in its own folder and below.

    Raises:
        LandcoverError: The file is missing, not a regular file, not readable as a raster, or a VRT with a source that
            is not allowed.
    """
    path = location(path)
    with ExitStack() as stack:
        stack.enter_context(safe_reading())
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # neither will the map be
        warnings.simplefilter("ignore", NodataShadowWarning)  # where a file has both, nodata counts, not alpha
        with raster_errors(path):
            if isinstance(path, Remote):
                dataset = _open_remote(path, stack)
            else:
                check_readable(path)
                if path.suffix.lower() == VRT_SUFFIX:
                    root = None if allow_vrt_paths else path.resolve().parent
                    name, drivers = _vrt_in_memory(path, root, stack, {}), ["VRT"]
                else:
                    check_sidecars(path)
                    name, drivers = _name(path), list(DRIVERS)
                dataset = stack.enter_context(DatasetReader(name, driver=drivers))
        if not dataset.count:
            raise LandcoverError(f"{path}: several images in one file. Name one of them, or save it alone.")
        yield dataset


def safe_reading() -> AbstractContextManager[object]:
    """Set GDAL's options for safe access in this thread; `open_dataset` does so in the thread that calls it."""
    environment: AbstractContextManager[object] = rasterio.Env(**_OPTIONS)
    return environment


@contextmanager
def raster_errors(path: Location) -> Iterator[None]:
    """Turn whatever GDAL and rasterio raise about a file into a LandcoverError, except for lack of memory."""
    try:
        yield
    except LandcoverError:
        raise
    except Exception as error:  # damaged bytes make the readers raise anything
        if is_out_of_memory(error):
            raise
        cause = reason(error.__cause__ or error)
        absolute = str(path.absolute()) if isinstance(path, Path) else ""
        for name in (absolute, str(path), path.name):
            cause = cause.removeprefix(f"{name}: ").removeprefix(f"'{name}' ").removeprefix(f"{name}, ")
        raise LandcoverError(
            f"{path}: not readable as an image ({cause.rstrip('.')}). Replace or remove it."
        ) from error


def skip_services() -> None:
    """Remove GDAL's formats for web services from this process: one more lock, for programs.

    Not for use by a library: it affects all that the process reads with rasterio. It has an effect only before the
    process reads its first raster.
    """
    with rasterio.Env(GDAL_SKIP=f"{_SERVICES} {os.environ.get('GDAL_SKIP', '')}"):
        pass


def _open_remote(place: Remote, stack: ExitStack) -> DatasetReader:
    if place.suffix.lower() == VRT_SUFFIX:
        raise LandcoverError(f"{place}: a VRT elsewhere, which may refer to anything. Name what it consists of.")
    from landcover.rasters.remote_files import open_remote  # needs an extra of its own

    dataset = open_remote(place, REMOTE_DRIVERS, stack)
    if not has_own_overviews(dataset):
        raise LandcoverError(f"{place}: names another file for its overviews, which is not read. Remove that tag.")
    return dataset


def _name(path: Path) -> str:
    """The name of a file for GDAL: absolute, as GDAL takes other texts for descriptions of services."""
    name = str(path.absolute())
    if name.startswith("/vsi"):
        raise LandcoverError(f"{path}: GDAL does not take a path that begins with /vsi for a file. Move the file.")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise LandcoverError(f"{path}: the path is not in UTF-8, as GDAL needs it. Rename it.") from error
    return name


def _vrt_in_memory(
    path: Path, root: Path | None, stack: ExitStack, names: dict[Path, str], outer: tuple[Path, ...] = ()
) -> str:
    """Copy a VRT, and the VRTs among its sources, into GDAL's memory; return the name of the copy.

    GDAL parses XML by looser rules than Python; reading the copy, it reads exactly what was checked. Each source has
    been opened once, in its own format, and is named by its absolute path without links.

    Args:
        path: The VRT.
        root: See `vrt_sources.sources`.
        stack: Removes the copies when it ends.
        names: GDAL's names of the sources that were checked; those of this VRT are added.
        outer: The VRTs within which this one is a source.
    """
    if path in outer or len(outer) == _DEEPEST:
        raise LandcoverError(f"{path}: a VRT within itself, or within too many others. Correct it.")
    if os.path.lexists(f"{path}.msk"):
        raise LandcoverError(f"{path}: a VRT with a mask in a file of its own. Build the mask into the VRT.")
    tree = read_vrt(path)
    for source in sources(tree, path, root):
        if source.is_raw:
            source.rename(_name(source.path))
            continue
        if source.path not in names:
            if is_vrt(source.path):
                names[source.path] = _vrt_in_memory(source.path, root, stack, names, (*outer, path))
            else:
                names[source.path] = _name(source.path)
                with raster_errors(source.path):
                    check_sidecars(source.path)
                _check_overviews(names[source.path], DRIVERS, source.path)
        source.rename(names[source.path])
    memory: str = stack.enter_context(MemoryFile(ElementTree.tostring(tree), ext=VRT_SUFFIX)).name
    if outer:
        _check_overviews(memory, ["VRT"], path)
    return memory


def _check_overviews(name: str, drivers: Sequence[str], path: Path) -> None:
    """Refuse a source of a VRT whose overviews are elsewhere: GDAL would open them with it."""
    with raster_errors(path), DatasetReader(name, driver=list(drivers)) as dataset:
        if not has_own_overviews(dataset):
            raise LandcoverError(
                f"{path}: its overviews are in another file. Remove the tag OVERVIEW_FILE, or the .ovr."
            )

"""Open rasters that a stranger may have made: local files, in formats that cannot name others. Needs rasterio.

GDAL's formats include web services and indexes of files, and even a plain TIFF can say that its overviews are at a URL.
So only the formats of `DRIVERS` are tried; what a file may name all the same (overviews, a mask, the sources of a VRT)
is looked at before GDAL follows it; and GDAL's doors to the network are closed.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from xml.etree import ElementTree

import rasterio
from rasterio.errors import NodataShadowWarning, NotGeoreferencedWarning
from rasterio.io import DatasetReader, MemoryFile

from landcover.geo.sidecars import check_sidecars, has_own_overviews
from landcover.geo.vrt_sources import VRT_SUFFIX, is_vrt, read_vrt, sources
from landcover.system.errors import LandcoverError, is_out_of_memory, reason
from landcover.system.paths import check_readable

DRIVERS = ("GTiff", "JP2OpenJPEG", "PNG", "JPEG", "BMP", "GIF", "BIGGIF", "WEBP", "PNM", "ENVI")
"""GDAL's names of the formats that are read. No file in one of them can say that its pixels are in another file."""

_SERVICES = "HTTP WMS WCS WMTS GTI EEDA EEDAI PLMOSAIC STACIT STACTA OGCAPI DAAS"
_OPTIONS = {
    "GDAL_CACHEMAX": 64 << 20,  # bytes for blocks of files; GDAL's own choice, a twentieth of memory, may be gigabytes
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "/none",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
}
_DEEPEST = 8  # VRTs in VRTs


@contextmanager
def open_dataset(path: Path | str, *, allow_vrt_paths: bool = False) -> Iterator[DatasetReader]:
    """Open a raster in a local file, such that nothing is read but this file and what lies beside it.

    Read from the dataset in `raster_errors`. To read it at a lower resolution is to let GDAL look for overviews: do so
    only if `sidecars.has_own_overviews`. Its `name` is not `path` if that is a VRT.

    Args:
        path: A regular file in a format of `DRIVERS`, or a VRT, which must be called .vrt.
        allow_vrt_paths: Let a VRT have sources anywhere on this machine, not only in its own folder and below.

    Raises:
        LandcoverError: It is missing, no regular file, not readable as a raster, or a VRT with a source that it may
            not have.
    """
    path = Path(path)
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(**_OPTIONS))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # the map will not be either
        warnings.simplefilter("ignore", NodataShadowWarning)  # of a file with both, nodata decides and not alpha
        with raster_errors(path):
            check_readable(path)
            if path.suffix.lower() == VRT_SUFFIX:
                root = None if allow_vrt_paths else path.resolve().parent
                name, drivers = _vrt_in_memory(path, root, stack, {}), ["VRT"]
            else:
                check_sidecars(path)
                name, drivers = _name(path), DRIVERS
            dataset = stack.enter_context(DatasetReader(name, driver=list(drivers)))
        if not dataset.count:
            raise LandcoverError(f"{path}: several images in one file. Name one of them, or take it out.")
        yield dataset


@contextmanager
def raster_errors(path: Path) -> Iterator[None]:
    """Turn whatever GDAL and rasterio raise about a file into a LandcoverError, but for want of memory."""
    try:
        yield
    except LandcoverError:
        raise
    except Exception as error:  # damaged bytes make the readers raise anything
        if is_out_of_memory(error):
            raise
        cause = reason(error.__cause__ or error)
        for name in (str(path.absolute()), str(path), path.name):
            cause = cause.removeprefix(f"{name}: ").removeprefix(f"'{name}' ").removeprefix(f"{name}, ")
        raise LandcoverError(
            f"{path}: not readable as an image ({cause.rstrip('.')}). Replace or remove it."
        ) from error


def skip_services() -> None:
    """Take GDAL's formats that are web services out of this process: a further lock, for programs.

    Not for libraries: it holds for all that the process reads with rasterio, and only if it has read nothing yet.
    """
    with rasterio.Env(GDAL_SKIP=f"{_SERVICES} {os.environ.get('GDAL_SKIP', '')}"):
        pass


def _name(path: Path) -> str:
    """What GDAL calls a file: no absolute path can be taken for the description of something else."""
    name = str(path.absolute())
    if name.startswith("/vsi"):
        raise LandcoverError(f"{path}: GDAL takes a path that begins with /vsi for one of its own. Move the file.")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise LandcoverError(f"{path}: the path is not in UTF-8, as GDAL needs it. Rename it.") from error
    return name


def _vrt_in_memory(
    path: Path, root: Path | None, stack: ExitStack, names: dict[Path, str], outer: tuple[Path, ...] = ()
) -> str:
    """Copy a VRT, and the VRTs among its sources, to GDAL's memory; return the copy's name.

    So GDAL reads what was checked, though it parses XML by looser rules than Python. The sources have been opened once,
    by their formats, and are named by absolute paths without links.

    Args:
        path: Of the VRT.
        root: See `vrt_sources.sources`.
        stack: When it ends the copies are removed.
        names: What GDAL calls the sources that were checked; those of this one are added.
        outer: The VRTs of which it is a source.
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
    memory = stack.enter_context(MemoryFile(ElementTree.tostring(tree), ext=VRT_SUFFIX)).name
    if outer:
        _check_overviews(memory, ["VRT"], path)
    return memory


def _check_overviews(name: str, drivers: Sequence[str], path: Path) -> None:
    """Return if a VRT's source has no overviews elsewhere: GDAL opens it with them."""
    with raster_errors(path), DatasetReader(name, driver=list(drivers)) as dataset:
        if not has_own_overviews(dataset):
            raise LandcoverError(
                f"{path}: its overviews are in another file. Remove the tag OVERVIEW_FILE, or the .ovr."
            )

"""Files beside a raster that GDAL reads with it: overviews, masks, notes of its place. Needs rasterio."""

import errno
import os
from functools import lru_cache
from pathlib import Path

from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from landcover.system.paths import check_readable

_MASK, _OVERVIEWS = ".msk", ".ovr"
_OF_ANY_NAME = frozenset({"metadata.dim"})


def check_sidecars(path: Path) -> None:
    """Return if what lies beside a raster can be read with it.

    Raises:
        OSError: A pipe or a device has the name of a sidecar, for which GDAL would wait for ever; or the mask is no
            TIFF, hence possibly one that names other files.
    """
    folder = path.parent
    for name in _special_files(folder, folder.stat().st_mtime_ns):
        if name.lower().startswith(path.stem.lower()) or name.lower() in _OF_ANY_NAME:
            raise OSError(errno.EINVAL, f"{name} beside it is a pipe or a device", str(path))
    mask = Path(f"{path}{_MASK}")
    if os.path.lexists(mask) and not _is_plain_tiff(mask):
        raise OSError(errno.EINVAL, f"the mask beside it, {mask.name}, is no plain TIFF", str(path))


def has_own_overviews(dataset: DatasetReader) -> bool:
    """Whether a raster's overviews, if there are any, are in its file or in a TIFF beside it."""
    overviews = Path(f"{dataset.name}{_OVERVIEWS}")
    return not _names_overviews(dataset) and (not os.path.lexists(overviews) or _is_plain_tiff(overviews))


def _names_overviews(dataset: DatasetReader) -> bool:
    """Whether it says, in its tags or in an .aux.xml, that they are in another file, which may be a URL."""
    try:
        return "OVERVIEW_FILE" in dataset.tags(ns="OVERVIEWS")
    except UnicodeDecodeError:
        return True


def _is_plain_tiff(path: Path) -> bool:
    """Whether a sidecar is a TIFF that has no sidecars of its own."""
    try:
        check_readable(path)
        with DatasetReader(str(path), driver="GTiff") as dataset:
            further = (Path(f"{path}{suffix}") for suffix in (_MASK, _OVERVIEWS))
            return not _names_overviews(dataset) and not any(map(os.path.lexists, further))
    except (RasterioError, OSError):
        return False


@lru_cache(maxsize=16)
def _special_files(folder: Path, _changed: int) -> list[str]:
    """Names of what is neither a file nor a folder, nor a link to one, in a folder as it was when last changed."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if not (entry.is_file() or entry.is_dir()) and _is_there(entry)]


def _is_there(entry: os.DirEntry) -> bool:
    """Whether it is more than a link to nothing."""
    return Path(entry.path).exists()
